"""How a job runs: its rows are frozen when it is made, and dealt with batch by batch.

A batch is one transaction together with the note of how far the job is. So a process that dies loses at most the batch
that it was at; whoever carries on begins there, and no row is dealt with twice. Of two processes that run one job, one
writes the note and the other's batch is taken back. What the kinds of jobs do stands in `jobs.py`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Job, JobRow, JobState
from portal.authorizations.services.progress import STALE_SECONDS, read_progress, report_progress
from portal.authorizations.services.retention import FILES_KEPT

#: Refusals that a job keeps, to show.
MOST_REFUSALS = 1000
#: Rows left out that a job keeps the keys of, for each reason.
MOST_LEFT_OUT = 5000
_TRIES = 3
#: Of a batch's time, and at most a little more than SQLite's longest wait between two tries, in seconds.
_REST, _LONGEST_REST = 0.15, 0.12
_UNEXPECTED = "An unexpected error stopped it. What was done until then stays: carrying on begins where it stopped."


class JobRefusedError(Exception):
    """A job cannot go on; `str()` says why in words."""


class _TakenOver(Exception):  # noqa: N818
    """Somebody else runs the job by now."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch: counts by name, who was refused and why, and who was left out, by the reason's name."""

    counts: dict[str, int] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)
    left_out: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of bulk action. `act` deals with a batch of rows, by their keys, in a transaction of the engine's.

    It looks again whether the rows are still its person's to deal with. `begin` returns what stands in the result from
    the start. Both raise JobRefusedError or what `refusals` names if nothing can be done at all.
    """

    name: str
    doing: str
    """“Issuing links”: beside the progress."""
    heading: str
    """“Links for {total} customers”: of its page; {s} makes the plural."""
    counts: Mapping[str, str]
    """What is counted, in the order in which it is shown: name in the result → words."""
    act: Callable[[Job, Sequence[int]], Outcome]
    begin: Callable[[Job], dict[str, Any]] | None = None
    finish: Callable[[Job], dict[str, Any]] | None = None
    """Returns what the result says besides once all rows are dealt with; in one transaction with the job's end."""
    refusals: tuple[type[Exception], ...] = ()
    batch: int = 2000
    """Rows of one transaction: about a second's work, for which SQLite lets nobody else write."""

    def heading_for(self, total: int) -> str:
        return self.heading.format(total=f"{total:,}", s="" if total == 1 else "s")


