"""What people decide about mails, and what comes back about them: bounces and complaints."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Mail, MailState, MailStop, StopReason
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.mail_stops import digest_address, stop_mails_like


class DecisionRefused(Exception):  # noqa: N818
    """The mail is no longer where this could be decided; `str()` says so."""


@transaction.atomic
def note_arrival(*, mail: Mail, by: User) -> None:
    """A mail whose fate was unknown did go out, as a person found out."""
    _decide(_of_one_mail(mail, MailState.UNKNOWN), by=by, state=MailState.SENT, sent_at=mail.marked_at)


@transaction.atomic
def send_again(*, mail: Mail, by: User) -> None:
    """A mail whose fate was unknown is sent once more: a person takes it that it did not go out."""
    rows = _of_one_mail(mail, MailState.UNKNOWN)
    _decide(rows, by=by, state=MailState.WAITING, rfc_message_id="", due_at=timezone.now())


@transaction.atomic
def leave_unknown(*, mail: Mail, by: User) -> None:
    """A mail whose fate was unknown is left at that: not sent again."""
    _decide(_of_one_mail(mail, MailState.UNKNOWN), by=by, state=MailState.STOPPED)


@transaction.atomic
def stop_mail(*, mail: Mail, by: User) -> None:
    """Keep a waiting mail from being sent. The mark of an attempt that the server put off goes: nobody has it."""
    waiting = Mail.objects.filter(pk=mail.pk, state=MailState.WAITING)
    values: dict[str, object] = {"reason": "Stopped before it was sent.", "hold_reason": "", "marked_at": None}
    _decide(waiting, by=by, state=MailState.STOPPED, **values)


@transaction.atomic
def record_return(*, mail: Mail, reason: StopReason, by: User | None, at: datetime | None = None) -> MailStop:
    """Note that a mail bounced, or that its reader complained, and stop mails to where it went."""
    name = {StopReason.BOUNCED: "bounced_at", StopReason.COMPLAINED: "complained_at"}[reason]
    rows = Mail.objects.filter(pk=mail.pk)
    if mail.rfc_message_id:
        rows = Mail.objects.filter(rfc_message_id=mail.rfc_message_id)
    rows.filter(**{f"{name}__isnull": True}).update(**{name: at or timezone.now()})
    record(action=AuditAction.CHANGED, noun="mail", row=mail.pk, by=by, state=str(reason))
    digest = mail.address_digest or digest_address(mail.customer.email)
    if not digest:
        raise DecisionRefused("It is not known to which address the mail went.")
    return stop_mails_like(digest=digest, customer=mail.customer, reason=reason, by=by)


def _of_one_mail(mail: Mail, state: MailState) -> "QuerySet[Mail]":
    """Return all rows that one mail on the wire stood for, in this state."""
    return Mail.objects.filter(rfc_message_id=mail.rfc_message_id, state=state).exclude(rfc_message_id="")


def _decide(rows: "QuerySet[Mail]", *, by: User, **changes: object) -> None:
    keys = list(rows.values_list("pk", flat=True))
    if not rows.update(decided_by=by, decided_at=timezone.now(), **changes):
        raise DecisionRefused("Somebody else has decided about this mail meanwhile.")
    record_rows(action=AuditAction.CHANGED, noun="mail", rows=keys, by=by, state=str(changes["state"]))
