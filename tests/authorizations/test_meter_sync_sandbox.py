"""The client and the sync over real HTTP against the sandbox, which was written from the same contract by others."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pytest_django.live_server_helper import LiveServer

from portal.authorizations.models import Link, Meter, SyncRun
from portal.authorizations.services import leap_api
from portal.authorizations.services.meter_sync import SyncFailed, sync_meters
from portal.leap.client import LeapClient, LeapNotFound
from portal.leap.meters import parse_enrollment, parse_meter
from portal.sandbox.faults import add_fault
from tests.factories import make_link
from tests.sandbox.meters import make_meter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leap(settings: Any, live_server: LiveServer, dropped_connections: None) -> Iterator[LeapClient]:
    settings.SANDBOX = True
    settings.LEAP_ENVIRONMENT = "sandbox"
    settings.ROOT_URLCONF = "tests.sandbox.urls"
    settings.LEAP_API_URL = f"{live_server.url}/sandbox"
    with leap_api.open_leap(sleep=lambda seconds: None) as client:
        yield client


def run(**options: Any) -> SyncRun:
    return sync_meters(full=False, pause=lambda seconds: None, **options)


def metered(link: Link) -> tuple[str, int]:
    link.refresh_from_db()
    return link.status, link.meter_matches.count()


def test_r14_r18_the_sandboxs_meters_prove(leap: LeapClient) -> None:
    link = make_link()
    for _ in range(3):
        make_meter(references=(link.reference_id or "",), partner_reference=link.reference_id)
    make_meter(partner_reference="nobody-knows")
    done = run()
    assert (done.state, done.created, done.unmatched, done.malformed) == ("done", 4, 1, 0)
    assert metered(link) == ("metered", 3) or metered(link) == ("enrolled", 3)
    assert "Rosa" not in str(list(Meter.objects.values_list("record", "enrollment_record")))
    again = sync_meters(full=True)
    assert (again.created, again.changed, again.same) == (0, 0, 4)


def test_r18_pages_of_the_sandbox(leap: LeapClient) -> None:
    for _ in range(5):
        make_meter()
    pages = list(leap.search_meter_details(page_size=2))
    assert [len(page.records) for page in pages] == [2, 2, 1]
    assert pages[0].answered_at is not None
    from_the_second = list(leap.search_meter_details(page_size=2, page_token=pages[0].next_page_token))
    assert [page.records for page in from_the_second] == [page.records for page in pages[1:]]
    meter = parse_meter(pages[0].records[0])
    assert parse_meter(leap.get_meter(meter.meter_id)) == meter
    assert parse_enrollment(leap.get_meter_enrollments(meter.meter_id)).meter_id == meter.meter_id
    with pytest.raises(LeapNotFound):
        leap.get_meter(UUID(int=7))


@pytest.mark.parametrize("kind", ["500", "429", "429-retry-after", "dropped", "stale-token"])
def test_r18_a_fault_that_passes_is_survived(leap: LeapClient, kind: str) -> None:
    make_meter()
    add_fault(kind=kind, calls=1)
    assert run().created == 1


@pytest.mark.parametrize("kind", ["unknown-enum", "extra-fields"])
def test_r18_what_leap_may_add_is_kept(leap: LeapClient, kind: str) -> None:
    make_meter()
    add_fault(kind=kind)
    done = run()
    assert (done.created, done.malformed) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "words"), [("401", "LEAP_API_KEY"), ("403", "another environment"), ("500", "does not answer")]
)
def test_r18_a_fault_that_stays_is_one_sentence(leap: LeapClient, kind: str, words: str) -> None:
    add_fault(kind=kind)
    with pytest.raises(SyncFailed, match=words):
        run()


def test_webhooks_of_the_sandbox(leap: LeapClient) -> None:
    settings = {"event_types": ["meter.created"], "headers": {"X-Leap-Secret": "s"}}
    webhook_id = leap.create_webhook(receiver_url="https://us.example/leap/events", **settings)
    leap.update_webhook(webhook_id, receiver_url="https://us.example/other", **settings)
    assert [(hook.webhook_id, hook.receiver_url) for hook in leap.list_webhooks()] == [
        (webhook_id, "https://us.example/other")
    ]
    leap.delete_webhook(webhook_id)
    assert leap.list_webhooks() == []
