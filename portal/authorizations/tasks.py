"""What the worker runs. Each task is a service called with a row's id."""

from django_tasks import task

from portal.authorizations.models import CustomerImport, Job
from portal.authorizations.services.imports import run_apply, run_check
from portal.authorizations.services.jobs import run_job


@task()
def run_job_task(job_id: int) -> None:
    """Run a job."""
    run_job(Job.objects.get(pk=job_id))


@task()
def check_import_task(import_id: int) -> None:
    """Check an uploaded list."""
    run_check(CustomerImport.objects.get(pk=import_id))


@task()
def apply_import_task(import_id: int) -> None:
    """Apply a checked list."""
    run_apply(CustomerImport.objects.get(pk=import_id))
