"""Print jobs: choose the links, print them, read every code back, and only then hand the sheets out.

    job = create_print_job(links=…, chosen="campaign “Door June”", request=PrintRequest(stock="avery-5160"), …)
    run_print_job(job)                  # at once, or the worker's task where `is_quick(job)` is false
    print_again(job=job, created_by=…)  # a new job with the same links and the same options

    cancel_print_job(job)               # nothing is handed out, and no link counts as printed

Whatever cannot be printed is a PrintRefusedError (portal.printing) whose text says why and what to change.
Sheets are personal data: below MEDIA_ROOT/prints, which no address serves, under random names, for FILES_KEPT.
"""

import os
import uuid
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    CodeLevel,
    Installation,
    Link,
    PrintJob,
    PrintLabel,
    PrintLanguage,
    PrintLine,
    PrintState,
    PrintTarget,
)
from portal.authorizations.services.audit import record
from portal.authorizations.services.print_choice import Choice, count_choice
from portal.authorizations.services.print_labels import CHUNK, label_of, labels_of, links_of, text_of
from portal.authorizations.services.printers import get_printer
from portal.authorizations.services.progress import STALE_SECONDS, Progress, read_progress, report_progress
from portal.authorizations.services.retention import FILES_KEPT
from portal.leap import reference_ids
from portal.printing.proof import Proof, proof_pdf
from portal.printing.sheets import (
    NothingToPrintError,
    Scannability,
    SheetOptions,
    check_options,
    page_png,
    write_pdf,
)
from portal.printing.stocks import PrintRefusedError, find_stock

#: Pages that the person waits for; more go to the worker.
PAGES_AT_ONCE = 4
#: Labels of one job.
MOST_LABELS = 50_000
_UNEXPECTED = "An unexpected error stopped it, and nothing was printed. Print it again; the log says more."


