"""What Leap's events prove: any order and any repetition of them ends in the same state."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.accounts.models import User
from portal.authorizations.models import Connection, ConnectionState, Event, Link
from portal.authorizations.services.events import interpret_event, interpret_events, store_event
from portal.authorizations.services.links import replace_link, void_link
from portal.authorizations.services.meter_sync import is_sync_wanted
from portal.authorizations.tasks import run_interpretation
from portal.leap.events import parse_event
from tests.factories import make_link, make_shared_link

pytestmark = pytest.mark.django_db
START = timezone.now() - timedelta(days=30)

#: type, status, utility
SAYINGS = [
    ("session", "CREATED", ""),
    ("session", "UPDATED", ""),
    ("session", "CLOSED", ""),
    ("session", "COMPLETED", ""),
    *[
        ("authorization", status, utility)
        for status in ("INITIATED", "COMPLETED", "FAILED")
        for utility in ("PGE", "SCE")
    ],
]


def keep(kind: str, status: str, utility: str = "", *, reference: str | None, minute: int = 0) -> Event:
    payload: dict[str, Any] = {"partner_reference": reference, "status": status}
    if kind == "authorization":
        payload["utility_name"] = utility
    name = "authorization_updated" if kind == "authorization" else "updated"
    return keep_payload(f"connect_session.{name}", payload, minute)


def keep_payload(event_type: str, payload: dict[str, Any], minute: int = 0) -> Event:
    event = parse_event(
        {"webhook_event_id": str(uuid.uuid4()), "payload": {"webhook_event_type": event_type, **payload}}
    )
    return store_event(event=event, at=START + timedelta(minutes=minute))


def state_of(link: Link) -> dict[str, Any]:
    link.refresh_from_db()
    connections = link.connections.values_list(
        "utility_name", "started_at", "completed_at", "failed_at", "last_event_at"
    )
    return {
        "link": (link.at_utility_at, link.authorized_at, link.failed_at, link.status),
        "connections": sorted(connections),
    }


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_times(inner) for inner in value]
    return isinstance(value, datetime) or value


@pytest.mark.parametrize(
    ("saying", "state"),
    [
        (("session", "CREATED", ""), ConnectionState.STARTED),
        (("session", "UPDATED", ""), ConnectionState.STARTED),
        (("session", "CLOSED", ""), ConnectionState.FAILED),
        (("session", "COMPLETED", ""), ConnectionState.COMPLETED),
        (("authorization", "INITIATED", "PGE"), ConnectionState.STARTED),
        (("authorization", "COMPLETED", "PGE"), ConnectionState.COMPLETED),
        (("authorization", "FAILED", "PGE"), ConnectionState.FAILED),
    ],
)
def test_each_event_moves_the_connection(saying: tuple[str, str, str], state: ConnectionState) -> None:
    link = make_link()
    keep(*saying, reference=link.reference_id)
    assert interpret_events().interpreted == 1
    assert Connection.objects.get().state == state


def test_milestones_and_the_failed_mark() -> None:
    link = make_link()
    keep("authorization", "FAILED", "PGE", reference=link.reference_id, minute=1)
    interpret_events()
    link.refresh_from_db()
    assert (link.at_utility_at, link.authorized_at, link.failed_at) == (minute(1), None, minute(1))
    keep("authorization", "COMPLETED", "PGE", reference=link.reference_id, minute=9)
    interpret_events()
    link.refresh_from_db()
    assert (link.at_utility_at, link.authorized_at, link.failed_at) == (minute(1), minute(9), None)
    assert link.status == "authorized"


def test_failed_at_one_utility_stands_beside_authorized_at_another() -> None:
    link = make_link()
    keep("authorization", "COMPLETED", "PGE", reference=link.reference_id, minute=1)
    keep("authorization", "FAILED", "SCE", reference=link.reference_id, minute=2)
    interpret_events()
    link.refresh_from_db()
    assert (link.status, link.failed_at) == ("authorized", minute(2))


def test_leaving_early_fails_the_session_and_no_utility() -> None:
    link = make_link()
    keep("session", "CLOSED", reference=link.reference_id)
    interpret_events()
    link.refresh_from_db()
    assert (link.at_utility_at, link.authorized_at, link.failed_at) == (None, None, None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_any_repetition_ends_in_the_same_state(data: st.DataObject) -> None:
    said = data.draw(st.lists(st.sampled_from(SAYINGS), min_size=1, max_size=7), label="said")
    usual, other, reordered = make_link(), make_link(), make_link()
    for at, saying in enumerate(said):
        keep(*saying, reference=usual.reference_id, minute=at)
    interpret_events()
    # The same arrivals, interpreted in another order, some of them by two workers.
    stored = [keep(*saying, reference=other.reference_id, minute=at).pk for at, saying in enumerate(said)]
    order = data.draw(st.permutations(stored), label="order")
    for pk in [*order, *data.draw(st.lists(st.sampled_from(stored), max_size=4), label="twice")]:
        interpret_event(event_id=pk)
    assert state_of(other) == state_of(usual)
    # Arrived in another order, some of them again under an id of its own.
    again = data.draw(st.lists(st.sampled_from(said), max_size=4), label="again")
    for at, saying in enumerate(data.draw(st.permutations([*said, *again]), label="arrivals")):
        keep(*saying, reference=reordered.reference_id, minute=at)
        interpret_events()
    assert without_times(state_of(reordered)) == without_times(state_of(usual))


def test_a_reference_id_is_matched_exactly() -> None:
    link = make_link(reference_id="Acct-77")
    for reference in ("acct-77", "Acct-77 ", "Acct-7", "Acct-77"):
        keep("authorization", "INITIATED", "PGE", reference=reference)
    interpret_events()
    assert list(Event.objects.order_by("pk").values_list("link", flat=True)) == [None, None, None, link.pk]


def test_proof_counts_for_void_and_replaced_links(manager: User) -> None:
    void, old = make_link(), make_link()
    void_link(link=void, voided_by=manager, reason="moved")
    replace_link(link=old, issued_by=manager)
    for link in (void, old):
        keep("authorization", "COMPLETED", "PGE", reference=link.reference_id)
    interpret_events()
    assert [Link.objects.get(pk=link.pk).status for link in (void, old)] == ["authorized", "authorized"]


def test_a_poster_has_no_failed_mark() -> None:
    poster = make_shared_link()
    keep("authorization", "FAILED", "PGE", reference=poster.reference_id)
    interpret_events()
    poster.refresh_from_db()
    assert (poster.at_utility_at is not None, poster.failed_at) == (True, None)


def test_a_new_status_is_kept_and_moves_nothing() -> None:
    link = make_link()
    keep("authorization", "PAUSED", "PGE", reference=link.reference_id)
    interpret_events()
    event = Event.objects.get()
    assert (event.link, event.event_status) == (link, "PAUSED")
    assert "does not know this status" in event.problem
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("event_type", "payload", "asked"),
    [
        ("meter.created", {"meter_id": str(uuid.uuid4()), "meter_type": "DEVICE"}, True),
        ("meter.enrollment.required-actions.updated", {"meter_id": str(uuid.uuid4()), "required_actions": {}}, True),
        ("meter.something.new", {}, True),
        ("connect_session.updated", {"partner_reference": "abc", "status": "CREATED"}, False),
        ("weather.changed", {}, False),
    ],
)
def test_meters_ask_for_one_sync(event_type: str, payload: dict[str, Any], asked: bool, settings: Any) -> None:
    settings.LEAP_API_KEY = "key:of-the-portal"
    for _ in range(3):
        keep_payload(event_type, payload)
    run_interpretation()
    assert is_sync_wanted() is asked


def test_a_meter_event_moves_no_milestone() -> None:
    """It may name the link, but which meters are a link's is for the sync to say."""
    link, meter_id = make_link(), uuid.uuid4()
    keep_payload("meter.created", {"meter_id": str(meter_id), "partner_reference": link.reference_id})
    interpret_events()
    link.refresh_from_db()
    event = Event.objects.get()
    assert (event.link, event.meter_id, link.status) == (link, str(meter_id), "issued")
    assert not Connection.objects.exists()


