"""Queueing and sending, against a real SMTP server: what goes out, what waits, and what is never sent twice."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authorizations.management.looks import MailSender
from portal.authorizations.models import Campaign, Customer, Flow, Link, Mail
from portal.authorizations.services import mail_obstacles, mailings
from portal.authorizations.services.links import replace_link
from portal.authorizations.services.mail_obstacles import Obstacle, find_obstacles
from portal.authorizations.services.mail_stops import stop_mails_to
from portal.authorizations.services.mailings import QueueResult, explain_no_sending, queue_invitations, send_due_mails
from tests.authorizations.mailing import invite, make_installation, make_invited, send, states
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_legacy_flow,
    make_link,
    make_shared_link,
)
from tests.smtp_server import Mailbox

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=ZoneInfo("UTC"))


@pytest.fixture(autouse=True)
def installation(db: None) -> None:
    make_installation()


def make_thousands(count: int, *, campaign: Campaign) -> list[Mail]:
    """So many due mails of a campaign: steps of one message to one customer, which is as good to whoever looks."""
    first = make_invited(campaign=campaign)
    others = (
        Mail(message=first.message, customer=first.customer, link=first.link, step=step, due_at=first.due_at)
        for step in range(1, count)
    )
    return [first, *Mail.objects.bulk_create(others)]


class TestQueue:
    def queue(self, campaign: Campaign, *links: Link) -> QueueResult:
        return queue_invitations(campaign=campaign, link_ids=[link.pk for link in links], due_at=timezone.now())

    def test_twice_is_once(self) -> None:
        campaign = make_campaign()
        links = [make_link(campaign=campaign, flow=campaign.flow) for _ in range(3)]
        assert self.queue(campaign, *links) == QueueResult(queued=3)
        assert self.queue(campaign, *links) == QueueResult(skipped={"Queued already.": 3})
        assert Mail.objects.count() == 3

    def test_whoever_is_not_written_to_is_counted_by_the_reason(self) -> None:
        campaign = make_campaign()

        def link(**fields: Any) -> Link:
            customer = make_customer(**fields)
            return make_link(customer=customer, campaign=campaign, flow=campaign.flow)

        stop_mails_to("gone@example.com", reason="unsubscribed")
        links = [
            link(email=""),
            link(email="GONE@example.com"),
            link(mail_stopped_at=NOON),
            link(refused_at=NOON),
            link(name="erased later"),
            link(email="josé@example.com"),
            make_shared_link(flow=campaign.flow, campaign=campaign),
            make_link(),
            link(),
        ]
        Customer.objects.filter(name="erased later").update(erased_at=NOON)
        result = self.queue(campaign, *links)
        assert result.queued == 1
        assert result.skipped == {
            "No email address.": 1,
            "The address gets no more mails.": 2,
            "The customer refused at the door.": 1,
            "The customer was erased.": 1,
            "The address has letters that mail servers do not take.": 1,
            "No link of a customer in this campaign.": 2,
        }

    def test_queries_grow_with_chunks_and_not_with_customers(self) -> None:
        def count(links: int) -> int:
            campaign = make_campaign()
            issued = [make_link(campaign=campaign, flow=campaign.flow) for _ in range(links)]
            with CaptureQueriesContext(connection) as queries:
                self.queue(campaign, *issued)
            return len(queries)

        assert count(2) == count(12)


def test_sent_and_noted(box: Mailbox) -> None:
    mail = make_invited(email="rosa@example.com")
    assert send() == 1
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.reason) == ("sent", 1, "")
    assert mail.sent_at is not None
    [delivered] = box.taken
    assert (delivered.sender, delivered.to) == ("energy@acme.example", "rosa@example.com")
    assert delivered.mail["Message-ID"] == mail.rfc_message_id
    assert send() == 0
    assert len(box.taken) == 1


def test_one_connection_serves_many(box: Mailbox) -> None:
    for _ in range(5):
        make_invited()
    assert send() == 5
    assert len({delivered.peer for delivered in box.taken}) == 1


def test_not_before_it_is_due(box: Mailbox) -> None:
    mail = make_invited()
    Mail.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert send() == 0
    assert send(hours=2) == 1
    assert mail.pk


class TestOneAddress:
    def test_several_sites_share_one_mail_with_all_their_links(self, box: Mailbox) -> None:
        campaign = make_campaign()
        home = make_invited(campaign=campaign, email="Rosa@example.com", street="1 Maple St")
        shop = make_invited(campaign=campaign, email="rosa@Example.com", street="2 Elm St")
        make_invited(campaign=campaign, email="other@example.com")
        assert send() == 2
        home.refresh_from_db()
        shop.refresh_from_db()
        assert home.rfc_message_id == shop.rfc_message_id != ""
        [first, _] = box.taken
        text = first.mail.get_body(("plain",))
        assert text is not None
        for words in ("1 Maple St", home.link.short_url, "2 Elm St", shop.link.short_url):
            assert words in text.get_content()

    def test_a_site_that_comes_later_gets_no_second_mail(self, box: Mailbox) -> None:
        campaign = make_campaign()
        make_invited(campaign=campaign, email="rosa@example.com")
        send()
        late = make_invited(campaign=campaign, email="ROSA@example.com")
        assert send() == 0
        late.refresh_from_db()
        assert (late.state, late.reason) == ("silenced", "This address got the message already.")

    def test_another_campaign_writes_to_it_all_the_same(self, box: Mailbox) -> None:
        make_invited(email="rosa@example.com")
        make_invited(email="rosa@example.com")
        assert send() == 2

    def test_a_legacy_customer_of_two_utilities_gets_both_links(self, box: Mailbox) -> None:
        campaign = make_campaign(flow=make_legacy_flow())
        customer = make_customer(email="rosa@example.com")
        links = [
            make_link(customer=customer, campaign=campaign, flow=campaign.flow, utilities=get_utilities(name))
            for name in ("pge", "sce")
        ]
        result = queue_invitations(campaign=campaign, link_ids=[link.pk for link in links], due_at=timezone.now())
        assert result == QueueResult(queued=1)
        send()
        text = box.mail_to("rosa@example.com").get_body(("plain",))
        assert text is not None
        assert all(link.short_url in text.get_content() for link in links)


class TestRate:
    def test_no_more_a_minute_than_is_set(self, box: Mailbox) -> None:
        make_installation(mails_per_minute=3)
        with time_machine.travel(NOON, tick=False) as clock:
            for _ in range(8):
                make_invited()
            assert send() == 3
            assert send() == 0
            clock.shift(59)
            assert send() == 0
            clock.shift(1)
            assert send() == 3
            clock.shift(60)
            assert send() == 2

    def test_a_look_sends_its_share(self, box: Mailbox) -> None:
        make_installation(mails_per_minute=12)
        for _ in range(5):
            make_invited()
        MailSender(every=10).act()
        assert len(box.taken) == 2


class TestObstacles:
    def of(self, mail: Mail) -> tuple[str, str]:
        mail.refresh_from_db()
        return mail.state, mail.reason or mail.why_held

    def test_a_campaign_that_is_paused_holds_its_mails_and_resumed_sends_them(self, box: Mailbox) -> None:
        mail = make_invited()
        Campaign.objects.update(state="paused")
        assert send() == 0
        assert self.of(mail) == ("waiting", "The campaign is paused.")
        Campaign.objects.update(state="running")
        assert send(minutes=6) == 1
        assert self.of(mail) == ("sent", "")

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"state": "closed"}, ("silenced", "The campaign is closed.")),
            ({"starts_on": "2126-01-01"}, ("waiting", "The campaign begins on 1 Jan 2126.")),
            ({"ends_on": "2025-01-01"}, ("waiting", "The campaign ended on 1 Jan 2025.")),
        ],
    )
    def test_a_campaign_that_does_not_run(
        self, change: dict[str, str], expected: tuple[str, str], box: Mailbox
    ) -> None:
        mail = make_invited()
        Campaign.objects.update(**change)
        assert send() == 0
        assert self.of(mail) == expected

    def test_a_flow_that_is_no_longer_live_holds(self, box: Mailbox) -> None:
        mail = make_invited()
        Flow.objects.update(state="retired")
        send()
        assert self.of(mail) == ("waiting", "Its flow is retired, not live.")

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"email": ""}, "No email address."),
            ({"refused_at": NOON}, "The customer refused at the door."),
            ({"erased_at": NOON}, "The customer was erased."),
            ({"mail_stopped_at": NOON}, "The address gets no more mails."),
        ],
    )
    def test_a_customer_who_is_no_longer_written_to(self, change: dict[str, Any], reason: str, box: Mailbox) -> None:
        mail = make_invited()
        Customer.objects.update(**change)
        assert send() == 0
        assert self.of(mail) == ("silenced", reason)
        assert box.taken == []

    def test_an_address_that_was_stopped_is_found_by_its_digest(self, box: Mailbox) -> None:
        mail = make_invited(email="Rosa@example.com")
        stop_mails_to("rosa@EXAMPLE.com", reason="complained")
        Customer.objects.update(mail_stopped_at=None)
        assert send() == 0
        assert self.of(mail) == ("silenced", "The address gets no more mails.")

    def test_a_void_link_silences(self, box: Mailbox) -> None:
        mail = make_invited()
        Link.objects.update(voided_at=NOON, void_reason="A mistake")
        send()
        assert self.of(mail) == ("silenced", "The link is void.")

    def test_leaps_proof_silences_also_when_another_link_brought_it(self, box: Mailbox) -> None:
        mail = make_invited()
        other = make_link(customer=mail.customer, flow=mail.link.flow, campaign=make_campaign(flow=mail.link.flow))
        Link.objects.filter(pk=other.pk).update(authorized_at=NOON)
        send()
        assert self.of(mail) == ("silenced", "Leap says that the customer has authorized.")

    def test_a_claim_is_no_proof_and_silences_nothing(self, box: Mailbox) -> None:
        mail = make_invited()
        Link.objects.update(first_returned_at=NOON)
        assert send() == 1
        assert self.of(mail) == ("sent", "")

    def test_of_a_replaced_link_the_successor_is_sent(self, box: Mailbox) -> None:
        mail = make_invited(email="rosa@example.com")
        second = replace_link(link=replace_link(link=mail.link, issued_by=None), issued_by=None)
        assert send() == 1
        text = box.mail_to("rosa@example.com").get_body(("plain",))
        assert text is not None
        assert second.short_url in text.get_content()
        assert mail.link.short_url not in text.get_content()

    def test_one_site_that_is_held_holds_the_mail_that_they_share(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign = make_campaign()
        home = make_invited(campaign=campaign, email="rosa@example.com")
        shop = make_invited(campaign=campaign, email="rosa@example.com")
        held = Obstacle("PG&E is down.", silences=False)
        looks = [*mail_obstacles.LOOKS, lambda mails, now: {mail.pk: held for mail in mails if mail == home}]
        monkeypatch.setattr(mail_obstacles, "LOOKS", looks)
        assert send() == 0
        assert [self.of(home), self.of(shop)] == [("waiting", "PG&E is down.")] * 2
        monkeypatch.undo()
        assert send(minutes=6) == 1
        assert states() == ["sent", "sent"]

    def test_queries_do_not_grow_with_the_mails(self) -> None:
        campaign = make_campaign()

        def count(mails: int) -> int:
            for _ in range(mails):
                make_invited(campaign=campaign)
            rows = list(Mail.objects.select_related("message__campaign", "customer", "link"))
            with CaptureQueriesContext(connection) as queries:
                find_obstacles(rows, timezone.now())
            return len(queries)

        assert count(2) == count(10)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"state": "paused"}, "The campaign is paused."),
            ({"state": "closed"}, "The campaign is closed."),
            ({"starts_on": "2126-01-01"}, "The campaign begins on 1 Jan 2126."),
        ],
    )
    def test_thousands_that_are_held_hold_up_nobody(self, change: dict[str, str], why: str, box: Mailbox) -> None:
        """They were due before it, and a look reads none of them."""
        counts = []
        for thousands in (0, 3):
            if thousands:
                held = make_thousands(1000 * thousands, campaign=(campaign := make_campaign()))
                Campaign.objects.filter(pk=campaign.pk).update(**change)
            mail = make_invited()
            with CaptureQueriesContext(connection) as queries:
                assert send(most=1) == 1
            assert self.of(mail) == ("sent", "")
            counts.append(len(queries))
        assert counts[0] == counts[1]
        for each in (held[0], held[-1]):
            due_at = each.due_at
            assert self.of(each) == ("waiting", why)
            assert (each.due_at, each.hold_reason) == (due_at, "")

    def test_what_is_due_of_a_closed_campaign_is_settled_bit_by_bit_when_nothing_else_is(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailings, "_BATCH", 2)
        make_thousands(3, campaign=(campaign := make_campaign()))
        Campaign.objects.filter(pk=campaign.pk).update(state="closed")
        for silenced in (2, 3):
            assert send() == 0
            assert states().count("silenced") == silenced

    def test_thousands_that_something_else_holds_are_looked_at_in_bounded_looks(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailings, "_SIFTED", 10)
        monkeypatch.setattr(mailings, "_MOST_HELD", 40)
        held = make_thousands(100, campaign=make_campaign())
        mail = make_invited()
        down = Obstacle("PG&E is down.", silences=False)
        looks = [lambda mails, now: {each.pk: down for each in mails if each.message_id == held[0].message_id}]
        monkeypatch.setattr(mail_obstacles, "LOOKS", looks)
        for count in (40, 80):
            assert send() == 0
            assert Mail.objects.filter(hold_reason=down.reason).count() == count
        assert send() == 1
        assert self.of(mail) == ("sent", "")

    def test_a_stop_is_heard_while_mails_are_looked_through(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailings, "_SIFTED", 10)
        make_thousands(50, campaign=make_campaign())
        down = Obstacle("PG&E is down.", silences=False)
        monkeypatch.setattr(mail_obstacles, "LOOKS", [lambda mails, now: {each.pk: down for each in mails}])
        answers = iter([False, False, True])
        assert send_due_mails(now=timezone.now(), most=10, is_over=lambda: next(answers)) == 0
        assert Mail.objects.exclude(hold_reason="").count() == 20


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"postal_address": " \n"}, "postal address"),
        ({"support_email": ""}, "without a sender"),
    ],
)
def test_without_what_a_mail_must_carry_nothing_is_sent(
    fields: dict[str, str], words: str, box: Mailbox, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = ""
    installation = make_installation(**fields)
    make_invited()
    assert send() == 0
    assert words in explain_no_sending(installation)
    assert states() == ["waiting"]
    make_installation()
    assert send() == 1


def test_a_mail_that_cannot_be_written_holds_up_nobody(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = make_invited(email="rosa@example.com"), make_invited()
    write = mailings.write_mail

    def fail_once(claim: Any, **values: Any) -> Any:
        if claim.first.pk == broken.pk:
            raise ValueError("rosa@example.com")
        return write(claim, **values)

    monkeypatch.setattr("portal.authorizations.services.mailings.write_mail", fail_once)
    assert send() == 1
    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, broken.reason, fine.state) == ("failed", "It could not be written: ValueError.", "sent")
    assert "rosa" not in caplog.text


def test_a_stop_of_the_worker_ends_the_look_between_two_mails(box: Mailbox) -> None:
    make_invited()
    invite(make_link(campaign=(campaign := make_campaign()), flow=campaign.flow))
    sender = MailSender(every=60)
    box.while_taking = sender._stopped.set
    sender.act()
    assert states() == ["sent", "waiting"]
