"""Filters of the catalogue of utilities. All stand in the URL."""

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from portal.authorizations.models import Journey, Region, Utility


class UtilityFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name or utility ID"}),
    )
    region = filters.ChoiceFilter(choices=Region.choices, empty_label="All regions", label="Region")
    journey = filters.ChoiceFilter(
        choices=Journey.choices, method="by_journey", empty_label="All journeys", label="Journey"
    )

    class Meta:
        model = Utility
        fields: list[str] = []

    def search(self, queryset: QuerySet[Utility], name: str, value: str) -> QuerySet[Utility]:
        for word in value.split()[:8]:
            queryset = queryset.filter(
                Q(name__icontains=word)
                | Q(short_name__icontains=word)
                | Q(utility_id__icontains=word)
                | Q(leap_name__icontains=word)
            )
        return queryset

    def by_journey(self, queryset: QuerySet[Utility], name: str, value: str) -> QuerySet[Utility]:
        return queryset.filter(**{f"supports_{value}": True})
