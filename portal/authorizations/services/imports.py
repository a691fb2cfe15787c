"""Imports through the browser: an uploaded list, step by step. Check and apply themselves are the commands' too.

Each step takes the import from one state to the next in one UPDATE, so that two clicks do one thing once. A step that
died with its process (`is_stuck`) is taken back with `restart_import`: nothing of it was written.
"""

import shutil
import uuid
from itertools import islice
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Campaign, Customer, CustomerImport, Flow, ImportState
from portal.authorizations.services.audit import record
from portal.authorizations.services.customer_check import Counts, Report, Staging, check_list
from portal.authorizations.services.customer_columns import guess_columns
from portal.authorizations.services.customer_file import CustomerFile, CustomerFileError, open_customer_file
from portal.authorizations.services.customer_import import apply_list, note_customers, write_links_csv
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.progress import Progress, read_progress, report_progress
from portal.authorizations.services.retention import FILES_KEPT

#: Bytes of a file that the person waits for; larger ones go to the worker.
AT_ONCE = 256 * 1024
NOUN = "customer import"
#: Rows that the guess of the columns looks at, and that the screen shows of them.
_SAMPLE_ROWS = 200
_CHANGED_MEANWHILE = "Customers were changed since this list was checked. It has been checked again: look once more."
_UNEXPECTED = "An unexpected error stopped it, and nothing was written. Try again; the log of the portal says more."


def create_import(*, file: UploadedFile[bytes], uploaded_by: User) -> CustomerImport:
    """Keep an uploaded list and guess its columns. Raises CustomerFileError if it cannot serve at all."""
    opened = open_customer_file(file.file)  # type: ignore[arg-type]
    imported = CustomerImport(
        file_name=(file.name or "list.csv")[-200:],
        encoding=opened.encoding,
        delimiter=opened.delimiter,
        header=[opened.column_name(index) for index in range(len(opened.header))],
        columns={str(index): field for index, field in guess_columns(opened.header, _sample(opened)).items()},
        uploaded_by=uploaded_by,
    )
    file.seek(0)
    # The name that the file came with may say anything: on the disk it has one of ours.
    imported.file.save(f"{uuid.uuid4().hex}/list.csv", file, save=False)
    with transaction.atomic():
        imported.save()
        record(action=AuditAction.ADDED, noun=NOUN, row=imported.pk, by=uploaded_by)
    return imported


def has_file(imported: CustomerImport) -> bool:
    """Whether the uploaded list is still there: it goes once it is applied, cancelled or old."""
    return bool(imported.file) and Path(imported.file.path).exists()


def is_quick(imported: CustomerImport) -> bool:
    """Whether the person may wait for a step; a larger list goes to the worker."""
    return has_file(imported) and imported.file.size <= AT_ONCE


def read_sample(imported: CustomerImport) -> list[list[str]]:
    """Return for each column the first three different values, to recognise it by."""
    opened = open_customer_file(Path(imported.file.path))
    values: list[list[str]] = [[] for _ in opened.header]
    for cells in _sample(opened):
        for shown, cell in zip(values, cells, strict=False):
            text = " ".join(cell.split())
            if text and text not in shown and len(shown) < 3:
                shown.append(text)
    return values


def start_check(
    *, imported: CustomerImport, columns: dict[int, str], flow: Flow | None, campaign: Campaign | None
) -> bool:
    """Note what the columns mean and which links shall follow; return False if the list is past that step."""
    moved = _move(
        imported,
        from_states=(ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED),
        to=ImportState.CHECKING,
        columns={str(index): field for index, field in columns.items()},
        flow=flow,
        campaign=campaign,
    )
    if moved:
        _report(imported)(0, 0, "Waiting for the worker")
    return moved


def run_check(imported: CustomerImport) -> None:
    """Check the list. What is wrong with it as a whole is kept with it, in words."""
    if imported.state != ImportState.CHECKING:
        return
    began = timezone.now()
    try:
        counts = _check(imported)
    except (CustomerFileError, IssueRefused) as refusal:
        _fail(imported, str(refusal))
    except Exception:
        _fail(imported, _UNEXPECTED)
        raise
    else:
        _keep_counts(imported, counts, checked_at=began)


def start_apply(*, imported: CustomerImport, partial: bool) -> bool:
    """Note that the list shall be applied; return False if it is not the moment, or refused rows were not agreed to."""
    if imported.refused_count and not partial:
        return False
    moved = _move(imported, from_states=(ImportState.CHECKED,), to=ImportState.APPLYING, partial=partial)
    if moved:
        _report(imported)(0, 0, "Waiting for the worker")
    return moved


def run_apply(imported: CustomerImport) -> None:
    """Write the good rows, and their links, in one transaction; an error leaves everything as it was.

    If customers changed since the check, the list is checked again, and applied only if that gives the same counts.
    """
    if imported.state != ImportState.APPLYING:
        return
    try:
        if _changed_since(imported) and not _check_again(imported):
            return
        with transaction.atomic():
            applied = apply_list(
                staging=staging_of(imported),
                total=imported.good_count,
                by=imported.uploaded_by,
                flow=imported.flow,
                campaign=imported.campaign,
                report=_report(imported),
            )
            note_customers(imported, staging_of(imported))
            values: dict[str, object] = {"applied_at": timezone.now(), "error": ""}
            if (links := applied.links) is not None:
                values |= {"batch": links.batch, "issued_count": links.created, "differing_count": links.differing}
            if not _move(imported, from_states=(ImportState.APPLYING,), to=ImportState.APPLIED, **values):
                raise _TakenBack
            record(
                action=AuditAction.CHANGED,
                noun=NOUN,
                row=imported.pk,
                count=imported.new_count + imported.changed_count,
                by=imported.uploaded_by,
                state="applied",
            )
    except _TakenBack:
        return
    except IssueRefused as refusal:
        _fail(imported, str(refusal))
        return
    except IntegrityError:
        _fail(imported, "Somebody added one of these customers or reference ids in this moment. Check the list again.")
        return
    except Exception:
        _fail(imported, _UNEXPECTED)
        raise
    ensure_links_csv(imported)
    staging_of(imported).forget_rows()
    Path(imported.file.path).unlink(missing_ok=True)


