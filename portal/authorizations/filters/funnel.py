"""Filters of the funnel. All stand in the URL, and what the funnel is cut by with them."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.filters.meters import DATE
from portal.authorizations.models import Campaign, CustomerType, Flow, Link, PaperAuthorization, Region, Utility
from portal.authorizations.services.funnel import Breakdown

CUTS = [(value, f"By {label}") for value, label in Breakdown.choices]


class FunnelFilterSet(filters.FilterSet):
    by = filters.ChoiceFilter(choices=CUTS, method="keep", label="Break down by", empty_label="No breakdown")
    flow = filters.ModelChoiceFilter(queryset=Flow.objects.order_by("name"), empty_label="All flows")
    campaign = filters.ModelChoiceFilter(queryset=Campaign.objects.to_choose(), empty_label="All campaigns")
    issued_after = filters.DateFilter(
        method="after", label="Issued from", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    issued_before = filters.DateFilter(
        method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.all(), method="by_utility", label="Utility", empty_label="Utility"
    )
    region = filters.ChoiceFilter(choices=Region.choices, method="by_region", label="Region", empty_label="Region")
    customer_type = filters.ChoiceFilter(
        field_name="customer__customer_type", choices=CustomerType.choices, label="Type", empty_label="Type"
    )
    rep = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"), method="by_rep", label="Rep", empty_label="Rep"
    )

    class Meta:
        model = Link
        fields: list[str] = []

    def keep(self, queryset: "QuerySet[Link]", name: str, value: str) -> "QuerySet[Link]":
        """The cut chooses no links."""
        return queryset

    def after(self, queryset: "QuerySet[Link]", name: str, value: date) -> "QuerySet[Link]":
        return queryset.filter(issued_at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[Link]", name: str, value: date) -> "QuerySet[Link]":
        """To the end of that day."""
        return queryset.filter(issued_at__lt=before_midnight(value))

    def by_utility(self, queryset: "QuerySet[Link]", name: str, value: Utility) -> "QuerySet[Link]":
        return queryset.asking_for(Utility.objects.filter(pk=value.pk))  # type: ignore[attr-defined]

    def by_region(self, queryset: "QuerySet[Link]", name: str, value: str) -> "QuerySet[Link]":
        return queryset.asking_for(Utility.objects.filter(region=value))  # type: ignore[attr-defined]

    def by_rep(self, queryset: "QuerySet[Link]", name: str, value: User) -> "QuerySet[Link]":
        """The customer's rep; where there is none, whoever issued the link."""
        return queryset.filter(Q(customer__assigned_rep=value) | Q(customer__assigned_rep=None, issued_by=value))

    @property
    def paper_fits(self) -> bool:
        """A signed form belongs to no flow and no campaign."""
        return not (self.form.cleaned_data.get("flow") or self.form.cleaned_data.get("campaign"))

    def narrow_paper(self, paper: "QuerySet[PaperAuthorization]") -> "QuerySet[PaperAuthorization]":
        """Return the paper authorizations that the same filters leave; recorded is their "issued"."""
        values: dict[str, Any] = self.form.cleaned_data
        conditions = {
            "recorded_at__gte": after_midnight(values["issued_after"]) if values.get("issued_after") else None,
            "recorded_at__lt": before_midnight(values["issued_before"]) if values.get("issued_before") else None,
            "utility": values.get("utility"),
            "utility__region": values.get("region"),
            "customer__customer_type": values.get("customer_type"),
        }
        paper = paper.filter(**{name: value for name, value in conditions.items() if value})
        if rep := values.get("rep"):
            paper = paper.filter(Q(customer__assigned_rep=rep) | Q(customer__assigned_rep=None, recorded_by=rep))
        return paper
