"""The worker: it runs what waits in the queue, outlives a database that is away, and looks into the spool."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from portal.accounts.models import User
from portal.authorizations.management.commands.run_worker import PatientWorker
from portal.authorizations.management.looks import SpoolReplayer
from portal.authorizations.models import Confirmation, JobState
from portal.authorizations.services.jobs import create_issue_job
from portal.authorizations.services.spool import is_spool_empty, write_to_spool
from portal.authorizations.tasks import run_job_task
from tests.factories import make_customer, make_flow, make_link, only

pytestmark = pytest.mark.django_db(transaction=True)

RECORD = {"is_bot": False, "ip": "203.0.113.0/24", "user_agent": "Firefox", "at": "2026-03-01T09:00:00+00:00"}


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The worker takes the stop signals for itself: give them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def queue(settings: Any) -> None:
    """Tasks wait in the database, as in life; in other tests they run at once."""
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}


def run_worker(**options: Any) -> None:
    call_command("run_worker", batch=True, startup_delay=False, **options)


def test_a_waiting_job_is_run(manager: User) -> None:
    customer = make_customer()
    job = create_issue_job(customers=only(customer), flow=make_flow(), created_by=manager)
    run_job_task.enqueue(job.pk)
    assert not customer.links.exists()
    run_worker()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert customer.links.count() == 1


def test_a_task_that_fails_is_noted_and_does_not_stop_the_next(manager: User) -> None:
    job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
    run_job_task.enqueue(0)
    run_job_task.enqueue(job.pk)
    run_worker()
    statuses = DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True)
    assert list(statuses) == ["FAILED", "SUCCESSFUL"]


def test_it_waits_for_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Exception | None] = [OperationalError("the server is starting"), None]

    def run(worker: Worker) -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    monkeypatch.setattr(Worker, "run", run)
    monkeypatch.setattr(PatientWorker, "PAUSE", 0)
    run_worker()
    assert answers == []
    assert "The worker waits for the database: the server is starting" in caplog.text


def test_the_spool_is_replayed_beside_the_tasks() -> None:
    link = make_link()
    write_to_spool(kind="confirmation", record={**RECORD, "query_string": f"refId={link.reference_id}"})
    SpoolReplayer(every=30).look()
    assert is_spool_empty()
    assert Confirmation.objects.get().link == link


@pytest.mark.parametrize("error", [OperationalError("database is locked"), ValueError("never seen before")])
def test_whatever_a_replay_meets_the_next_look_comes(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise error

    write_to_spool(kind="confirmation", record={**RECORD, "query_string": ""})
    monkeypatch.setattr("portal.authorizations.management.looks.replay_spool", refuse)
    SpoolReplayer(every=30).look()
    assert str(error) in caplog.text
    assert not is_spool_empty()


def test_options_that_exclude_nothing_are_refused() -> None:
    with pytest.raises(CommandError, match="--queue-name"):
        run_worker(exclude_queues="slow")
