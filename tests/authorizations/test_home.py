"""Home of managers and admins: what needs a person, with exactly its rows; the weeks; campaigns side by side."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.authorizations.models import (
    Campaign,
    Confirmation,
    Connection,
    CustomerImport,
    Event,
    Link,
    Mail,
    Message,
    Outage,
    SyncRun,
)
from portal.authorizations.services.figures import count_figures
from portal.authorizations.views import attention, lists
from portal.authorizations.views.attention import Todo, list_todos
from portal.authorizations.views.home import list_campaigns
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_enrollment,
    make_flow,
    make_import,
    make_link,
    make_meter,
    make_reauthorization,
    make_required_action,
    make_shared_link,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 20, tzinfo=UTC)
NOTHING = "Nothing waits for you"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


def fail(link: Link, utility: str = "PGE", **moments: Any) -> Link:
    Connection.objects.create(link=link, utility_name=utility, failed_at=NOW, last_event_at=NOW)
    Link.objects.filter(pk=link.pk).update(failed_at=NOW, **moments)
    return link


def claim(link: Link, at: datetime) -> Link:
    Link.objects.filter(pk=link.pk).update(first_returned_at=at)
    return link


def make_mail(**fields: Any) -> Mail:
    link = make_link()
    message = Message.objects.create(campaign=make_campaign(), kind="invitation")
    return Mail.objects.create(message=message, customer_id=link.customer_id, link=link, due_at=NOW, **fields)


def failures() -> list[Any]:
    wanted = [fail(make_link()), fail(make_link(), "SCE")]
    fail(make_link(), voided_at=NOW, void_reason="moved")
    fail(make_link(), authorized_at=NOW)
    make_link()
    return wanted


def claims() -> list[Any]:
    wanted = [claim(make_link(), days(-30))]
    claim(make_link(), days(-1))
    claim(make_shared_link(), days(-30))
    return wanted


def near_losses() -> list[Any]:
    wanted = [make_reauthorization(deadline_at=days(-1)), make_reauthorization(deadline_at=days(13))]
    make_reauthorization(deadline_at=days(15))
    make_reauthorization(deadline_at=days(1), closed_at=NOW, closed_as="authorized", ended_at=NOW)
    return wanted


def later_losses() -> list[Any]:
    wanted = [make_reauthorization(deadline_at=days(15)), make_reauthorization()]
    make_reauthorization(deadline_at=days(1))
    return wanted


def waiting_meters() -> list[Any]:
    wanted = make_enrollment(meter=make_meter(needs_partner=True), deadlines=[days(-3), days(10), days(40)])
    late = make_enrollment(meter=make_meter(needs_partner=True), deadlines=[days(-3), days(40)])
    archived = make_enrollment(meter=make_meter(needs_partner=True, is_archived=True), deadlines=[days(10)])
    for enrollment in (wanted, late, archived):
        make_required_action(meter=enrollment.meter)
    make_enrollment(deadlines=[days(10)])
    leap = make_enrollment(meter=make_meter(needs_partner=True), deadlines=[days(10)])
    make_required_action(meter=leap.meter, party="leap")
    return [wanted]


def unread_events() -> list[Any]:
    values = {"event_type": "x", "received_at": NOW, "payload": {}}
    wanted = Event.objects.create(webhook_event_id="1", problem="stopped", **values)
    Event.objects.create(webhook_event_id="2", **values)
    Event.objects.create(webhook_event_id="3", problem="unknown", interpreted_at=NOW, **values)
    return [wanted]


def odd_returns() -> list[Any]:
    wanted = [Confirmation.objects.create(at=days(-1), outcome="unknown", reference_id="x-1")]
    Confirmation.objects.create(at=days(-9), outcome="unknown", reference_id="x-2")
    Confirmation.objects.create(at=days(-1), outcome="missing")
    return wanted


def flows() -> list[Any]:
    wanted = [make_flow(state="requested", name=f"Pilot {number}") for number in range(5)]
    make_flow()
    return wanted


def drafts() -> list[Any]:
    wanted = make_campaign(state="draft")
    make_campaign(state="draft")
    Campaign.objects.filter(pk=wanted.pk).update(created_at=days(-20))
    running = make_campaign()
    Campaign.objects.filter(pk=running.pk).update(created_at=days(-20))
    return [wanted]


LINES: list[tuple[str, Callable[[], list[Any]], str]] = [
    ("failed at the utility’s sign-in", failures, "2 customers"),
    ("has not proven it in time", claims, "1 came back"),
    ("have a deadline within 14 days", near_losses, "2 lost authorizations"),
    ("lost the authorization", later_losses, "2 meters"),
    ("for you, with a deadline", waiting_meters, "1 enrollment waits"),
    ("could not be interpreted", unread_events, "1 event"),
    ("match", odd_returns, "1 return of the last seven days matches no live link"),
    ("More flows are not live", flows, "More flows"),
    ("draft campaign", drafts, "1 draft campaign waits"),
]


class TestAttention:
    def find(self, user: User, words: str) -> Todo:
        [todo] = [todo for todo in list_todos(user) if words in todo.text]
        return todo

    def test_who_may_not_ask_leap_is_led_to_the_flows(
        self, manager: User, manager_client: Client, admin: User, admin_client: Client
    ) -> None:
        make_flow(state="requested")
        for user, client in ((manager, manager_client), (admin, admin_client)):
            assert client.get(self.find(user, "not live yet").url).status_code == 200
        assert self.find(manager, "not live yet").detail.endswith("ask an admin")

    @pytest.mark.parametrize(("words", "make", "begins"), LINES, ids=[make.__name__ for _, make, _ in LINES])
    def test_each_line_counts_and_leads_to_exactly_its_rows(
        self, manager: User, manager_client: Client, words: str, make: Callable[[], list[Any]], begins: str
    ) -> None:
        wanted = make()
        todo = self.find(manager, words)
        assert todo.text.startswith(begins)
        response = manager_client.get(todo.url)
        rows = [row.record for row in response.context["table"].paginated_rows]
        assert sorted(row.pk for row in rows) == sorted(row.pk for row in wanted)
        assert todo.text.replace("'", "&#x27;") in manager_client.get("/").text

    def test_nothing_says_so(self, manager_client: Client) -> None:
        make_link()
        claim(make_link(), days(-1))
        assert NOTHING in manager_client.get("/").text
        failures()
        assert NOTHING not in manager_client.get("/").text

    def test_failures_say_where_and_that_an_outage_is_to_be_waited_for(self, manager: User) -> None:
        for _ in range(2):
            fail(make_link(), "SCE")
        fail(make_link(), "PGE")
        Outage.objects.create(utility=get_utilities("sce")[0], began_at=days(-1))
        detail = self.find(manager, "failed at the utility").detail
        assert detail.startswith("SCE 2 (has an outage: wait), PG&E 1. Ask what stopped them")

    def test_an_outage_until_it_is_over(self, manager: User) -> None:
        outage = Outage.objects.create(utility=get_utilities("sce")[0], began_at=days(-1))
        assert self.find(manager, "SCE is down").text == "SCE is down since 3 Mar 2026, 12:00"
        Outage.objects.filter(pk=outage.pk).update(ended_at=NOW)
        assert list_todos(manager) == []

    def test_a_sync_that_failed_until_one_succeeds(self, manager: User, manager_client: Client) -> None:
        values = {"started_at": days(-1), "heartbeat_at": NOW}
        SyncRun.objects.create(state="failed", finished_at=NOW, error="Leap answers 403: the key is refused.", **values)
        todo = self.find(manager, "The last sync with Leap failed")
        assert (todo.detail, todo.url) == ("Leap answers 403: the key is refused.", reverse("meter_sync"))
        SyncRun.objects.create(state="running", **values)
        assert self.find(manager, "The last sync with Leap failed")
        SyncRun.objects.all().delete()
        SyncRun.objects.create(state="done", malformed=2, **values)
        assert self.find(manager, "2 records of Leap’s could not be read")
        SyncRun.objects.create(state="done", **values)
        assert list_todos(manager) == []

    def test_imports_each_with_its_refused_rows(self, manager: User, manager_client: Client) -> None:
        imported = make_import()
        todo = self.find(manager, "1 of 2 rows refused")
        assert todo.url == reverse("customer_import_detail", args=[imported.pk])
        assert "not-an-email" in manager_client.get(todo.url).text
        CustomerImport.objects.update(created_at=days(-8))
        assert list_todos(manager) == []

    def test_a_flow_leads_an_admin_to_its_request(self, admin: User) -> None:
        flow = make_flow(state="requested")
        assert self.find(admin, "is not live yet").url == reverse("flow_request", args=[flow.pk])

    def test_mails_whose_fate_nobody_knows(self, manager: User) -> None:
        make_mail(state="sent")
        assert list_todos(manager) == []
        make_mail(state="unknown")
        assert self.find(manager, "may or may not have been sent").text.startswith("1 mail ")

    def test_screens_of_mails_and_outages_are_where_the_lines_lead(self, manager: User, manager_client: Client) -> None:
        mail = make_mail(state="unknown")
        make_mail(state="sent")
        outage = Outage.objects.create(utility=get_utilities("sce")[0], began_at=days(-1))
        Outage.objects.create(utility=get_utilities("pge")[0], began_at=days(-2), ended_at=days(-1))
        for words, row in (("may or may not", mail), ("is down since", outage)):
            table = manager_client.get(self.find(manager, words).url).context["table"]
            assert [found.record for found in table.rows] == [row]

    def test_the_most_urgent_first(self, manager: User) -> None:
        for make in (odd_returns, flows, claims, failures, near_losses):
            make()
        badges = [todo.badge for todo in list_todos(manager)]
        assert badges == ["Deadline", "Failed", "Claimed", "Lost", "Flow", "Flow", "Flow", "Flow", "Claimed"]

    def test_the_last_day_to_ask_comes_from_the_figures(self, manager: User) -> None:
        make_enrollment(meter=make_meter(utility="sce"), program="CCA", deadlines=[days(30)])
        make_link(customer=make_customer(utility="sce"))
        figures = count_figures(now=NOW)
        texts = [todo.text for todo in list_todos(manager, figures=figures)]
        assert len(texts) == 1
        assert texts[0].startswith("CCA closes 3 Apr 2026: ask by ")
        assert list_todos(manager) == []

    def test_no_line_counts_further_than_a_list(self, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(attention, "COUNTED_UP_TO", 2)
        for _ in range(3):
            fail(make_link())
            claim(make_link(), days(-30))
        assert self.find(manager, "failed at the utility").text.startswith("2+ customers failed")
        assert self.find(manager, "came back").text.startswith("2+ came back")

    def test_a_rep_is_told_of_none_of_it(self, rep: User, rep_client: Client) -> None:
        for make in (odd_returns, flows, claims, failures, near_losses):
            make()
        assert list_todos(rep) == []
        assert rep_client.get("/").status_code == 200


def test_the_limit_of_a_count_is_that_of_a_list() -> None:
    assert attention.COUNTED_UP_TO == lists.COUNTED_UP_TO


class TestCharts:
    def test_the_bars_and_the_table_say_the_same(self, manager_client: Client) -> None:
        for ago, many in ((0.1, 3), (1, 2), (2, 1), (7.1, 4), (8, 5), (4, 1)):
            for _ in range(many):
                link = make_link()
                Link.objects.filter(pk=link.pk).update(issued_at=days(-ago), authorized_at=days(-ago))
        text = manager_client.get("/").text
        weeks = {"last": "chart-before", "this": "chart-now"}
        for key in ("issued", "visited", "returned", "authorized", "metered", "enrolled"):
            [svg] = re.findall(rf'<svg [^>]*aria-labelledby="week-{key}-title.*?</svg>', text, re.DOTALL)
            for week, bars in weeks.items():
                [row] = re.findall(rf'<tr data-key="{key}" data-week="{week}">(.*?)</tr>', text, re.DOTALL)
                cells = re.findall(r'<td class="num">([\d–]+)</td>', row)
                table = [0 if number == "–" else int(number) for number in cells]
                assert cells[:7].count("–") == (4 if week == "this" else 0)
                drawn = [int(n) for n in re.findall(rf'class="{bars}"[^>]*?data-value="(\d+)"', svg, re.DOTALL)]
                assert drawn == [number for number in table[:7] if number], (key, week)
                assert sum(drawn) == table[8]
        [issued] = re.findall(r'<desc id="week-issued-desc">(.*?)</desc>', text, re.DOTALL)
        assert "Mon 0 and 1; Tue 5 and 2; Wed 4 and 3; Thu 0 and 0; Fri 0 and 0; Sat 1 and 0" in issued

    def test_the_difference_is_said_in_words(self, manager_client: Client) -> None:
        for moment in (days(-0.1), days(-7.1), days(-7.2), days(-6.9)):
            link = make_link()
            Link.objects.filter(pk=link.pk).update(issued_at=moment, first_visited_at=NOW)
        words = " ".join(re.sub(r"<[^>]+>", "", manager_client.get("/").text).split())
        assert "Issued 1 ▼ 1 fewer than last week by this time (2)" in words
        assert "Visited 4 ▲ 4 more than last week by this time (0)" in words
        assert "Enrolled 0 = as many as last week by this time (0)" in words

    def test_ids_are_unique_and_every_chart_has_a_name(self, manager_client: Client) -> None:
        make_link(campaign=(campaign := make_campaign()), flow=campaign.flow)
        text = manager_client.get("/").text
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        for names in re.findall(r'role="img"\s+aria-labelledby="([^"]+)"', text):
            assert set(names.split()) <= set(ids)

    def test_running_campaigns_side_by_side_claims_apart_from_proof(self, manager_client: Client) -> None:
        campaign = make_campaign(name="Doors")
        make_campaign(name="Draft", state="draft")
        make_campaign(name="Over", ends_on=date(2026, 3, 1))
        for moments in ({"first_returned_at": NOW}, {"first_visited_at": NOW, "authorized_at": NOW}, {}, {}):
            link = make_link(flow=campaign.flow, campaign=campaign)
            Link.objects.filter(pk=link.pk).update(**moments, issued_at=NOW)
        [row] = list_campaigns(now=NOW)
        assert (row.campaign.name, row.issued, row.this_week) == ("Doors", 4, 4)
        assert [(rate.label, rate.source, rate.count, rate.percent) for rate in row.rates] == [
            ("Visited", "saw", 1, 25),
            ("Returned", "claims", 1, 25),
            ("Proven", "leap", 1, 25),
        ]
        text = manager_client.get("/").text
        assert "Doors: returned 25% of its links" in text
        assert "Draft" not in text


def test_lost_authorizations_that_are_not_near_say_when_the_next_deadline_is(manager_client: Client) -> None:
    make_reauthorization(deadline_at=days(40))
    make_reauthorization(deadline_at=days(20))
    assert "The next of Leap’s deadlines is 24 Mar 2026." in manager_client.get("/").text


def test_lost_authorizations_without_a_deadline_say_so(manager_client: Client) -> None:
    make_reauthorization()
    assert "Leap names no deadline." in manager_client.get("/").text
