"""The queue of reminders: who is asked next and why, what is held and why, and stopping one, several or all."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authorizations.models import Campaign, Customer, Link, Mail, MailState, ReminderCursor, Utility
from portal.authorizations.services.outages import mark_outage
from tests.authorizations.reminder_world import World, at
from tests.factories import make_campaign, make_flow, make_user
from tests.smtp_server import Mailbox

pytestmark = pytest.mark.django_db
ADDRESS = "/reminders/"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Nothing is sent here: nobody asks the mail server."""
    with time_machine.travel(at(2), tick=False) as clock:
        yield World(clock, Mailbox())


@pytest.fixture
def left(world: World) -> Link:
    """Rosa came at 10:00 and left; her first reminder waits for 10:45."""
    link = world.ask(name="Rosa Left", email="rosa@example.com")
    world.visit(link)
    world.go(at(2, 10, 5))
    return link


def shown(client: Client, query: str = "") -> list[str]:
    return [str(row.record.customer) for row in client.get(ADDRESS + query).context["table"].rows]


class TestQueue:
    def test_who_is_asked_next_when_and_why(self, manager_client: Client, world: World, left: Link) -> None:
        page = manager_client.get(ADDRESS).text
        assert "Rosa Left" in page
        assert "Visited on 2 Mar 2026, 10:00 and did not finish; first reminder" in page
        assert "2 Mar 2026, 10:45" in page
        assert str(world.campaign) in page

    def test_the_next_one_is_first(self, manager_client: Client, world: World, left: Link) -> None:
        world.visit(world.ask(name="Later"))
        world.go(at(2, 10, 10))
        assert shown(manager_client) == ["Rosa Left", "Later"]

    def test_beside_a_customer_who_lives_by_another_clock_both_hours_stand(
        self, manager_client: Client, world: World, left: Link
    ) -> None:
        campaign = make_campaign(flow=make_flow(utilities=["cecony-utilityapi"]), reminds_abandoned=True)
        east = world.ask(name="Ed East", utility="cecony-utilityapi", state="NY", campaign=campaign)
        world.clock.move_to(at(2, 17, 30))
        world.visit(east)
        world.go(at(2, 17, 35))
        page = manager_client.get(ADDRESS).text
        assert "3 Mar 2026, 05:00" in page
        assert page.count("8:00 in New York") == 1
        assert "3 Mar 2026, 05:00 (8:00 in New York)" in manager_client.get(f"/links/{east.pk}/").text
        Mail.objects.filter(link=east).update(due_at=at(2, 18))
        world.clock.move_to(at(2, 18, 30))
        page = manager_client.get(ADDRESS).text
        assert (
            "between 21:00 and 8:00 by the clock of New York: 8:00 there is 5:00 here. Until 3 Mar 2026, 05:00." in page
        )

    def test_what_is_held_and_why_and_until_when(self, manager_client: Client, world: World, left: Link) -> None:
        Utility.objects.filter(utility_id="pge").update(expected_days=3)
        world.come_back(left)
        page = manager_client.get(ADDRESS).text
        assert "held" in page
        assert "Came back on 2 Mar 2026, 10:05: a meter may take 3 days." in page
        assert "Until 5 Mar 2026, 10:05." in page

    def test_an_outage_is_shown_above_and_beside_what_it_holds(
        self, manager_client: Client, world: World, left: Link
    ) -> None:
        mark_outage(utility=Utility.objects.get(utility_id="pge"), began_at=at(2, 9), note="", by=make_user())
        assert "PG&amp;E is down since 2 Mar 2026, 09:00." not in manager_client.get(ADDRESS).text, "it is not due"
        world.clock.move_to(at(2, 10, 50))
        assert "PG&amp;E is down since 2 Mar 2026, 09:00." in manager_client.get(ADDRESS).text

    def test_what_a_paused_campaign_holds_says_so_and_is_found(
        self, manager_client: Client, world: World, left: Link
    ) -> None:
        """The worker leaves it alone: nothing is written at the mail."""
        Campaign.objects.update(state="paused")
        assert "The campaign is paused." not in manager_client.get(ADDRESS).text, "it is not due"
        world.clock.move_to(at(2, 10, 50))
        world.work()
        assert world.waiting().hold_reason == ""
        assert "The campaign is paused." in manager_client.get(ADDRESS).text
        assert "The campaign is paused." in manager_client.get(f"/customers/{left.customer_id}/").text
        assert "The campaign is paused." in manager_client.get(f"/mails/{world.waiting().pk}/").text
        assert "The campaign is paused." in manager_client.get("/mails/").text
        assert (shown(manager_client, "?when=held"), shown(manager_client, "?when=due")) == (["Rosa Left"], [])
        Campaign.objects.update(state="running")
        assert "The campaign is paused." not in manager_client.get(ADDRESS).text
        assert (shown(manager_client, "?when=held"), shown(manager_client, "?when=due")) == ([], ["Rosa Left"])

    def test_what_is_not_needed_any_more_is_said_before_the_worker_knows(
        self, manager_client: Client, world: World, left: Link
    ) -> None:
        Customer.objects.update(refused_at=timezone.now())
        page = manager_client.get(ADDRESS).text
        assert "not needed any more" in page
        assert "Refused at the door on 2 Mar 2026." in page

    def test_what_became_of_the_others(self, manager_client: Client, world: World, left: Link) -> None:
        world.bring_meter(left)
        world.go(at(2, 10, 10))
        assert shown(manager_client) == []
        page = manager_client.get(ADDRESS + "?state=silenced").text
        assert "Leap shows a meter of this customer" in page

    def test_invitations_are_no_part_of_it(self, manager_client: Client, world: World) -> None:
        world.ask(invite=True)
        assert shown(manager_client) == []

    def test_filters(self, manager_client: Client, world: World, left: Link) -> None:
        other = make_campaign(reminds_abandoned=True)
        edison = world.ask(name="Eve Edison", utility="sce", campaign=other)
        world.visit(edison)
        world.go(at(2, 10, 10))
        Mail.objects.filter(link=edison).update(hold_reason="SCE is down.", due_at=at(2, 10, 12))
        sce = Utility.objects.get(utility_id="sce").pk
        for query, names in {
            f"?campaign={other.pk}": ["Eve Edison"],
            f"?campaign={world.campaign.pk}": ["Rosa Left"],
            "?kind=abandoned": ["Eve Edison", "Rosa Left"],
            "?kind=no_visit": [],
            "?when=held": ["Eve Edison"],
            "?when=due": [],
            f"?utility={sce}": ["Eve Edison"],
            "?q=rosa": ["Rosa Left"],
            f"?q={edison.reference_id}": ["Eve Edison"],
        }.items():
            assert shown(manager_client, query) == names, query
        world.clock.move_to(at(2, 10, 50))
        assert shown(manager_client, "?when=due") == ["Rosa Left"]

    def test_the_queries_do_not_grow_with_the_rows(self, manager_client: Client, world: World) -> None:
        counts = []
        for hour in (11, 12):
            for _ in range(2 if hour == 11 else 10):
                world.visit(world.ask())
            world.clock.move_to(at(2, hour))
            world.work()
            Mail.objects.filter(state="sent").update(state="waiting")
            manager_client.get(ADDRESS)
            with CaptureQueriesContext(connection) as captured:
                manager_client.get(ADDRESS)
            counts.append(len(captured))
        assert counts[0] == counts[1]

    def test_export(self, manager_client: Client, world: World, left: Link) -> None:
        export = b"".join(manager_client.get(ADDRESS + "?export=csv")).decode()  # type: ignore[arg-type]
        assert "Rosa Left" in export
        assert "2026-03-02 10:45" in export

    def test_reps_do_not_see_it(self, rep_client: Client) -> None:
        assert rep_client.get(ADDRESS).status_code == 403
        assert rep_client.post("/reminders/stop/").status_code == 403


