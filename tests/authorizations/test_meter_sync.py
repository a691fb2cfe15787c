"""Reading Leap's meters into the portal, matching them, and what they prove (R14, R18)."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authorizations.models import (
    Enrollment,
    EnrollmentDeadline,
    Link,
    Meter,
    MeterMatch,
    RequiredAction,
    SyncRun,
)
from portal.authorizations.services import meter_sync
from portal.authorizations.services.meter_matching import match_meters
from portal.authorizations.services.meter_pages import PageResult
from portal.authorizations.services.meter_sync import (
    LEASE,
    OVERLAP,
    SyncFailed,
    SyncRefused,
    is_sync_due,
    sync_meters,
)
from tests.authorizations.leap_server import KEY, LeapServer, enrollment_record, meter_record, serve_leap
from tests.factories import make_customer, make_flow, make_link, make_shared_link

pytestmark = pytest.mark.django_db

CREATED = datetime(2026, 11, 1, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def leap(settings: Any) -> Iterator[LeapServer]:
    with serve_leap() as server:
        settings.LEAP_API_URL, settings.LEAP_API_KEY = server.url, KEY
        yield server


def issued(link: Link, at: datetime) -> Link:
    Link.objects.filter(pk=link.pk).update(issued_at=at)
    link.refresh_from_db()
    return link


def everything() -> list[Any]:
    """All that a sync writes, without the times of looking."""
    matches = MeterMatch.objects.order_by("meter__meter_id", "link_id")
    return [
        list(
            Meter.objects.order_by("meter_id").values_list("meter_id", "record", "enrollment_record", "first_seen_at")
        ),
        list(matches.values_list("meter__meter_id", "link_id", "matched_by", "matched_at")),
        sorted(Enrollment.objects.values_list("meter__meter_id", "program", "status")),
        EnrollmentDeadline.objects.count(),
        sorted(RequiredAction.objects.values_list("meter__meter_id", "party", "action_code")),
        list(Link.objects.order_by("pk").values_list("authorized_at", "metered_at", "enrolled_at", "status")),
    ]


def test_r14_r18_meters_are_read_matched_and_prove(leap: LeapServer) -> None:
    link = issued(make_link(), CREATED - timedelta(days=3))
    leap.details = [
        meter_record(1, connection_references=[link.reference_id], partner_reference=link.reference_id),
        meter_record(2, partner_reference=link.reference_id, is_archived=True, utility={"utility_name": "NEW"}),
        meter_record(3, partner_reference=link.reference_id.upper()),
    ]
    action = {
        "program_identifier": "CCA",
        "delivery_period": "CAISO-CCA_2026_DEC",
        "enrollment_deadline_date_time": "2026-11-29T08:00:00Z",
        "action_type": "IS_AUTHORIZED",
        "action_description": "End customer must re-authorize meter",
        "action_code": "AUTH_0001",
    }
    leap.enrollments = [
        enrollment_record(1, "ACTIVE"),
        enrollment_record(2, required_actions={"partner": [action], "leap": []}),
        enrollment_record(9),
    ]
    run = sync_meters(full=False)
    assert (run.state, run.full, run.since) == ("done", True, None)
    assert (run.created, run.changed, run.same, run.unmatched, run.malformed, run.pages) == (3, 0, 0, 1, 0, 4)
    by = dict(MeterMatch.objects.values_list("meter__partner_reference", "matched_by"))
    assert set(MeterMatch.objects.values_list("link", flat=True)) == {link.pk}
    assert sorted(MeterMatch.objects.values_list("matched_by", flat=True)) == ["connection", "partner"]
    assert by.keys() == {link.reference_id}, "case-sensitively"
    link.refresh_from_db()
    assert (link.status, link.metered_at, link.authorized_at) == ("enrolled", CREATED, CREATED)
    assert link.enrolled_at is not None
    first, second, third = Meter.objects.order_by("meter_id")
    assert (first.utility.utility_id, second.utility, second.utility_name, second.is_archived) == (
        "pge",
        None,
        "NEW",
        True,
    )
    assert (first.enrollment_status, second.needs_partner, second.needs_authorization) == ("ACTIVE", True, True)
    assert third in Meter.objects.unmatched()
    assert EnrollmentDeadline.objects.get(enrollment__meter=first).deadline_at == datetime(2026, 11, 29, 8, tzinfo=UTC)
    assert "ecret" not in str([first.record, first.enrollment_record]).lower().replace("secret-", "")
    assert first.record["utility"] == {"utility_name": "PGE", "tariff": "E-1"}


def test_r18_twice_gives_the_same_rows(leap: LeapServer) -> None:
    link = make_link()
    leap.details = [meter_record(number, connection_references=[link.reference_id]) for number in range(1, 6)]
    leap.enrollments = [enrollment_record(number, "ACTIVE") for number in range(1, 6)]
    sync_meters(full=False)
    before = everything()
    run = sync_meters(full=True)
    assert everything() == before
    assert (run.created, run.changed, run.same) == (0, 0, 5)


def test_r18_incremental_asks_since_the_last_one_began(leap: LeapServer) -> None:
    first = sync_meters(full=False)
    leap.requests.clear()
    second = sync_meters(full=False)
    assert not second.full
    assert second.since == first.started_at - OVERLAP
    asked = {body["last_modified_date_time"] for _, body in leap.requests}
    assert asked == {second.since.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    leap.requests.clear()
    sync_meters(full=True)
    assert [path for path, _ in leap.requests] == ["/v2/meters/search", "/v2/meters/enrollments/search"]
    assert all("last_modified_date_time" not in body for _, body in leap.requests)


def test_r18_a_change_is_written_and_replaces_the_programs(leap: LeapServer) -> None:
    leap.details, leap.enrollments = [meter_record(1)], [enrollment_record(1)]
    sync_meters(full=False)
    leap.details = [meter_record(1, customer_classification="COMMERCIAL")]
    leap.enrollments = [enrollment_record(1, program_enrollment=[])]
    run = sync_meters(full=False)
    assert (run.created, run.same) == (0, 0)
    assert run.changed >= 1
    meter = Meter.objects.get()
    assert (meter.classification, meter.enrollments.count()) == ("COMMERCIAL", 0)


def test_r14_a_link_of_later_is_matched_by_a_full_sync(leap: LeapServer) -> None:
    leap.details = [meter_record(1, partner_reference="later-one")]
    assert sync_meters(full=False).unmatched == 1
    link = make_shared_link()
    late = make_link(reference_id="later-one")
    assert sync_meters(full=True).unmatched == 0
    late.refresh_from_db()
    # The meter is older than the link: when it was first seen, never before the link was issued.
    assert late.metered_at is not None
    assert late.metered_at >= late.issued_at
    link.refresh_from_db()
    assert link.metered_at is None


def test_r14_a_link_of_later_with_the_meters_partner_reference_is_matched_by_the_next_sync(leap: LeapServer) -> None:
    """A partner's own reference id, given to Leap before it came here."""
    leap.details = [meter_record(1, partner_reference="site-0042")]
    sync_meters(full=False)
    assert Meter.objects.unmatched().count() == 1
    link = make_link(customer=make_customer(reference_id="site-0042"))
    assert link.reference_id == "site-0042"
    leap.details = []
    sync_meters(full=False)
    link.refresh_from_db()
    assert link.status == "metered"
    assert link.meter_matches.get().matched_by == "partner"


