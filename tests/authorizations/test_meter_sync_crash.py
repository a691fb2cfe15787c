"""The real command, killed in the middle of a sync, and started again: nothing is lost, nothing is doubled (R18)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.authorizations.models import Enrollment, Meter, MeterMatch, SyncRun
from portal.authorizations.services.meter_sync import LEASE
from tests.authorizations.leap_server import KEY, LeapServer, enrollment_record, meter_record, serve_leap
from tests.factories import make_link

pytestmark = pytest.mark.django_db(transaction=True)

METERS = 7


@pytest.fixture
def start(tmp_path: Path) -> Callable[[LeapServer], "subprocess.Popen[str]"]:
    """Start `manage.py sync_meters` as a process, on the tests' database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        if "memory" in str(database["NAME"]):
            pytest.skip("a process of its own needs a database in a file")
        url = f"sqlite:///{database['NAME']}"
    else:
        login = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
        url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"

    def started(leap: LeapServer) -> "subprocess.Popen[str]":
        environment = {**os.environ, "DATABASE_URL": url, "LEAP_API_URL": leap.url, "LEAP_API_KEY": KEY}
        return subprocess.Popen(
            [sys.executable, "manage.py", "sync_meters"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


# Requests 1 to 4 are for the meters, two at a time, 5 to 8 for their enrollments.
@pytest.mark.parametrize("request_number", [1, 3, 6])
def test_r18_a_sync_that_was_killed_is_carried_on(
    start: Callable[[LeapServer], "subprocess.Popen[str]"], request_number: int
) -> None:
    link = make_link()
    numbers = range(1, METERS + 1)
    with serve_leap() as leap:
        leap.details = [meter_record(number, connection_references=[link.reference_id]) for number in numbers]
        leap.enrollments = [enrollment_record(number, "ACTIVE") for number in numbers]
        leap.silent_at = request_number
        first = start(leap)
        assert leap.reached.wait(60), first.communicate(timeout=5)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
        read = leap.requests[:]
        run = SyncRun.objects.get()
        assert (run.state, run.pages) == ("running", request_number - 1)
        assert Meter.objects.count() == min(METERS, 2 * (request_number - 1))

        second = start(leap)
        _, error = second.communicate(timeout=60)
        assert second.returncode == 1, "its lease still runs"
        assert "A sync is running since" in error
        assert len(error.splitlines()) == 1
        assert leap.requests == read

        SyncRun.objects.update(heartbeat_at=run.heartbeat_at - LEASE - timedelta(seconds=1))
        third = start(leap)
        out, error = third.communicate(timeout=60)
        assert (third.returncode, error) == (0, "")
        assert out == f"{METERS} new, 0 changed, 0 same, 0 unmatched, 0 malformed\n"
    # Only the page that was never answered is asked for twice.
    assert leap.requests[request_number] == leap.requests[request_number - 1]
    assert len(leap.requests) == 8 + 1
    assert SyncRun.objects.get().state == "done"
    assert sorted(Meter.objects.values_list("partner_reference", flat=True)) == [
        f"nobody-{number}" for number in numbers
    ]
    assert (MeterMatch.objects.count(), Enrollment.objects.count()) == (METERS, METERS)
    link.refresh_from_db()
    assert link.status == "enrolled"
