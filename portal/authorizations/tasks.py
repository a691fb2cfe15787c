"""What the worker runs. Each task is a service called with a row's id."""

from django_tasks import task

from portal.accounts.models import User
from portal.authorizations.models import CustomerImport, Job, PrintJob
from portal.authorizations.services.events import interpret_events
from portal.authorizations.services.figures import refresh_if_large
from portal.authorizations.services.imports import run_apply, run_check
from portal.authorizations.services.jobs import run_job
from portal.authorizations.services.link_requests import answer_link_requests
from portal.authorizations.services.meter_sync import run_sync, want_sync
from portal.authorizations.services.printing import run_print_job


@task()
def run_job_task(job_id: int) -> None:
    """Run a job, and print the sheets that it asks for."""
    job = run_job(Job.objects.get(pk=job_id))
    if printed := PrintJob.objects.filter(pk=job.result.get("print_job")).first():
        run_print_job(printed)
    refresh_if_large()


@task()
def run_print_job_task(job_id: int) -> None:
    """Print a job's sheets and proof them."""
    run_print_job(PrintJob.objects.get(pk=job_id))


@task()
def check_import_task(import_id: int) -> None:
    """Check an uploaded list."""
    run_check(CustomerImport.objects.get(pk=import_id))


@task()
def apply_import_task(import_id: int) -> None:
    """Apply a checked list."""
    run_apply(CustomerImport.objects.get(pk=import_id))
    refresh_if_large()


@task()
def sync_meters_task(full: bool, user_id: int) -> None:
    """Read meters from Leap."""
    run_sync(full=full, started_by=User.objects.get(pk=user_id))


@task()
def interpret_events_task() -> None:
    """Interpret the events that wait. One for each that comes: the first of a flood does all, the others find none."""
    run_interpretation()


def run_interpretation() -> None:
    """Interpret the events that wait; when one told of a meter, ask for a sync of meters."""
    if interpret_events().meters_changed:
        want_sync()


@task()
def answer_link_requests_task() -> None:
    """Make and mail the links that web visitors asked for: all that wait, whoever's task it is."""
    answer_link_requests()
