"""Filters of the list of flows. All stand in the URL."""

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.authorizations.models import CustomerType, CustomerTypes, Flow, FlowState, Journey, Region, Utility


class FlowFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search the flows"}),
    )
    journey = filters.ChoiceFilter(choices=Journey.choices, empty_label="All journeys", label="Journey")
    state = filters.ChoiceFilter(choices=FlowState.choices, empty_label="All states", label="State")
    region = filters.ChoiceFilter(choices=Region.choices, method="by_region", empty_label="All regions", label="Region")
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.order_by("id"), field_name="utilities", empty_label="All utilities", label="Utility"
    )
    customer_type = filters.ChoiceFilter(
        choices=CustomerType.choices, method="by_customer_type", empty_label="All customer types", label="Customer type"
    )

    class Meta:
        model = Flow
        fields: list[str] = []

    def search(self, queryset: QuerySet[Flow], name: str, value: str) -> QuerySet[Flow]:
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_region(self, queryset: QuerySet[Flow], name: str, value: str) -> QuerySet[Flow]:
        return queryset.in_region(value)  # type: ignore[attr-defined]

    def by_customer_type(self, queryset: QuerySet[Flow], name: str, value: str) -> QuerySet[Flow]:
        return queryset.filter(customer_types__in=[CustomerTypes.BOTH, value])
