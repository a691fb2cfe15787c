"""The list of mails, and the list of addresses that get no more."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Mail, MailStop

_NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class MailTable(tables.Table):
    caption = "Mails"

    customer = PartColumn("mail_customer", verbose_name="Customer", orderable=False)
    message = PartColumn("mail_message", verbose_name="Message", orderable=False)
    state = PartColumn("mail_state", verbose_name="What became of it", orderable=False)
    due_at = tables.DateTimeColumn(
        verbose_name="Due", order_by=("due_at", "pk"), format="j M Y, H:i", attrs=_NUMBER, orderable=False
    )
    sent_at = tables.DateTimeColumn(
        verbose_name="Sent", format="j M Y, H:i", attrs=_NUMBER, default="–", orderable=False
    )

    class Meta:
        model = Mail
        fields: tuple[str, ...] = ()
        sequence = ("customer", "message", "state", "due_at", "sent_at")
        empty_text = "No mails yet. They are queued when a campaign by email is launched."


class MailStopTable(tables.Table):
    caption = "Addresses that get no more mails"

    customer = PartColumn("mail_stop_customer", verbose_name="Whose", orderable=False)
    reason = PartColumn("mail_stop_reason", verbose_name="Why", orderable=False)
    recorded_by = tables.Column(verbose_name="Recorded by", default="–", orderable=False)
    at = tables.DateTimeColumn(verbose_name="Since", format="j M Y, H:i", attrs=_NUMBER, orderable=False)
    lift = PartColumn("mail_stop_lift", verbose_name="", orderable=False, empty_values=())

    class Meta:
        model = MailStop
        fields: tuple[str, ...] = ()
        sequence = ("customer", "reason", "recorded_by", "at", "lift")
        empty_text = "Nobody has unsubscribed, and no mail came back."