def test_r14_milestones_only_move_forward_and_void_links_get_proof(leap: LeapServer) -> None:
    early = CREATED - timedelta(days=9)
    link = issued(make_link(), CREATED - timedelta(days=10))
    Link.objects.filter(pk=link.pk).update(authorized_at=early, voided_at=early, void_reason="moved")
    leap.details = [meter_record(1, connection_references=[link.reference_id])]
    leap.enrollments = [enrollment_record(1, "ACTIVE")]
    sync_meters(full=False)
    link.refresh_from_db()
    enrolled_at = link.enrolled_at
    assert (link.authorized_at, link.metered_at, link.status) == (early, CREATED, "enrolled")
    leap.enrollments = [enrollment_record(1, "INELIGIBLE")]
    sync_meters(full=False)
    link.refresh_from_db()
    assert (link.enrolled_at, link.status) == (enrolled_at, "enrolled")


def test_r14_one_meter_under_two_reference_ids(leap: LeapServer) -> None:
    one, two = make_link(), make_link()
    leap.details = [
        meter_record(1, connection_references=[one.reference_id, two.reference_id], partner_reference=one.reference_id)
    ]
    sync_meters(full=False)
    assert set(MeterMatch.objects.values_list("link", "matched_by")) == {(one.pk, "connection"), (two.pk, "connection")}


