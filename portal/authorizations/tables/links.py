"""The list of links: what we saw, what a browser claims and what Leap says stand in three columns."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn, SelectColumn
from portal.authorizations.models import Link


class LinkTable(tables.Table):
    # Every order ends in the key: a bulk action issues thousands at one moment, which would move between pages. The key
    # alone is the order of issue.
    newest = "issued_at"

    select = SelectColumn()
    title = PartColumn("link_title", verbose_name="Customer", order_by=("customer__name", "label", "pk"))
    flow = PartColumn("link_flow", verbose_name="Flow", order_by=("flow__name", "pk"))
    saw = PartColumn("link_saw", verbose_name="We saw", order_by=("first_visited_at", "pk"))
    claims = PartColumn("link_claims", verbose_name="Browser claims", order_by=("first_returned_at", "pk"))
    leap = PartColumn(
        "link_leap",
        verbose_name="Leap says",
        order_by=("enrolled_at", "metered_at", "authorized_at", "at_utility_at", "pk"),
    )
    issued_by = tables.Column(verbose_name="Issued by", order_by=("issued_by__first_name", "pk"), default="–")
    issued_at = tables.DateColumn(
        verbose_name="Issued",
        order_by=("pk",),
        format="j M Y",
        attrs={"th": {"class": "num"}, "td": {"class": "num"}},
    )
    copy = PartColumn("link_copy", verbose_name="", orderable=False)

    class Meta:
        model = Link
        fields: tuple[str, ...] = ()
        sequence = ("select", "title", "flow", "saw", "claims", "leap", "issued_by", "issued_at", "copy")
        order_by = "-issued_at"
        empty_text = "No links match."
