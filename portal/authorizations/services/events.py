"""Leap's webhook calls: stored as they come, and interpreted after (Leap's “connect events” and “webhook setup”).

Session events carry no session id, no time and no order of their own, are repeated, and overtake each other. What is
derived from them is therefore a minimum, a maximum or a union: any order, and any repetition, ends in the same state.
"""

import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from portal.authorizations.models import Connection, Event, Link
from portal.authorizations.services.doors import insert_impatiently
from portal.leap import events as leap

logger = logging.getLogger(__name__)

#: The header that carries the portal's secret: an event's only signature.
SECRET_HEADER = "X-Leap-Secret"  # noqa: S105
#: What each status says of a session or of one utility in it.
STARTED = {"CREATED", "UPDATED", "INITIATED"}
COMPLETED = {"COMPLETED"}
FAILED = {"CLOSED", "FAILED"}
#: What stays of an event that is about an erased customer.
ERASED_PAYLOAD = {"erased": True}
_STOPPED = "An unexpected error stopped its interpretation: it is tried again."


@dataclass(slots=True)
class InterpretResult:
    """How many events were interpreted or failed, and whether any told of a meter, so that a sync is worth asking."""

    interpreted: int = 0
    failed: int = 0
    meters_changed: bool = False


def store_event(*, event: leap.Event, at: datetime) -> Event:
    """Keep an event, once: a repeated webhook_event_id keeps the row that is there. One insert, nothing derived.

    Raises ValueError when the id is too long to be one, and DatabaseError (django.db) when the database cannot be
    written within moments; nothing is kept then.
    """
    if len(event.webhook_event_id) > _length("webhook_event_id"):
        raise ValueError(f"webhook_event_id is longer than {_length('webhook_event_id')} characters")
    values = {
        "webhook_event_id": event.webhook_event_id,
        "event_type": event.type[: _length("event_type")],
        "received_at": at,
        "payload": event.payload,
        "interpreted_at": None,
        "is_known": event.type in leap.EVENT_TYPES,
        "problem": f"Not as Leap publishes it: {event.problem}."[: _length("problem")] if event.problem else "",
        "link_id": None,
        "reference_id": event.partner_reference,
        "utility_name": _text(event, "utility_name"),
        "event_status": _status_of(event)[: _length("event_status")],
        "meter_id": _text(event, "meter_id"),
    }
    # Two deliveries that come at once are told apart by the database alone.
    with contextlib.suppress(IntegrityError):
        insert_impatiently(Event, values)
    return Event.objects.only("interpreted_at").get(webhook_event_id=event.webhook_event_id)


def interpret_events() -> InterpretResult:
    """Interpret all that wait, each in a transaction of its own; one that fails goes on waiting, with a word on it.

    Raises DatabaseError (django.db) when the database cannot be written: what is left goes on waiting.
    """
    result = InterpretResult()
    for pk in Event.objects.waiting().values_list("pk", flat=True).iterator(chunk_size=500):
        try:
            event = interpret_event(event_id=pk)
        except (OperationalError, InterfaceError):
            raise  # the database is busy or away: no event's fault
        except Exception:
            logger.exception("The event %s cannot be interpreted", pk)
            # A word on what Leap sent stays: without it the event would pass for one that can be read.
            Event.objects.filter(pk=pk, interpreted_at__isnull=True, problem="").update(problem=_STOPPED)
            result.failed += 1
            continue
        if event is not None:
            result.interpreted += 1
            result.meters_changed |= event.event_type.startswith("meter.")
    return result


@transaction.atomic
def interpret_event(*, event_id: int) -> Event | None:
    """Match an event to its link, void and replaced ones too, and derive what it proves. None: another has done it."""
    event = Event.objects.waiting().select_for_update(skip_locked=True).filter(pk=event_id).first()
    if event is None:
        return None
    if event.problem == _STOPPED:
        event.problem = ""
    # As Leap sent it, in its own case: a reference id is no name that could be misspelt.
    links = Link.objects.select_related("customer").filter(reference_id=event.reference_id)
    event.link = links.first() if event.reference_id else None
    if event.link is not None and not event.problem:
        event.problem = _derive(event, event.link)
    if event.link is not None and event.link.customer is not None and event.link.customer.erased_at is not None:
        event.payload = ERASED_PAYLOAD
    event.interpreted_at = timezone.now()
    event.save(update_fields=["link", "payload", "problem", "interpreted_at"])
    return event


def _derive(event: Event, link: Link) -> str:
    """Move the connection and the link of an event; return why it cannot be."""
    if event.event_type not in (leap.SESSION_UPDATED, leap.AUTHORIZATION_UPDATED):
        return ""
    if event.event_status not in STARTED | COMPLETED | FAILED:
        return "The portal does not know this status: kept, and nothing derived from it."
    # No other event of this link is interpreted meanwhile. Not its key: visits that refer to it must not wait.
    link = Link.objects.select_for_update(no_key=True).get(pk=link.pk)
    _move_connection(link, event)
    if event.event_type == leap.AUTHORIZATION_UPDATED:
        _move_link(link, event)
    return ""


def _move_connection(link: Link, event: Event) -> None:
    at = event.received_at
    connection, _ = Connection.objects.get_or_create(
        link=link, utility_name=event.utility_name, defaults={"last_event_at": at}
    )
    # Whatever ended has begun: an event that was lost must not leave a hole.
    connection.started_at = _earlier(connection.started_at, at)
    if event.event_status in COMPLETED:
        connection.completed_at = _earlier(connection.completed_at, at)
    if event.event_status in FAILED:
        connection.failed_at = _earlier(connection.failed_at, at)
    connection.last_event_at = max(connection.last_event_at, at)
    connection.save(update_fields=["started_at", "completed_at", "failed_at", "last_event_at"])


def _move_link(link: Link, event: Event) -> None:
    link.at_utility_at = _earlier(link.at_utility_at, event.received_at)
    if event.event_status in COMPLETED:
        link.authorized_at = _earlier(link.authorized_at, event.received_at)
    if not link.is_shared:
        # A mark, no milestone: it stands while a utility failed and was never authorized, whichever came first. One
        # poster's visitors are many: that one of them failed says nothing of the others.
        failed = link.connections.failed_at_utility().order_by("failed_at").first()
        link.failed_at = failed.failed_at if failed else None
    link.save(update_fields=["at_utility_at", "authorized_at", "failed_at"])


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def _status_of(event: leap.Event) -> str:
    """Return what the event says its thing has become, whatever Leap calls that field."""
    match event:
        case leap.SessionUpdated() | leap.AuthorizationUpdated():
            return event.status
        case leap.EnrollmentStatusUpdated():
            return event.global_enrollment_status
        case leap.ParticipationUpdated():
            return event.participation_preference
    return ""


def _text(event: leap.Event, name: str) -> str:
    return str(getattr(event, name, ""))[: _length(name)]


def _length(name: str) -> int:
    length = getattr(Event._meta.get_field(name), "max_length", None)
    assert isinstance(length, int)
    return length
