"""Filters of the list of outages. All stand in the URL."""

import django_filters as filters
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.authorizations.models import Outage, Utility

STATES = [("now", "down now"), ("over", "over or withdrawn"), ("later", "announced")]
SOURCES = [("hand", "by hand"), ("feed", "from the feed")]


class OutageFilterSet(filters.FilterSet):
    utility = filters.ModelChoiceFilter(queryset=Utility.objects.all(), empty_label="All utilities")
    state = filters.ChoiceFilter(choices=STATES, method="by_state", label="State", empty_label="Any state")
    source = filters.ChoiceFilter(choices=SOURCES, method="by_source", label="Marked", empty_label="By anyone")

    class Meta:
        model = Outage
        fields: list[str] = []

    def by_state(self, queryset: "QuerySet[Outage]", name: str, value: str) -> "QuerySet[Outage]":
        now = timezone.now()
        if value == "now":
            return queryset.at(now)  # type: ignore[attr-defined]
        withdrawn = Q(ended_at=F("began_at"))
        if value == "over":
            return queryset.filter(Q(ended_at__lte=now) | withdrawn)
        return queryset.filter(~withdrawn | Q(ended_at__isnull=True), began_at__gt=now)

    def by_source(self, queryset: "QuerySet[Outage]", name: str, value: str) -> "QuerySet[Outage]":
        return queryset.filter(is_from_feed=value == "feed")
