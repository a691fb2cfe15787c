"""Filters of the claims without proof. All stand in the URL."""

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.authorizations.models import Campaign, Connection, Flow, Link, Region, Utility

HEARD = [
    ("failed", "failed at the utility"),
    ("utility", "reached the utility"),
    ("session", "session opened"),
    ("nothing", "nothing at all"),
]


class SuspiciousFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, reference id, code"}),
    )
    heard = filters.ChoiceFilter(choices=HEARD, method="by_heard", label="Leap says", empty_label="Leap says")
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.all(), method="by_utility", label="Utility", empty_label="Utility"
    )
    region = filters.ChoiceFilter(choices=Region.choices, method="by_region", label="Region", empty_label="Region")
    campaign = filters.ModelChoiceFilter(queryset=Campaign.objects.to_choose(), empty_label="All campaigns")
    flow = filters.ModelChoiceFilter(queryset=Flow.objects.order_by("name"), empty_label="All flows")

    class Meta:
        model = Link
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Link]", name: str, value: str) -> "QuerySet[Link]":
        return queryset.search(value).among_claims()  # type: ignore[attr-defined]

    def by_utility(self, queryset: "QuerySet[Link]", name: str, value: Utility) -> "QuerySet[Link]":
        return queryset.asking_for(Utility.objects.filter(pk=value.pk))  # type: ignore[attr-defined]

    def by_region(self, queryset: "QuerySet[Link]", name: str, value: str) -> "QuerySet[Link]":
        return queryset.asking_for(Utility.objects.filter(region=value))  # type: ignore[attr-defined]

    def by_heard(self, queryset: "QuerySet[Link]", name: str, value: str) -> "QuerySet[Link]":
        """The furthest that Leap's events tell, as each row says it."""
        heard = Q(Exists(Connection.objects.order_by().filter(link=OuterRef("pk"))))
        failed, utility = Q(failed_at__isnull=False), Q(at_utility_at__isnull=False)
        conditions = {
            "failed": failed,
            "utility": utility & ~failed,
            "session": heard & ~utility & ~failed,
            "nothing": ~heard & ~utility & ~failed,
        }
        return queryset.filter(conditions[value])
