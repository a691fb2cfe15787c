"""Bounces and complaints as mail servers report them: found by the Message-ID of what they return."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.authorizations.models import Mail, MailStop
from portal.authorizations.services.mail_stops import is_stopped
from tests.authorizations.mailing import make_installation, make_invited, send

pytestmark = pytest.mark.django_db

DSN = """From: MAILER-DAEMON@mx.example
To: energy@acme.example
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; rosa@example.com
Action: {action}
Status: {status}

--b
Content-Type: {returned}

{head}
Message-ID: {message_id}
Subject: Connect

--b--
"""
ARF = """From: abuse@isp.example
To: energy@acme.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A complaint.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: isp/1
Version: 1

--b
Content-Type: message/rfc822

From: energy@acme.example
Message-ID: {message_id}

Hello
--b--
"""


@pytest.fixture
def mail(db: None) -> Mail:
    make_installation()
    mail = make_invited(email="rosa@example.com")
    assert send() == 1
    mail.refresh_from_db()
    return mail


def dsn(mail: Mail, *, action: str = "failed", status: str = "5.1.1", returned: str = "message/rfc822") -> str:
    return DSN.format(
        action=action, status=status, returned=returned, head="To: x@y.example", message_id=mail.rfc_message_id
    )


def record(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    path = tmp_path / "mail"
    path.write_text(text)
    call_command("record_bounces", str(path))
    return capsys.readouterr().out.partition(": ")[2].strip()


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_a_bounce_marks_the_mail_and_stops_its_address(
    mail: Mail, returned: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = record(tmp_path, dsn(mail, returned=returned), capsys)
    assert said == "1 bounced, 0 complained, 0 about no mail of ours, 0 that report nothing final"
    mail.refresh_from_db()
    assert mail.bounced_at is not None
    assert MailStop.objects.get().reason == "bounced"
    assert is_stopped("Rosa@example.com")
    first = mail.bounced_at
    record(tmp_path, dsn(mail), capsys)
    mail.refresh_from_db()
    assert (mail.bounced_at, MailStop.objects.count()) == (first, 1)


def test_a_complaint(mail: Mail, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, ARF.format(message_id=mail.rfc_message_id), capsys).startswith("0 bounced, 1 complained")
    mail.refresh_from_db()
    assert mail.complained_at is not None
    assert MailStop.objects.get().reason == "complained"


@pytest.mark.parametrize("changes", [{"action": "delayed", "status": "4.4.1"}, {"action": "failed", "status": "4.2.2"}])
def test_what_is_not_final_stops_nothing(
    mail: Mail, changes: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(tmp_path, dsn(mail, **changes), capsys).endswith("1 that report nothing final")
    assert not MailStop.objects.exists()


def test_a_made_up_report_stops_nothing(mail: Mail, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail.rfc_message_id = "<guess@acme.example>"
    assert "1 about no mail of ours" in record(tmp_path, dsn(mail), capsys)
    assert not MailStop.objects.exists()


def test_a_mailbox_of_many(mail: Mail, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [dsn(mail), "Subject: Out of office\n\nBack on Monday.\n", ARF.format(message_id=mail.rfc_message_id)]
    mbox = "".join(f"From a@b.example Mon May  4 12:00:00 2026\n{text}\n" for text in texts)
    said = record(tmp_path, mbox, capsys)
    assert said == "1 bounced, 1 complained, 0 about no mail of ours, 1 that report nothing final"


def test_a_file_that_is_not_there(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("record_bounces", str(tmp_path / "nothing"))
