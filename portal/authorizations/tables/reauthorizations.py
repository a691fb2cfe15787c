"""The list of re-authorizations: whose authorization is lost, until when, and the new link."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Reauthorization


class ReauthorizationTable(tables.Table):
    caption = "Re-authorizations"
    # Every order ends in the key: rows that are equal otherwise would move between pages. Those without a deadline come
    # last either way (KeysetPages).

    deadline_at = PartColumn("reauthorization_deadline", verbose_name="Deadline", order_by=("deadline_at", "pk"))
    customer = PartColumn("reauthorization_customer", verbose_name="Customer", orderable=False)
    meter = PartColumn("reauthorization_meter", verbose_name="Meter", orderable=False)
    opened_at = PartColumn("reauthorization_opened", verbose_name="Lost", order_by=("opened_at", "pk"))
    link = PartColumn("reauthorization_link", verbose_name="New link", orderable=False)

    class Meta:
        model = Reauthorization
        fields: tuple[str, ...] = ()
        sequence = ("deadline_at", "customer", "meter", "opened_at", "link")
        order_by = "deadline_at"
        empty_text = (
            "No authorization is lost. When Leap says that a customer has to authorize a meter again, it stands here "
            "after the next sync."
        )
