"""The screen of syncs: the last runs, one at the press of a button, and what is wrong in words."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from django.views.debug import technical_500_response

from portal.accounts.models import User
from portal.authorizations.management.looks import MeterSyncer
from portal.authorizations.models import Meter, SyncRun
from portal.authorizations.services import meter_sync
from portal.authorizations.services.progress import read_progress
from tests.authorizations.leap_server import KEY, LeapServer, meter_record, serve_leap

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/meters/sync/"


@pytest.fixture
def leap(settings: Any) -> Iterator[LeapServer]:
    with serve_leap() as server:
        settings.LEAP_API_URL, settings.LEAP_API_KEY = server.url, KEY
        yield server


def test_r18_the_button_syncs(leap: LeapServer, manager_client: Client, manager: User) -> None:
    leap.details = [meter_record(1), 7]
    page = manager_client.post(URL, {"full": "on"}, follow=True).content.decode()
    run = SyncRun.objects.get()
    assert (run.full, run.state, run.started_by) == (True, "done", manager)
    assert "A meter without a readable id: the record is not an object" in page
    assert f"by {manager}" in page
    assert read_progress(meter_sync.PROGRESS).doing == ""


def test_r18_a_wrong_key_is_one_clear_sentence(leap: LeapServer, manager_client: Client) -> None:
    leap.key = "another"
    page = manager_client.post(URL, follow=True).content.decode()
    assert "The last sync failed. Leap does not accept the API key: set LEAP_API_KEY" in page
    assert "secret-part" not in page


def test_r18_no_key_is_said(manager_client: Client) -> None:
    assert "There is no API key for Leap" in manager_client.get(URL).content.decode()


def test_r18_a_running_one_shows_progress_and_is_not_doubled(leap: LeapServer, manager_client: Client) -> None:
    SyncRun.objects.create(full=True, started_at=timezone.now(), heartbeat_at=timezone.now())
    page = manager_client.get(URL).content.decode()
    assert "<progress" in page
    assert "Sync now" not in page
    polled = manager_client.get(URL, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in polled
    assert "A sync is running already" in manager_client.post(URL, follow=True).content.decode()
    assert not leap.requests


def test_r18_one_whose_process_died_is_said(manager_client: Client) -> None:
    long_ago = timezone.now() - meter_sync.LEASE
    SyncRun.objects.create(full=True, started_at=long_ago, heartbeat_at=long_ago)
    page = manager_client.get(URL).content.decode()
    assert "its process died" in page
    assert "Sync now" in page


def test_r18_one_that_waits_for_a_worker_that_is_not_there(
    manager_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_sync.ask_for_sync()
    assert "Waiting for the worker" in manager_client.get(URL).content.decode()
    monkeypatch.setattr("portal.authorizations.services.progress.STALE_SECONDS", -1)
    page = manager_client.get(URL).content.decode()
    assert "no worker runs" in page
    assert "Sync now" in page


def test_r18_a_rep_may_not(rep_client: Client) -> None:
    assert rep_client.get(URL).status_code == 403
    assert rep_client.post(URL).status_code == 403


def test_r18_the_worker_syncs_at_its_start_and_when_it_is_due(leap: LeapServer) -> None:
    leap.details = [meter_record(1)]
    syncer = MeterSyncer(every=900)
    syncer.look()
    assert Meter.objects.count() == 1
    syncer.look()
    assert SyncRun.objects.count() == 1, "the last began just now"
    SyncRun.objects.update(started_at=timezone.now() - timedelta(seconds=901))
    syncer.look()
    assert SyncRun.objects.count() == 2


def test_r18_a_worker_without_a_key_asks_nothing() -> None:
    MeterSyncer(every=900).look()
    assert not SyncRun.objects.exists()


def test_r18_a_worker_that_is_stopped_ends_after_its_page(leap: LeapServer) -> None:
    leap.details = [meter_record(number) for number in range(1, 8)]
    syncer = MeterSyncer(every=900)
    leap.silent_at = 2
    # Its connection ends without an answer: the syncer would try again, but is stopped while it waits.
    leap.released.set()
    syncer._stopped.set()
    syncer._check = lambda: None  # type: ignore[method-assign]
    syncer.look()
    run = SyncRun.objects.get()
    assert (run.state, run.error, run.pages) == ("failed", meter_sync.STOPPED, 1)
    meter_sync.sync_meters(full=False)
    assert (SyncRun.objects.get().state, Meter.objects.count()) == ("done", 7)


@pytest.mark.parametrize("key", [KEY, "secret-pärt", "with\nsecret-part"])
def test_the_key_is_not_on_djangos_own_error_page(
    leap: LeapServer, settings: Any, rf: RequestFactory, key: str
) -> None:
    settings.LEAP_API_KEY = key
    leap.key = "another"
    with pytest.raises(meter_sync.SyncFailed) as caught:
        meter_sync.sync_meters(full=False)
    # From the service on: this test's own frame has the key in it.
    inner = caught.tb.tb_next
    error = caught.value.with_traceback(inner)
    page = technical_500_response(rf.get(URL), caught.type, error, inner).content.decode()
    assert "LEAP_API_KEY" in page
    assert "secret-p" not in page
