"""The list of flows."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Flow


class FlowTable(tables.Table):
    name = PartColumn("flow_name", verbose_name="Flow", order_by=("name", "pk"))
    address = PartColumn("flow_address", verbose_name="Organization", order_by=("org_name", "title", "region", "pk"))
    utilities = PartColumn("flow_utilities", verbose_name="Regions and utilities", orderable=False)
    customer_types = tables.Column(verbose_name="Customer types", order_by=("customer_types", "pk"))
    state = PartColumn("flow_state", verbose_name="State", order_by=("state", "pk"))
    live_link_count = PartColumn(
        "flow_links",
        verbose_name="Live links",
        order_by=("live_link_count", "pk"),
        attrs={"th": {"class": "num"}, "td": {"class": "num"}},
    )

    caption = "Flows"

    class Meta:
        model = Flow
        fields: tuple[str, ...] = ()
        sequence = ("name", "address", "utilities", "customer_types", "state", "live_link_count")
        order_by = "name"
        empty_text = "No flows yet. A flow is one configured way to issue links: Legacy ShareMyData or Leap Connect."
