"""Claims without proof, the oldest first: how long each has waited, and what to do."""

from typing import Any

import django_tables2 as tables
from django.utils import timezone

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Link
from portal.authorizations.services.claims import days_waited, read_doubt


def about(record: Link) -> dict[str, Any]:
    """What the cells say beyond the row: `doubt`, and the days since the return."""
    return {"doubt": read_doubt(record), "days": days_waited(record, timezone.now())}


class SuspiciousTable(tables.Table):
    caption = "Claims without proof"
    newest, newest_always = "returned", True

    title = PartColumn("link_title", verbose_name="Customer", order_by=("customer__name", "label", "pk"))
    flow = PartColumn("link_flow", verbose_name="Flow", order_by=("flow__name", "pk"))
    returned = PartColumn(
        "suspicious_returned", extra_context=about, verbose_name="Browser claims", order_by=("first_returned_at", "pk")
    )
    saw = PartColumn("suspicious_saw", verbose_name="We saw", order_by=("first_visited_at", "pk"))
    heard = PartColumn("suspicious_heard", extra_context=about, verbose_name="Leap says", orderable=False)
    next = PartColumn(
        "suspicious_next",
        extra_context=about,
        verbose_name="Next step",
        orderable=False,
        attrs={"td": {"class": "wide"}},
    )

    class Meta:
        model = Link
        fields: tuple[str, ...] = ()
        sequence = ("title", "flow", "returned", "saw", "heard", "next")
        order_by = "returned"
        empty_text = "No claim waits for proof longer than its utility usually takes."
