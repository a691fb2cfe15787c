"""Work in the background whose process died."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Job, JobState
from portal.authorizations.services.job_runs import progress_key
from portal.authorizations.services.jobs import create_issue_job
from portal.authorizations.services.progress import report_progress
from tests.factories import make_customer, make_flow, only

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [JobState.WAITING, JobState.RUNNING])
def test_job_that_has_not_moved_for_minutes_says_so(manager_client: Client, manager: User, state: JobState) -> None:
    job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
    Job.objects.filter(pk=job.pk).update(state=state)

    def page() -> str:
        return manager_client.get(f"/jobs/{job.pk}/").content.decode()

    assert "has not moved" not in page()
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=6))
    assert "has not moved" in page()
    report_progress(progress_key(job), done=1, total=2, doing="Issuing links")
    assert "has not moved" not in page()
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert "has not moved" not in page()
