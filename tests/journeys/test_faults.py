"""Each fault of the sandbox, met by the portal over real HTTP: survived, or told in one sentence."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import Event, Link, Meter, MeterMatch, SyncRun
from portal.authorizations.services.meter_sync import SyncFailed
from portal.authorizations.services.webhooks import list_registrations, register_webhook
from portal.leap.client import LeapClient, LeapError
from portal.sandbox.cases import Case
from portal.sandbox.faults import add_fault, clear_faults
from portal.sandbox.models import Delivery, DeliveryState, Fault, FaultKind
from tests.factories import make_link
from tests.journeys.rehearsal import pass_time, read_state, run_case, sync
from tests.journeys.test_every_case import SUCCESS

pytestmark = pytest.mark.django_db(transaction=True)

#: Gone at the second or third attempt.
PASSING = ["500", "429", "429-retry-after", "dropped", "slow"]
#: Leap calls these non-breaking.
NON_BREAKING = ["unknown-enum", "extra-fields"]
#: Kind → what the one sentence says to do.
LASTING = {
    "401": "set LEAP_API_KEY to a valid key",
    "403": "it is a key of another environment",
    "500": "The next sync tries again",
    "429": "The next sync tries again",
    "dropped": "The next sync tries again",
}
SEARCH = "/v2/meters/search"


@pytest.fixture
def link(rehearsal: str) -> Link:
    """A link whose customer has authorized; the portal does not know the meter yet."""
    link = make_link()
    run_case(link, Case.SUCCESS)
    return link


def read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages have one record each."""
    for search in (LeapClient.search_meter_details, LeapClient.search_meter_enrollments):
        monkeypatch.setitem(search.__kwdefaults__, "page_size", 1)


def test_every_kind_of_fault_is_met() -> None:
    assert {*PASSING, *NON_BREAKING, *LASTING, "stale-token"} == set(FaultKind.values)


@pytest.mark.parametrize("kind", PASSING)
def test_r18_a_fault_that_passes_is_survived(link: Link, manager: User, kind: str) -> None:
    add_fault(kind=kind, calls=2, seconds=0 if kind == "slow" else 7)
    waits: list[float] = []
    sync(pause=waits.append)
    assert not Fault.objects.exists()
    assert read_state(link, manager) == SUCCESS
    assert len(waits) == (0 if kind == "slow" else 2)
    if kind == "429-retry-after":
        assert min(waits) >= 7


@pytest.mark.parametrize("kind", NON_BREAKING)
def test_r18_what_leap_adds_one_day_is_kept_and_proves_all_the_same(link: Link, kind: str) -> None:
    add_fault(kind=kind)
    assert sync().malformed == 0
    link.refresh_from_db()
    assert (link.status, link.meter_matches.get().matched_by) == ("metered", "connection")
    meter = Meter.objects.get()
    if kind == "unknown-enum":
        assert (meter.utility_name, meter.utility, meter.status_words) == (
            "UTILITY_OF_TOMORROW",
            None,
            "STATUS_OF_TOMORROW",
        )
    else:
        assert meter.record["of_tomorrow"] == {"is_new": True}
    # Leap goes back to what it publishes: the meter does, too.
    clear_faults()
    sync(full=True)
    meter.refresh_from_db()
    assert (meter.utility_name, meter.enrollment_status) == ("PGE", "ELIGIBLE")
    assert "of_tomorrow" not in meter.record


@pytest.mark.parametrize(("kind", "words"), LASTING.items())
def test_r18_a_fault_that_stays_is_one_sentence_on_the_screen(
    link: Link, manager_client: Client, kind: str, words: str
) -> None:
    add_fault(kind=kind)
    with pytest.raises(SyncFailed, match=words) as failure:
        sync()
    assert "\n" not in str(failure.value)
    assert str(failure.value) in manager_client.get("/meters/sync/").content.decode().replace("&#x27;", "'")
    link.refresh_from_db()
    assert link.status == "authorized"
    # Once it is gone, the next sync has it all.
    clear_faults()
    assert sync().created == 1
    link.refresh_from_db()
    assert link.status == "metered"


@pytest.mark.parametrize("path", [SEARCH, "/v2/meters/enrollments/search"])
def test_r18_a_page_token_gone_stale_starts_the_list_anew_with_nothing_doubled(
    link: Link, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    read_one_by_one(monkeypatch)
    for _ in range(2):
        run_case(make_link(), Case.SUCCESS)
    add_fault(kind="stale-token", path=path, calls=1)
    run = sync()
    assert (run.state, run.created, Meter.objects.count(), MeterMatch.objects.count()) == ("done", 3, 3, 3)
    assert not Fault.objects.exists()
    # Three meters and three enrollments, and those read before the token was refused.
    assert run.pages > 6


def test_r18_a_sync_that_failed_midway_is_carried_on(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    read_one_by_one(monkeypatch)
    run_case(make_link(), Case.SUCCESS)
    add_fault(kind="403", path="/v2/meters/enrollments/search")
    with pytest.raises(SyncFailed):
        sync()
    clear_faults()
    failed = SyncRun.objects.first()
    assert failed is not None
    assert (failed.pages, Meter.objects.count()) == (2, 2)
    assert sync().pk == failed.pk
    assert set(Meter.objects.values_list("enrollment_status", flat=True)) == {"ELIGIBLE"}


def test_r3_events_with_an_old_secret_are_refused_and_come_again_once_it_is_registered(
    rehearsal: str, settings: Any, manager: User
) -> None:
    settings.LEAP_WEBHOOK_SECRET = "another-secret"
    link = make_link()
    run_case(link, Case.SUCCESS)
    assert not Event.objects.exists()
    assert {delivery.attempts.get().status_code for delivery in Delivery.objects.all()} == {401}
    assert register_webhook() is False
    pass_time(minutes=1)
    sync()
    assert read_state(link, manager) == SUCCESS
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


@pytest.mark.parametrize(("kind", "words"), [("401", "set LEAP_API_KEY"), ("403", "manage webhooks")])
def test_r3_a_webhook_that_cannot_be_registered_says_why(rehearsal: str, kind: str, words: str) -> None:
    add_fault(kind=kind, path="/v1.1/webhooks", calls=1)
    with pytest.raises(LeapError, match=words):
        register_webhook()
    assert [registration.is_current for registration in list_registrations()] == [True]
