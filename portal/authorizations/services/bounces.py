"""Bounces and complaints as mail servers report them: RFC 3464 (delivery status) and RFC 5965 (abuse reports).

A report counts only with the Message-ID of a mail of ours in the part that it returns: nobody else knows these.
"""

import email
import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from portal.authorizations.models import Mail, StopReason
from portal.authorizations.services.mail_decisions import record_return


@dataclass(frozen=True)
class Report:
    """What one report says: of which mail, and whether it bounced for good or its reader complained."""

    message_id: str
    reason: StopReason


@dataclass
class ReportCounts:
    """What was found in a file: reports, those of mails of ours, and messages that report nothing final."""

    bounced: int = 0
    complained: int = 0
    not_ours: int = 0
    nothing: int = 0


def record_reports(path: Path) -> ReportCounts:
    """Record every bounce and complaint of a file: one message, or a mailbox (mbox) of them. Twice is once."""
    counts = ReportCounts()
    for message in read_messages(path):
        report = read_report(message)
        if report is None:
            counts.nothing += 1
            continue
        mail = Mail.objects.select_related("customer").filter(rfc_message_id=report.message_id).order_by("pk").first()
        if mail is None:
            counts.not_ours += 1
            continue
        record_return(mail=mail, reason=report.reason, by=None)
        if report.reason is StopReason.BOUNCED:
            counts.bounced += 1
        else:
            counts.complained += 1
    return counts


def read_messages(path: Path) -> Iterator[EmailMessage]:
    """Yield the messages of a file, one at a time."""
    with path.open("rb") as file:
        is_mbox = file.read(5) == b"From "
    if not is_mbox:
        yield _parse(path.read_bytes())
        return
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield _parse(box.get_bytes(key))
    finally:
        box.close()


def read_report(message: EmailMessage) -> Report | None:
    """Return what a message reports; None: no report, or none that is final, such as "delayed"."""
    reason: StopReason | None = None
    message_id = ""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status" and _says_failed(part):
            reason = reason or StopReason.BOUNCED
        elif kind == "message/feedback-report" and _says_abuse(part):
            reason = StopReason.COMPLAINED
        elif kind in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"} and not message_id:
            message_id = _returned_id(part)
    return Report(message_id, reason) if reason and message_id else None


def _parse(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def _says_failed(part: Any) -> bool:
    """Whether a delivery status has a recipient with Action: failed and a status that is not temporary (4.x.x)."""
    blocks = part.get_payload()
    return isinstance(blocks, list) and any(
        str(block.get("Action", "")).strip().lower() == "failed"
        and not str(block.get("Status", "")).strip().startswith("4")
        for block in blocks
    )


def _says_abuse(part: Any) -> bool:
    payload = part.get_payload()
    text = "\n".join(str(block) for block in payload) if isinstance(payload, list) else str(payload)
    return re.search(r"(?im)^feedback-type:\s*abuse\b", text) is not None


def _returned_id(part: Any) -> str:
    """Return the Message-ID of the returned message, or of its headers."""
    payload = part.get_payload()
    if isinstance(payload, list):
        returned = payload[0]
    else:
        returned = email.message_from_bytes((part.get_payload(decode=True) or b"").lstrip())
    return str(returned.get("Message-ID", "")).strip()
