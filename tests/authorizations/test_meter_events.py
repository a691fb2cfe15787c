"""Events that tell of meters: they ask the worker for one sync, and the sync brings the proof."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.authorizations.management.looks import MeterSyncer
from portal.authorizations.models import Link, SyncRun, SyncState
from portal.authorizations.services.events import store_event
from portal.authorizations.tasks import run_interpretation
from portal.leap.events import parse_event
from tests.authorizations.leap_server import KEY, LeapServer, meter_record, serve_leap
from tests.factories import make_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leap(settings: Any) -> Iterator[LeapServer]:
    with serve_leap() as server:
        settings.LEAP_API_URL, settings.LEAP_API_KEY = server.url, KEY
        yield server


def tell_of_a_meter(link: Link) -> None:
    payload = {
        "webhook_event_type": "meter.created",
        "meter_id": str(uuid.UUID(int=1)),
        "partner_reference": link.reference_id,
    }
    store_event(
        event=parse_event({"webhook_event_id": str(uuid.uuid4()), "payload": payload}),
        at=timezone.now(),
    )
    run_interpretation()


def test_many_events_are_one_sync_and_the_link_is_metered(leap: LeapServer) -> None:
    link = make_link()
    syncer = MeterSyncer(every=900)
    syncer.look()
    assert SyncRun.objects.count() == 1, "one at the start"
    for _ in range(3):
        tell_of_a_meter(link)
    leap.details = [meter_record(1, connection_references=[link.reference_id])]
    link.refresh_from_db()
    assert link.status == "issued"
    for _ in range(2):
        syncer.look()
    link.refresh_from_db()
    assert link.status == "metered"
    assert SyncRun.objects.count() == 2


def test_an_event_during_a_sync_asks_for_another_after_it(leap: LeapServer) -> None:
    now = timezone.now()
    running = SyncRun.objects.create(full=False, started_at=now, heartbeat_at=now)
    syncer = MeterSyncer(every=900)
    tell_of_a_meter(make_link())
    syncer.look()
    assert SyncRun.objects.count() == 1
    SyncRun.objects.filter(pk=running.pk).update(state=SyncState.DONE, started_at=now - timedelta(minutes=5))
    syncer.look()
    assert SyncRun.objects.count() == 2


def test_without_a_key_nothing_is_asked_of_leap(settings: Any) -> None:
    settings.LEAP_API_KEY = ""
    tell_of_a_meter(make_link())
    MeterSyncer(every=900).look()
    assert not SyncRun.objects.exists()
