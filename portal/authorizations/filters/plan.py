"""Filters of the enrollment plan. All stand in the URL."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.filters.meters import CUSTOMER_TYPES, DATE
from portal.authorizations.models import Enrollment, EnrollmentStatus, Meter, Region, RequiredAction, Standing, Utility
from portal.leap import required_actions

DEADLINES = [("next", "deadline ahead"), ("none", "no deadline ahead")]


class PlanFilterSet(filters.FilterSet):
    program = filters.ChoiceFilter(label="Program", empty_label="All programs", choices=())
    standing = filters.ChoiceFilter(choices=Standing.choices, label="Waits for", empty_label="Ready or not")
    status = filters.ChoiceFilter(
        choices=[*EnrollmentStatus.choices, ("other", "another status")],
        method="by_status",
        label="Status",
        empty_label="Status",
    )
    action = filters.ChoiceFilter(
        choices=[(name, name) for name in required_actions.TYPES],
        method="by_action",
        label="Required action",
        empty_label="Required action",
    )
    utility = filters.ModelChoiceFilter(queryset=Utility.objects.all(), label="Utility", empty_label="Utility")
    region = filters.ChoiceFilter(choices=Region.choices, label="Region", empty_label="Region")
    customer_type = filters.ChoiceFilter(
        field_name="classification", choices=CUSTOMER_TYPES, label="Type", empty_label="Type"
    )
    deadline = filters.ChoiceFilter(
        choices=DEADLINES, method="by_deadline", label="Deadline", empty_label="Deadline or none"
    )
    deadline_after = filters.DateFilter(
        method="after", label="Next deadline from", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    deadline_before = filters.DateFilter(
        method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Meter ID, reference id, customer"}),
    )

    class Meta:
        model = Enrollment
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Leap adds programs: those that meters are in, not a list of ours.
        programs = Enrollment.objects.order_by("program").values_list("program", flat=True).distinct()
        choices = [("", "All programs"), *((program, program) for program in programs)]
        self.form.fields["program"].choices = choices

    def by_status(self, queryset: "QuerySet[Enrollment]", name: str, value: str) -> "QuerySet[Enrollment]":
        if value == "other":
            return queryset.exclude(status__in=EnrollmentStatus.values)
        return queryset.filter(status=value)

    def by_action(self, queryset: "QuerySet[Enrollment]", name: str, value: str) -> "QuerySet[Enrollment]":
        actions = RequiredAction.objects.filter(
            Q(program=OuterRef("program")) | Q(program=""),
            Q(delivery_period=OuterRef("delivery_period")) | Q(delivery_period=""),
            meter=OuterRef("meter"),
            action_type=value,
        )
        return queryset.filter(Exists(actions))

    def by_deadline(self, queryset: "QuerySet[Enrollment]", name: str, value: str) -> "QuerySet[Enrollment]":
        return queryset.filter(next_deadline__isnull=value == "none")

    def after(self, queryset: "QuerySet[Enrollment]", name: str, value: date) -> "QuerySet[Enrollment]":
        return queryset.filter(next_deadline__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[Enrollment]", name: str, value: date) -> "QuerySet[Enrollment]":
        """To the end of that day."""
        return queryset.filter(next_deadline__lt=before_midnight(value))

    def search(self, queryset: "QuerySet[Enrollment]", name: str, value: str) -> "QuerySet[Enrollment]":

        return queryset.filter(meter__in=Meter.objects.search(value))
