"""Filters of the lists of mails and of stopped addresses. All stand in the URL."""

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from portal.authorizations.models import Campaign, Channel, Mail, MailState, MailStop, Message, MessageKind, StopReason


def list_campaigns(request: HttpRequest | None) -> "QuerySet[Campaign]":
    """Those that write, and those that will: a campaign by mail may have none yet."""
    writes = Exists(Message.objects.filter(campaign=OuterRef("pk")))
    return Campaign.objects.filter(Q(channel=Channel.EMAIL) | writes).order_by("name")


class MailFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        field_name="customer__name",
        lookup_expr="istartswith",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Customer’s name"}),
    )
    state = filters.ChoiceFilter(choices=MailState.choices, label="State", empty_label="State")
    campaign = filters.ModelChoiceFilter(
        field_name="message__campaign", queryset=list_campaigns, label="Campaign", empty_label="Campaign"
    )
    kind = filters.ChoiceFilter(
        field_name="message__kind", choices=MessageKind.choices, label="Kind", empty_label="Kind"
    )
    returned = filters.ChoiceFilter(
        choices=[("bounced", "bounced"), ("complained", "complained")],
        method="by_return",
        label="Came back",
        empty_label="Came back or not",
    )

    class Meta:
        model = Mail
        fields: list[str] = []

    def by_return(self, queryset: "QuerySet[Mail]", name: str, value: str) -> "QuerySet[Mail]":
        return queryset.filter(**{f"{value}_at__isnull": False})


class MailStopFilterSet(filters.FilterSet):
    reason = filters.ChoiceFilter(choices=StopReason.choices, label="Why", empty_label="Why")
    lifted = filters.ChoiceFilter(
        choices=[("no", "in force"), ("yes", "lifted")],
        method="by_lifted",
        label="Lifted",
        empty_label="In force or not",
    )

    class Meta:
        model = MailStop
        fields: list[str] = []

    def by_lifted(self, queryset: "QuerySet[MailStop]", name: str, value: str) -> "QuerySet[MailStop]":
        return queryset.filter(lifted_at__isnull=value == "no")
