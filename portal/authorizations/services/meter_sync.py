"""Bringing the portal's meters up to what Leap's API says (R18)."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, SyncPhase, SyncRun, SyncState
from portal.authorizations.services import leap_api
from portal.authorizations.services.audit import record
from portal.authorizations.services.meter_matching import match_later_references
from portal.authorizations.services.meter_pages import PageResult, save_enrollments, save_meters
from portal.authorizations.services.progress import report_progress
from portal.leap.client import LeapClient, LeapError, LeapStalePage, Page

#: An incremental sync asks for what changed since the last one began, and for so much more: Leap does not publish
#: whether its own record of a change is there at once, and clocks differ. Asked twice is harmless, missed is not.
OVERLAP = timedelta(minutes=15)
#: A sync shows that it lives before every wait and with every page; silent for so long, its process has died.
LEASE = timedelta(minutes=5)
#: A sync that failed midway is carried on rather than begun again, up to this age: Leap's page tokens may expire.
RESUMABLE = timedelta(hours=24)
#: How many malformed records are kept in words.
REASONS_KEPT = 20
UNEXPECTED = "An unexpected error stopped it. What it wrote until then stays: the next sync carries on."
STOPPED = "It was stopped. What it wrote until then stays: the next sync carries on."
DIED = "Its process died."

#: Name of the progress in the cache: there is one sync at a time.
PROGRESS = "meters"
WAITING = "Waiting for the worker"
_WANTED = "meters:wanted"

Report = Callable[[int, str], None]
"""Called with the records read so far, and what is being done in a word or two; may raise SyncStopped."""

logger = logging.getLogger(__name__)


class SyncRefused(Exception):  # noqa: N818
    """Another sync is at it."""


class SyncStopped(Exception):  # noqa: N818
    """The process that it runs in is to end."""


class SyncFailed(Exception):  # noqa: N818
    """It ended early; the text says why and what to do, and is kept with the run."""

    def __init__(self, run: SyncRun) -> None:
        super().__init__(run.error)
        self.run = run


def sync_meters(
    *,
    full: bool,
    report: Report | None = None,
    started_by: User | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> SyncRun:
    """Read what changed at Leap (everything if `full`, or if no sync has finished yet), and return the finished run.

    First the meters, then their enrollments, page by page: a page and the place of the next one are written in one
    transaction, so that a run whose process died, or that failed midway, is carried on by the next start.

    The next run asks for what changed since this one *began*: a change during it may be on a page already read. That
    moment is the portal's or Leap's, whichever clock is behind (Leap's is the Date of its first answer).

    One at a time: the row of the running one is unique in the database, and its heartbeat is its lease. Raises
    SyncRefused if another is at it, SyncFailed if Leap cannot be read. `pause` waits before an attempt is repeated.
    """
    run = _begin(full=full, started_by=started_by)
    # What events told until now is read now; one that comes meanwhile may be on a page already read, and asks again.
    cache.delete(_WANTED)
    lease = _Lease(run)

    def wait(seconds: float) -> None:
        lease.beat()
        pause(seconds)

    try:
        with leap_api.open_leap(sleep=wait) as client:
            _read(run, lease, client, report or (lambda done, doing: None))
        if run.since:
            match_later_references(since=run.since, at=timezone.now())
    except LeapError as error:
        lease.end(SyncState.FAILED, str(error))
        raise SyncFailed(run) from error
    except SyncRefused:
        raise
    except (SyncStopped, KeyboardInterrupt, SystemExit):
        lease.end(SyncState.FAILED, STOPPED)
        raise
    except Exception:
        lease.end(SyncState.FAILED, UNEXPECTED)
        raise
    lease.end(SyncState.DONE)
    return run


def ask_for_sync() -> None:
    """Note, for the screen, that somebody waits for a sync; the task that was queued calls `run_sync`."""
    report_progress(PROGRESS, done=0, total=0, doing=WAITING)


def run_sync(
    *,
    full: bool,
    started_by: User | None = None,
    check: Callable[[], None] = lambda: None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Sync as `sync_meters` does, with progress for the screen; a refusal or failure is logged, not raised.

    `check` is called after every page and may raise SyncStopped.
    """

    def report(done: int, doing: str) -> None:
        check()
        # How many there will be, Leap does not say.
        report_progress(PROGRESS, done=done, total=0, doing=f"{doing}, {done:,} so far")

    if started_by is not None:
        record(action=AuditAction.STARTED, noun="sync", by=started_by, full=full)
    try:
        run = sync_meters(full=full, report=report, started_by=started_by, pause=pause)
        logger.info("Meters: %d new, %d changed, %d malformed", run.created, run.changed, run.malformed)
    except (SyncRefused, SyncFailed) as error:
        logger.warning("Meters were not synced: %s", error)
    finally:
        report_progress(PROGRESS, done=0, total=0, doing="")


def want_sync() -> None:
    """Note that an event told of a meter: the worker syncs soon, once however many tell it before the sync begins."""
    cache.set(_WANTED, True, timeout=3600)


def is_sync_wanted() -> bool:
    """Whether an event told of a meter since the last sync began, a key is set, and no sync is at it."""
    return bool(cache.get(_WANTED)) and leap_api.has_key() and running_sync() is None


def is_sync_due(every: timedelta) -> bool:
    """Whether a periodic sync is wanted: a key is set, and none has begun, or failed, for so long."""
    limit = timezone.now() - every
    # A run that is carried on keeps the time at which it began: by that alone it would be tried again without a pause.
    tried = Q(started_at__gt=limit) | Q(state=SyncState.FAILED, heartbeat_at__gt=limit)
    return leap_api.has_key() and not SyncRun.objects.filter(tried).exists()


def running_sync() -> SyncRun | None:
    """Return the sync that is at it now, None if there is none (one whose process died does not count)."""
    return SyncRun.objects.filter(state=SyncState.RUNNING, heartbeat_at__gt=timezone.now() - LEASE).first()


class _Lease:
    """The right to write as this run. Whoever takes over a run thought dead changes its heartbeat."""

    def __init__(self, run: SyncRun) -> None:
        self.run = run

    def beat(self, *fields: str) -> None:
        """Write the run's `fields` with a new heartbeat. Raises SyncRefused if another process has taken over."""
        # Never the same twice, whatever the clock does.
        now = max(timezone.now(), self.run.heartbeat_at + timedelta(microseconds=1))
        values = {name: getattr(self.run, name) for name in fields}
        mine = SyncRun.objects.filter(pk=self.run.pk, state=SyncState.RUNNING, heartbeat_at=self.run.heartbeat_at)
        if not mine.update(heartbeat_at=now, **values):
            raise SyncRefused("Another process has taken over this sync, as it was silent for minutes.")
        self.run.heartbeat_at = now

    def end(self, state: SyncState, error: str = "") -> None:
        """Note how the run ended, unless it is another's by now."""
        run = self.run
        ended = SyncRun.objects.filter(pk=run.pk, state=SyncState.RUNNING, heartbeat_at=run.heartbeat_at)
        now = timezone.now()
        run.state, run.error, run.finished_at = state, error, now
        ended.update(state=state, error=error, finished_at=now)


def _begin(*, full: bool, started_by: User | None) -> SyncRun:
    """Take over a run that died or failed midway, or begin a new one."""
    now = timezone.now()
    found = SyncRun.objects.filter(state=SyncState.RUNNING).first()
    if found is not None:
        if found.heartbeat_at > now - LEASE:
            since = timezone.localtime(found.started_at)
            raise SyncRefused(
                f"A sync is running since {since:%H:%M}: wait until it is done. Should its process have died, "
                f"a start after {LEASE.seconds // 60} minutes carries it on."
            )
        if full and not found.full:
            _Lease(found).end(SyncState.FAILED, DIED)
        else:
            return _take_over(found)
    latest = SyncRun.objects.first()
    if latest is not None and _is_resumable(latest, full, now):
        return _take_over(latest)
    last = SyncRun.objects.filter(state=SyncState.DONE).first()
    changed_since = None if full or last is None else last.started_at - OVERLAP
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                full=changed_since is None, since=changed_since, started_at=now, heartbeat_at=now, started_by=started_by
            )
    except IntegrityError:
        raise SyncRefused("A sync has just been started by somebody else: wait until it is done.") from None


