"""The planner of reminders: bounded batches from where it stopped, and next to nothing when nothing is new."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authorizations.models import Confirmation, Event, Link, Mail, MeterMatch, ReminderCursor, Visit
from portal.authorizations.services import reminders
from portal.authorizations.services.mail_claims import claim_mail, settle_claim
from portal.authorizations.services.mail_server import Answer, Fate
from portal.authorizations.services.messages import keep_message
from portal.authorizations.services.reminders import SOURCES, plan_reminders, switch_reminders
from portal.authorizations.services.visits import record_visit
from tests.authorizations.mailing import make_installation, make_invited
from tests.authorizations.reminder_world import at
from tests.factories import make_campaign, make_customer, make_link, make_match

pytestmark = pytest.mark.django_db
#: Tables that grow without an end: none of them is ever read whole.
LARGE = {model._meta.db_table for model in (Visit, Confirmation, Event, Link, Mail, MeterMatch)}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(2), tick=False) as clock:
        yield clock


def visit(link: Link) -> None:
    record_visit(link_id=link.pk, via_id=None, at=timezone.now(), ip="", user_agent="Firefox")


def make_visited(count: int) -> list[Link]:
    campaign = make_campaign(reminds_abandoned=True)
    links = [make_link(customer=make_customer(), campaign=campaign, flow=campaign.flow) for _ in range(count)]
    for link in links:
        visit(link)
    return links


def plans_of(queries: list[dict[str, str]]) -> list[str]:
    """How the database goes about each SELECT, with no table so small that reading it whole were best."""
    plans = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        for query in queries:
            if query["sql"].startswith("SELECT") and " FROM " in query["sql"]:
                explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
                cursor.execute(f"{explain} {query['sql']}")
                plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def whole_tables_in(plan: str) -> set[str]:
    if connection.vendor == "postgresql":
        found = set(re.findall(r"Seq Scan on (\w+)", plan))
    else:
        found = {table for table, rest in re.findall(r"SCAN (\w+)(.*)", plan) if "USING" not in rest}
    return found & LARGE


def test_a_look_with_nothing_new_reads_no_table_whole_and_asks_little(clock: Any) -> None:
    make_visited(3)
    make_match()
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    with CaptureQueriesContext(connection) as captured:
        assert plan_reminders(timezone.now()) == 0
    selects = [query for query in captured.captured_queries if query["sql"].startswith("SELECT")]
    assert len(selects) == 3 * len(SOURCES) + 1
    assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for query in captured.captured_queries)
    assert [whole for plan in plans_of(selects) if (whole := whole_tables_in(plan))] == []


def test_planning_reads_no_table_whole(clock: Any) -> None:
    make_visited(3)
    clock.shift(timedelta(minutes=5))
    with CaptureQueriesContext(connection) as captured:
        assert plan_reminders(timezone.now()) == 3
    assert [whole for plan in plans_of(captured.captured_queries) if (whole := whole_tables_in(plan))] == []


def test_the_queries_do_not_grow_with_the_customers(clock: Any) -> None:
    plan_reminders(timezone.now())
    counts = []
    for count in (2, 12):
        make_visited(count)
        clock.shift(timedelta(minutes=5))
        with CaptureQueriesContext(connection) as captured:
            assert plan_reminders(timezone.now()) == count
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_queue_is_read_by_its_index_past_invitations_without_number(clock: Any) -> None:
    links = make_visited(3)
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    invitation = keep_message(make_campaign(), "invitation")
    Mail.objects.bulk_create(
        Mail(message=invitation, customer=links[0].customer, link=links[0], step=step, due_at=timezone.now())
        for step in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE authorizations_mail")
    with CaptureQueriesContext(connection) as captured:
        list(Mail.objects.filter(is_reminder=True, state="waiting").order_by("due_at", "pk")[:51])
    [plan] = plans_of(captured.captured_queries)
    assert "reminder_state" in plan, plan
    assert "B-TREE" not in plan
    assert "Sort" not in plan


def test_it_goes_on_where_it_stopped_in_batches(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    monkeypatch.setattr(reminders, "MOST_BATCHES", 2)
    make_visited(7)
    clock.shift(timedelta(minutes=5))
    assert [plan_reminders(timezone.now()) for _ in range(3)] == [4, 3, 0]
    assert Mail.objects.filter(is_reminder=True).count() == 7


def test_what_has_not_settled_is_left_for_the_next_look(clock: Any) -> None:
    """A slower transaction may still write a row with a smaller key."""
    make_visited(1)
    clock.shift(timedelta(seconds=30))
    assert plan_reminders(timezone.now()) == 0
    clock.shift(timedelta(seconds=31))
    assert plan_reminders(timezone.now()) == 1


def test_a_mail_that_the_server_was_slow_to_take_is_not_missed(clock: Any) -> None:
    """Another one, claimed after it, was taken before it and has long been read."""
    make_installation()
    campaign = make_campaign(no_visit_days=[1])
    slow, quick = make_invited(campaign=campaign), make_invited(campaign=campaign)
    claims = [claim_mail(mail_id=mail.pk, now=timezone.now()) for mail in (slow, quick)]
    for claim, seconds in zip(reversed(claims), (5, 85), strict=True):
        assert claim is not None
        clock.shift(seconds)
        settle_claim(claim, Answer(Fate.TAKEN), now=at(2))
        clock.shift(65)
        assert plan_reminders(timezone.now()) == 1
    planned = Mail.objects.filter(is_reminder=True).order_by("pk").values_list("customer", flat=True)
    assert list(planned) == [quick.customer_id, slow.customer_id]
    slow.refresh_from_db()
    assert slow.sent_at == timezone.now() - timedelta(seconds=65)


def test_events_of_one_moment_are_all_read(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    links = make_visited(5)
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    now = timezone.now()
    for number, link in enumerate(links):
        Event.objects.create(
            webhook_event_id=str(number), event_type="x", received_at=now, interpreted_at=now, payload={}, link=link
        )
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 5
    assert plan_reminders(timezone.now()) == 0


def test_an_event_interpreted_late_is_not_missed(clock: Any) -> None:
    """It was received before others that have long been read."""
    [link] = make_visited(1)
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    event = Event.objects.create(
        webhook_event_id="1", event_type="x", received_at=at(1), interpreted_at=None, payload={}, link=link
    )
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 0
    event.interpreted_at = timezone.now()
    event.save(update_fields=["interpreted_at"])
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 1


def test_campaigns_that_do_not_remind_cost_no_planning(clock: Any) -> None:
    campaign = make_campaign()
    visit(make_link(customer=make_customer(), campaign=campaign, flow=campaign.flow))
    visit(make_link())
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 0


def test_a_campaign_that_was_switched_on_is_gone_through_once(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    campaign = make_campaign()
    for _ in range(5):
        visit(make_link(customer=make_customer(), campaign=campaign, flow=campaign.flow))
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    switch_reminders(campaign=campaign, reminds_abandoned=True, no_visit_days=[])
    assert plan_reminders(timezone.now()) == 5
    assert Mail.objects.filter(is_reminder=True).count() == 5
    assert not ReminderCursor.objects.filter(source__startswith="campaign").exists()
    assert plan_reminders(timezone.now()) == 0


def test_a_customer_who_was_proven_elsewhere_is_planned_anew_where_a_reminder_waits(clock: Any) -> None:
    [link] = make_visited(1)
    clock.shift(timedelta(minutes=5))
    plan_reminders(timezone.now())
    other = make_link(customer=link.customer)
    make_match(link=other)
    Link.objects.filter(pk=other.pk).update(metered_at=timezone.now())
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 1
    assert Mail.objects.get(is_reminder=True).state == "silenced"


def test_a_database_in_use_begins_with_what_is_new(clock: Any) -> None:
    """The migration: nobody is reminded of what was long before there were reminders."""
    [link] = make_visited(1)
    Event.objects.create(
        webhook_event_id="1", event_type="x", received_at=at(1), interpreted_at=at(1), payload={}, link=link
    )
    migration = import_module("portal.authorizations.migrations.0021_reminder_cursors")
    migration.begin_here(apps, None)
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 0
    visit(link)
    clock.shift(timedelta(minutes=5))
    assert plan_reminders(timezone.now()) == 1
