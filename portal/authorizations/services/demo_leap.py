"""What Leap says in the sample data: events and meters as Leap would send them, taken in by the same services."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from portal.authorizations.models import Link, SyncPhase, SyncRun, SyncState, Utility
from portal.authorizations.services.events import interpret_event, store_event
from portal.authorizations.services.meter_pages import save_enrollments, save_meters
from portal.leap.events import AUTHORIZATION_UPDATED, SESSION_UPDATED, parse_event

#: Something that happens at its time.
Happening = tuple[datetime, Callable[[datetime], object]]

_PROGRAMS = {"CAISO": "CEC-DSGS", "NYISO": "NYISO-SCR"}
#: Deadline and the day it activates, month and day each, as in Leap's own example of CONED-CSRP.
_DEADLINES = (((3, 15), (5, 1)), ((4, 15), (6, 1)), ((6, 15), (7, 1)), ((7, 15), (8, 1)), ((8, 15), (9, 1)))
#: What a partner is asked to do, with the code and words that Leap shows.
_REAUTHORIZE = ("IS_AUTHORIZED", "AUTH_0001", "End customer must re-authorize meter")
_CONFLICT = ("NOT_ENROLLED_IN_CONFLICTING_PROGRAM", "SERV_0002", "This meter is enrolled in a conflicting program")
_REGISTERING = ("HAS_MARKET_REGISTRATION", "LEAP_0001", "This meter is being registered with the market")


def tell_of_session(
    *, link: Link, utility: Utility, at: datetime, outcome: str, chance: random.Random
) -> list[Happening]:
    """Return the events of one visit to the utility that ends "authorized", "failed" or "left"."""
    told: list[Happening] = []

    def tell(minutes: float, event_type: str, status: str) -> None:
        payload = {"webhook_event_type": event_type, "partner_reference": link.reference_id, "status": status}
        if event_type == AUTHORIZATION_UPDATED:
            payload["utility_name"] = utility.leap_name
        event = parse_event({"webhook_event_id": _uuid(chance), "payload": payload})
        told.append((at + timedelta(minutes=minutes), lambda at: _take(event, at)))

    has_session = link.utility_id is None  # Legacy has no Connect session
    if has_session:
        tell(0, SESSION_UPDATED, "CREATED")
    tell(1.5, AUTHORIZATION_UPDATED, "INITIATED")
    if outcome == "authorized":
        tell(4, AUTHORIZATION_UPDATED, "COMPLETED")
    elif outcome == "failed":
        tell(3, AUTHORIZATION_UPDATED, "FAILED")
    if has_session:
        tell(5, SESSION_UPDATED, "COMPLETED" if outcome == "authorized" else "CLOSED")
    return told


def show_meter(
    *,
    reference_id: str,
    utility: Utility,
    customer_type: str,
    at: datetime,
    enrolled_at: datetime | None,
    chance: random.Random,
) -> list[Happening]:
    """Return how Leap's API shows a new meter, and later an active one; few wait for the partner."""
    meter_id = _uuid(chance)
    details = _details(meter_id, utility, at, reference_id, customer_type.upper() or "RESIDENTIAL")
    roll = chance.random()
    action = _REAUTHORIZE if roll < 0.07 else _CONFLICT if roll < 0.16 else None
    status = "INELIGIBLE" if action is _CONFLICT else "PENDING" if enrolled_at or roll < 0.6 else "ELIGIBLE"
    waiting = _enrollment(meter_id, utility, at, status, action)
    shown: list[Happening] = [
        (at + timedelta(minutes=9), lambda at: save_meters(records=[details], at=at)),
        (at + timedelta(minutes=10), lambda at: save_enrollments(records=[waiting], at=at, run_started_at=at)),
    ]
    if enrolled_at:
        active = _enrollment(meter_id, utility, at, "ACTIVE", _REAUTHORIZE if action is _REAUTHORIZE else None)
        shown.append((enrolled_at, lambda at: save_enrollments(records=[active], at=at, run_started_at=at)))
    return shown


