"""Reminders from visit to silence, with a clock that moves and a real mail server (issue 5, item 4)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    Campaign,
    CampaignState,
    Customer,
    Link,
    Mail,
    MailState,
    Outage,
    StopReason,
    Utility,
)
from portal.authorizations.services import reminders
from portal.authorizations.services.door_calls import record_door_call
from portal.authorizations.services.links import replace_link, void_link
from portal.authorizations.services.mail_claims import claim_mail, settle_claim
from portal.authorizations.services.mail_decisions import leave_unknown, note_arrival, stop_mail
from portal.authorizations.services.mail_server import Answer, Fate
from portal.authorizations.services.mail_stops import stop_mails_to
from portal.authorizations.services.outages import end_outage, mark_outage
from portal.authorizations.services.reminders import (
    allow_reminders_to,
    find_waiting,
    stop_reminders,
    stop_reminders_to,
    switch_reminders,
)
from tests.authorizations.reminder_world import World, at
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_link,
    make_paper,
    make_user,
)
from tests.smtp_server import smtp_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None, settings: Any) -> Iterator[World]:
    with time_machine.travel(at(2), tick=False) as clock, smtp_server(settings) as box:
        yield World(clock, box)


class TestAbandoned:
    def test_within_the_hour_a_day_and_three_days_and_never_again(self, world: World) -> None:
        link = world.ask(email="rosa@example.com")
        world.visit(link)
        world.go_by_hours(at(20))
        assert world.story() == [("abandoned", step, "sent") for step in (0, 1, 2)]
        first, second, third = world.sent_at()
        assert timedelta(minutes=45) <= first - at(2) <= timedelta(hours=1)
        assert timedelta(days=1) <= second - at(2) <= timedelta(days=1, hours=1)
        assert timedelta(days=3) <= third - at(2) <= timedelta(days=3, hours=1)
        assert [delivered.to for delivered in world.box.taken] == ["rosa@example.com"] * 3

    def test_whoever_leap_says_was_there_though_we_saw_no_visit(self, world: World) -> None:
        link = world.ask()
        world.tell(link, "INITIATED", "PGE")
        world.go(at(2, 10, 5))
        world.go(at(2, 10, 50))
        assert world.story() == [("abandoned", 0, "sent")]

    def test_a_failed_sign_in_is_one_that_was_left(self, world: World) -> None:
        link = world.ask()
        world.tell(link, "FAILED", "PGE")
        world.go(at(2, 10, 5))
        world.go(at(2, 10, 10))
        [mail] = find_waiting(Mail.objects.all())
        assert mail.outlook.why == "failed at a utility; last there on 2 Mar 2026, 10:00; first reminder"  # type: ignore[attr-defined]

    def test_one_left_in_the_evening_is_reminded_at_eight(self, world: World) -> None:
        link = world.ask()
        world.go(at(2, 20, 50))
        world.visit(link)
        world.go_by_hours(at(3, 8, 55))
        assert world.sent_at() == [at(3, 8, 50)]

    @pytest.mark.parametrize("told_by", ["utility", "link", "flow", "state"])
    def test_whoever_lives_in_new_york_is_left_alone_when_it_is_night_there(self, world: World, told_by: str) -> None:
        """18:30 in California is 21:30 in New York."""
        conedison = get_utilities("cecony-utilityapi")
        offered = ["cecony-utilityapi", "oru-utilityapi", *(["pge"] if told_by == "state" else [])]
        campaign = make_campaign(flow=make_flow(utilities=offered), reminds_abandoned=True)
        customer = make_customer(
            utility="cecony-utilityapi" if told_by == "utility" else "", state="NY" if told_by == "state" else ""
        )
        link = make_link(
            customer=customer,
            campaign=campaign,
            flow=campaign.flow,
            utilities=conedison if told_by == "link" else None,
        )
        world.go(at(2, 17, 30))
        world.visit(link)
        world.go_by_hours(at(3, 4, 55))
        assert world.sent_at() == []
        world.go(at(3, 5))
        assert world.sent_at() == [at(3, 5)]

    def test_a_new_session_postpones_the_first_reminder(self, world: World) -> None:
        link = world.ask()
        world.visit(link)
        world.go(at(2, 10, 30))
        assert world.waiting().due_at == at(2, 10, 45)
        world.visit(link)
        world.go(at(2, 10, 40))
        assert world.waiting().due_at == at(2, 11, 15)
        world.go(at(2, 10, 50))
        assert world.sent_at() == []
        world.go(at(2, 11, 15))
        assert world.sent_at() == [at(2, 11, 15)]

    def test_a_new_session_after_the_first_reminder_postpones_the_second_and_repeats_nothing(
        self, world: World
    ) -> None:
        link = world.ask()
        world.visit(link)
        world.go(at(2, 10, 5))
        world.go(at(2, 10, 45))
        world.go(at(2, 10, 50))
        assert world.waiting().due_at == at(3, 10)
        world.clock.move_to(at(3, 9))
        world.visit(link)
        world.go(at(3, 9, 5))
        assert (world.waiting().step, world.waiting().due_at) == (1, at(4, 9))
        world.go_by_hours(at(3, 23))
        assert world.story() == [("abandoned", 0, "sent"), ("abandoned", 1, "waiting")]

    def test_no_reminder_where_the_campaign_does_not_say_so(self, world: World) -> None:
        Campaign.objects.update(reminds_abandoned=False)
        world.visit(world.ask())
        world.go_by_hours(at(6))
        assert world.story() == []

    def test_a_shared_links_visitors_are_nobody_in_particular(self, world: World) -> None:
        link = world.ask()
        Link.objects.filter(pk=link.pk).update(customer=None, label="poster")
        world.visit(link)
        world.go_by_hours(at(3))
        assert world.story() == []

    def test_a_customer_without_an_address_is_not_planned(self, world: World) -> None:
        world.visit(world.ask(email=""))
        world.go(at(2, 11))
        assert world.story() == []

    def test_one_customer_with_two_links_is_reminded_once(self, world: World) -> None:
        link = world.ask()
        flow = world.campaign.flow
        other = make_link(customer=link.customer, campaign=make_campaign(flow=flow, reminds_abandoned=True), flow=flow)
        Link.objects.filter(pk=link.pk).update(voided_at=timezone.now(), void_reason="x")
        Link.objects.filter(pk=other.pk).update(campaign=world.campaign)
        Link.objects.filter(pk=link.pk).update(voided_at=None, utility=Utility.objects.first())
        world.visit(link)
        world.visit(other)
        world.go_by_hours(at(2, 13))
        assert [(kind, step) for kind, step, state in world.story() if state == "sent"] == [("abandoned", 0)]

    def test_two_campaigns_do_not_remind_one_customer_twice_in_a_day(self, world: World) -> None:
        customer = make_customer()
        for campaign in (world.campaign, make_campaign(reminds_abandoned=True)):
            world.visit(world.ask(customer=customer, campaign=campaign))
        world.go_by_hours(at(3, 5))
        assert len(world.sent_at()) == 1
        [held] = Mail.objects.waiting().filter(step=0)
        assert held.hold_reason.startswith("Reminded on 2 Mar 2026")

    def test_nor_one_address_that_stands_for_two_sites(self, world: World) -> None:
        for campaign, email in (
            (world.campaign, "rosa@example.com"),
            (make_campaign(reminds_abandoned=True), "Rosa@Example.com"),
        ):
            world.visit(world.ask(email=email, campaign=campaign))
        world.go_by_hours(at(3, 5))
        assert len(world.sent_at()) == 1
        [held] = Mail.objects.waiting().filter(step=0)
        assert held.hold_reason.startswith("Reminded on 2 Mar 2026")

    @pytest.mark.parametrize("same", ["customer", "address"])
    def test_nor_while_the_other_ones_fate_is_open(self, world: World, same: str) -> None:
        """On the wire with another worker, then of unknown fate: twenty hours are counted from when it was marked."""
        first = world.ask(email="rosa@example.com")
        other = make_campaign(reminds_abandoned=True)
        if same == "customer":
            second = world.ask(customer=first.customer, campaign=other)
        else:
            second = world.ask(email="Rosa@example.com", campaign=other)
        world.visit(first)
        world.visit(second)
        world.clock.move_to(at(2, 10, 5))
        reminders.plan_reminders(timezone.now())
        one, two = (Mail.objects.get(link=link) for link in (first, second))
        world.clock.move_to(at(2, 11))
        claim = claim_mail(mail_id=one.pk, now=timezone.now())
        assert claim is not None
        assert claim_mail(mail_id=two.pk, now=timezone.now()) is None
        settle_claim(claim, Answer(Fate.UNKNOWN, "It broke off."), now=timezone.now())
        world.clock.move_to(at(2, 12))
        assert claim_mail(mail_id=two.pk, now=timezone.now()) is None
        two.refresh_from_db()
        assert (two.state, two.hold_reason) == (
            "waiting",
            "Perhaps reminded on 2 Mar 2026, 11:00: not twice in a day.",
        )
        assert two.due_at == at(3, 8)
        # Whoever leaves it at that knows no more of it.
        one.refresh_from_db()
        leave_unknown(mail=one, by=make_user())
        assert claim_mail(mail_id=two.pk, now=timezone.now()) is None
        world.clock.move_to(at(3, 8))
        assert claim_mail(mail_id=two.pk, now=timezone.now()) is not None

    @pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.PUT_OFF])
    def test_one_that_the_server_did_not_take_holds_up_no_other(self, world: World, fate: Fate) -> None:
        """Refused, or put off and then stopped by a person: nobody has it."""
        customer = make_customer()
        links = [world.ask(customer=customer, campaign=c) for c in (None, make_campaign(reminds_abandoned=True))]
        for link in links:
            world.visit(link)
        world.clock.move_to(at(2, 10, 5))
        reminders.plan_reminders(timezone.now())
        one, two = (Mail.objects.get(link=link) for link in links)
        world.clock.move_to(at(2, 11))
        claim = claim_mail(mail_id=one.pk, now=timezone.now())
        assert claim is not None
        settle_claim(claim, Answer(fate, "not taken"), now=timezone.now())
        if fate is Fate.PUT_OFF:
            stop_mail(mail=one, by=make_user())
        assert claim_mail(mail_id=two.pk, now=timezone.now()) is not None

    def test_a_reminder_twice_planned_is_one(self, world: World) -> None:
        from portal.authorizations.services.reminders import plan_pairs

        link = world.ask()
        world.visit(link)
        world.go(at(2, 10, 5))
        for _ in range(2):
            plan_pairs([(world.campaign.pk, link.customer_id or 0)], timezone.now())
        assert world.story() == [("abandoned", 0, "waiting")]


class TestNoVisit:
    def test_after_the_days_that_the_campaign_says(self, world: World) -> None:
        world.ask(invite=True)
        world.go_by_hours(at(30))
        assert world.story() == [("no_visit", 0, "sent"), ("no_visit", 1, "sent")]
        assert [moment.date() for moment in world.sent_at()] == [at(9).date(), at(23).date()]

    def test_the_days_run_from_when_the_invitation_was_sent(self, world: World) -> None:
        link = world.ask(invite=True)
        assert world.story() == []
        world.go(at(3))
        world.go(at(3, 11))
        assert world.waiting().due_at == at(10)
        assert link.first_visited_at is None

    def test_a_visit_silences_it_and_what_was_left_is_reminded_of(self, world: World) -> None:
        link = world.ask(invite=True)
        world.work()
        world.go(at(2, 11))
        assert world.story() == [("no_visit", 0, "waiting")]
        world.visit(link)
        world.go(at(2, 11, 5))
        assert world.story() == [("no_visit", 0, "silenced"), ("abandoned", 0, "waiting")]
        assert world.reminders()[0].reason == "The customer has come since."

    def test_a_campaign_that_names_other_days_is_looked_at_anew(self, world: World) -> None:
        world.ask(invite=True)
        world.work()
        world.go(at(2, 11))
        switch_reminders(campaign=world.campaign, reminds_abandoned=True, no_visit_days=[30])
        world.go(at(2, 11, 5))
        assert (world.waiting().step, world.waiting().due_at.date()) == (0, at(2).date() + timedelta(days=30))

    def test_switched_on_later_it_counts_from_the_invitation_and_makes_up_for_nothing(self, world: World) -> None:
        Campaign.objects.update(no_visit_days=[])
        world.ask(invite=True)
        world.work()
        world.go(at(12))
        assert world.story() == []
        world.campaign.refresh_from_db()
        switch_reminders(campaign=world.campaign, reminds_abandoned=False, no_visit_days=[7, 21])
        world.go(at(12, 11))
        assert (world.waiting().step, world.waiting().due_at) == (1, at(23))

    def test_switched_off_what_waits_is_silenced(self, world: World) -> None:
        world.ask(invite=True)
        world.work()
        world.go(at(2, 11))
        switch_reminders(campaign=world.campaign, reminds_abandoned=True, no_visit_days=[])
        world.go(at(2, 11, 5))
        assert world.story() == [("no_visit", 0, "silenced")]


@pytest.fixture
def left(world: World) -> Link:
    """A link whose customer came on 2 March at 10:00 and left; the first reminder waits for 10:45."""
    link = world.ask(email="rosa@example.com")
    world.visit(link)
    world.go(at(2, 10, 5))
    assert world.waiting().due_at == at(2, 10, 45)
    return link


class TestHeld:
    def held(self, world: World) -> str:
        assert world.sent_at() == []
        return world.waiting().why_held

    def test_while_the_utility_is_down_and_released_with_a_fresh_check(self, world: World, left: Link) -> None:
        outage = mark_outage(utility=left.customer.utility, began_at=at(2, 9), note="", by=make_user())  # type: ignore[union-attr, arg-type]
        world.go(at(2, 10, 50))
        assert self.held(world) == "PG&E is down since 2 Mar 2026, 09:00."
        end_outage(outage=outage, at=at(2, 12))
        world.go(at(2, 12, 10))
        assert world.sent_at() == [at(2, 12, 10)]

    def test_a_refusal_during_the_outage_is_found_when_it_ends(self, world: World, left: Link) -> None:
        outage = mark_outage(utility=left.customer.utility, began_at=at(2, 9), note="", by=make_user())  # type: ignore[union-attr, arg-type]
        world.go(at(2, 10, 50))
        record_door_call(customer=left.customer, outcome="refused", by=make_user(), at=timezone.now())  # type: ignore[arg-type]
        end_outage(outage=outage, at=at(2, 12))
        world.go(at(2, 12, 10))
        assert world.story() == [("abandoned", 0, "silenced")]

    def test_another_utilitys_outage_holds_nothing(self, world: World, left: Link) -> None:
        mark_outage(utility=Utility.objects.get(utility_id="sce"), began_at=at(2, 9), note="", by=make_user())
        world.go(at(2, 10, 50))
        assert world.sent_at() == [at(2, 10, 50)]

    def test_an_outage_to_come_holds_from_its_beginning_on(self, world: World, left: Link) -> None:
        mark_outage(utility=left.customer.utility, began_at=at(2, 10, 40), note="", by=make_user())  # type: ignore[union-attr, arg-type]
        world.go(at(2, 10, 50))
        assert "is down since" in self.held(world)

    def test_an_invitation_waits_for_the_utility_too(self, world: World) -> None:
        outage = mark_outage(utility=Utility.objects.get(utility_id="pge"), began_at=at(2, 9), note="", by=make_user())
        world.ask(invite=True)
        world.work()
        assert world.box.taken == []
        assert Mail.objects.get().hold_reason == "PG&E is down since 2 Mar 2026, 09:00."
        end_outage(outage=outage, at=at(2, 11))
        world.go(at(2, 11, 5))
        assert len(world.box.taken) == 1

    def test_a_claim_waits_for_its_meter_as_long_as_the_utility_takes(self, world: World, left: Link) -> None:
        Utility.objects.filter(pk=left.customer.utility_id).update(expected_days=4)  # type: ignore[union-attr]
        world.clock.move_to(at(2, 10, 20))
        world.come_back(left)
        world.go(at(2, 11, 10))
        assert self.held(world) == "Came back on 2 Mar 2026, 10:20: a meter may take 4 days."
        assert world.waiting().due_at == at(6, 10, 20)
        world.go_by_hours(at(6, 10, 15))
        assert world.sent_at() == []
        world.go(at(6, 10, 25))
        assert world.sent_at() == [at(6, 10, 25)]

    def test_a_meter_that_came_meanwhile_silences_the_claim(self, world: World, left: Link) -> None:
        world.come_back(left)
        world.go(at(2, 11, 10))
        world.bring_meter(left)
        world.go_by_hours(at(12))
        assert world.story() == [("abandoned", 0, "silenced")]
        assert world.box.taken == []

    def test_a_session_that_leap_says_ended_waits_for_its_meter(self, world: World, left: Link) -> None:
        world.tell(left, "COMPLETED")
        world.go(at(2, 10, 10))
        world.go(at(2, 11, 10))
        assert self.held(world).startswith("Leap says that the session ended on 2 Mar 2026, 10:05")

    def test_a_signed_form_on_its_way_holds_and_its_withdrawal_releases(self, world: World, left: Link) -> None:
        paper = make_paper(customer=left.customer, signed_on=at(1).date())
        world.go(at(2, 10, 50))
        assert self.held(world) == "A paper form, signed on 1 Mar 2026, is on its way."
        paper.withdrawn_at, paper.withdrawal_reason = timezone.now(), "wrong address"
        paper.save(update_fields=["withdrawn_at", "withdrawal_reason"])
        world.go(at(2, 11))
        assert world.sent_at() == [at(2, 11)]

    def test_nobody_is_written_to_at_night_however_long_it_was_held(self, world: World, left: Link) -> None:
        outage = mark_outage(utility=left.customer.utility, began_at=at(2, 9), note="", by=make_user())  # type: ignore[union-attr, arg-type]
        world.go(at(2, 10, 50))
        end_outage(outage=outage, at=at(2, 21, 30))
        world.go_by_hours(at(3, 7, 55))
        assert self.held(world) == "Nobody is reminded between 21:00 and 8:00."
        world.go(at(3, 8))
        assert world.sent_at() == [at(3, 8)]

    def test_a_paused_campaign_holds_and_resumes(self, world: World, left: Link) -> None:
        Campaign.objects.update(state=CampaignState.PAUSED)
        world.go(at(2, 10, 50))
        assert "paused" in self.held(world)
        Campaign.objects.update(state=CampaignState.RUNNING)
        world.go(at(2, 11))
        assert world.sent_at() == [at(2, 11)]

    def test_who_leaves_during_a_pause_is_planned_and_held(self, world: World) -> None:
        link = world.ask()
        Campaign.objects.update(state=CampaignState.PAUSED)
        world.visit(link)
        world.go(at(2, 10, 5))
        world.go(at(2, 10, 50))
        assert "paused" in self.held(world)


class TestSilenced:
    """Each silences a reminder that waits, for good, and the reason is kept."""

    def silenced(self, world: World) -> str:
        world.go_by_hours(at(9))
        assert world.box.taken == []
        [mail] = world.reminders()
        assert mail.state == MailState.SILENCED
        return mail.reason

    def test_a_meter_of_the_link(self, world: World, left: Link) -> None:
        world.bring_meter(left)
        world.go(at(2, 10, 10))
        assert world.story() == [("abandoned", 0, "silenced")], "at once, not only when it is due"
        assert self.silenced(world) == f"Leap shows a meter of this customer, by the link {left.reference_id}."

    def test_an_authorization_that_leap_says(self, world: World, left: Link) -> None:
        world.tell(left, "COMPLETED", "PGE")
        assert "customer has authorized" in self.silenced(world)

    def test_another_link_of_the_same_customer(self, world: World, left: Link) -> None:
        """Of another campaign and another flow: one row is one site."""
        other = make_link(customer=left.customer)
        world.bring_meter(other)
        assert self.silenced(world) == f"Leap shows a meter of this customer, by the link {other.reference_id}."

    def test_one_meter_of_two_links(self, world: World, left: Link) -> None:
        """Two people of one house authorized the same meter, as Leap says may happen."""
        world.bring_meter(make_link(), left)
        assert str(left.reference_id) in self.silenced(world)

    def test_another_row_of_the_same_site(self, world: World, left: Link) -> None:
        mine = left.customer
        assert mine is not None
        same = make_customer(name=mine.name, email="other@example.com")
        Customer.objects.filter(pk__in=[mine.pk, same.pk]).update(street="1 Elm St", door_order="fresno001elm1")
        world.bring_meter(other := make_link(customer=same))
        assert self.silenced(world) == f"Leap shows that this site has authorized, by the link {other.reference_id}."

    def test_a_paper_authorization_with_a_meter(self, world: World, left: Link) -> None:
        paper = make_paper(customer=left.customer)
        paper.metered_at = timezone.now()
        paper.save(update_fields=["metered_at"])
        assert self.silenced(world) == "Leap shows a meter of this customer, by a paper form."

    def test_a_refusal_at_the_door(self, world: World, left: Link) -> None:
        record_door_call(customer=left.customer, outcome="refused", by=make_user(), at=timezone.now())  # type: ignore[arg-type]
        assert "refused at the door" in self.silenced(world).lower()

    @pytest.mark.parametrize("reason", list(StopReason))
    def test_an_address_that_wants_no_more_mails(self, world: World, left: Link, reason: StopReason) -> None:
        stop_mails_to("rosa@example.com", reason=reason)
        assert self.silenced(world) == "The address gets no more mails."

    def test_an_erased_customer(self, world: World, left: Link) -> None:
        Customer.objects.update(erased_at=timezone.now())
        assert self.silenced(world) == "The customer was erased."

    def test_a_void_link(self, world: World, left: Link) -> None:
        void_link(link=left, voided_by=make_user(), reason="wrong person")
        assert self.silenced(world) == "The link is void."

    def test_a_closed_campaign(self, world: World, left: Link) -> None:
        Campaign.objects.update(state=CampaignState.CLOSED)
        assert self.silenced(world) == "The campaign is closed."

    def test_a_campaign_that_no_longer_reminds(self, world: World, left: Link) -> None:
        switch_reminders(campaign=world.campaign, reminds_abandoned=False, no_visit_days=[])
        assert self.silenced(world) == "The campaign no longer reminds who began and left."


def test_a_neighbour_in_the_same_house_silences_nobody(world: World, left: Link) -> None:
    mine = left.customer
    assert mine is not None
    neighbour = make_customer(name="Somebody Else")
    Customer.objects.filter(pk__in=[mine.pk, neighbour.pk]).update(street="1 Elm St", door_order="fresno001elm1")
    world.bring_meter(make_link(customer=neighbour))
    world.go(at(2, 10, 50))
    assert world.sent_at() == [at(2, 10, 50)]


def test_an_own_address_elsewhere_silences_nothing(world: World, left: Link) -> None:
    """The same email at another address is another site."""
    other = make_customer(email="rosa@example.com", street="77 Oak Ave", city="Madera")
    world.bring_meter(make_link(customer=other))
    world.go(at(2, 10, 50))
    assert world.sent_at() == [at(2, 10, 50)]


def test_a_link_issued_anew_is_reminded_of_by_its_successor(world: World, left: Link) -> None:
    successor = replace_link(link=left, issued_by=make_user(), utilities=None)
    world.go(at(2, 10, 50))
    assert world.sent_at() == [at(2, 10, 50)]
    body = world.box.mail_to("rosa@example.com").get_body(("plain",))
    assert body is not None
    assert successor.short_url in body.get_content() or left.short_url in body.get_content()


class TestStoppedByAPerson:
    def test_one_is_stopped_and_the_next_is_planned(self, world: World, left: Link) -> None:
        by = make_user()
        assert stop_reminders(mails=Mail.objects.all(), by=by) == 1
        assert world.story() == [("abandoned", 0, "stopped"), ("abandoned", 1, "waiting")]
        assert (world.reminders()[0].reason, world.reminders()[0].decided_by) == ("Stopped by a person.", by)
        world.go(at(2, 11))
        assert world.sent_at() == []
        world.go_by_hours(at(3, 10, 30))
        assert len(world.sent_at()) == 1

    def test_an_invitation_among_the_chosen_is_not_touched(self, world: World) -> None:
        world.ask(invite=True)
        assert stop_reminders(mails=Mail.objects.all(), by=make_user()) == 0
        assert Mail.objects.get().state == MailState.WAITING

    def test_what_went_out_meanwhile_stays_sent(self, world: World, left: Link) -> None:
        world.go(at(2, 10, 50))
        assert stop_reminders(mails=Mail.objects.all(), by=make_user()) == 0

    def test_all_of_a_customer_are_stopped_and_invitations_go_on(self, world: World, left: Link) -> None:
        assert left.customer is not None
        customers = Customer.objects.filter(pk=left.customer_id)
        assert stop_reminders_to(customers=customers, by=make_user()) == 1
        world.visit(left)
        world.go_by_hours(at(9))
        assert world.story() == [("abandoned", 0, "stopped")]
        world.ask(customer=left.customer, campaign=make_campaign(reminds_abandoned=True), invite=True)
        world.work()
        assert len(world.box.taken) == 1

    def test_allowed_again_the_next_one_is_planned(self, world: World, left: Link) -> None:
        customer = left.customer
        assert customer is not None
        stop_reminders_to(customers=Customer.objects.filter(pk=customer.pk), by=make_user())
        customer.refresh_from_db()
        allow_reminders_to(customer=customer)
        assert world.story() == [("abandoned", 0, "stopped"), ("abandoned", 1, "waiting")]


def test_the_journey_invited_visited_left_reminded_metered_silent(world: World) -> None:
    """Over the wire: an invitation, a reminder within the hour, and nothing more once the meter is there."""
    link = world.ask(email="rosa@example.com", invite=True)
    world.work()
    invitation, *_ = world.box.taken
    assert invitation.to == "rosa@example.com"
    world.go(at(2, 18))
    world.visit(link)
    world.go(at(2, 18, 2))
    world.go(at(2, 18, 44))
    assert len(world.box.taken) == 1
    world.go(at(2, 18, 46))
    reminder = world.box.taken[-1].mail
    assert len(world.box.taken) == 2
    assert "finish" in str(reminder["Subject"])
    assert reminder["List-Unsubscribe"]
    body = reminder.get_body(("plain",))
    assert body is not None
    assert link.short_url in body.get_content()
    world.go(at(2, 18, 48))
    assert (world.waiting().step, world.waiting().due_at) == (1, at(3, 18))
    world.clock.move_to(at(3, 12))
    world.bring_meter(link)
    world.go_by_hours(at(30))
    assert len(world.box.taken) == 2
    assert world.story()[-1] == ("abandoned", 1, "silenced")


def test_a_mail_given_to_the_server_and_lost_is_not_sent_again(world: World, left: Link) -> None:
    world.box.at_data.append("break")
    world.go(at(2, 10, 50))
    world.go_by_hours(at(5))
    assert world.story()[0] == ("abandoned", 0, "unknown")
    assert len(world.box.taken) == 1


def test_one_that_a_person_found_to_have_arrived_is_followed_by_the_next(world: World, left: Link) -> None:
    world.box.at_data.append("break")
    world.go(at(2, 10, 50))
    world.clock.move_to(at(2, 15))
    note_arrival(mail=world.reminders()[0], by=make_user())
    world.go(at(2, 15, 5))
    assert world.story() == [("abandoned", 0, "sent"), ("abandoned", 1, "waiting")]
    assert world.waiting().due_at == at(3, 10)


def test_one_that_was_stopped_on_its_own_page_is_followed_by_the_next(world: World, left: Link) -> None:
    stop_mail(mail=world.waiting(), by=make_user())
    world.go(at(2, 10, 10))
    assert world.story() == [("abandoned", 0, "stopped"), ("abandoned", 1, "waiting")]


def test_many_that_are_stopped_at_once_are_followed_by_the_planner(
    world: World, left: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "BATCH", 0)
    assert stop_reminders(mails=Mail.objects.all(), by=make_user()) == 1
    assert world.story() == [("abandoned", 0, "stopped")]
    monkeypatch.undo()
    world.go(at(2, 10, 10))
    assert world.story() == [("abandoned", 0, "stopped"), ("abandoned", 1, "waiting")]


def test_outages_of_now_know_their_hour(world: World) -> None:
    outage = mark_outage(utility=Utility.objects.get(utility_id="pge"), began_at=at(2, 9), note="", by=make_user())
    assert list(Outage.objects.at(at(2, 8))) == []
    assert list(Outage.objects.at(at(2, 9))) == [outage]
    end_outage(outage=outage, at=at(2, 12))
    assert list(Outage.objects.at(at(2, 12))) == []


def test_a_person_decides_only_about_reminders_that_wait(world: World, left: Link, manager: User) -> None:
    stop_reminders(mails=Mail.objects.all(), by=manager)
    first = world.reminders()[0]
    stop_reminders(mails=Mail.objects.filter(pk=first.pk), by=make_user())
    first.refresh_from_db()
    assert first.decided_by == manager
