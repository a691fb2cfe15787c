"""The list of Leap's events, as received."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Event


class EventTable(tables.Table):
    caption = "Events"
    newest = "received_at"

    received_at = PartColumn("event_received", verbose_name="Received", order_by=("received_at", "pk"))
    event_type = PartColumn("event_type", verbose_name="Type", order_by=("event_type", "pk"))
    event_status = PartColumn("event_status", verbose_name="Leap says", order_by=("event_status", "pk"))
    link = PartColumn("event_link", verbose_name="Link", orderable=False)
    reference_id = PartColumn("event_reference_id", verbose_name="Reference id as received", orderable=False)
    meter_id = PartColumn("event_meter", verbose_name="Meter", orderable=False)

    class Meta:
        model = Event
        fields: tuple[str, ...] = ()
        sequence = ("received_at", "event_type", "event_status", "link", "reference_id", "meter_id")
        empty_text = (
            "Leap has not called yet. It sends events once the portal’s webhook is registered there and customers "
            "begin to authorize."
        )
