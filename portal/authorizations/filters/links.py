"""Filters of the list of links. All stand in the URL."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.models import (
    PROVEN,
    Batch,
    Campaign,
    CustomerType,
    Flow,
    Link,
    LinkStatus,
    Region,
    Utility,
)
from portal.authorizations.models.expressions import COUNTED_UP_TO
from portal.authorizations.models.link import IS_PROVEN

STATUSES = [
    ("proven", "proven by Leap"),
    ("unproven", "not proven"),
    ("unmetered", "a customer’s, no meter yet"),
    *LinkStatus.choices,
]
PARTS = [("new", "issued"), ("kept", "there already"), ("differing", "asking for other utilities")]
MARKS = [
    ("live", "live"),
    ("void", "void"),
    ("replaced", "replaced"),
    ("visited", "visited, whatever came of it"),
    ("returned", "came back, whatever came of it"),
    ("failed", "failed at a utility"),
    ("failing", "failed, live and not proven"),
    ("printed", "printed"),
    ("unprinted", "not printed yet"),
    ("shared", "without a customer"),
    ("untraceable", "not traceable"),
]


class LinkFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, reference id, code"}),
    )
    campaign = filters.ModelChoiceFilter(queryset=Campaign.objects.to_choose(), empty_label="All campaigns")
    flow = filters.ModelChoiceFilter(queryset=Flow.objects.order_by("name"), empty_label="All flows")
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.all(), method="by_utility", label="Utility", empty_label="Utility"
    )
    region = filters.ChoiceFilter(choices=Region.choices[:2], method="by_region", label="Region", empty_label="Region")
    customer_type = filters.ChoiceFilter(
        choices=CustomerType.choices, method="by_customer_type", label="Type", empty_label="Type"
    )
    status = filters.ChoiceFilter(choices=STATUSES, method="by_status", label="Status", empty_label="Status")
    mark = filters.ChoiceFilter(choices=MARKS, method="by_mark", label="Mark", empty_label="Live or not")
    issued_by = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"), label="Issued by", empty_label="Issued by"
    )
    rep = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"),
        method="by_rep",
        label="Rep",
        empty_label="Handed out by",
    )
    issued_after = filters.DateFilter(method="after", label="Issued after")
    issued_before = filters.DateFilter(method="before", label="Issued before")

    returned_before = filters.DateFilter(method="by_return", label="Returned before")

    # Set by the page that says what a bulk action did; the form carries it along.
    batch = filters.ModelChoiceFilter(queryset=Batch.objects.all(), method="by_batch", widget=forms.HiddenInput)
    batch_part = filters.ChoiceFilter(choices=PARTS, method="by_nothing_more", widget=forms.HiddenInput)

    class Meta:
        model = Link
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("issued_after", "issued_before", "returned_before"):
            self.form.fields[name].widget.input_type = "date"
        user = getattr(self.request, "user", None)
        if user is not None and not user.has_perm("authorizations.view_every_link"):
            for name in ("campaign", "issued_by", "rep"):
                del self.form.fields[name]

    def search(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        return queryset.search(value)  # type: ignore[attr-defined]

    def by_batch(self, queryset: QuerySet[Link], name: str, value: Batch) -> QuerySet[Link]:
        """What a bulk action handed out, or the part of it that `batch_part` names."""
        return queryset.of_batch(value, self.form.cleaned_data.get("batch_part") or "")  # type: ignore[attr-defined]

    def by_nothing_more(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        """A part is one of a batch."""
        return queryset

    def by_rep(self, queryset: QuerySet[Link], name: str, value: User) -> QuerySet[Link]:
        """Links that are the rep's to hand out: of the rep's customers, or issued by the rep.

        Whoever issued very many is found by walking all of them, whose next one is never far; few, from their indexes.
        """
        issued = Link.objects.filter(issued_by=value).order_by().values("pk")
        if issued[: COUNTED_UP_TO + 1].count() <= COUNTED_UP_TO:
            return queryset.of_rep(value)  # type: ignore[attr-defined]
        return queryset.filter(Q(issued_by=value) | Q(customer__assigned_rep=value) | Q(customer__added_by=value))

    def after(self, queryset: QuerySet[Link], name: str, value: date) -> QuerySet[Link]:
        return queryset.filter(issued_at__gte=after_midnight(value))

    def before(self, queryset: QuerySet[Link], name: str, value: date) -> QuerySet[Link]:
        """To the end of that day."""
        return queryset.filter(issued_at__lt=before_midnight(value))

    def by_return(self, queryset: QuerySet[Link], name: str, value: date) -> QuerySet[Link]:
        return queryset.filter(first_returned_at__isnull=False, first_returned_at__lt=before_midnight(value))

    def by_customer_type(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        return queryset.marked(f"t{value}")  # type: ignore[attr-defined]

    def by_utility(self, queryset: QuerySet[Link], name: str, value: Utility) -> QuerySet[Link]:
        """The utility that the link asks for, or the customer's where it asks for none in particular."""
        return queryset.asking_for(Utility.objects.filter(pk=value.pk))  # type: ignore[attr-defined]

    def by_region(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        """Links that ask for a utility of the region, or come from a flow of the region alone."""
        flows = [f"f{key}" for key in Flow.objects.filter(region=value).values_list("pk", flat=True)]
        utilities = [f"u{key}" for key in Utility.objects.filter(region=value).values_list("pk", flat=True)]
        return queryset.marked(*flows, *utilities)  # type: ignore[attr-defined]

    def by_status(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        if value == "proven":
            return queryset.filter(IS_PROVEN)
        if value == "unproven":
            return queryset.exclude(status__in=PROVEN)
        if value == "unmetered":
            return queryset.filter(customer__isnull=False, metered_at__isnull=True, enrolled_at__isnull=True)
        return queryset.filter(status=value)

    def by_mark(self, queryset: QuerySet[Link], name: str, value: str) -> QuerySet[Link]:
        if value == "failing":
            return queryset.failing()  # type: ignore[attr-defined]
        if value == "live":
            return queryset.live()  # type: ignore[attr-defined]
        conditions = {
            "void": Q(voided_at__isnull=False),
            "replaced": Q(replaced_by__isnull=False),
            "visited": Q(first_visited_at__isnull=False),
            "returned": Q(first_returned_at__isnull=False),
            "failed": Q(failed_at__isnull=False),
            "printed": Q(printed_at__isnull=False),
            "unprinted": Q(printed_at__isnull=True),
            "shared": Q(customer__isnull=True),
            "untraceable": Q(reference_id__isnull=True),
        }
        return queryset.filter(conditions[value])
