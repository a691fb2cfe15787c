"""Filters of the list of confirmations. All stand in the URL."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.models import Campaign, Confirmation, Outcome

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
        queryset=Campaign.objects.to_choose(),
        method="by_campaign",
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
        """The beginning of what was received, or the code of the link."""
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_outcome(self, queryset: "QuerySet[Confirmation]", name: str, value: str) -> "QuerySet[Confirmation]":
        if value == "odd":
            return queryset.odd()  # type: ignore[attr-defined]
        return queryset.with_outcome(value)  # type: ignore[attr-defined]

    def by_repeated(self, queryset: "QuerySet[Confirmation]", name: str, value: str) -> "QuerySet[Confirmation]":
        """Only what matched a link can be its first."""
        if value == "repeated":
            return queryset.filter(repeated=True)
        return queryset.filter(repeated=False, link__isnull=False)

    def after(self, queryset: "QuerySet[Confirmation]", name: str, value: date) -> "QuerySet[Confirmation]":
        return queryset.filter(at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[Confirmation]", name: str, value: date) -> "QuerySet[Confirmation]":
        """To the end of that day."""
        return queryset.filter(at__lt=before_midnight(value))

    def by_campaign(self, queryset: "QuerySet[Confirmation]", name: str, value: Campaign) -> "QuerySet[Confirmation]":
        return queryset.filter(campaign=value)

    def by_bots(self, queryset: "QuerySet[Confirmation]", name: str, value: bool) -> "QuerySet[Confirmation]":
        return queryset if value else queryset.by_people()  # type: ignore[attr-defined]
