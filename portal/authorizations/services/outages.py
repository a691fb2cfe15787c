"""Outages of utilities: marked by hand, or read from a feed. Neither ends what the other began.

The feed is a small JSON document behind https (docs/reminders.md):

    {"outages": [{"utility": "pge", "began_at": "2026-11-25T08:30:00-08:00", "note": "Sign-in is down"}]}

It names what is down now; what it names no longer is over. `utility` is the utility ID, the name in Leap's API or the
short name. A feed that cannot be read changes nothing: what was known last stays, and the problem is shown.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Installation, Outage, OutageFeed, Utility
from portal.authorizations.services.audit import record

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 256 * 1024
MOST_OUTAGES: Final = 500
_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
#: Altogether: a server that sends a byte now and then must not hold the worker.
_LONGEST: Final = timedelta(seconds=20)


class OutageRefused(Exception):  # noqa: N818
    """An outage cannot be marked or ended so; `str()` says why."""


class FeedUnreadable(Exception):  # noqa: N818
    """The feed could not be fetched or read; `str()` says why, without its address."""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One outage that the feed tells of."""

    utility: str
    began_at: datetime
    note: str


def mark_outage(
    *, utility: Utility, began_at: datetime, note: str, by: User, ended_at: datetime | None = None
) -> Outage:
    """Mark a utility down, from a time to come as well: announced. Raises OutageRefused when it is down already.

    `ended_at` in the future: it is over then without anybody's doing. Without it, it holds until a person ends it.
    """
    try:
        with transaction.atomic():
            outage = Outage.objects.create(
                utility=utility, began_at=began_at, ended_at=ended_at, note=note, marked_by=by
            )
            record(action=AuditAction.ADDED, noun="outage", row=outage.pk, by=by)
            return outage
    except IntegrityError:
        raise OutageRefused(f"{utility.short_name} is marked down already: end that outage first.") from None


def end_outage(*, outage: Outage, at: datetime) -> bool:
    """End an outage, whoever began it; what it held goes out with the next look. False: it had ended before.

    One that was announced and has not begun is withdrawn: it ends as it begins, and held nobody.
    """
    ended_at = max(at, outage.began_at)
    with transaction.atomic():
        going_on = Outage.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=ended_at), pk=outage.pk)
        ended = bool(going_on.update(ended_at=ended_at))
        if ended:
            record(action=AuditAction.CHANGED, noun="outage", row=outage.pk, fields=["ended_at"])
    return ended


def read_outage_feed(*, now: datetime, client: httpx.Client | None = None) -> bool:
    """Read the feed and apply it; without an address there is nothing to do. Return whether it could be read."""
    url = Installation.objects.current().outage_feed_url
    if not url:
        return False
    try:
        entries = parse_feed(_fetch(url, client))
    except FeedUnreadable as problem:
        logger.warning("The outage feed cannot be read: %s", problem)
        OutageFeed.objects.update_or_create(id=1, defaults={"problem": str(problem)[:300], "problem_at": now})
        return False
    strangers = apply_feed(entries, now)
    values = {"read_at": now, "problem": "", "problem_at": None, "strangers": ", ".join(strangers)[:300]}
    OutageFeed.objects.update_or_create(id=1, defaults=values)
    return True


@transaction.atomic
def apply_feed(entries: list[FeedEntry], now: datetime) -> list[str]:
    """Open what the feed names and end what it named before and names no longer; return names the portal lacks.

    A feed's outage that a person ended stays ended, as long as the feed tells of the same beginning.
    """
    names: dict[str, Utility] = {}
    for utility in Utility.objects.all():
        for name in (utility.utility_id, utility.leap_name, utility.short_name):
            if name:
                names.setdefault(name.casefold(), utility)
    strangers = [entry.utility for entry in entries if entry.utility.casefold() not in names]
    named = {names[entry.utility.casefold()].pk: entry for entry in entries if entry.utility.casefold() in names}
    is_open = {outage.utility_id: outage for outage in Outage.objects.select_for_update().filter(ended_at__isnull=True)}
    for utility_pk, outage in is_open.items():
        if outage.is_from_feed and utility_pk not in named:
            end_outage(outage=outage, at=now)
    for utility_pk, entry in named.items():
        if utility_pk in is_open:
            continue
        known = Outage.objects.filter(utility=utility_pk, is_from_feed=True, began_at=entry.began_at)
        if not known.exists():
            Outage.objects.create(utility_id=utility_pk, began_at=entry.began_at, note=entry.note, is_from_feed=True)
    return list(dict.fromkeys(strangers))


def parse_feed(body: bytes) -> list[FeedEntry]:
    """Return what a feed tells of. Raises FeedUnreadable, naming the part that is wrong: half a feed is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FeedUnreadable("It is no JSON.") from None
    entries = document.get("outages") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FeedUnreadable("It has no list “outages”.")
    if len(entries) > MOST_OUTAGES:
        raise FeedUnreadable(f"It names more than {MOST_OUTAGES} outages.")
    return [_parse_entry(entry, number) for number, entry in enumerate(entries, start=1)]


def _parse_entry(entry: object, number: int) -> FeedEntry:
    if not isinstance(entry, dict):
        raise FeedUnreadable(f"Outage {number} is no object.")
    utility, began_at, note = entry.get("utility"), entry.get("began_at"), entry.get("note", "")
    if not isinstance(utility, str) or not utility.strip():
        raise FeedUnreadable(f"Outage {number} names no utility.")
    try:
        moment = parse_datetime(began_at) if isinstance(began_at, str) else None
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        raise FeedUnreadable(
            f"Outage {number}: “began_at” is no time with its zone, such as 2026-11-25T08:30:00-08:00."
        )
    if note is not None and not isinstance(note, str):
        raise FeedUnreadable(f"Outage {number}: “note” is no text.")
    words = " ".join((note or "").replace("\x00", "").split())
    return FeedEntry(utility.replace("\x00", "").strip()[:60], moment, words[:200])


def _fetch(url: str, client: httpx.Client | None) -> bytes:
    if not url.lower().startswith("https://"):
        raise FeedUnreadable("Its address does not begin with https://.")
    began = timezone.now()
    body = b""
    try:
        with (
            client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as opened,
            opened.stream("GET", url, headers=_HEADERS) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise FeedUnreadable(f"Its server answers {response.status_code}.")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise FeedUnreadable(f"It is longer than {MOST_BYTES // 1024} KB.")
                if timezone.now() - began > _LONGEST:
                    raise FeedUnreadable("Its server takes too long.")
    except httpx.HTTPError as error:
        raise FeedUnreadable(f"Its server cannot be reached: {type(error).__name__}.") from None
    except httpx.InvalidURL:
        raise FeedUnreadable("Its address cannot be read.") from None
    return body
