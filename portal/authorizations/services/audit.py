"""The audit: who saw, exported, changed, voided or erased what. Kept apart from the rows, and append-only.

What changes rows calls `record`, in the transaction of the change: neither is there without the other. What is shown or
handed out is noted by AuditMiddleware with `record_sight`, before a byte of it leaves: within moments into the
database, else into the spool (a bulk import holds SQLite's only write lock for seconds, and a page must not wait for
it), from where the worker brings it into the database; and what can be noted in neither is not shown.

An entry carries keys, counts and names of fields and filters, never what stands in them: erasure cannot reach it.
"""

import getpass
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, AuditEntry
from portal.authorizations.services.doors import insert_impatiently
from portal.authorizations.services.spool import write_to_spool

#: What details may say: keys of rows, counts, names. A new one is a decision, not an accident.
DETAILS = frozenset(
    {
        "actor",  # worker, command:<who ran it>: when nobody signed in acted
        "fields",  # names of the fields that changed
        "filters",  # names of the filters in force
        "chosen",  # rows that were ticked
        "rows",  # rows that had gone out when an export ended
        "ended",  # whether an export reached its end
        "of",  # the entry that an export began with, by its time
        "state",
        "reason",
        "file",
        "flow",
        "campaign",
        "customer",
        "link",
        "batch",
        "rep",
        "role",
        "full",
        "left",
    }
)
#: A word of the portal's own making: no capitals, no blanks, no @.
_PLAIN = re.compile(r"[a-z0-9_.:-]{1,60}\Z")


#: Of so many rows at once each has an entry of its own, so that it can be asked for.
EACH = 5000


class AuditLost(Exception):  # noqa: N818
    """An entry could be written neither to the database nor to the spool."""


@dataclass(frozen=True, slots=True)
class _Actor:
    name: str = "portal"
    request: HttpRequest | None = None


_NOBODY = _Actor()
_actor: ContextVar[_Actor] = ContextVar("actor")


@contextmanager
def acting(*, name: str = "", request: HttpRequest | None = None) -> Iterator[None]:
    """Name who acts inside: whoever is signed in with a request, else `name`, such as worker."""
    token = _actor.set(_Actor(name or "visitor", request))
    try:
        yield
    finally:
        _actor.reset(token)


def name_of_command_line() -> str:
    """Return who runs a command, as `acting` takes it."""
    try:
        user = re.sub(r"[^a-z0-9_.-]", "", getpass.getuser().lower())[:40]
    except (KeyError, OSError, ImportError):  # a container's user without a name
        user = ""
    return f"command:{user or 'unknown'}"


def record(
    *, action: AuditAction, noun: str, row: int | None = None, count: int = 1, by: User | None = None, **details: Any
) -> None:
    """Note an act in the caller's transaction. `by` None: whoever acts now (the request's user, the worker, a command).

    Raises ValueError for details that could hold personal data.
    """
    AuditEntry.objects.create(**_values(action, noun, row, count, by, details))


def record_rows(
    *, action: AuditAction, noun: str, rows: "QuerySet[Any] | Sequence[int]", by: User | None = None, **details: Any
) -> None:
    """Note an act on several rows, in the caller's transaction: each by its key; very many by their count.

    Called before the change, since a queryset may no longer find them afterwards.
    """
    few = rows.order_by().values_list("pk", flat=True)[: EACH + 1] if isinstance(rows, QuerySet) else rows
    keys = list(few)
    if len(keys) > EACH:
        count = rows.count() if isinstance(rows, QuerySet) else len(keys)
        record(action=action, noun=noun, count=count, by=by, **details)
        return
    AuditEntry.objects.bulk_create(AuditEntry(**_values(action, noun, key, 1, by, details)) for key in keys)


def record_sight(
    *, action: AuditAction, noun: str, row: int | None = None, count: int = 1, by: User | None = None, **details: Any
) -> datetime:
    """Note what is about to be shown or handed out, without waiting for other writers; return when.

    Raises AuditLost: then it must not be shown.
    """
    values = _values(action, noun, row, count, by, details)
    try:
        insert_impatiently(AuditEntry, values)
    except (DatabaseError, InterfaceError) as error:
        spooled = {name: value for name, value in values.items() if name != "receipt"}
        if write_to_spool(kind="audit", record={**spooled, "at": values["at"].isoformat()}) is None:
            raise AuditLost from error
    moment: datetime = values["at"]
    return moment


def record_spooled(*, receipt: uuid.UUID, at: datetime, **values: Any) -> None:
    """Bring an entry from the spool into the database. Raises IntegrityError if it is there already."""
    AuditEntry.objects.create(receipt=receipt, at=at, **values)


def _values(
    action: AuditAction, noun: str, row: int | None, count: int, by: User | None, details: dict[str, Any]
) -> dict[str, Any]:
    said = {name: value for name, value in details.items() if value not in (None, "", [], ())}
    user = by or _acting_user()
    if user is None:
        said["actor"] = _actor.get(_NOBODY).name
    for name, value in said.items():
        if name not in DETAILS or not _is_plain(value):
            raise ValueError(f"“{name}” of an audit entry must hold keys, counts or plain names")
    return {
        "at": timezone.now(),
        "by_id": user.pk if user else None,
        "action": str(action),
        "noun": noun,
        "row": row,
        "count": count,
        "details": {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()},
        "receipt": None,
    }


def _acting_user() -> User | None:
    request = _actor.get(_NOBODY).request
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return _PLAIN.match(value) is not None
    if isinstance(value, Sequence):
        return all(_is_plain(each) for each in value)
    return isinstance(value, (bool, int))
