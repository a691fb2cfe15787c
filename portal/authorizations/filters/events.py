"""Filters of the list of Leap's events. All stand in the URL."""

from datetime import date

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Upper

from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.models import Event
from portal.leap.events import EVENT_TYPES

TYPES = [*((name, name) for name in EVENT_TYPES), ("unknown", "unknown types")]
MATCHES = [
    ("link", "of a link"),
    ("stranger", "unknown reference id"),
    ("none", "no reference id"),
]
STATES = [("waiting", "waiting"), ("stuck", "waiting, with a problem"), ("problem", "with a problem")]
DATE = {"type": "date"}


class EventFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Reference id, meter id, event id"}),
    )
    event_type = filters.ChoiceFilter(choices=TYPES, method="by_type", label="Type", empty_label="All types")
    match = filters.ChoiceFilter(choices=MATCHES, method="by_match", label="Link", empty_label="Any link or none")
    state = filters.ChoiceFilter(choices=STATES, method="by_state", label="State", empty_label="Any state")
    received_after = filters.DateFilter(
        method="after", label="Received from", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    received_before = filters.DateFilter(
        method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    status = filters.CharFilter(field_name="event_status", method="by_text", label="Status", max_length=60)
    utility = filters.CharFilter(field_name="utility_name", method="by_text", label="Utility", max_length=60)

    class Meta:
        model = Event
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Event]", name: str, value: str) -> "QuerySet[Event]":
        """The beginning of the reference id, the meter's id or the event's own."""
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_text(self, queryset: "QuerySet[Event]", name: str, value: str) -> "QuerySet[Event]":
        """Whatever its capitals, as the index has it."""
        return queryset.alias(**{f"{name}_upper": Upper(name)}).filter(**{f"{name}_upper": Upper(Value(value))})

    def by_type(self, queryset: "QuerySet[Event]", name: str, value: str) -> "QuerySet[Event]":
        return queryset.filter(is_known=False) if value == "unknown" else queryset.filter(event_type=value)

    def by_match(self, queryset: "QuerySet[Event]", name: str, value: str) -> "QuerySet[Event]":
        """One that waits has not been looked up yet: its reference id is no stranger's."""
        conditions = {
            "link": Q(link__isnull=False),
            "stranger": Q(link__isnull=True, interpreted_at__isnull=False) & ~Q(reference_id=""),
            "none": Q(reference_id=""),
        }
        return queryset.filter(conditions[value])

    def by_state(self, queryset: "QuerySet[Event]", name: str, value: str) -> "QuerySet[Event]":
        chosen = queryset if value == "problem" else queryset.filter(interpreted_at__isnull=True)
        return chosen if value == "waiting" else chosen.exclude(problem="")

    def after(self, queryset: "QuerySet[Event]", name: str, value: date) -> "QuerySet[Event]":
        return queryset.filter(received_at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[Event]", name: str, value: date) -> "QuerySet[Event]":
        """To the end of that day."""
        return queryset.filter(received_at__lt=before_midnight(value))
