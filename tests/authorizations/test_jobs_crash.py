"""A job whose worker is killed, as a real process: what it had done stays, and carrying on does nothing twice."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, JobState, Link
from portal.authorizations.services.jobs import create_issue_job
from tests.factories import make_flow

MANY = 45

#: A worker that says before each batch that it begins it, and hangs in its third one until it is killed.
HANGING_WORKER = """
import dataclasses, sys, django
django.setup()
from portal.authorizations.models import Job
from portal.authorizations.services import jobs
kind = jobs.KINDS[jobs.ISSUE_LINKS]
def act(job, keys):
    outcome = kind.act(job, keys)
    print(job.done, flush=True)
    if job.done == 20:
        sys.stdin.read()
    return outcome
jobs.KINDS[jobs.ISSUE_LINKS] = dataclasses.replace(kind, act=act, batch=10)
jobs.run_job(Job.objects.get(pk=int(sys.argv[1])))
"""


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_worker_was_killed_is_carried_on(manager: User, manager_client: Client) -> None:
    Customer.objects.bulk_create([Customer(name=f"Customer {number}") for number in range(MANY)])
    job = create_issue_job(customers=Customer.objects.all(), flow=make_flow(), created_by=manager)
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        login = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
        url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    worker = subprocess.Popen(
        [sys.executable, "-c", HANGING_WORKER, str(job.pk)],
        cwd=django_settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert [worker.stdout.readline().strip() for _ in range(3)] == ["0", "10", "20"]
    worker.kill()
    worker.communicate()

    job.refresh_from_db()
    assert (job.state, job.done, job.result["created"]) == (JobState.RUNNING, 20, 20)
    assert "Carry on" not in manager_client.get(f"/jobs/{job.pk}/").text
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        page = manager_client.get(f"/jobs/{job.pk}/").text
        assert "its process has died" in page
        assert "Carry on where it stopped" in page
        manager_client.post(f"/jobs/{job.pk}/carry-on/")
    job.refresh_from_db()
    assert (job.state, job.done, job.result["created"], job.result["existing"]) == (JobState.DONE, MANY, MANY, 0)
    assert Link.objects.count() == MANY
