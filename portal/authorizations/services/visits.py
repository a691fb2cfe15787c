"""The short redirect: where a code leads, and the record of who came."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from portal.authorizations.models import Link, Visit
from portal.authorizations.services.doors import insert_impatiently, select_one
from portal.authorizations.services.visitors import Visitor
from portal.leap.reference_ids import normalise_code

#: A chain of replaced links longer than this is refused as a loop.
LONGEST_CHAIN = 50
#: No code is longer; what is longer need not be asked of the database.
LONGEST_CODE = 40
_COLUMNS = ("pk", "url", "voided_at", "replaced_by_id")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a code leads: the live link behind it, and the link whose code it was."""

    link_id: int
    url: str
    via_id: int | None


class Arrival(Visitor):
    """A visit as `record_visit` takes it and the spool keeps it, but for its time."""

    link_id: int
    via_id: int | None


def find_destination(code: str) -> Destination | None:
    """Return where a code leads (any case, hyphens and blanks allowed), following replaced links; None: nowhere."""
    if len(code) > LONGEST_CODE:
        return None
    row = select_one(Link, _COLUMNS, by="code", value=normalise_code(code))
    if row is None:
        return None
    scanned = row[0]
    for _ in range(LONGEST_CHAIN):
        pk, url, voided_at, replaced_by_id = row
        if voided_at is not None:
            return None  # also on the way: whoever voids a replaced link wants its short link to end
        if replaced_by_id is None:
            return Destination(pk, url, None if pk == scanned else scanned)
        row = select_one(Link, _COLUMNS, by="pk", value=replaced_by_id)
        if row is None:
            return None
    return None


def record_visit(
    *,
    link_id: int,
    via_id: int | None,
    at: datetime,
    ip: str,
    user_agent: str,
    receipt: uuid.UUID | None = None,
) -> None:
    """Add a visit and, the first time, the link's milestone, in one statement.

    Raises DatabaseError (django.db) when the database cannot be written within moments; nothing is kept then.
    """
    insert_impatiently(
        Visit,
        {"link_id": link_id, "via_id": via_id, "at": at, "ip": ip, "user_agent": user_agent[:300], "receipt": receipt},
    )
