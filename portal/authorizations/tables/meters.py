"""The list of meters, as the last sync saw them, each with what it belongs to and how it was found."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Meter


class MeterTable(tables.Table):
    caption = "Meters"
    newest = "created_at"
    # Every order ends in the key: rows that are equal otherwise would move between pages.

    meter = PartColumn("meter_id", verbose_name="Meter", order_by=("meter_id",))
    utility = PartColumn("meter_utility", verbose_name="Utility", order_by=("utility_name", "classification", "pk"))
    belongs = PartColumn("meter_belongs", verbose_name="Belongs to", orderable=False)
    reference = PartColumn("meter_reference", verbose_name="Reference id", order_by=("partner_reference", "pk"))
    status = PartColumn("meter_status", verbose_name="Enrollment", order_by=("enrollment_status", "pk"))
    action = PartColumn("meter_action", verbose_name="Action", order_by=("needs_partner", "pk"))
    created_at = tables.DateColumn(
        verbose_name="Created",
        order_by=("created_at", "pk"),
        format="j M Y",
        attrs={"th": {"class": "num"}, "td": {"class": "num"}},
    )

    class Meta:
        model = Meter
        fields: tuple[str, ...] = ()
        sequence = ("meter", "utility", "belongs", "reference", "status", "action", "created_at")
        order_by = "-created_at"
        empty_text = (
            "Leap has shown no meters yet. They appear some days after a customer authorized, with the next sync."
        )