class TestStop:
    def test_one_after_a_question(self, manager_client: Client, world: World, left: Link) -> None:
        mail = world.waiting()
        page = manager_client.get(f"/reminders/{mail.pk}/stop/").text
        assert "Stop the reminder to Rosa Left" in page
        assert world.waiting() == mail, "nothing is stopped by asking"
        response = manager_client.post(f"/reminders/{mail.pk}/stop/", {"scope": "one"}, follow=True)
        assert "1 reminder stopped." in response.text
        mail.refresh_from_db()
        assert (mail.state, mail.decided_by and mail.decided_by.username) == (MailState.STOPPED, "maya")
        assert world.waiting().step == 1

    def test_the_ticked_ones(self, manager_client: Client, world: World, left: Link) -> None:
        world.visit(world.ask(name="Other"))
        world.go(at(2, 10, 10))
        chosen = {"select": [Mail.objects.get(link=left).pk]}
        assert "Stop the reminder to Rosa Left" in manager_client.post("/reminders/stop/", chosen).text
        manager_client.post("/reminders/stop/", {**chosen, "scope": "one"})
        assert Mail.objects.filter(state="stopped").count() == 1

    def test_all_that_match_the_filter(self, manager_client: Client, world: World, left: Link) -> None:
        world.visit(world.ask(name="Other", campaign=make_campaign(reminds_abandoned=True)))
        world.go(at(2, 10, 10))
        chosen = {"all": "1", "query": f"campaign={world.campaign.pk}", "scope": "one"}
        manager_client.post("/reminders/stop/", chosen)
        assert [str(mail.customer) for mail in Mail.objects.filter(state="stopped")] == ["Rosa Left"]

    def test_all_reminders_to_the_customers(self, manager_client: Client, world: World, left: Link) -> None:
        response = manager_client.post(
            "/reminders/stop/", {"select": [world.waiting().pk], "scope": "all"}, follow=True
        )
        assert "All reminders to 1 customer are stopped. Invitations go on." in response.text
        assert not Mail.objects.waiting().exists()
        assert Customer.objects.get(pk=left.customer_id).reminders_stopped_at is not None

    def test_nothing_chosen_stops_nothing(self, manager_client: Client, world: World, left: Link) -> None:
        for data in ({}, {"select": "x"}, {"scope": "one"}):
            assert manager_client.post("/reminders/stop/", data).headers["Location"] == ADDRESS
        assert manager_client.post("/reminders/stop/", {"select": world.waiting().pk, "scope": "x"}).status_code == 422
        assert world.waiting()