def test_the_status_column_holds_whatever_the_type_calls_its_own() -> None:
    meter = {"meter_id": str(uuid.uuid4())}
    keep_payload("meter.enrollment.global-status.updated", {**meter, "global_enrollment_status": "ELIGIBLE"})
    keep_payload(
        "meter.enrollment.participation-status.updated",
        {**meter, "participation_preference": "IDLE", "start_time": "2026-05-01T00:00:00Z"},
    )
    assert list(Event.objects.order_by("pk").values_list("event_status", flat=True)) == ["ELIGIBLE", "IDLE"]


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def test_an_event_that_the_database_does_not_take_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    link = make_link()
    first = keep("authorization", "INITIATED", "PGE", reference=link.reference_id)
    keep("authorization", "COMPLETED", "SCE", reference=link.reference_id)

    def refuse_the_first(*, event_id: int) -> Event | None:
        if event_id == first.pk:
            raise DataError("value too long")
        return interpret_event(event_id=event_id)

    monkeypatch.setattr("portal.authorizations.services.events.interpret_event", refuse_the_first)
    result = interpret_events()
    assert (result.interpreted, result.failed) == (1, 1)
    link.refresh_from_db()
    assert link.status == "authorized"


def test_an_unexpected_error_does_not_make_a_malformed_event_pass_for_a_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = make_link()
    event = keep("authorization", "COMPLETED", "", reference=link.reference_id)
    assert event_problem(event).startswith("Not as Leap publishes it")

    def break_down(**_: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken:
        broken.setattr("portal.authorizations.services.events.interpret_event", break_down)
        assert interpret_events().failed == 1
    assert interpret_events().interpreted == 1
    assert event_problem(event).startswith("Not as Leap publishes it")
    link.refresh_from_db()
    assert link.authorized_at is None


def event_problem(event: Event) -> str:
    return Event.objects.values_list("problem", flat=True).get(pk=event.pk)
