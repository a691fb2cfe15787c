"""The body of both searches (MeterFilterRequest), checked as published."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from portal.sandbox.api.errors import Refusal

MAX_PAGE = 500

REGIONS = ("CAISO", "ERCOT", "NYISO", "ISONE", "PJM", "SERC", "WECC_SW", "WECC_PC")
CLASSIFICATIONS = ("RESIDENTIAL", "COMMERCIAL")
STATUSES = ("ACTIVE", "ELIGIBLE", "INELIGIBLE", "NOT_PARTICIPATING", "PENDING")
METER_TYPES = ("UTILITY_METER", "SUBMETER", "DEVICE")
LOAD_TYPES = (
    *("HVAC", "EV_CHARGING", "BATTERY_STORAGE", "COLD_STORAGE", "PUMPING", "WATER_HEATING"),
    *("BUILDING_AUTOMATION", "GENERATION", "MANUFACTURING", "LIGHTING", "OTHER"),
)
ACTION_TYPES = (
    *("IS_AUTHORIZED", "DOCUMENTS_SIGNED", "HAS_AMI", "NOT_ENROLLED_IN_CONFLICTING_PROGRAM", "PARTICIPATING"),
    *("HAS_MARKET_REGISTRATION", "NO_MISSING_FIELDS", "GENERATOR", "ADDRESS", "HAS_NOMINATIONS"),
    *("HAS_BIDDING_STRATEGY", "IS_ELIGIBLE", "IS_ASSIGNED_TO_A_RESOURCE", "MEETS_EXTRA_PROGRAM_REQUIREMENTS"),
)

# RFC 3339, which the format date-time means: a time without its offset is refused.
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_REFERENCE = re.compile(r"[^/\\?\]\[{}!#$%^&*()<>|]{3,256}\Z")

Check = Callable[[str, Any], Any]


def clean_search(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters, with dates as datetimes and ids as UUIDs; Refusal 400 names the first wrong one.

    Fields that Leap does not publish are passed over: its schema allows them.
    """
    return {name: check(name, body[name]) for name, check in FIELDS.items() if name in body}


def digest(body: Mapping[str, Any]) -> str:
    """Return what tells one search from another: all that was asked but for the page."""
    asked = {name: body[name] for name in FIELDS if name in body and name not in {"page_token", "page_size"}}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that a text is, with its dashes; None: it is not one."""
    return uuid.UUID(text) if _UUID.match(text) else None


def wrong(name: str, rule: str, value: Any) -> Refusal:
    """Refuse a field, in Leap's shape: a title, and the value beside its name."""
    shown = value if isinstance(value, (str, int)) or value is None else json.dumps(value)
    return Refusal(400, f"{name} {rule}", {name: shown[:200] if isinstance(shown, str) else shown})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(name, "must be a string", value)
    # PostgreSQL cannot even be asked for a text with a NUL in it.
    if "\0" in value:
        raise wrong(name, "must not contain a NUL character", value)
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, "must be true or false", value)
    return value


def _page_size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE:
        raise wrong(name, f"must be an integer between 1 and {MAX_PAGE}", value)
    return value


def _moment(name: str, value: Any) -> datetime:
    try:
        if _DATE_TIME.match(_text(name, value)):
            # In UTC here: at either end of time the offset leads out of what a database can be asked for.
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise wrong(name, "must be a date and time with its offset, such as 2026-01-31T00:00:00Z", value)


def _uuid(name: str, value: Any) -> uuid.UUID:
    found = parse_uuid(_text(name, value))
    if found is None:
        raise wrong(name, "must be a UUID", value)
    return found


def _reference(name: str, value: Any) -> str:
    if not _REFERENCE.match(_text(name, value)):
        raise wrong(name, "must be 3 to 256 characters without / \\ ? [ ] { } ! # $ % ^ & * ( ) < > |", value)
    return str(value)


def _one_of(values: tuple[str, ...]) -> Check:
    def check(name: str, value: Any) -> str:
        if _text(name, value) not in values:
            raise wrong(name, f"must be one of {', '.join(values)}", value)
        return str(value)

    return check


def _list(item: Check, fewest: int, most: int) -> Check:
    def check(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong(name, "must be a list", value)
        if not fewest <= len(value) <= most:
            raise wrong(name, f"must have {fewest} to {most} items", f"{len(value)} items")
        cleaned = [item(name, one) for one in value]
        if len(set(cleaned)) != len(cleaned):
            raise wrong(name, "must not have the same item twice", value)
        return cleaned

    return check


FIELDS: dict[str, Check] = {
    "page_token": _text,
    "page_size": _page_size,
    "transmission_region": _one_of(REGIONS),
    "customer_classification": _one_of(CLASSIFICATIONS),
    "meter_ids": _list(_uuid, 0, 1000),
    "partner_references": _list(_reference, 1, 1000),
    "global_enrollment_statuses": _list(_one_of(STATUSES), 1, 5),
    "meter_types": _list(_one_of(METER_TYPES), 1, 20),
    "load_types": _list(_one_of(LOAD_TYPES), 1, 20),
    "customer_groups": _list(_text, 1, 20),
    "tags": _list(_text, 1, 20),
    "last_modified_date_time": _moment,
    "created_after_date_time": _moment,
    "created_before_date_time": _moment,
    "partner_action_required": _flag,
    "exclude_archived": _flag,
    "connection_reference_ids": _list(_reference, 1, 100),
    "action_type": _list(_one_of(ACTION_TYPES), 1, 20),
}