class _Cancelled(Exception):  # noqa: N818
    """The job was cancelled, or believed dead and cancelled, while it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRequest:
    """What a person chooses beside the links."""

    stock: str
    start_at: int = 1
    target: str = PrintTarget.SHORT
    level: str = CodeLevel.Q
    language: str = PrintLanguage.CUSTOMER
    lines: Sequence[str] = (PrintLine.NAME, PrintLine.ADDRESS)
    logo: bytes = b""


@dataclass(frozen=True, slots=True)
class Preview:
    """The first page as it would be printed, and how well its codes read."""

    png: bytes
    scan: Scannability

    @property
    def base64(self) -> str:
        """The picture as it stands in a data: address. Its own address would carry the choice, thousands of keys."""
        return b64encode(self.png).decode("ascii")

    @property
    def centimetres(self) -> int:
        """The furthest from which a phone is expected to read a code."""
        return int(self.scan.distance_mm / 10)


def preview_print(*, links: QuerySet[Link], request: PrintRequest, user: User | None) -> Preview:
    """Draw the first page of these links. Raises PrintRefusedError for what `create_print_job` would refuse."""
    options = _sheet_options(_unsaved_job(request, user))
    scan = _check(links.printable(), request.target, options)  # type: ignore[attr-defined]
    room = options.stock.labels_per_page - options.start_at + 1
    first = links.printable().in_walking_order().select_related("customer", "campaign")[:room]  # type: ignore[attr-defined]
    labels = (
        label_of(link, target=request.target, language=request.language, lines=request.lines)
        for link in first.prefetch_related(None)
    )
    return Preview(page_png(labels, options), scan)


def preview_unissued(*, links: Sequence[Link], request: PrintRequest, user: User | None) -> Preview:
    """Draw the first page of links that are not saved yet, at least one. Raises PrintRefusedError."""
    options = _sheet_options(_unsaved_job(request, user))
    scan = check_options(options, text_of(links[0], request.target))
    room = options.stock.labels_per_page - options.start_at + 1
    labels = (label_of(link, target=request.target, language=request.language, lines=request.lines) for link in links)
    return Preview(page_png(islice(labels, room), options), scan)


def check_request(request: PrintRequest) -> Scannability:
    """Return how short links read on this paper, before there are any. Raises PrintRefusedError."""
    example = Link(code=reference_ids.to_code(reference_ids.generate()))
    return check_options(_sheet_options(_unsaved_job(request, None)), example.short_url_for_codes)


def create_print_job(
    *,
    links: QuerySet[Link],
    chosen: str,
    request: PrintRequest,
    created_by: User | None,
) -> PrintJob:
    """Note that these links shall be printed, in walking order; `run_print_job` prints them."""
    job = _unsaved_job(request, created_by)
    _check(links.printable(), request.target, _sheet_options(job))  # type: ignore[attr-defined]
    ids = links.printable().in_walking_order().values_list("pk", flat=True)  # type: ignore[attr-defined]
    return _save(job, ids.iterator(chunk_size=CHUNK), count_choice(links), chosen)


def print_again(*, job: PrintJob, created_by: User) -> PrintJob:
    """Note that the same links shall be printed alike; those void, replaced or refused since are left out.

    Raises PrintRefusedError if none is left, or some are no longer this person's to hand out.
    """
    if others := count_others(job=job, user=created_by):
        raise PrintRefusedError(
            f"{others:,} of these links are no longer yours. Choose yours in the list of links, and print those."
        )
    again = PrintJob(created_by=created_by, again=job, **job.options)
    choice = count_choice(Link.objects.filter(print_labels__job=job))
    ids = job.labels.filter(**_LIVE).order_by("number").values_list("link", flat=True)
    return _save(again, ids.iterator(chunk_size=CHUNK), choice, job.chosen)


def is_quick(job: PrintJob) -> bool:
    """Whether the person may wait for it; more goes to the worker."""
    return job.page_count <= PAGES_AT_ONCE


def run_print_job(job: PrintJob) -> PrintJob:
    """Print a job that waits, and read every code back; one that runs or has run is left alone.

    The sheets are there only if every code on them is right. An error is kept with the job, in words.
    """
    name = f"prints/{uuid.uuid4().hex}.pdf"
    waiting = PrintJob.objects.filter(pk=job.pk, state=PrintState.WAITING)
    # Named before it is there: whatever happens, the file can be found and removed.
    if not waiting.update(state=PrintState.RUNNING, file=name):
        return job
    job.refresh_from_db()
    try:
        _drop_dead_labels(job)
        proof = _print(job)
        if not proof.passed:
            raise PrintRefusedError(_fault_words(proof))
        _keep(job)
    except _Cancelled:
        _end(job, PrintState.CANCELLED)
    except PrintRefusedError as refusal:
        _end(job, PrintState.FAILED, error=str(refusal))
    except BaseException:
        _end(job, PrintState.FAILED, error=_UNEXPECTED)
        raise
    return job


def progress_of(job: PrintJob) -> Progress:
    """Return how far a job is."""
    return read_progress(_progress_key(job))


def is_stuck(job: PrintJob) -> bool:
    """Whether a job has not moved for minutes: its process has died, or no worker runs."""
    is_old = timezone.now() - job.created_at > timedelta(seconds=STALE_SECONDS)
    return job.is_under_way and is_old and progress_of(job).is_stale


def cancel_print_job(job: PrintJob) -> bool:
    """Ask a job to end after the page that it is at; one that nobody prints ends at once.

    Return whether it was under way. No sheets are made then, and no link counts as printed.
    """
    now = timezone.now()
    ended = {"state": PrintState.CANCELLED, "cancel_asked_at": now, "finished_at": now, "file": ""}
    if PrintJob.objects.filter(pk=job.pk, state=PrintState.WAITING).update(**ended):
        return True
    if not is_stuck(job):
        return bool(_running(job).update(cancel_asked_at=now))
    # Should its process live all the same, it finds that the job is no longer running, and stops.
    if not _running(job).update(**ended):
        return False
    _drop_file(job)
    return True


def has_sheets(job: PrintJob) -> bool:
    """Whether there is a file to hand out: proofed, and not yet removed for its age."""
    return job.state == PrintState.DONE and bool(job.file) and default_storage.exists(job.file.name or "")


def count_others(*, job: PrintJob, user: User) -> int:
    """Return how many links of a job this person may not see any more: their customers went to another rep."""
    if user.has_perm("authorizations.view_every_link"):
        return 0
    return job.labels.exclude(link__in=Link.objects.visible_to(user).values("pk")).count()


def count_dead_since(job: PrintJob) -> int:
    """Return how many links of a job have become void since it was made: their labels lead nowhere."""
    return job.labels.filter(link__voided_at__isnull=False).count()


def forget_old_prints() -> int:
    """Remove the sheets of jobs that are older than FILES_KEPT; return how many. The jobs stay, to be printed again."""
    old = PrintJob.objects.filter(created_at__lt=timezone.now() - FILES_KEPT).exclude(file="")
    count = 0
    for job in old.iterator():
        _drop_file(job)
        PrintJob.objects.filter(pk=job.pk).update(file="")
        count += 1
    return count


#: Of a job's labels, those whose links are still to be printed.
_LIVE = {
    "link__voided_at__isnull": True,
    "link__replaced_by__isnull": True,
    "link__customer__refused_at__isnull": True,
}


def _unsaved_job(request: PrintRequest, user: User | None) -> PrintJob:
    """Return a job as it would be made now: with the partner's name and this person's printer as they are."""
    printer = get_printer(user=user, stock=find_stock(request.stock))
    values: dict[str, Any] = {name: getattr(request, name) for name in PrintRequest.__dataclass_fields__}
    values |= {"lines": list(request.lines), "partner": Installation.objects.current().partner_name}
    return PrintJob(created_by=user, **values, **printer.correction)


def _sheet_options(job: PrintJob) -> SheetOptions:
    """Return how a job is printed. Raises PrintRefusedError for what cannot be."""
    return SheetOptions(
        stock=find_stock(job.stock),
        partner=job.partner,
        start_at=job.start_at,
        offset_x_mm=job.offset_x_mm,
        offset_y_mm=job.offset_y_mm,
        left_margin_mm=job.left_margin_mm,
        top_margin_mm=job.top_margin_mm,
        error_correction=job.level,
        # PostgreSQL hands out a memoryview.
        logo=bytes(job.logo),
    )


def _check(links: QuerySet[Link], target: str, options: SheetOptions) -> Scannability:
    """Return how the finest code among these links reads. Raises PrintRefusedError."""
    longest = links.order_by(Length("url").desc()).first()
    if longest is None:
        raise NothingToPrintError(
            "Nothing is left to print. Choose at least one link that is neither void nor replaced, has a "
            "reference id, and whose customer has not refused at the door."
        )
    return check_options(options, text_of(longest, target))


def _save(job: PrintJob, link_ids: Iterator[int], choice: Choice, chosen: str) -> PrintJob:
    if not choice.printed:
        left_out = f" of the chosen ones, {choice.left_out_words}" if choice.left_out else ""
        raise NothingToPrintError(
            f"Nothing is left to print{left_out}. Choose at least one link that is neither void nor replaced, "
            "and whose customer has not refused at the door."
        )
    if choice.printed > MOST_LABELS:
        raise PrintRefusedError(
            f"These are {choice.printed:,} labels, and one job prints {MOST_LABELS:,} at most. "
            "Choose fewer, by campaign or rep."
        )
    job.chosen = chosen[:300]
    job.void_count, job.replaced_count, job.anonymous_count = choice.void, choice.replaced, choice.anonymous
    job.refused_count = choice.refused
    with transaction.atomic():
        job.save()
        count = 0
        rows: list[PrintLabel] = []
        for count, link_id in enumerate(link_ids, start=1):
            rows.append(PrintLabel(job=job, link_id=link_id, number=count))
            if len(rows) == CHUNK:
                PrintLabel.objects.bulk_create(rows)
                rows = []
        PrintLabel.objects.bulk_create(rows)
        job.label_count = count
        job.page_count = _pages(job)
        job.save(update_fields=["label_count", "page_count"])
        record(action=AuditAction.PRINTED, noun="print job", row=job.pk, count=count, by=job.created_by)
    return job


def _pages(job: PrintJob) -> int:
    return find_stock(job.stock).pages_for(job.label_count, start_at=job.start_at)


def _drop_dead_labels(job: PrintJob) -> None:
    """Leave out what has become void, been replaced or refused while the job waited, and count it."""
    dead = job.labels.exclude(**_LIVE)
    choice = count_choice(Link.objects.filter(print_labels__in=dead))
    if choice.left_out:
        job.void_count, job.replaced_count = job.void_count + choice.void, job.replaced_count + choice.replaced
        job.refused_count += choice.refused
        dead.delete()
        job.label_count = job.labels.count()
        job.page_count = _pages(job)
    job.save(update_fields=["void_count", "replaced_count", "refused_count", "label_count", "page_count"])


def _print(job: PrintJob) -> Proof:
    """Write the sheets, then read them back; the proof is kept with the job whatever it says."""
    options = _sheet_options(job)
    path = _path(job)
    with _open_private(path) as file:
        write_pdf(file, labels_of(job), options, progress=_report(job, "Drawing the sheets"))
    expected = (text_of(link, job.target) for link in links_of(job))
    report = _report(job, "Reading every code back")
    proof = proof_pdf(path, expected, stock=options.placed, start_at=job.start_at, progress=report)
    job.proof = asdict(replace(proof, faults=proof.faults[:20]))
    job.save(update_fields=["proof"])
    return proof


def _fault_words(proof: Proof) -> str:
    said = f"{proof.fault_count:,} of {proof.codes:,} codes could not be read back as what they should say"
    if proof.faults:
        first = proof.faults[0]
        said += f", the first on page {first.page}, label {first.label} ({first.kind})"
    return f"{said}. Nothing is handed out. Print it again; if it stays so, choose a larger stock."


def _keep(job: PrintJob) -> None:
    """Note that the sheets are right, on the job and on each of its links. Raises _Cancelled."""
    now = timezone.now()
    with transaction.atomic():
        if not _running(job).filter(cancel_asked_at=None).update(state=PrintState.DONE, finished_at=now):
            raise _Cancelled
        Link.objects.filter(pk__in=job.labels.values("link")).update(printed_at=now)
    job.state, job.finished_at = PrintState.DONE, now


def _end(job: PrintJob, state: PrintState, *, error: str = "") -> None:
    """End a job that hands nothing out. One that was cancelled as dead stays so."""
    _drop_file(job)
    _running(job).update(state=state, error=error[:1000], finished_at=timezone.now(), file="")
    job.refresh_from_db()


def _running(job: PrintJob) -> QuerySet[PrintJob]:
    return PrintJob.objects.filter(pk=job.pk, state=PrintState.RUNNING)


def _path(job: PrintJob) -> Path:
    return Path(default_storage.path(job.file.name or ""))


def _drop_file(job: PrintJob) -> None:
    _path(job).unlink(missing_ok=True)


def _open_private(path: Path) -> BinaryIO:
    """Open a new file that nobody but the portal's user may read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _progress_key(job: PrintJob) -> str:
    return f"print:{job.pk}"


def _report(job: PrintJob, doing: str) -> Any:
    def report(done: int) -> None:
        if not _running(job).filter(cancel_asked_at=None).exists():
            raise _Cancelled
        report_progress(_progress_key(job), done=done, total=job.label_count, doing=doing)

    report(0)
    return report
