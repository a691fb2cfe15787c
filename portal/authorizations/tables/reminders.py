"""The queue of reminders: who is asked next, when and why, and what keeps it back."""

from typing import Any

import django_tables2 as tables
from django.utils import timezone

from portal.authorizations.columns import PartColumn, SelectColumn
from portal.authorizations.models import Mail, Outage
from portal.authorizations.services.reminders import read_outlooks


class ReminderTable(tables.Table):
    caption = "Reminders"

    select = SelectColumn()
    customer = PartColumn("reminder_customer", verbose_name="Customer", orderable=False)
    why = PartColumn("reminder_why", verbose_name="Why", orderable=False)
    due_at = PartColumn("reminder_due", verbose_name="When", order_by=("due_at", "pk"))
    standing = PartColumn("reminder_standing", verbose_name="What keeps it back", orderable=False)

    class Meta:
        model = Mail
        fields: tuple[str, ...] = ()
        sequence = ("select", "customer", "why", "due_at", "standing")
        order_by = "due_at"
        empty_text = (
            "No reminder waits. One is planned when a customer begins and leaves, or does not come, in a campaign that "
            "reminds."
        )

    def before_render(self, request: Any) -> None:
        """Look up for the rows of this page, all at once, why each is sent and what holds it now."""
        records = [row.record for row in self.paginated_rows]
        outlooks = read_outlooks(records, timezone.now())
        for record in records:
            record.outlook = outlooks.get(record.pk)


class OutageTable(tables.Table):
    caption = "Outages"

    utility = tables.Column(verbose_name="Utility", order_by=("utility__short_name", "pk"))
    began_at = PartColumn("outage_began", verbose_name="From", order_by=("began_at", "pk"))
    ended_at = PartColumn("outage_ended", verbose_name="Until", order_by=("ended_at", "pk"))
    note = PartColumn("outage_note", verbose_name="Note", orderable=False)
    marked_by = PartColumn("outage_source", verbose_name="Marked by", orderable=False)
    action = PartColumn("outage_action", verbose_name="", orderable=False)

    class Meta:
        model = Outage
        fields: tuple[str, ...] = ()
        sequence = ("utility", "began_at", "ended_at", "note", "marked_by", "action")
        order_by = "-began_at"
        empty_text = "No outage so far. Mark a utility down, and nobody is reminded to go there until you end it."

    def render_utility(self, record: Outage) -> str:
        return record.utility.short_name
