"""Filters of the list of confirmations. All stand in the URL."""

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.authorizations.models import Campaign, Confirmation, Outcome
from portal.leap.reference_ids import normalise_code

OUTCOMES = [*Outcome.choices, ("odd", "matches no live link")]
REPEATED = [("first", "first of its link"), ("repeated", "repeated")]
DATE = {"type": "date"}


class ConfirmationFilterSet(filters.FilterSet):
    """Shows people's; bots and link previewers only when asked for."""

    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "refId or authorizationId"}),
    )
    outcome = filters.ChoiceFilter(choices=OUTCOMES, method="by_outcome", label="Claim", empty_label="All claims")
    repeated = filters.ChoiceFilter(
        choices=REPEATED, method="by_repeated", label="Repeated", empty_label="First or repeated"
    )
    received_after = filters.DateFilter(
        method="after", label="Received from", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    received_before = filters.DateFilter(
        method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    bots = filters.BooleanFilter(method="by_bots", label="Include bots and previewers", widget=forms.CheckboxInput)
    campaign = filters.ModelChoiceFilter(
        queryset=Campaign.objects.order_by("name"),
        field_name="link__campaign",
        label="Campaign",
        empty_label="All campaigns",
    )

    class Meta:
        model = Confirmation
        fields: list[str] = []

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        # Without anything in the URL the filters count all the same: bots stay hidden.
        super().__init__({} if data is None else data, *args, **kwargs)

    def search(self, queryset: "QuerySet[Confirmation]", name: str, value: str) -> "QuerySet[Confirmation]":
        """What was received contains the text, or it is the code of the link."""
        return queryset.filter(
            Q(reference_id__icontains=value)
            | Q(authorization_id__icontains=value)
            | Q(link__code=normalise_code(value) or "-")
        )

    def by_outcome(self, queryset: "QuerySet[Confirmation]", name: str, value: str) -> "QuerySet[Confirmation]":
        if value == "odd":
            return queryset.filter(outcome__in=[Outcome.UNKNOWN, Outcome.MALFORMED, Outcome.VOID])
        return queryset.filter(outcome=value)

    def by_repeated(self, queryset: "QuerySet[Confirmation]", name: str, value: str) -> "QuerySet[Confirmation]":
        """Only what matched a link can be its first."""
        if value == "repeated":
            return queryset.filter(repeated=True)
        return queryset.filter(repeated=False, link__isnull=False)

    def after(self, queryset: "QuerySet[Confirmation]", name: str, value: date) -> "QuerySet[Confirmation]":
        return queryset.filter(at__gte=_midnight(value))

    def before(self, queryset: "QuerySet[Confirmation]", name: str, value: date) -> "QuerySet[Confirmation]":
        """To the end of that day."""
        if value == date.max:
            return queryset
        return queryset.filter(at__lt=_midnight(value + timedelta(days=1)))

    def by_bots(self, queryset: "QuerySet[Confirmation]", name: str, value: bool) -> "QuerySet[Confirmation]":
        return queryset if value else queryset.by_people()  # type: ignore[attr-defined]


def _midnight(day: date) -> datetime:
    """Start of a day where the portal stands: a bound that the index on the moment serves."""
    return timezone.make_aware(datetime.combine(day, time.min))
