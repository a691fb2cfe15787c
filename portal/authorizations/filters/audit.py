"""Filters of the audit. All stand in the URL, and each has an index that serves it in the order of the list."""

from datetime import date

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.models import AuditAction, AuditEntry

#: What services and screens call the rows (the noun of an entry).
NOUNS = [
    "audit entry",
    "campaign",
    "confirmation",
    "customer",
    "customer import",
    "door kit",
    "event",
    "flow",
    "hosted page",
    "installation",
    "job",
    "link",
    "mail",
    "mail stop",
    "message",
    "meter",
    "outage",
    "paper authorization",
    "person",
    "print job",
    "printer settings",
    "re-authorization",
    "sign-in link",
    "sync",
    "utility",
    "webhook",
]
DATE = {"type": "date"}


class AuditFilterSet(filters.FilterSet):
    by = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "last_name", "pk"),
        label="Who",
        empty_label="Anybody",
        null_label="nobody signed in",
    )
    action = filters.ChoiceFilter(choices=AuditAction.choices, label="Did", empty_label="Anything")
    noun = filters.ChoiceFilter(
        choices=[(noun, noun) for noun in NOUNS], label="To what", empty_label="Any kind of row"
    )
    row = filters.NumberFilter(label="Number", min_value=1, max_value=2**63 - 1)
    from_day = filters.DateFilter(method="after", label="From", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"))
    to_day = filters.DateFilter(method="before", label="to", widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"))

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def after(self, queryset: "QuerySet[AuditEntry]", name: str, value: date) -> "QuerySet[AuditEntry]":
        return queryset.filter(at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[AuditEntry]", name: str, value: date) -> "QuerySet[AuditEntry]":
        """To the end of that day."""
        return queryset.filter(at__lt=before_midnight(value))
