"""Filters of the list of re-authorizations. All stand in the URL."""

from datetime import timedelta
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.authorizations.models import MeterMatch, Reauthorization, ReauthorizationEnd, Utility

#: A deadline is near so many days before it: customers have to be asked, and Leap and the utility take some days.
NEAR_DAYS = 14

STATES = [("open", "open"), *ReauthorizationEnd.choices, ("all", "open or closed")]
DEADLINES = [
    ("overdue", "over"),
    ("near", f"over, or within {NEAR_DAYS} days"),
    ("later", f"not within {NEAR_DAYS} days"),
]
OWNERS = [("link", "by link"), ("paper", "on paper"), ("nobody", "nobody known")]


class ReauthorizationFilterSet(filters.FilterSet):
    """Shows the open ones unless told otherwise."""

    state = filters.ChoiceFilter(choices=STATES, method="by_state", label="State", empty_label=None)
    deadline = filters.ChoiceFilter(choices=DEADLINES, method="by_deadline", label="Deadline", empty_label="Deadline")
    owner = filters.ChoiceFilter(choices=OWNERS, method="by_owner", label="Customer", empty_label="Customer or none")
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.all(), field_name="meter__utility", label="Utility", empty_label="Utility"
    )

    class Meta:
        model = Reauthorization
        fields: list[str] = []

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        data = {} if data is None else data.copy()
        data["state"] = data.get("state") or "open"
        super().__init__(data, *args, **kwargs)

    def by_state(self, queryset: "QuerySet[Reauthorization]", name: str, value: str) -> "QuerySet[Reauthorization]":
        if value == "all":
            return queryset
        return queryset.filter(closed_at__isnull=True) if value == "open" else queryset.filter(closed_as=value)

    def by_deadline(self, queryset: "QuerySet[Reauthorization]", name: str, value: str) -> "QuerySet[Reauthorization]":
        now = timezone.now()
        soon = now + timedelta(days=NEAR_DAYS)
        if value == "overdue":
            return queryset.filter(deadline_at__lt=now)
        if value == "near":
            return queryset.filter(deadline_at__lte=soon)
        return queryset.filter(Q(deadline_at__isnull=True) | Q(deadline_at__gt=soon))

    def by_owner(self, queryset: "QuerySet[Reauthorization]", name: str, value: str) -> "QuerySet[Reauthorization]":
        matches = MeterMatch.objects.order_by().filter(meter=OuterRef("meter"))
        by_link = Q(Exists(matches.filter(link__customer__isnull=False)))
        on_paper = Q(Exists(matches.filter(paper__isnull=False)))
        conditions = {"link": by_link, "paper": on_paper & ~by_link, "nobody": ~by_link & ~on_paper}
        return queryset.filter(conditions[value])
