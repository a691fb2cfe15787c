"""The mail server refuses, puts off, breaks off or is away; the worker is killed; two work at once. Nothing is lost,
nothing goes out twice, and what nobody can know is shown to a person."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Mail
from portal.authorizations.services import mailings
from portal.authorizations.services.erasure import erase_customer
from portal.authorizations.services.mail_decisions import (
    DecisionRefused,
    leave_unknown,
    note_arrival,
    send_again,
    stop_mail,
)
from portal.authorizations.services.mailings import find_absence
from tests.authorizations.mailing import make_installation, make_invited, send, states
from tests.authorizations.test_links_at_once import at_once
from tests.factories import make_campaign
from tests.smtp_server import BREAK, Mailbox, free_port, smtp_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def installation(transactional_db: None) -> None:
    make_installation()


def only_mail() -> Mail:
    return Mail.objects.get()


class TestRefused:
    @pytest.mark.parametrize("step", ["at_rcpt", "at_data"])
    def test_for_good_it_has_failed_with_the_servers_words_and_without_the_address(
        self, box: Mailbox, step: str
    ) -> None:
        make_invited(email="rosa.nunez@example.com")
        make_invited()
        getattr(box, step).append("550 5.1.1 <Rosa.Nunez@example.com>: no mailbox rosa.nunez here")
        assert send() == 1
        first = Mail.objects.order_by("pk")[0]
        assert (first.state, first.reason) == ("failed", "550 5.1.1 …: no mailbox … here")
        assert send(hours=48) == 0
        assert len(box.taken) == 1

    @pytest.mark.parametrize("step", ["at_rcpt", "at_data"])
    def test_put_off_it_waits_and_is_tried_again_later_and_later_but_not_for_ever(
        self, box: Mailbox, step: str
    ) -> None:
        make_invited()
        waits = [5, 15, 60, 240, 720, 1440]
        with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False) as clock:
            getattr(box, step).extend(["451 4.7.1 greylisted"] * 7)
            for minutes in waits:
                assert send() == 0
                mail = only_mail()
                assert (mail.state, mail.hold_reason) == ("waiting", "Put off by the server: 451 4.7.1 greylisted")
                assert mail.due_at == timezone.now() + timedelta(minutes=minutes)
                clock.shift(minutes * 60 - 1)
                assert send() == 0
                assert only_mail().attempts == waits.index(minutes) + 1
                clock.shift(1)
            assert send() == 0
        assert (only_mail().state, only_mail().reason) == ("failed", "Tried 7 times: 451 4.7.1 greylisted")

    def test_put_off_and_then_taken(self, box: Mailbox) -> None:
        make_invited()
        box.at_data.append("452 too much mail")
        assert send() == 0
        assert send(minutes=6) == 1
        assert (only_mail().state, only_mail().attempts, only_mail().hold_reason) == ("sent", 2, "")
        assert len(box.taken) == 1

    def test_a_sender_that_is_refused_is_no_fault_of_any_mail(self, box: Mailbox) -> None:
        make_invited()
        make_invited()
        box.at_mail.append("553 energy@acme.example may not send here")
        assert send() == 0
        assert states() == ["waiting", "waiting"]
        assert {mail.attempts for mail in Mail.objects.all()} == {0}
        absence = find_absence()
        assert absence is not None
        assert absence.words == "It refuses the sender: 553 … may not send here"
        assert send(minutes=2) == 2


class TestAway:
    def test_everything_waits_unmarked_and_it_is_asked_again_after_a_pause(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
        make_invited()
        assert send() == 0
        mail = only_mail()
        assert (mail.state, mail.attempts, mail.marked_at, mail.rfc_message_id) == ("waiting", 0, None, "")
        absence = find_absence()
        assert absence is not None
        assert "Connection refused" in absence.words
        with smtp_server(settings) as box:
            assert send(seconds=5) == 0, "it is left alone for a moment"
            assert send(seconds=20) == 1
            assert len(box.taken) == 1
        assert find_absence() is None

    def test_the_pause_grows(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
        make_invited()
        pauses = []
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(6):
                send()
                absence = find_absence()
                assert absence is not None
                pauses.append((absence.until - timezone.now()).total_seconds())
                clock.move_to(absence.until)
        assert pauses[:3] == sorted(pauses[:3])
        assert (pauses[0], pauses[-1]) == (15, 300)


class TestBrokenOff:
    def test_before_the_mail_was_handed_over_it_goes_out_over_a_new_connection(self, box: Mailbox) -> None:
        for _ in range(4):
            make_invited()
        box.at_rcpt = ["", "", BREAK]
        assert send() == 4
        assert states() == ["sent"] * 4
        assert len(box.taken) == len({delivered.to for delivered in box.taken}) == 4
        assert len({delivered.peer for delivered in box.taken}) == 2

    def test_a_server_that_only_breaks_off_is_away(self, box: Mailbox) -> None:
        make_invited()
        box.at_mail = [BREAK]
        assert send() == 0
        assert (only_mail().state, only_mail().attempts) == ("waiting", 0)
        assert find_absence() is not None
        assert send(minutes=2) == 1
        assert len(box.taken) == 1

    def test_while_it_was_handed_over_nobody_knows_and_nothing_is_sent_again(self, box: Mailbox) -> None:
        for _ in range(3):
            make_invited()
        box.at_data = ["", BREAK]
        assert send() == 2
        assert states() == ["sent", "unknown", "sent"]
        assert send(hours=48) == 0
        assert len(box.taken) == 3

    def test_the_whole_mail_that_several_sites_share_is_unknown(self, box: Mailbox) -> None:
        campaign = make_campaign()
        make_invited(campaign=campaign, email="rosa@example.com")
        make_invited(campaign=campaign, email="rosa@example.com")
        box.at_data = [BREAK]
        send()
        assert states() == ["unknown", "unknown"]
        late = make_invited(campaign=campaign, email="rosa@example.com")
        send(hours=1)
        late.refresh_from_db()
        assert late.state == "waiting"
        assert "not known yet" in late.hold_reason


class TestUnknown:
    @pytest.fixture
    def mail(self, box: Mailbox) -> Mail:
        make_invited()
        box.at_data = [BREAK]
        send()
        assert only_mail().state == "unknown"
        return only_mail()

    def test_it_arrived(self, mail: Mail, manager: User) -> None:
        note_arrival(mail=mail, by=manager)
        settled = only_mail()
        assert (settled.state, settled.sent_at, settled.decided_by) == ("sent", mail.marked_at, manager)

    def test_send_again(self, mail: Mail, manager: User, box: Mailbox) -> None:
        send_again(mail=mail, by=manager)
        assert send() == 1
        settled = only_mail()
        assert (settled.state, settled.decided_by) == ("sent", manager)
        assert settled.rfc_message_id != mail.rfc_message_id
        assert len(box.taken) == 2

    def test_leave_it(self, mail: Mail, manager: User, box: Mailbox) -> None:
        leave_unknown(mail=mail, by=manager)
        assert send(hours=1) == 0
        assert (only_mail().state, only_mail().decided_by) == ("stopped", manager)
        with pytest.raises(DecisionRefused, match="meanwhile"):
            send_again(mail=mail, by=manager)

    def test_only_a_waiting_mail_can_be_stopped(self, mail: Mail, manager: User) -> None:
        with pytest.raises(DecisionRefused):
            stop_mail(mail=mail, by=manager)
        waiting = make_invited()
        stop_mail(mail=waiting, by=manager)
        assert send() == 0
        assert states() == ["unknown", "stopped"]


SENDER = """
import django; django.setup()
from django.utils import timezone
from portal.authorizations.services.mailings import send_due_mails
send_due_mails(now=timezone.now(), most=10)
"""


def test_a_worker_killed_between_mark_and_answer_leaves_one_mail_to_a_person(box: Mailbox) -> None:
    """A process of its own, killed by SIGKILL when the server has the whole mail and has not answered."""
    for _ in range(3):
        make_invited()
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor != "sqlite":
        login = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
        url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{box.port}",
        "DEFAULT_FROM_EMAIL": "energy@acme.example",
    }
    worker: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        if len(box.taken) == 2:
            worker[0].send_signal(signal.SIGKILL)
            worker[0].wait(30)

    box.while_taking = kill
    worker.append(subprocess.Popen([sys.executable, "-c", SENDER], cwd=django_settings.BASE_DIR, env=environment))
    worker[0].wait(60)
    box.while_taking = None
    assert worker[0].returncode == -signal.SIGKILL
    assert states() == ["sent", "sending", "waiting"]
    assert len(box.taken) == 2, "the server has it, and nobody knows"

    assert send() == 1
    assert states() == ["sent", "sending", "sent"], "perhaps somebody is still at it"
    assert send(minutes=11) == 0
    assert states() == ["sent", "unknown", "sent"]
    assert send(hours=48) == 0
    assert len(box.taken) == 3


def test_a_worker_that_was_only_slow_is_believed_after_all(box: Mailbox) -> None:
    """Given up for lost by another worker, while the server takes its time: its answer is the truth."""
    make_invited()

    def give_up() -> None:
        def look() -> None:
            send(minutes=11)

        at_once(look)

    box.while_taking = give_up
    assert send() == 1
    assert states() == ["sent"]
    assert len(box.taken) == 1


def test_several_workers_send_each_mail_once_and_keep_the_rate_together(box: Mailbox) -> None:
    make_installation(mails_per_minute=20)
    campaign = make_campaign()
    for number in range(16):
        make_invited(campaign=campaign, email=f"customer{number}@example.com")
        make_invited(campaign=campaign, email=f"Customer{number}@example.com")
    for _ in range(10):
        make_invited(campaign=campaign)
    results = at_once(*[send] * 4)
    assert sum(result for result in results if isinstance(result, int)) == 20, results
    assert len(box.taken) == len({delivered.to.lower() for delivered in box.taken}) == 20
    assert send(seconds=61) == 6
    assert len({delivered.to.lower() for delivered in box.taken}) == len(box.taken) == 26
    assert set(states()) == {"sent"}


class TestAfterTheText:
    def test_an_answer_that_is_neither_yes_nor_no_is_shown_to_a_person(self, box: Mailbox) -> None:
        make_invited()
        box.at_data.append("354 go on")
        assert send() == 0
        assert states() == ["unknown"]
        assert send(hours=48) == 0

    def test_any_yes_is_a_yes(self, box: Mailbox) -> None:
        make_invited()
        box.at_data.append("252 taken, I think")
        assert send() == 1
        assert states() == ["sent"]

    def test_what_was_taken_is_noted_although_the_database_is_busy(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_invited()
        real, tries = mailings.settle_claim, iter(range(10))
        begun = timezone.now()
        with time_machine.travel(begun, tick=False) as clock:

            def busy(*arguments: Any, **values: Any) -> None:
                if next(tries) < 3:
                    clock.shift(20)
                    raise OperationalError("database is locked")
                real(*arguments, **values)

            monkeypatch.setattr(mailings, "settle_claim", busy)
            assert send() == 1
        assert states() == ["sent"]
        assert only_mail().sent_at == begun + timedelta(minutes=1), "when it was noted at last"


@pytest.mark.parametrize(("state", "after"), [("sending", "sending"), ("unknown", "stopped"), ("waiting", "silenced")])
def test_erasing_a_customer_leaves_no_mail_open(state: str, after: str) -> None:
    """But for one that is on its way: what the server says of it is found by its Message-ID."""
    mail = make_invited()
    Mail.objects.filter(pk=mail.pk).update(state=state, rfc_message_id="<a@b>", marked_at=timezone.now())
    erase_customer(customer=mail.customer, by=None, reason="asked")
    mail.refresh_from_db()
    assert (mail.state, mail.rfc_message_id) == (after, "<a@b>" if state == "sending" else "")
