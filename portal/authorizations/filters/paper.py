"""Filters of the list of paper authorizations. All stand in the URL."""

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.models import PaperAuthorization, PaperForm, PaperStatus, Utility

DATE = {"type": "date"}


class PaperFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name or reference id"}),
    )
    status = filters.ChoiceFilter(choices=PaperStatus.choices, method="by_status", label="Status", empty_label="Status")
    utility = filters.ModelChoiceFilter(queryset=Utility.objects.all(), label="Utility", empty_label="Utility")
    form = filters.ChoiceFilter(
        field_name="form", choices=PaperForm.choices, label="Which form", empty_label="All forms"
    )
    signed_after = filters.DateFilter(
        field_name="signed_on", lookup_expr="gte", label="Signed from", widget=forms.DateInput(attrs=DATE)
    )
    signed_before = filters.DateFilter(
        field_name="signed_on", lookup_expr="lte", label="to", widget=forms.DateInput(attrs=DATE)
    )
    recorded_by = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"), label="Recorded by", empty_label="Recorded by"
    )

    class Meta:
        model = PaperAuthorization
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is not None and not user.has_perm("authorizations.view_every_customer"):
            del self.form.fields["recorded_by"]

    def search(self, queryset: "QuerySet[PaperAuthorization]", name: str, value: str) -> "QuerySet[PaperAuthorization]":
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_status(
        self, queryset: "QuerySet[PaperAuthorization]", name: str, value: str
    ) -> "QuerySet[PaperAuthorization]":
        return queryset.with_status(value)  # type: ignore[attr-defined]
