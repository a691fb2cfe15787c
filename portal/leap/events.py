"""What Leap's webhooks tell: typed events parsed from the envelope.

Leap's webhooks OpenAPI (1.1), schema WebhookPayload: ``{"webhook_event_id": …, "payload": {"webhook_event_type": …}}``.
Session events carry no session id, no time and no reason, so they cannot be put in order by what they say.

An envelope that cannot be read is a ValueError. Whatever stands inside it survives: an unknown type, and a known one
whose body is not as published, become a plain `Event`, the latter with its ``problem`` in words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.leap.meters import RequiredAction, is_personal
from portal.leap.payloads import TEXT_LIMIT, Fields, storable

SESSION_UPDATED = "connect_session.updated"
AUTHORIZATION_UPDATED = "connect_session.authorization_updated"
METER_CREATED = "meter.created"
ENROLLMENT_STATUS_UPDATED = "meter.enrollment.global-status.updated"
PARTICIPATION_UPDATED = "meter.enrollment.participation-status.updated"
REQUIRED_ACTIONS_UPDATED = "meter.enrollment.required-actions.updated"
GROUP_UPDATED = "meter.enrollment.group.updated"

#: All that Leap publishes (schema WebhookEventType), in its order: what a webhook subscribes to.
EVENT_TYPES = (
    METER_CREATED,
    SESSION_UPDATED,
    AUTHORIZATION_UPDATED,
    ENROLLMENT_STATUS_UPDATED,
    PARTICIPATION_UPDATED,
    REQUIRED_ACTIONS_UPDATED,
    GROUP_UPDATED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has; also the whole of one that is of an unknown type, or not as published."""

    webhook_event_id: str
    """Leap's id of the event, the same in every delivery of it; a UUID as published, kept as the text that came."""
    type: str
    partner_reference: str = ""
    """The refId, exactly as Leap has it; "" if the event carries none."""
    payload: dict[str, Any]
    """All that came inside the envelope, as both databases can store it, without what says who the customer is."""
    problem: str = ""
    """Why an event of a known type could not be read; "" for every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated(Event):
    """A visit to Connect: CREATED (first screen), UPDATED (the next), CLOSED (left early), COMPLETED (the last)."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationUpdated(Event):
    """One utility's authorization: INITIATED (the utility's sign-in is on screen), COMPLETED, FAILED."""

    status: str
    utility_name: str
    """As Leap's API names it: PGE, CECONY."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterEvent(Event):
    """What every event about one meter has."""

    meter_id: UUID
    transmission_region: str
    meter_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCreated(MeterEvent):
    """A meter is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentStatusUpdated(MeterEvent):
    """A meter's status over all programs: ACTIVE, ELIGIBLE, INELIGIBLE, NOT_PARTICIPATING, PENDING."""

    global_enrollment_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationUpdated(MeterEvent):
    """A meter shall PARTICIPATE, be IDLE or DISENROLL, from a time on and perhaps until another."""

    participation_preference: str
    start_time: datetime
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredActionsUpdated(MeterEvent):
    """What the partner has to do for a meter; nothing once all is done."""

    global_enrollment_status: str
    partner_actions: tuple[RequiredAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUpdated(Event):
    """The meters of a market group, or its dates. Carries no partner reference."""

    market_group_id: UUID
    market_group_name: str
    start: datetime
    end: datetime
    meter_ids: tuple[UUID, ...]


def parse_event(body: object) -> Event:
    """Return the event in a webhook's decoded JSON body.

    Raises ValueError, naming the part, if the envelope is not one: no object, no webhook_event_id, no payload, no
    webhook_event_type.
    """
    envelope = Fields(body, "the body")
    payload = envelope.values.get("payload")
    if payload is None:
        raise ValueError("payload is missing")
    # The paths in messages are the reader's: without “the body.” in front of each.
    event_id = Fields(envelope.values).text("webhook_event_id", required=True)
    fields = Fields(payload, "payload")
    event_type = fields.text("webhook_event_type", required=True)
    kept = storable(payload, leave_out=is_personal)
    try:
        kind, read = _KINDS.get(event_type, (Event, _nothing_more))
        return kind(
            webhook_event_id=event_id,
            type=event_type,
            partner_reference=fields.text("partner_reference"),
            payload=kept,
            **read(fields),
        )
    except ValueError as error:
        reference = fields.values.get("partner_reference")
        is_usable = isinstance(reference, str) and len(reference) <= TEXT_LIMIT
        return Event(
            webhook_event_id=event_id,
            type=event_type,
            partner_reference=storable(reference) if is_usable else "",
            payload=kept,
            problem=str(error),
        )


def _nothing_more(fields: Fields) -> dict[str, Any]:
    return {}


def _session(fields: Fields) -> dict[str, Any]:
    fields.text("partner_reference", required=True)
    return {"status": fields.text("status", required=True)}


def _authorization(fields: Fields) -> dict[str, Any]:
    return {**_session(fields), "utility_name": fields.text("utility_name", required=True)}


def _meter(fields: Fields) -> dict[str, Any]:
    return {
        "meter_id": fields.uuid("meter_id"),
        "transmission_region": fields.text("transmission_region"),
        "meter_type": fields.text("meter_type"),
    }


def _enrollment_status(fields: Fields) -> dict[str, Any]:
    return {
        **_meter(fields),
        "global_enrollment_status": fields.text("global_enrollment_status", required=True),
    }


def _participation(fields: Fields) -> dict[str, Any]:
    return {
        **_meter(fields),
        "participation_preference": fields.text("participation_preference", required=True),
        "start_time": fields.moment("start_time", required=True),
        "end_time": fields.moment("end_time"),
    }


def _required_actions(fields: Fields) -> dict[str, Any]:
    actions = fields.fields("required_actions").rows("partner")
    return {
        **_meter(fields),
        "global_enrollment_status": fields.text("global_enrollment_status"),
        "partner_actions": tuple(RequiredAction.read(action) for action in actions),
    }


def _group(fields: Fields) -> dict[str, Any]:
    return {
        "market_group_id": fields.uuid("market_group_id"),
        "market_group_name": fields.text("market_group_name"),
        "start": fields.moment("start_date_time", required=True),
        "end": fields.moment("end_date_time", required=True),
        "meter_ids": fields.uuids("meter_ids"),
    }


_KINDS: dict[str, tuple[type[Event], Callable[[Fields], dict[str, Any]]]] = {
    SESSION_UPDATED: (SessionUpdated, _session),
    AUTHORIZATION_UPDATED: (AuthorizationUpdated, _authorization),
    METER_CREATED: (MeterCreated, _meter),
    ENROLLMENT_STATUS_UPDATED: (EnrollmentStatusUpdated, _enrollment_status),
    PARTICIPATION_UPDATED: (ParticipationUpdated, _participation),
    REQUIRED_ACTIONS_UPDATED: (RequiredActionsUpdated, _required_actions),
    GROUP_UPDATED: (GroupUpdated, _group),
}
