"""Webhook events: the published examples, and what is not as published."""

import dataclasses
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from portal.leap.events import (
    EVENT_TYPES,
    AuthorizationUpdated,
    EnrollmentStatusUpdated,
    Event,
    GroupUpdated,
    MeterCreated,
    ParticipationUpdated,
    RequiredActionsUpdated,
    SessionUpdated,
    parse_event,
)

pytestmark = pytest.mark.pure

EVENT_ID = "cca07005-1406-4539-8b84-1a5f24cd1575"
METER_ID = "11111111-1111-1111-1111-111111111111"
METER = {
    "meter_id": METER_ID,
    "partner_reference": "site-1",
    "transmission_region": "CAISO",
    "meter_type": "UTILITY_METER",
}


def envelope(event_type: object, **payload: object) -> dict[str, Any]:
    return {"webhook_event_id": EVENT_ID, "payload": {"webhook_event_type": event_type, **payload}}


def test_session() -> None:
    event = parse_event(envelope("connect_session.updated", partner_reference="customer-site-123", status="CREATED"))
    assert isinstance(event, SessionUpdated)
    assert (event.webhook_event_id, event.type) == (EVENT_ID, "connect_session.updated")
    assert (event.partner_reference, event.status, event.problem) == ("customer-site-123", "CREATED", "")
    assert event.payload == {
        "webhook_event_type": "connect_session.updated",
        "partner_reference": "customer-site-123",
        "status": "CREATED",
    }


def test_authorization() -> None:
    event = parse_event(
        envelope("connect_session.authorization_updated", partner_reference="Site-1", utility_name="PGE", status="NEW")
    )
    assert isinstance(event, AuthorizationUpdated)
    # Case is kept, and a status that Leap has added since.
    assert (event.partner_reference, event.utility_name, event.status) == ("Site-1", "PGE", "NEW")


def test_meter_created_with_and_without_a_reference() -> None:
    event = parse_event(envelope("meter.created", **METER))
    assert isinstance(event, MeterCreated)
    assert (event.meter_id, event.partner_reference) == (UUID(METER_ID), "site-1")
    without = parse_event(envelope("meter.created", meter_id=METER_ID, partner_reference=None))
    assert isinstance(without, MeterCreated)
    assert without.partner_reference == ""


def test_enrollment_events() -> None:
    status = parse_event(
        envelope("meter.enrollment.global-status.updated", **METER, global_enrollment_status="ELIGIBLE")
    )
    assert isinstance(status, EnrollmentStatusUpdated)
    assert status.global_enrollment_status == "ELIGIBLE"
    preference = parse_event(
        envelope(
            "meter.enrollment.participation-status.updated",
            **METER,
            participation_preference="IDLE",
            start_time="2026-11-01T00:00:00Z",
        )
    )
    assert isinstance(preference, ParticipationUpdated)
    assert (preference.start_time, preference.end_time) == (datetime(2026, 11, 1, tzinfo=UTC), None)
    group = parse_event(
        envelope(
            "meter.enrollment.group.updated",
            market_group_id=METER_ID,
            market_group_name="GRP1",
            start_date_time="2024-05-01T04:00:00Z",
            end_date_time="2024-06-01T04:00:00Z",
            meter_ids=[METER_ID],
        )
    )
    assert isinstance(group, GroupUpdated)
    assert group.meter_ids == (UUID(METER_ID),)


def test_required_actions_and_their_end() -> None:
    action = {
        "program_identifier": "CEC-DSGS",
        "delivery_period": "CEC-DSGS_2025_AUG_OCT",
        "enrollment_deadline_date_time": "2024-07-29T00:00:00.000Z",
        "action_type": "IS_AUTHORIZED",
        "action_description": "End customer must re-authorize meter",
        "action_code": "AUTH_0001",
    }
    event = parse_event(
        envelope("meter.enrollment.required-actions.updated", **METER, required_actions={"partner": [action]})
    )
    assert isinstance(event, RequiredActionsUpdated)
    assert [(found.action_code, found.deadline) for found in event.partner_actions] == [
        ("AUTH_0001", datetime(2024, 7, 29, tzinfo=UTC))
    ]
    resolved = parse_event(envelope("meter.enrollment.required-actions.updated", **METER, required_actions={}))
    assert isinstance(resolved, RequiredActionsUpdated)
    assert resolved.partner_actions == ()