def _is_resumable(run: SyncRun, full: bool, now: datetime) -> bool:
    is_young = run.started_at > now - RESUMABLE
    return run.state == SyncState.FAILED and run.pages > 0 and is_young and (run.full or not full)


def _take_over(run: SyncRun) -> SyncRun:
    """Make a run this process's own. Of two that try, one does."""
    now = max(timezone.now(), run.heartbeat_at + timedelta(microseconds=1))
    try:
        with transaction.atomic():
            mine = SyncRun.objects.filter(pk=run.pk, state=run.state, heartbeat_at=run.heartbeat_at)
            taken = mine.update(state=SyncState.RUNNING, heartbeat_at=now, error="", finished_at=None)
    except IntegrityError:
        taken = 0
    if not taken:
        raise SyncRefused("A sync has just been started by somebody else: wait until it is done.")
    run.refresh_from_db()
    return run


def _read(run: SyncRun, lease: _Lease, client: LeapClient, report: Report) -> None:
    done = 0
    for phase in SyncPhase:
        if run.phase == SyncPhase.ENROLLMENTS and phase == SyncPhase.METERS:
            continue
        search = client.search_meter_details if phase == SyncPhase.METERS else client.search_meter_enrollments
        doing = "Reading meters" if phase == SyncPhase.METERS else "Reading enrollments"
        report(done, doing)
        pages = search(last_modified=run.since, page_token=run.page_token)
        restarted = False
        while True:
            lease.beat()
            try:
                page = next(pages)  # HTTP, outside any transaction
            except StopIteration:
                break
            except LeapStalePage:
                if restarted:
                    raise
                # From the phase's start: what is written already comes again and is the same.
                restarted, run.page_token = True, ""
                lease.beat("page_token")
                pages = search(last_modified=run.since)
                continue
            _write(run, lease, phase, page)
            done += len(page.records)
            report(done, doing)


def _write(run: SyncRun, lease: _Lease, phase: SyncPhase, page: Page) -> None:
    """Write a page and the place of the next one, both or neither."""
    with transaction.atomic():
        at = timezone.now()
        if phase == SyncPhase.METERS:
            result = save_meters(records=page.records, at=at)
        else:
            result = save_enrollments(records=page.records, at=at, run_started_at=run.started_at)
        if run.pages == 0 and page.answered_at is not None:
            run.started_at = min(run.started_at, page.answered_at)
        run.page_token = page.next_page_token
        if phase == SyncPhase.METERS and not page.next_page_token:
            run.phase = SyncPhase.ENROLLMENTS
        _count(run, result)
        lease.beat("phase", "page_token", "started_at", "pages", *_COUNTS, "malformed", "malformed_reasons")


_COUNTS = ("created", "changed", "same", "unmatched")


def _count(run: SyncRun, result: PageResult) -> None:
    run.pages += 1
    for name in _COUNTS:
        setattr(run, name, getattr(run, name) + getattr(result, name))
    run.malformed += len(result.malformed)
    run.malformed_reasons = [*run.malformed_reasons, *result.malformed][:REASONS_KEPT]
