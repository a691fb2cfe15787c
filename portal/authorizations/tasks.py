"""What the worker runs. Each task is a service called with a row's id."""

from django_tasks import task

from portal.authorizations.models import Job
from portal.authorizations.services.jobs import run_job


@task()
def run_job_task(job_id: int) -> None:
    """Run a job."""
    run_job(Job.objects.get(pk=job_id))