def test_r14_a_stronger_word_replaces_a_weaker_one(leap: LeapServer) -> None:
    link = make_link()
    leap.details = [meter_record(1, partner_reference=link.reference_id)]
    sync_meters(full=False)
    leap.details = [meter_record(1, partner_reference="changed", connection_references=[link.reference_id])]
    sync_meters(full=False)
    assert list(MeterMatch.objects.values_list("link", "matched_by")) == [(link.pk, "connection")]


def test_r18_a_malformed_record_is_counted_and_shown(leap: LeapServer) -> None:
    leap.details = [
        meter_record(1),
        {"meter_id": "Ada"},
        meter_record(2, is_archived="Ada"),
        7,
        meter_record(3, meter_type="X" * 99),
    ]
    run = sync_meters(full=False)
    assert (run.created, run.malformed, run.state) == (2, 3, "done")
    assert run.malformed_reasons == [
        "A meter without a readable id: meter_id is not a UUID",
        "Meter 00000000-0000-0000-0000-000000000002: is_archived is neither true nor false",
        "A meter without a readable id: the record is not an object",
    ]


def test_r18_a_stale_token_begins_the_phase_again(leap: LeapServer) -> None:
    leap.details = [meter_record(number) for number in range(1, 6)]
    run = SyncRun.objects.create(
        full=True, state="failed", pages=1, page_token="2", started_at=timezone.now(), heartbeat_at=timezone.now()
    )
    leap.stale_tokens = {"2"}
    with pytest.raises(SyncFailed, match="does not know the page"):
        sync_meters(full=True)
    leap.stale_tokens = set()
    SyncRun.objects.update(page_token="gone")
    leap.stale_tokens = {"gone"}
    done = sync_meters(full=True)
    assert (done.pk, done.state, Meter.objects.count()) == (run.pk, "done", 5)


def test_r18_a_wrong_key_is_one_sentence(leap: LeapServer) -> None:
    leap.key = "another"
    with pytest.raises(CommandError) as caught:
        call_command("sync_meters")
    assert str(caught.value).startswith("Leap does not accept the API key: set LEAP_API_KEY")
    run = SyncRun.objects.get()
    assert (run.state, run.error) == ("failed", str(caught.value))
    assert "secret-part" not in str(caught.value)


def test_r18_the_command_says_what_it_did(leap: LeapServer) -> None:
    leap.details = [meter_record(1), 7]
    out, err = io.StringIO(), io.StringIO()
    call_command("sync_meters", stdout=out, stderr=err)
    assert out.getvalue() == "1 new, 0 changed, 0 same, 1 unmatched, 1 malformed\n"
    assert err.getvalue() == "A meter without a readable id: the record is not an object\n"


def test_r18_one_at_a_time(leap: LeapServer) -> None:
    now = timezone.now()
    run = SyncRun.objects.create(full=True, started_at=now, heartbeat_at=now)
    with pytest.raises(SyncRefused, match="A sync is running since"):
        sync_meters(full=False)
    with pytest.raises(CommandError, match="wait until it is done"):
        call_command("sync_meters")
    assert not leap.requests
    # Silent for longer than its lease, its process has died: the next start carries it on.
    SyncRun.objects.update(heartbeat_at=now - LEASE - timedelta(seconds=1), phase="enrollments")
    assert sync_meters(full=False).pk == run.pk
    assert [path for path, _ in leap.requests] == ["/v2/meters/enrollments/search"]


