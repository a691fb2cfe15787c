"""Filters of the queue of reminders. All stand in the URL; without a state the queue shows those that wait."""

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.authorizations.models import Campaign, Customer, Link, Mail, MailState, Message, MessageKind, Utility

STATES = [choice for choice in MailState.choices if choice[0] != MailState.WAITING]
KINDS = [choice for choice in MessageKind.choices if choice[0] != MessageKind.INVITATION]
WHEN = [("held", "held"), ("due", "due, not held"), ("later", "not due yet")]


class ReminderFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, email, reference id"}),
    )
    campaign = filters.ModelChoiceFilter(
        field_name="message__campaign", queryset=Campaign.objects.to_choose(), empty_label="All campaigns"
    )
    kind = filters.ChoiceFilter(field_name="message__kind", choices=KINDS, label="Kind", empty_label="Both kinds")
    when = filters.ChoiceFilter(choices=WHEN, method="by_when", label="Held or due", empty_label="Held or not")
    utility = filters.ModelChoiceFilter(
        queryset=Utility.objects.all(), method="by_utility", label="Utility", empty_label="All utilities"
    )
    state = filters.ChoiceFilter(choices=STATES, label="State", empty_label="Waiting")

    class Meta:
        model = Mail
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Mail]", name: str, value: str) -> "QuerySet[Mail]":
        return queryset.filter(
            Q(customer__in=Customer.objects.search(value)) | Q(link__reference_id__startswith=value.strip())
        )

    def by_when(self, queryset: "QuerySet[Mail]", name: str, value: str) -> "QuerySet[Mail]":
        now = timezone.now()
        if value == "later":
            return queryset.filter(due_at__gt=now)
        by_campaign = Message.objects.held_on(timezone.localdate(now))
        if value == "due":
            return queryset.filter(hold_reason="", due_at__lte=now).exclude(message__in=by_campaign)
        return queryset.filter(
            ~Q(hold_reason="") | Q(state=MailState.WAITING, due_at__lte=now, message__in=by_campaign)
        )

    def by_utility(self, queryset: "QuerySet[Mail]", name: str, value: Utility) -> "QuerySet[Mail]":
        """The utility that the link asks for, or the customer's where it asks for none in particular."""
        return queryset.filter(link__in=Link.objects.asking_for(Utility.objects.filter(pk=value.pk)))
