"""Events: what Leap's webhook calls told. Proof of its word, to be read and never changed."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.views.generic import DetailView
from django_tables2 import Table

from portal.authorizations.filters.events import EventFilterSet
from portal.authorizations.models import Event
from portal.authorizations.tables.events import EventTable
from portal.authorizations.templatetags.received import visible_text
from portal.authorizations.views.lists import PortalListView, user_of

#: Odd events of the last days are counted above the list: those of all times would be read again at every look.
COUNTED_DAYS = 30


class EventListView(PortalListView):
    permission_required = "authorizations.view_event"
    table_class = EventTable
    filterset_class = EventFilterSet
    template_name = "authorizations/event_list.html"
    export_permission = "authorizations.export_link"
    export_name = "events"
    filter_orders = {"received_after": "received_at", "received_before": "received_at"}
    export_columns = (
        ("Received", lambda row: timezone.localtime(row.received_at).strftime("%Y-%m-%d %H:%M:%S")),
        ("Type", lambda row: visible_text(row.event_type)),
        ("Known type", lambda row: "yes" if row.is_known else "no"),
        ("Status", lambda row: visible_text(row.event_status)),
        ("Utility", lambda row: visible_text(row.utility_name)),
        ("Link", lambda row: row.link.title if row.link else ""),
        ("External ID", lambda row: row.link.customer.external_id if row.link and row.link.customer else ""),
        ("Flow", lambda row: row.link.flow.name if row.link else ""),
        ("Campaign", lambda row: row.link.campaign.name if row.link and row.link.campaign else ""),
        ("Reference id as received", lambda row: visible_text(row.reference_id)),
        ("Meter ID", lambda row: visible_text(row.meter_id)),
        ("State", lambda row: "interpreted" if row.interpreted_at else "waiting"),
        ("Problem", lambda row: row.problem),
        ("Event ID", lambda row: visible_text(row.webhook_event_id)),
    )

    def get_queryset(self) -> QuerySet[Event]:
        return Event.objects.visible_to(user_of(self.request)).with_links().defer("payload").order_by("-pk")

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        if user_of(self.request).has_perm("authorizations.manage_webhook"):
            table.empty_url, table.empty_action = reverse("webhook"), "Register the webhook"
        return table

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        since = timezone.localtime() - timedelta(days=COUNTED_DAYS)
        counts = Event.objects.count_odd(since=since)
        return super().get_context_data(**kwargs, counts=counts, days=COUNTED_DAYS, since=since.date())


class EventDetailView(PermissionRequiredMixin, DetailView[Event]):
    """One event, with all that Leap sent but what says who the customer is: that is never kept."""

    permission_required = "authorizations.view_event"
    template_name = "authorizations/event_detail.html"
    context_object_name = "event"

    def get_queryset(self) -> QuerySet[Event]:
        return Event.objects.visible_to(user_of(self.request)).with_links()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        payload = json.dumps(self.object.payload, indent=2, sort_keys=True)
        return super().get_context_data(**kwargs, payload=payload)