def test_r18_one_thought_dead_writes_nothing_more(leap: LeapServer) -> None:
    leap.details = [meter_record(number) for number in range(1, 6)]

    def take_over(done: int, doing: str) -> None:
        if done == 2:
            SyncRun.objects.update(heartbeat_at=timezone.now() + timedelta(seconds=9))

    with pytest.raises(SyncRefused, match="taken over"):
        sync_meters(full=False, report=take_over)
    assert Meter.objects.count() == 2
    assert SyncRun.objects.get().state == "running"


@pytest.mark.django_db(transaction=True)
def test_r18_a_page_and_the_place_of_the_next_are_written_both_or_neither(
    leap: LeapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leap.details = [meter_record(number) for number in range(1, 6)]
    save = meter_sync.save_meters

    def break_at_the_second(**page: Any) -> PageResult:
        result = save(**page)
        if SyncRun.objects.get().pages == 1:
            raise RuntimeError("broken")
        return result

    monkeypatch.setattr(meter_sync, "save_meters", break_at_the_second)
    with pytest.raises(RuntimeError):
        sync_meters(full=False)
    run = SyncRun.objects.get()
    assert (run.state, run.error, run.pages, run.page_token) == ("failed", meter_sync.UNEXPECTED, 1, "2")
    assert Meter.objects.count() == 2
    monkeypatch.undo()
    leap.requests.clear()
    assert (sync_meters(full=False).pk, Meter.objects.count()) == (run.pk, 5)
    assert leap.requests[0][1]["page_token"] == "2"


def test_r18_queries_do_not_grow_with_links_or_matches(leap: LeapServer) -> None:
    def count(size: int) -> int:
        Meter.objects.all().delete()
        flow = make_flow()
        links = [make_link(customer=make_customer(), flow=flow) for _ in range(size)]
        leap.details = [meter_record(n, connection_references=[link.reference_id]) for n, link in enumerate(links, 1)]
        leap.enrollments = [enrollment_record(n, "ACTIVE") for n in range(1, size + 1)]
        leap.page = 100
        with CaptureQueriesContext(
            connection,
        ) as queries:
            sync_meters(full=True)
        return len(queries)

    count(1)
    assert count(20) <= count(2) + 2


def test_r14_nothing_to_match() -> None:
    assert match_meters(meters=[], at=timezone.now()) == 0


def test_r18_one_that_fails_again_and_again_is_tried_on_schedule(leap: LeapServer) -> None:
    every, began = timedelta(minutes=15), timezone.now() - timedelta(hours=1)
    run = SyncRun.objects.create(full=True, state="failed", pages=1, started_at=began, heartbeat_at=began)
    assert is_sync_due(every)
    leap.key = "another"
    with pytest.raises(SyncFailed):
        sync_meters(full=False)
    assert [found.pk for found in SyncRun.objects.all()] == [run.pk]
    assert not is_sync_due(every)


def test_r18_what_an_event_proves_while_a_page_is_written_stays(leap: LeapServer) -> None:
    """Of an authorization's two moments the earlier one holds, whoever of the two writes last."""
    link = issued(make_link(), CREATED - timedelta(days=3))
    leap.details = [meter_record(1, connection_references=[link.reference_id])]
    sync_meters(full=True)
    earlier = CREATED - timedelta(days=1)

    def hear_of_it(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("UPDATE") and "enrolled_at" in sql and not heard:
            heard.append(Link.objects.update(authorized_at=earlier))
        return execute(sql, *arguments)

    heard: list[int] = []
    leap.enrollments = [enrollment_record(1, global_enrollment_status="ACTIVE")]
    with connection.execute_wrapper(hear_of_it):
        sync_meters(full=True)
    link.refresh_from_db()
    assert heard == [1]
    assert link.authorized_at == earlier
    assert link.enrolled_at is not None
