"""Filters of the list of customers. All stand in the URL."""

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.authorizations.models import Campaign, Customer, CustomerType, Language, Link, Region, Utility
from portal.authorizations.services.customers import list_reps_with_customers

TYPES = [*CustomerType.choices, ("unknown", "not known")]
LINKS = [("live", "has a live link"), ("none", "has no live link"), ("never", "never had a link")]


class UtilityFilter(filters.ModelChoiceFilter):
    """One utility, or the customers whose utility is not known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Utility.objects.all(), label="Utility", empty_label="Utility", null_label="not known", **kwargs
        )


class CustomerFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, street, email, phone, id"}),
    )
    link = filters.ChoiceFilter(choices=LINKS, method="by_link", label="Links", empty_label="Link or none")
    utility = UtilityFilter()
    customer_type = filters.ChoiceFilter(choices=TYPES, method="by_type", label="Type", empty_label="Type")
    assigned_rep = filters.ModelChoiceFilter(
        queryset=lambda request: list_reps_with_customers(), label="Rep", empty_label="Rep", null_label="nobody"
    )
    campaign = filters.ModelChoiceFilter(
        queryset=Campaign.objects.to_choose(), method="by_campaign", label="Campaign", empty_label="All campaigns"
    )
    region = filters.ChoiceFilter(choices=Region.choices, method="by_region", label="Region", empty_label="Region")
    language = filters.ChoiceFilter(choices=Language.choices, label="Language", empty_label="Language")

    class Meta:
        model = Customer
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None:
            return
        if not user.has_perm("authorizations.view_every_customer"):
            del self.form.fields["assigned_rep"]
        if not user.has_perm("authorizations.view_campaign"):
            del self.form.fields["campaign"]

    def search(self, queryset: "QuerySet[Customer]", name: str, value: str) -> "QuerySet[Customer]":
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_type(self, queryset: "QuerySet[Customer]", name: str, value: str) -> "QuerySet[Customer]":
        return queryset.filter(customer_type="" if value == "unknown" else value)

    def by_link(self, queryset: "QuerySet[Customer]", name: str, value: str) -> "QuerySet[Customer]":
        if value == "never":
            return queryset.filter(has_had_link=False)
        return queryset.filter(has_live_link=value == "live")

    def by_campaign(self, queryset: "QuerySet[Customer]", name: str, value: Campaign) -> "QuerySet[Customer]":
        """Those who have a link of the campaign, be it void or replaced."""
        in_it = Link.objects.filter(campaign=value, customer__isnull=False).order_by()
        return queryset.filter(pk__in=in_it.values("customer"))

    def by_region(self, queryset: "QuerySet[Customer]", name: str, value: str) -> "QuerySet[Customer]":
        utilities = Utility.objects.filter(region=value).values_list("pk", flat=True)
        return queryset.marked(*(f"u{key}" for key in utilities))  # type: ignore[attr-defined]