class TestCustomerAndLink:
    def test_the_next_reminder_is_shown_on_both(self, manager_client: Client, world: World, left: Link) -> None:
        for address in (f"/customers/{left.customer_id}/", f"/links/{left.pk}/"):
            page = manager_client.get(address).text
            assert "Next reminder" in page
            assert "Visited on 2 Mar 2026, 10:00 and did not finish; first reminder" in page

    def test_without_one_nothing_is(self, manager_client: Client, world: World) -> None:
        link = world.ask()
        assert "Next reminder" not in manager_client.get(f"/customers/{link.customer_id}/").text

    def test_all_of_a_customer_are_stopped_and_allowed_again(
        self, manager_client: Client, world: World, left: Link
    ) -> None:
        address = f"/customers/{left.customer_id}/reminders/"
        assert "Stop all reminders to Rosa Left" in manager_client.get(address).text
        page = manager_client.post(address, follow=True).text
        assert "No reminders" in page
        assert not Mail.objects.waiting().exists()
        assert "Remind Rosa Left again" in manager_client.get(address).text
        manager_client.post(address)
        assert Customer.objects.get(pk=left.customer_id).reminders_stopped_at is None
        assert world.waiting().step == 1


class TestCampaign:
    def address(self, campaign: Campaign) -> str:
        return f"/campaigns/{campaign.pk}/reminders/"

    def test_switched_on_and_looked_at_anew(self, manager_client: Client) -> None:
        campaign = make_campaign()
        assert "none" in manager_client.get(f"/campaigns/{campaign.pk}/").text
        values = {"reminds_abandoned": "on", "no_visit_days": "21, 7;7"}
        assert manager_client.post(self.address(campaign), values).headers["Location"] == f"/campaigns/{campaign.pk}/"
        campaign.refresh_from_db()
        assert (campaign.reminds_abandoned, campaign.no_visit_days) == (True, [7, 21])
        assert ReminderCursor.objects.filter(source=f"campaign {campaign.pk}").exists()
        page = manager_client.get(f"/campaigns/{campaign.pk}/").text
        assert "who began and left; who never came, after 7, 21 days" in page
        assert 'value="7, 21"' in manager_client.get(self.address(campaign)).text

    @pytest.mark.parametrize("days", ["0", "-7", "7.5", "a week", "366", "7, x", ", ".join(map(str, range(1, 12)))])
    def test_bad_days_change_nothing(self, manager_client: Client, days: str) -> None:
        campaign = make_campaign(no_visit_days=[7])
        assert manager_client.post(self.address(campaign), {"no_visit_days": days}).status_code == 422
        campaign.refresh_from_db()
        assert campaign.no_visit_days == [7]

    def test_reps_have_no_part_in_it(self, rep_client: Client) -> None:
        assert rep_client.get(self.address(make_campaign())).status_code == 403


def test_the_worker_looks_for_reminders_and_outages(monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.authorizations.management import looks

    asked: list[Any] = []
    monkeypatch.setattr(looks, "plan_reminders", asked.append)
    monkeypatch.setattr(looks, "read_outage_feed", lambda now: asked.append(now))
    monkeypatch.setattr(looks.connections, "close_all", lambda: None)
    looks.ReminderPlanner(30).look()
    looks.OutageFeedReader(300).look()
    assert len(asked) == 2
