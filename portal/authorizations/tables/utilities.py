"""The catalogue of utilities."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Utility

_NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class UtilityTable(tables.Table):
    name = PartColumn("utility_name", verbose_name="Utility", order_by=("name", "pk"))
    utility_id = PartColumn("utility_id", verbose_name="Utility ID", order_by=("utility_id", "pk"))
    region = tables.Column(verbose_name="Region", order_by=("region", "name", "pk"))
    leap_name = tables.Column(verbose_name="In Leap’s API", default="–", order_by=("leap_name", "pk"))
    journeys = PartColumn(
        "utility_journeys", verbose_name="Journeys", order_by=("-supports_legacy", "supports_connect", "pk")
    )
    flow_count = tables.Column(verbose_name="Flows", order_by=("flow_count", "pk"), attrs=_NUMBER)
    customer_count = PartColumn(
        "utility_customers", verbose_name="Customers", order_by=("customer_count", "pk"), attrs=_NUMBER
    )
    expected_days = tables.Column(verbose_name="Days to a meter", order_by=("expected_days", "pk"), attrs=_NUMBER)

    caption = "Utilities"

    class Meta:
        model = Utility
        fields: tuple[str, ...] = ()
        sequence = (
            "name",
            "utility_id",
            "region",
            "leap_name",
            "journeys",
            "expected_days",
            "flow_count",
            "customer_count",
        )
        order_by = ("region", "name")
        empty_text = "No utilities yet."
