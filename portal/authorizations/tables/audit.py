"""The list of the audit: newest first, and no other order, so that it stays quick however long it grows."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import AuditEntry


class AuditTable(tables.Table):
    caption = "Audit"

    at = PartColumn("audit_at", verbose_name="When", orderable=False)
    by = PartColumn("audit_by", verbose_name="Who", orderable=False)
    action = PartColumn("audit_action", verbose_name="Did", orderable=False)
    noun = PartColumn("audit_noun", verbose_name="To what", orderable=False)
    count = tables.Column(verbose_name="Rows", orderable=False, attrs={"td": {"class": "num"}, "th": {"class": "num"}})
    details = PartColumn("audit_details", verbose_name="Details", orderable=False)

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()
        sequence = ("at", "by", "action", "noun", "count", "details")
        empty_text = "Nothing was done yet that these filters match."