def test_every_published_type_is_known() -> None:
    kinds = {type(parse_event(envelope(name))) for name in EVENT_TYPES}
    assert kinds == {Event}, "all of them need more than their type"
    assert all(parse_event(envelope(name)).problem for name in EVENT_TYPES)


def test_an_unknown_type_and_unknown_fields_survive() -> None:
    event = parse_event(
        {**envelope("meter.exploded", partner_reference="site-1", depth={"a": [1, None]}), "new": "field"}
    )
    assert type(event) is Event
    assert (event.type, event.partner_reference, event.problem) == ("meter.exploded", "site-1", "")
    assert event.payload["depth"] == {"a": [1, None]}


@pytest.mark.parametrize(
    ("event_type", "payload", "problem"),
    [
        ("connect_session.updated", {"partner_reference": "site-1"}, "payload.status is missing"),
        ("connect_session.updated", {"status": "CREATED"}, "payload.partner_reference is missing"),
        (
            "connect_session.authorization_updated",
            {"partner_reference": "site-1", "status": "FAILED"},
            "payload.utility_name is missing",
        ),
        ("meter.created", {"meter_id": "abc"}, "payload.meter_id is not a UUID"),
        ("meter.created", {"meter_id": METER_ID, "partner_reference": 7}, "payload.partner_reference is not a text"),
        (
            "meter.enrollment.required-actions.updated",
            {"meter_id": METER_ID, "required_actions": {"partner": [{}, 3]}},
            "payload.required_actions.partner[1] is not an object",
        ),
        (
            "meter.enrollment.participation-status.updated",
            {"meter_id": METER_ID, "participation_preference": "IDLE", "start_time": "yesterday"},
            "payload.start_time is not a date and time",
        ),
        ("meter.other", {"partner_reference": "x" * 257}, "payload.partner_reference is longer than 256 characters"),
    ],
)
def test_a_body_that_is_not_as_published_survives_with_its_problem(
    event_type: str, payload: dict[str, object], problem: str
) -> None:
    event = parse_event(envelope(event_type, **payload))
    assert type(event) is Event
    assert (event.type, event.problem) == (event_type, problem)
    reference = payload.get("partner_reference")
    assert event.partner_reference == (reference if reference == "site-1" else "")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "the body is not an object"),
        ([], "the body is not an object"),
        ("text", "the body is not an object"),
        ({}, "payload is missing"),
        ({"webhook_event_id": EVENT_ID}, "payload is missing"),
        ({"payload": {"webhook_event_type": "meter.created"}}, "webhook_event_id is missing"),
        ({"webhook_event_id": 7, "payload": {}}, "webhook_event_id is not a text"),
        ({"webhook_event_id": "x" * 257, "payload": {}}, "webhook_event_id is longer than 256 characters"),
        ({"webhook_event_id": EVENT_ID, "payload": []}, "payload is not an object"),
        ({"webhook_event_id": EVENT_ID, "payload": {}}, "payload.webhook_event_type is missing"),
        (envelope(None), "payload.webhook_event_type is missing"),
        (envelope(["a"]), "payload.webhook_event_type is not a text"),
    ],
)
def test_a_malformed_envelope_names_the_part(body: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_event(body)
    assert str(caught.value) == message


def test_beyond_reason_nested_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(500):
        nested = [nested]
    with pytest.raises(ValueError, match=r"^the record is nested too deep\Z"):
        parse_event(envelope("meter.created", deep=nested))


def test_what_no_database_stores_is_replaced() -> None:
    event = parse_event(envelope("meter.other", partner_reference="a\0b\ud800", number=float("inf"), text="línea\n"))
    assert event.partner_reference == "a\ufffdb\ufffd"
    assert event.payload == {
        "webhook_event_type": "meter.other",
        "partner_reference": "a\ufffdb\ufffd",
        "number": None,
        "text": "línea\n",
    }


def test_who_the_customer_is_is_not_kept() -> None:
    event = parse_event(envelope("meter.created", **METER, customer={"end_customer_name": "Ada"}))
    assert "Ada" not in repr(event)


def test_events_are_frozen() -> None:
    event = parse_event(envelope("meter.created", **METER))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.type = "other"  # type: ignore[misc]
