"""The enrollment plan as a list: a meter's part in a program is one row."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Enrollment


class PlanTable(tables.Table):
    caption = "Meters in programs"
    # Every order ends in the key: rows that are equal otherwise would move between pages.

    meter = PartColumn("plan_meter", verbose_name="Meter", order_by=("meter__meter_id", "pk"))
    program = PartColumn("plan_program", verbose_name="Program", order_by=("program", "delivery_period", "pk"))
    status = PartColumn("plan_status", verbose_name="Status", order_by=("status", "pk"))
    standing = PartColumn("plan_standing", verbose_name="Waits for", order_by=("standing", "pk"))
    next_deadline = PartColumn(
        "plan_deadline", verbose_name="Next deadline", order_by=("next_deadline", "program", "pk")
    )

    class Meta:
        model = Enrollment
        fields: tuple[str, ...] = ()
        sequence = ("meter", "program", "status", "standing", "next_deadline")
        order_by = "next_deadline"
        empty_text = "No meter is in a program yet. Leap names programs some days after a meter appears."
