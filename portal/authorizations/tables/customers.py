"""The list of customers, each with the newest of its links."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn, SelectColumn
from portal.authorizations.models import Customer


class CustomerTable(tables.Table):
    caption = "Customers"
    # Every order ends in the key: rows that are equal otherwise would move between pages. The key alone is the order in
    # which they were added.
    newest, indexed = "created_at", ("name",)

    select = SelectColumn()
    name = PartColumn("customer_name", verbose_name="Customer", order_by=("name", "pk"))
    street = PartColumn("customer_address", verbose_name="Address", order_by=("city", "street", "pk"))
    utility = PartColumn("customer_utility", verbose_name="Utility", order_by=("utility__short_name", "pk"))
    link = PartColumn("customer_link", verbose_name="Newest link", orderable=False)
    assigned_rep = PartColumn(
        "customer_rep", verbose_name="Rep", order_by=("assigned_rep__first_name", "assigned_rep__username", "pk")
    )
    created_at = tables.DateColumn(
        verbose_name="Added",
        format="j M Y",
        order_by=("pk",),
        attrs={"th": {"class": "num"}, "td": {"class": "num"}},
    )

    class Meta:
        model = Customer
        fields: tuple[str, ...] = ()
        sequence = ("select", "name", "street", "utility", "link", "assigned_rep", "created_at")
        empty_text = "No customers yet."