def show_strangers(*, now: datetime, chance: random.Random) -> None:
    """Show meters that are of no link here, and one that was archived; then note the sync that read them all."""
    utilities = {utility.utility_id: utility for utility in Utility.objects.all()}
    records = [
        _details(_uuid(chance), utilities["sce"], now - timedelta(days=31), "site-0042", "COMMERCIAL"),
        _details(_uuid(chance), utilities["pge"], now - timedelta(days=17), "", "RESIDENTIAL"),
        _details(_uuid(chance), utilities["cecony-utilityapi"], now - timedelta(days=8), "", "RESIDENTIAL"),
        _details(_uuid(chance), utilities["sdge"], now - timedelta(days=55), "old-import-7", "RESIDENTIAL"),
    ]
    records[-1]["is_archived"] = True
    at = now - timedelta(minutes=20)
    result = save_meters(records=records, at=at)
    SyncRun.objects.create(
        full=True,
        state=SyncState.DONE,
        phase=SyncPhase.ENROLLMENTS,
        started_at=at - timedelta(seconds=9),
        heartbeat_at=at,
        finished_at=at,
        pages=2,
        created=result.created,
        unmatched=result.unmatched,
    )


def _take(event: Any, at: datetime) -> None:
    interpret_event(event_id=store_event(event=event, at=at).pk)


def _details(meter_id: str, utility: Utility, at: datetime, reference_id: str, classification: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "meter_id": meter_id,
        "audit": {"created_by": "PARTNER", "created_at": _written(at), "updated_at": _written(at)},
        "is_archived": False,
        "meter_type": "UTILITY_METER",
        "transmission_region": utility.region,
        "customer_classification": classification,
        "load_types": ["HVAC"],
        "utility": {"utility_name": utility.leap_name},
    }
    if reference_id:
        record |= {"partner_reference": reference_id, "connection_references": [reference_id]}
    return record


def _enrollment(
    meter_id: str, utility: Utility, at: datetime, status: str, action: tuple[str, str, str] | None
) -> dict[str, Any]:
    program = _PROGRAMS.get(utility.region, "NYISO-SCR")
    now = timezone.now()
    year = now.year if now < _day(now.year, _DEADLINES[-1][0]) else now.year + 1
    period = f"{program}_{year}_MAY_SEP"
    deadlines = [
        {
            "enrollment_deadline_date_time": _written(_day(year, on)),
            "activation_date_time": _written(_day(year, active)),
        }
        for on, active in _DEADLINES
    ]
    upcoming = min(_day(year, on) for on, _ in _DEADLINES if _day(year, on) > now)

    def required(action_type: str, code: str, words: str) -> dict[str, Any]:
        return {
            "program_identifier": program,
            "delivery_period": period,
            "enrollment_deadline_date_time": _written(upcoming),
            "action_type": action_type,
            "action_code": code,
            "action_description": words,
        }

    return {
        "meter_id": meter_id,
        "audit": {"created_by": "PARTNER", "created_at": _written(at), "updated_at": _written(at)},
        "global_enrollment_status": status,
        "participation_preferences": [{"participation_preference": "PARTICIPATE", "start_time": _written(at)}],
        "program_enrollment": [
            {
                "program_identifier": program,
                "delivery_period": period,
                "delivery_period_start_date_time": _written(_day(year, (5, 1))),
                "delivery_period_end_date_time": _written(_day(year, (10, 1))),
                "enrollment_status": status,
                "enrollment_deadlines": deadlines,
            }
        ],
        "required_actions": {
            "partner": [required(*action)] if action else [],
            "leap": [required(*_REGISTERING)] if status == "PENDING" else [],
        },
    }


def _day(year: int, day: tuple[int, int]) -> datetime:
    return datetime(year, *day, 23, 59, tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
