"""Figures: counted live while there are few links, read from the last count above, and both the same."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.management.looks import FiguresCounter
from portal.authorizations.models import Campaign, Figures, Link
from portal.authorizations.services import figures
from portal.authorizations.services.figures import (
    count_figures,
    read_campaigns,
    read_figures,
    read_weeks,
    refresh_figures,
    refresh_if_large,
)
from tests.factories import make_campaign, make_customer, make_flow, make_link, make_shared_link

pytestmark = pytest.mark.django_db
HERE = ZoneInfo("America/Los_Angeles")
WEDNESDAY = datetime(2026, 3, 4, 12, tzinfo=HERE)


def milestones(link: Link, **moments: Any) -> Link:
    Link.objects.filter(pk=link.pk).update(**moments)
    return link


def issued_at(*moments: datetime) -> None:
    flow = make_flow()
    for moment in moments:
        milestones(make_link(flow=flow), issued_at=moment)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "SMALL", 0)


def line(now: datetime, key: str = "issued") -> Any:
    weeks = read_weeks(count_figures(now=now.astimezone(UTC)))
    return next(line for line in weeks.lines if line.key == key)


class TestWeeks:
    def test_each_milestone_on_its_own_day_and_a_claim_apart(self) -> None:
        link = make_link()
        milestones(
            link,
            issued_at=WEDNESDAY - timedelta(days=9),
            first_visited_at=WEDNESDAY - timedelta(days=2),
            first_returned_at=WEDNESDAY - timedelta(days=1),
            authorized_at=WEDNESDAY - timedelta(days=7),
        )
        assert line(WEDNESDAY).last == (1, 0, 0, 0, 0, 0, 0)
        assert line(WEDNESDAY, "visited").this == (1, 0, 0, 0, 0, 0, 0)
        returned = line(WEDNESDAY, "returned")
        assert (returned.this, returned.source) == ((0, 1, 0, 0, 0, 0, 0), "claims")
        assert (line(WEDNESDAY, "authorized").last_by_now, line(WEDNESDAY, "metered").total) == (1, 0)

    def test_monday_begins_at_midnight_here_not_in_greenwich(self) -> None:
        monday = datetime(2026, 3, 2, tzinfo=HERE)
        issued_at(
            monday - timedelta(seconds=1), monday, monday - timedelta(days=7), monday - timedelta(days=7, seconds=1)
        )
        found = line(monday + timedelta(hours=1))
        assert found.this == (1, 0, 0, 0, 0, 0, 0)
        assert found.last == (1, 0, 0, 0, 0, 0, 1)
        assert read_weeks(count_figures(now=monday)).monday == date(2026, 3, 2)
        before = line(monday - timedelta(seconds=1))
        assert (before.this[6], before.last) == (1, (0, 0, 0, 0, 0, 0, 1))

    def test_last_week_is_compared_up_to_the_same_weekday_and_hour(self) -> None:
        issued_at(WEDNESDAY - timedelta(days=7, minutes=1), WEDNESDAY - timedelta(days=7, minutes=-1), WEDNESDAY)
        found = line(WEDNESDAY)
        assert (found.total, found.last_by_now, found.last_total, found.difference) == (1, 1, 2, 0)

    @pytest.mark.parametrize(
        ("now", "hours"),
        [
            (datetime(2026, 3, 11, 12, tzinfo=HERE), 23),  # the clock went forward on Sunday, 8 March
            (datetime(2026, 11, 4, 12, tzinfo=HERE), 25),  # and back on Sunday, 1 November
        ],
    )
    def test_a_day_of_23_or_25_hours_is_one_day(self, now: datetime, hours: int) -> None:
        sunday = (now - timedelta(days=3)).replace(hour=0)
        begins = sunday.astimezone(UTC)
        issued_at(begins, begins + timedelta(hours=hours, seconds=-1), begins + timedelta(hours=hours))
        found = line(now)
        assert (found.last[6], found.this[0]) == (2, 1)
        # The same hour on the clock, though 167 or 169 hours ago.
        then = (now - timedelta(days=7)).astimezone(UTC)
        assert now.astimezone(UTC) - then == timedelta(hours=7 * 24 - 24 + hours)
        issued_at(then - timedelta(minutes=1), then + timedelta(minutes=1))
        assert line(now).last_by_now == 1

    def test_links_without_a_customer_are_not_in_it(self) -> None:
        milestones(make_shared_link(), issued_at=WEDNESDAY)
        assert line(WEDNESDAY).total == 0


class TestSnapshot:
    def some_links(self) -> Campaign:
        now = timezone.now()
        campaign = make_campaign()
        make_campaign()
        for moments in (
            {},
            {"first_visited_at": now},
            {"first_returned_at": now},
            {"authorized_at": now, "first_returned_at": now},
            {"enrolled_at": now, "metered_at": now, "issued_at": now - timedelta(days=100)},
        ):
            milestones(make_link(flow=campaign.flow, campaign=campaign), **moments)
        milestones(make_shared_link(flow=campaign.flow, campaign=campaign), first_visited_at=now)
        make_link()
        return campaign

    def numbers(self, now: datetime) -> Any:
        home = read_figures(now=now)
        assert home is not None
        rows = read_campaigns(Campaign.objects.order_by("pk"), now=now)
        names = ("issued", "visited", "returned", "proven", "this_week")
        fields = [field.name for field in Figures._meta.fields if field.name not in ("id", "counted_at")]
        return {name: getattr(home, name) for name in fields}, list(rows.values_list("pk", *names))

    def test_it_equals_what_is_counted_live(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with time_machine.travel(WEDNESDAY, tick=False):
            campaign = self.some_links()
            live = self.numbers(WEDNESDAY)
            refresh_figures()
            refresh_figures()
            monkeypatch.setattr(figures, "SMALL", 0)
            assert self.numbers(WEDNESDAY) == live
        assert live[1][0] == (campaign.pk, 6, 2, 2, 2, 5)
        assert live[1][1][1:] == (0, 0, 0, 0, 0)
        assert Figures.objects.count() == 2

    @pytest.mark.usefixtures("large")
    def test_above_the_limit_nothing_is_counted_until_the_worker_does(self) -> None:
        make_link()
        assert read_figures(now=WEDNESDAY) is None
        FiguresCounter(300).act()
        make_link()
        home = read_figures(now=WEDNESDAY)
        assert home is not None
        assert home.issued == 1
        refresh_if_large()
        home = read_figures(now=WEDNESDAY)
        assert home is not None
        assert home.issued == 2

    def test_the_limit_is_a_bounded_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(figures, "SMALL", 2)
        make_link()
        make_link()
        assert figures.is_small()
        refresh_if_large()
        assert not Figures.objects.exists()
        make_link()
        with CaptureQueriesContext(connection) as queries:
            assert not figures.is_small()
        assert "LIMIT 3" in queries.captured_queries[0]["sql"]

    def test_the_database_holds_one_row_of_home(self) -> None:
        refresh_figures()
        with pytest.raises(IntegrityError), transaction.atomic():
            Figures.objects.create(campaign=None, counted_at=WEDNESDAY)


@pytest.mark.usefixtures("large")
class TestPagesOfMany:
    def test_they_say_when_it_was_counted(self, manager_client: Client) -> None:
        make_link(campaign=(campaign := make_campaign()), flow=campaign.flow)
        assert "has not counted them yet" in manager_client.get("/").text
        refresh_figures()
        Figures.objects.update(counted_at=datetime(2026, 3, 4, 14, 5, tzinfo=HERE))
        for page in ("/", "/campaigns/"):
            assert "counted at" in manager_client.get(page).text, page
            assert "4 Mar 2026, 14:05" in manager_client.get(page).text, page

    def test_campaigns_are_sorted_without_a_link_being_read(self, manager_client: Client) -> None:
        for many in (1, 3, 2):
            campaign = make_campaign(name=f"with {many}")
            for _ in range(many):
                make_link(campaign=campaign, flow=campaign.flow)
        refresh_figures()
        manager_client.get("/campaigns/")
        with CaptureQueriesContext(connection) as queries:
            response = manager_client.get("/campaigns/", {"sort": "-issued"})
        names = [row.record.name for row in response.context["table"].rows]
        assert names == ["with 3", "with 2", "with 1"]
        reading = [query["sql"] for query in queries if "authorizations_link" in query["sql"]]
        # The bounded counts of keys that say that there are many, and no others.
        assert reading
        assert all("LIMIT 1)" in sql for sql in reading), reading


@pytest.mark.parametrize("limit", [0, 10_000])
def test_queries_of_home_and_campaigns_do_not_grow(
    manager_client: Client, manager: User, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """With 10 links and with 1,000, counted live and read."""
    monkeypatch.setattr(figures, "SMALL", limit)
    campaign = make_campaign(owner=manager)
    customer = make_customer()
    first = make_link(customer=customer, flow=campaign.flow, campaign=campaign)
    now = timezone.now()
    numbers = []
    for wanted in (10, 1000):
        there = Link.objects.count()
        Link.objects.bulk_create(
            Link(
                flow=campaign.flow,
                customer=make_customer() if number < 10 else None,
                campaign=campaign,
                reference_id=f"many-{number}",
                code=f"MANY{number}",
                url=first.url,
                issued_at=now,
                first_returned_at=now - timedelta(days=30),
                failed_at=now,
            )
            for number in range(there, wanted)
        )
        refresh_figures()
        for page in ("/", "/campaigns/"):
            manager_client.get(page)
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(page)
            numbers.append(len(queries))
    assert numbers[:2] == numbers[2:]


def test_the_partial_indexes_are_used() -> None:
    """Asked of the database: what counts failures and claims walks through an index of just those."""
    links = Link.objects.order_by()
    for rows, index in (
        (links.failing(), "link_failing"),
        (links.long_overdue_claims(timezone.now()), "link_claimed_only"),
    ):
        keys = rows.values("pk")[:10_001]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off")
        assert index in keys.explain(), index
