"""What the worker tidies once a day: what is too old (services/retention.py), and what killed processes have left."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from portal.authorizations.models import CustomerImport, PaperAuthorization, PrintJob, SyncRun, SyncState
from portal.authorizations.services.door_devices import end_unreachable_devices, void_old_reserves
from portal.authorizations.services.erasure_rows import clear_what_came_since
from portal.authorizations.services.imports import forget_old_imports
from portal.authorizations.services.job_runs import forget_old_rows
from portal.authorizations.services.printing import forget_old_prints
from portal.authorizations.services.retention import RUNS_KEPT, STRAY_KEPT

logger = logging.getLogger(__name__)

#: Names asked of the database at once.
_CHUNK = 500
#: Folder below MEDIA_ROOT, what follows its entries in a row's name, whose rows, and their column. A list lies in a
#: folder of its own, with what a check laid aside.
_STORED: tuple[tuple[str, str, QuerySet[Any], str], ...] = (
    ("scans", "", PaperAuthorization.objects.all(), "scan"),
    ("prints", "", PrintJob.objects.all(), "file"),
    ("imports", "/list.csv", CustomerImport.objects.all(), "file"),
)


def tidy() -> dict[str, int]:
    """Tidy all that there is; return how many of what went. What one of them meets does not keep the others."""
    counts = {}
    for what, act in _PARTS.items():
        try:
            counts[what] = act()
        except (DatabaseError, OSError):
            logger.exception("Tidying the %s failed: the next day tries again", what)
    return counts


def forget_stray_files() -> int:
    """Remove stored scans, lists and sheets that no row names, once they are STRAY_KEPT old; return how many."""
    count = 0
    for folder, rest, rows, column in _STORED:
        old = _old_entries(Path(default_storage.path(folder)))
        while some := list(islice(old, _CHUNK)):
            names = {f"{folder}/{path.name}{rest}": path for path in some}
            known = set(rows.filter(**{f"{column}__in": names}).values_list(column, flat=True))
            count += sum(_remove(path) for name, path in names.items() if name not in known)
    return count


def forget_left_behind() -> int:
    """Remove the folders in which killed commands had laid out a customer list; return how many."""
    left = (path for path in _old_entries(Path(tempfile.gettempdir())) if path.name.startswith("portal-list-"))
    return sum(_remove(path) for path in left)


def forget_old_syncs() -> int:
    """Remove syncs older than RUNS_KEPT, but for the last one and the last that succeeded: the next reads on there."""
    ended = SyncRun.objects.exclude(state=SyncState.RUNNING)
    newest = [ended.first(), ended.filter(state=SyncState.DONE).first()]
    old = ended.filter(started_at__lt=timezone.now() - RUNS_KEPT).exclude(pk__in=[run.pk for run in newest if run])
    return old.delete()[0]


def forget_old_tasks() -> int:
    """Remove what became of background tasks that ended longer than RUNS_KEPT ago; return how many."""
    return int(DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - RUNS_KEPT).delete()[0])


def forget_old_sessions() -> int:
    """Remove sessions that have run out. Django does not say how many."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return 0


_PARTS: dict[str, Callable[[], int]] = {
    "old lists": forget_old_imports,
    "old sheets": forget_old_prints,
    "old rows of jobs": forget_old_rows,
    "stray files": forget_stray_files,
    "folders of killed commands": forget_left_behind,
    "old syncs": forget_old_syncs,
    "old tasks": forget_old_tasks,
    "old sessions": forget_old_sessions,
    "devices out of reach": end_unreachable_devices,
    "old reserves": void_old_reserves,
    "rows that reached erased customers": clear_what_came_since,
}


def _old_entries(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder, if there is one, and was last written longer than STRAY_KEPT ago."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > STRAY_KEPT.total_seconds():
                    yield Path(entry.path)


def _remove(path: Path) -> bool:
    """Remove a file or a folder; return whether it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()
    path.unlink(missing_ok=True)
    return True
