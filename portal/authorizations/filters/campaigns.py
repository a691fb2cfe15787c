"""Filters of the list of campaigns. All stand in the URL."""

from datetime import date

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.filters.days import before_midnight
from portal.authorizations.models import Campaign, CampaignState, Channel, Flow


def list_owners(request: HttpRequest | None) -> "QuerySet[User]":
    owns = Exists(Campaign.objects.filter(owner=OuterRef("pk")))
    return User.objects.filter(owns).order_by("first_name", "last_name", "pk")


class CampaignFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Campaign or flow"}),
    )
    state = filters.ChoiceFilter(choices=CampaignState.choices, label="State", empty_label="State")
    flow = filters.ModelChoiceFilter(queryset=Flow.objects.order_by("name"), label="Flow", empty_label="All flows")
    channel = filters.ChoiceFilter(choices=Channel.choices, label="Channel", empty_label="Channel")
    owner = filters.ModelChoiceFilter(queryset=list_owners, label="Owner", empty_label="Owner")
    running = filters.ChoiceFilter(
        choices=[("now", "under way"), ("coming", "not begun"), ("over", "over")],
        method="by_dates",
        label="Dates",
        empty_label="Dates",
    )
    created_before = filters.DateFilter(
        method="before", label="Made until", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    class Meta:
        model = Campaign
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Campaign]", name: str, value: str) -> "QuerySet[Campaign]":
        for word in value.split()[:8]:
            queryset = queryset.filter(Q(name__icontains=word) | Q(flow__name__icontains=word))
        return queryset

    def before(self, queryset: "QuerySet[Campaign]", name: str, value: date) -> "QuerySet[Campaign]":
        """To the end of that day."""
        return queryset.filter(created_at__lt=before_midnight(value))

    def by_dates(self, queryset: "QuerySet[Campaign]", name: str, value: str) -> "QuerySet[Campaign]":
        today = timezone.localdate()
        if value == "coming":
            return queryset.to_come_on(today)  # type: ignore[attr-defined]
        if value == "over":
            return queryset.over_on(today)  # type: ignore[attr-defined]
        return queryset.running_on(today)  # type: ignore[attr-defined]