def cancel_import(imported: CustomerImport) -> bool:
    """Give up a list that is not applied yet, and remove its files; return False if it is too late."""
    open_states = (ImportState.UPLOADED, ImportState.CHECKING, ImportState.CHECKED, ImportState.FAILED)
    with transaction.atomic():
        if not _move(imported, from_states=open_states, to=ImportState.CANCELLED):
            return False
        record(action=AuditAction.VOIDED, noun=NOUN, row=imported.pk)
    _remove_files(imported)
    return True


def restart_import(imported: CustomerImport) -> bool:
    """Take back a step that died with its process: to the columns, or to the check. Return False if none did."""
    if not is_stuck(imported):
        return False
    goal = ImportState.UPLOADED if imported.state == ImportState.CHECKING else ImportState.CHECKED
    return _move(imported, from_states=(ImportState(imported.state),), to=goal)


def is_stuck(imported: CustomerImport) -> bool:
    """Whether a step is under way that has not moved for minutes: its process has died, or no worker runs."""
    return imported.is_running and progress_of(imported).is_stale


def progress_of(imported: CustomerImport) -> Progress:
    """Return how far the step that is under way is."""
    return read_progress(_progress_key(imported))


def staging_of(imported: CustomerImport) -> Staging:
    """Return the folder where the check lays its findings: the upload's own."""
    return Staging(Path(imported.file.path).parent)


def ensure_links_csv(imported: CustomerImport) -> Path | None:
    """Return the CSV with the links of an applied list, written now if a crash prevented it; None without links."""
    staging = staging_of(imported)
    if imported.flow is None or imported.state != ImportState.APPLIED:
        return None
    if not staging.links.exists() and staging.rows.exists():
        write_links_csv(staging=staging, path=staging.links, flow=imported.flow, campaign=imported.campaign)
    return staging.links if staging.links.exists() else None


def forget_old_imports() -> int:
    """Remove the files of imports that are older than FILES_KEPT; return how many. The counts stay."""
    old = CustomerImport.objects.filter(created_at__lt=timezone.now() - FILES_KEPT).exclude(file="")
    count = 0
    for imported in old:
        # One that died at a step is as old as any other.
        if not imported.is_running or is_stuck(imported):
            _remove_files(imported)
            count += 1
    return count


class _TakenBack(Exception):  # noqa: N818
    """Somebody took the step back while it ran: what it wrote is rolled back."""


def _sample(opened: CustomerFile) -> list[list[str]]:
    return [row.cells for row in islice(opened.rows(), _SAMPLE_ROWS) if row.fault is None]


def _check(imported: CustomerImport) -> Counts:
    return check_list(
        path=Path(imported.file.path),
        columns={int(index): field for index, field in imported.columns.items()},
        staging=staging_of(imported),
        flow=imported.flow,
        campaign=imported.campaign,
        report=_report(imported),
    )


def _check_again(imported: CustomerImport) -> bool:
    """Check the list anew before it is applied; return whether it still says what the person has agreed to."""
    began = timezone.now()
    agreed = (imported.new_count, imported.changed_count, imported.same_count, imported.refused_count)
    counts = _check(imported)
    if (counts.new, counts.changed, counts.same, counts.refused) == agreed:
        return True
    _keep_counts(imported, counts, checked_at=began, error=_CHANGED_MEANWHILE)
    return False


def _changed_since(imported: CustomerImport) -> bool:
    return Customer.objects.filter(updated_at__gte=imported.checked_at).exists()


def _keep_counts(imported: CustomerImport, counts: Counts, **values: object) -> None:
    _move(
        imported,
        from_states=(ImportState.CHECKING, ImportState.APPLYING),
        to=ImportState.CHECKED,
        new_count=counts.new,
        changed_count=counts.changed,
        same_count=counts.same,
        refused_count=counts.refused,
        empty_count=counts.empty,
        **{"error": "", **values},
    )


def _fail(imported: CustomerImport, reason: str) -> None:
    _move(
        imported, from_states=(ImportState.CHECKING, ImportState.APPLYING), to=ImportState.FAILED, error=reason[:1000]
    )


def _move(imported: CustomerImport, *, from_states: tuple[ImportState, ...], to: ImportState, **values: object) -> bool:
    """Take the import from one of the states to another, with what belongs to it; return False if it was in none."""
    waiting = CustomerImport.objects.filter(pk=imported.pk, state__in=from_states)
    moved = waiting.update(state=to, **values) == 1
    if moved:
        imported.refresh_from_db()
    return moved


def _progress_key(imported: CustomerImport) -> str:
    return f"import:{imported.pk}"


def _report(imported: CustomerImport) -> Report:
    def report(done: int, total: int, doing: str) -> None:
        report_progress(_progress_key(imported), done=done, total=total, doing=doing)

    return report


def _remove_files(imported: CustomerImport) -> None:
    shutil.rmtree(Path(imported.file.path).parent, ignore_errors=True)
    CustomerImport.objects.filter(pk=imported.pk).update(file="")
    imported.file = None
