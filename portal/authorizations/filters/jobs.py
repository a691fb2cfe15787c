"""Filters of the list of jobs. All stand in the URL."""

from typing import Any

import django_filters as filters

from portal.accounts.models import User
from portal.authorizations.models import Job, JobState
from portal.authorizations.services.jobs import KINDS


class JobFilterSet(filters.FilterSet):
    state = filters.ChoiceFilter(choices=JobState.choices, label="State", empty_label="State")
    kind = filters.ChoiceFilter(
        choices=[(name, name.capitalize()) for name in KINDS], label="What is done", empty_label="What is done"
    )
    created_by = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"), label="Asked by", empty_label="Asked by"
    )

    class Meta:
        model = Job
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is not None and not user.has_perm("authorizations.view_job"):
            del self.form.fields["created_by"]