def create_job(
    *, kind: Kind, rows: QuerySet[Any], created_by: User | None, parameters: dict[str, Any] | None = None
) -> Job:
    """Freeze the keys of `rows` as they are now and note what shall be done to them; `run` does it."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind.name, parameters=parameters or {}, created_by=created_by)
        job.total = _freeze(job, rows)
        job.save(update_fields=["total"])
    return job


def forget_old_rows() -> int:
    """Remove the rows of jobs that did not end well, kept to carry on, once they are FILES_KEPT old."""
    return JobRow.objects.filter(job__finished_at__lt=timezone.now() - FILES_KEPT).delete()[0]


def _freeze(job: Job, rows: QuerySet[Any]) -> int:
    """One statement inside the database, however many rows there are."""
    if rows.query.is_empty():
        return 0
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    table = connection.ops.quote_name(JobRow._meta.db_table)
    key = connection.ops.quote_name("row")
    with connection.cursor() as cursor:
        chosen = f"SELECT DISTINCT {int(job.pk)}, chosen.* FROM ({sql}) AS chosen ORDER BY 2"  # noqa: S608
        cursor.execute(f"INSERT INTO {table} (job_id, {key}) {chosen}", params)
        return int(cursor.rowcount)


def run(job: Job, kind: Kind) -> Job:
    """Run a job that waits, to its end or until it is cancelled; one that runs or has run is left alone.

    An error is kept with it, in words. An unexpected one is raised as well.
    """
    waiting = Job.objects.filter(pk=job.pk, state=JobState.WAITING)
    if not waiting.update(state=JobState.RUNNING, attempt=F("attempt") + 1, finished_at=None, error=""):
        return job
    job.refresh_from_db()
    _report(job, kind)
    refusals: tuple[type[Exception], ...] = (JobRefusedError, *kind.refusals)
    try:
        if kind.begin and not job.result:
            job.result = kind.begin(job)
            _note(job, result=job.result)
        while True:
            start = time.monotonic()
            if not _run_batch(job, kind):
                break
            _report(job, kind)
            _let_others_write(time.monotonic() - start)
    except _TakenOver:
        job.refresh_from_db()
    except refusals as refusal:
        _end(job, JobState.FAILED, error=str(refusal))
    except BaseException:
        _end(job, JobState.FAILED, error=_UNEXPECTED)
        raise
    return job


def _run_batch(job: Job, kind: Kind) -> bool:
    """Deal with the next rows; return whether there may be more."""
    following = job.rows.filter(pk__gt=job.position).order_by("pk")
    rows = list(following.values_list("pk", "row")[: kind.batch])
    if not rows:
        with transaction.atomic():
            if kind.finish:
                _note(job, result={**job.result, **kind.finish(job)})
            _end(job, JobState.DONE)
            job.rows.all().delete()
        return False
    if Job.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists():
        _end(job, JobState.CANCELLED)
        return False
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                outcome = kind.act(job, [key for _, key in rows])
                result = _merge(job.result, outcome)
                done = job.done + len(rows)
                _note(job, position=rows[-1][0], done=done, result=result)
            break
        except OperationalError:
            # PostgreSQL ends one of two that wait for each other: this one tries again. SQLite has waited long.
            if connection.vendor == "sqlite" or connection.in_atomic_block or attempt == _TRIES - 1:
                raise
    job.position, job.done, job.result = rows[-1][0], done, result
    return True


def _let_others_write(seconds: float) -> None:
    """Rest after a batch that took so long, for SQLite has one lock for all writers and hands it to nobody in turn.

    Who waits asks for it again after a hundredth to a tenth of a second, the longer the wait: without a rest of that
    length they would miss every gap, until their patience ends.
    """
    if connection.vendor == "sqlite":
        time.sleep(min(_LONGEST_REST, seconds * _REST))


def _note(job: Job, **values: Any) -> None:
    """Write to a job that this process still runs. Raises _TakenOver, and with it takes the batch back."""
    mine = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)
    if not mine.update(**values):
        raise _TakenOver


def _end(job: Job, state: JobState, *, error: str = "") -> None:
    mine = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)
    mine.update(state=state, error=error, finished_at=timezone.now())
    job.refresh_from_db()


def _merge(result: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    merged = dict(result)
    for name, count in outcome.counts.items():
        merged[name] = merged.get(name, 0) + count
    refused = [*merged.get("refused", []), *outcome.refused]
    merged["refused"] = refused[:MOST_REFUSALS]
    if outcome.left_out:
        kept = merged.get("left_out_keys", {})
        added = {why: [*kept.get(why, []), *keys][:MOST_LEFT_OUT] for why, keys in outcome.left_out.items()}
        merged["left_out_keys"] = {**kept, **added}
    return merged


def cancel_job(job: Job) -> bool:
    """Ask a job to end between two batches; one that has not begun ends at once. Return whether it was under way."""
    now = timezone.now()
    if Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=JobState.CANCELLED, cancel_asked_at=now, finished_at=now
    ):
        return True
    running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
    if not is_stuck(job):
        return bool(running.update(cancel_asked_at=now))
    # Nobody is there to end it. Should its process live all the same, its next batch finds another number and stops.
    gone = running.filter(attempt=job.attempt)
    return bool(gone.update(state=JobState.CANCELLED, cancel_asked_at=now, finished_at=now, attempt=F("attempt") + 1))


def carry_on(job: Job) -> bool:
    """Let a job that got stuck, failed or was cancelled wait again; it then goes on where it stopped."""
    if not can_carry_on(job):
        return False
    again = Job.objects.filter(pk=job.pk, state=job.state, attempt=job.attempt)
    if not again.update(state=JobState.WAITING, attempt=F("attempt") + 1, cancel_asked_at=None, error=""):
        return False
    report_progress(progress_key(job), done=job.done, total=job.total, doing="")
    return True


def can_carry_on(job: Job) -> bool:
    """Whether there is something left to do that nobody does."""
    ended = job.state in (JobState.FAILED, JobState.CANCELLED)
    # They go with the end: one that died right before it has rows, too.
    return (ended or is_stuck(job)) and job.rows.exists()


def is_stuck(job: Job) -> bool:
    """Whether a job has not moved for minutes: its process has died, or no worker runs."""
    is_old = timezone.now() - job.created_at > timedelta(seconds=STALE_SECONDS)
    return job.is_under_way and is_old and read_progress(progress_key(job)).is_stale


def person_of(job: Job) -> User:
    """Return whose job it is, with the rights that the person has now. Raises JobRefusedError."""
    user = User.objects.filter(pk=job.created_by_id or 0, is_active=True).first()
    if user is None:
        raise JobRefusedError("Whoever asked for it may no longer sign in.")
    return user


def progress_key(job: Job) -> str:
    """Name of a job's progress in the cache."""
    return f"job:{job.pk}"


def _report(job: Job, kind: Kind) -> None:
    report_progress(progress_key(job), done=job.done, total=job.total, doing=kind.doing)
