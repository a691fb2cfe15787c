"""What the worker tidies once a day: no more than is too old, and nothing that is still needed."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from portal.authorizations.management.looks import Tidier
from portal.authorizations.models import CustomerImport, ImportState, Job, JobRow, PrintJob, SyncRun, SyncState
from portal.authorizations.services import tidying
from portal.authorizations.services.retention import FILES_KEPT, RUNS_KEPT, STRAY_KEPT
from portal.authorizations.services.scans import check_scan, store_scan
from portal.authorizations.services.tidying import tidy
from tests.factories import make_import, make_paper, make_print_job, make_scan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def make_old(path: Path, age: timedelta = STRAY_KEPT + MINUTE) -> Path:
    written = (timezone.now() - age).timestamp()
    os.utime(path, (written, written))
    return path


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: other tests' and other people's are left alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    return folder


def test_scans_that_no_row_names_go_after_a_day(settings: object) -> None:
    root = Path(settings.MEDIA_ROOT)  # type: ignore[attr-defined]
    lost, just_stored = (root / store_scan(check_scan(make_scan())) for _ in range(2))
    kept = Path(make_paper().scan.path)
    for path in (lost, kept):
        make_old(path)
    assert tidy()["stray files"] == 1
    assert [path.exists() for path in (lost, just_stored, kept)] == [False, True, True]


def test_sheets_and_lists_that_no_row_names_go_after_a_day() -> None:
    sheets, stray_sheets = (Path(make_print_job().file.path) for _ in range(2))
    folder, stray_folder = (Path(make_import().file.path).parent for _ in range(2))
    PrintJob.objects.filter(file=f"prints/{stray_sheets.name}").update(file="")
    CustomerImport.objects.filter(file=f"imports/{stray_folder.name}/list.csv").delete()
    for path in (sheets, stray_sheets, folder, stray_folder):
        make_old(path)
    assert tidy()["stray files"] == 2
    assert [path.exists() for path in (sheets, stray_sheets, folder, stray_folder)] == [True, False, True, False]


def test_folders_of_killed_commands_go_after_a_day(temporary: Path) -> None:
    for name in ("portal-list-old", "portal-list-new", "somebody-elses"):
        (temporary / name).mkdir()
        (temporary / name / "rows").write_text("Rosa")
    make_old(temporary / "portal-list-old")
    make_old(temporary / "somebody-elses")
    assert tidy()["folders of killed commands"] == 1
    assert {path.name for path in temporary.iterdir()} == {"portal-list-new", "somebody-elses"}


@pytest.mark.parametrize("state", [ImportState.UPLOADED, ImportState.CHECKING])
def test_old_lists_go_without_an_upload_also_one_whose_check_died(state: str) -> None:
    old, new = make_import(), make_import()
    CustomerImport.objects.filter(pk=old.pk).update(state=state, created_at=timezone.now() - FILES_KEPT - MINUTE)
    folder = Path(old.file.path).parent
    cache.clear()  # where the progress stands of a process that is alive
    assert tidy()["old lists"] == 1
    assert not folder.exists()
    assert CustomerImport.objects.exclude(file="").get() == new


def test_rows_of_old_jobs_go_without_another_job() -> None:
    ended = timezone.now() - FILES_KEPT
    for finished_at in (ended - MINUTE, ended + MINUTE, None):
        JobRow.objects.create(job=Job.objects.create(kind="issue", finished_at=finished_at), row=1)
    assert tidy()["old rows of jobs"] == 1
    assert JobRow.objects.count() == 2


def test_old_syncs_go_but_those_that_the_next_reads_on_from() -> None:
    def make_run(days: int, state: str) -> SyncRun:
        at = timezone.now() - RUNS_KEPT - timedelta(days=days)
        return SyncRun.objects.create(state=state, started_at=at, heartbeat_at=at, finished_at=at)

    make_run(9, SyncState.DONE)
    done = make_run(8, SyncState.DONE)
    make_run(7, SyncState.FAILED)
    failed = make_run(6, SyncState.FAILED)
    assert tidy()["old syncs"] == 2
    assert set(SyncRun.objects.all()) == {done, failed}
    young = make_run(-1, SyncState.DONE)
    assert tidy()["old syncs"] == 2
    assert SyncRun.objects.get() == young


def test_old_tasks_and_sessions_go() -> None:
    ended = timezone.now() - RUNS_KEPT
    for finished_at, status in ((ended - MINUTE, "FAILED"), (ended + MINUTE, "SUCCESSFUL"), (None, "READY")):
        DBTaskResult.objects.create(
            status=status,
            finished_at=finished_at,
            task_path="portal.authorizations.tasks.interpret_events_task",
            args_kwargs={"args": [], "kwargs": {}},
            run_after=timezone.now(),
            priority=0,
            backend_name="default",
        )
    for seconds in (-60, 60):
        session = SessionStore()
        session.set_expiry(timezone.now() + timedelta(seconds=seconds))
        session.save()
    assert tidy()["old tasks"] == 1
    assert DBTaskResult.objects.count() == 2
    assert Session.objects.count() == 1


def test_the_worker_tidies_and_one_trouble_does_not_keep_the_rest(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> int:
        raise DatabaseError("away")

    monkeypatch.setitem(tidying._PARTS, "old lists", fail)
    (temporary / "portal-list-old").mkdir()
    make_old(temporary / "portal-list-old")
    with caplog.at_level("INFO"):
        Tidier(every=3600).look()
    assert "Tidying the old lists failed" in caplog.text
    assert "Tidied: 1 folders of killed commands" in caplog.text
