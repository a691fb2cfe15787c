"""Filters of the list of meters. All stand in the URL."""

from datetime import date

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.models import CustomerType, EnrollmentStatus, MatchedBy, Meter, Region, Utility

#: Leap writes customer types in capitals.
CUSTOMER_TYPES = [(value.upper(), label) for value, label in CustomerType.choices]
STATUSES = [*EnrollmentStatus.choices, ("other", "another status"), ("none", "no program")]
MATCHES = [
    ("matched", "matched"),
    *[(value, f"matched by {label}") for value, label in MatchedBy.choices],
    ("unmatched", "not matched"),
    ("untraceable", "no reference id"),
]
ACTIONS = [("required", "waits for the partner"), ("reauthorize", "re-authorize"), ("none", "nothing to do")]
ARCHIVED = [("no", "not archived"), ("yes", "archived only")]
DATE = {"type": "date"}


class MeterFilterSet(filters.FilterSet):
    """Shows archived meters too, marked, unless told otherwise."""

    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Meter ID, reference id, customer"}),
    )
    utility = filters.ModelChoiceFilter(queryset=Utility.objects.all(), label="Utility", empty_label="Utility")
    status = filters.ChoiceFilter(choices=STATUSES, method="by_status", label="Enrollment", empty_label="Enrollment")
    action = filters.ChoiceFilter(choices=ACTIONS, method="by_action", label="Action", empty_label="Action")
    match = filters.ChoiceFilter(choices=MATCHES, method="by_match", label="Match", empty_label="Matched or not")
    region = filters.ChoiceFilter(choices=Region.choices, label="Region", empty_label="Region")
    customer_type = filters.ChoiceFilter(
        field_name="classification", choices=CUSTOMER_TYPES, label="Type", empty_label="Type"
    )
    archived = filters.ChoiceFilter(
        choices=ARCHIVED, method="by_archived", label="Archived", empty_label="Archived or not"
    )
    created_after = filters.DateFilter(
        method="after", label="Created from", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    created_before = filters.DateFilter(
        method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )

    class Meta:
        model = Meter
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Meter]", name: str, value: str) -> "QuerySet[Meter]":
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_status(self, queryset: "QuerySet[Meter]", name: str, value: str) -> "QuerySet[Meter]":
        if value == "other":
            return queryset.exclude(enrollment_status__in=["", *EnrollmentStatus.values])
        if value == "none":
            return queryset.filter(in_program=False)
        return queryset.filter(enrollment_status=value)

    def by_action(self, queryset: "QuerySet[Meter]", name: str, value: str) -> "QuerySet[Meter]":
        conditions = {
            "required": Q(needs_partner=True),
            "reauthorize": Q(needs_authorization=True),
            "none": Q(needs_partner=False, needs_authorization=False),
        }
        return queryset.filter(conditions[value])

    def by_match(self, queryset: "QuerySet[Meter]", name: str, value: str) -> "QuerySet[Meter]":
        if value in MatchedBy.values:
            return queryset.marked(f"m{value}")  # type: ignore[attr-defined]
        if value == "matched":
            return queryset.marked(*(f"m{how}" for how in MatchedBy.values))  # type: ignore[attr-defined]
        # Untraceable: matched by nothing, and without a reference id that could ever match.
        return queryset.marked("mnone" if value == "unmatched" else "mnever")  # type: ignore[attr-defined]

    def by_archived(self, queryset: "QuerySet[Meter]", name: str, value: str) -> "QuerySet[Meter]":
        return queryset.filter(is_archived=value == "yes")

    def after(self, queryset: "QuerySet[Meter]", name: str, value: date) -> "QuerySet[Meter]":
        return queryset.filter(created_at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[Meter]", name: str, value: date) -> "QuerySet[Meter]":
        """To the end of that day."""
        return queryset.filter(created_at__lt=before_midnight(value))
