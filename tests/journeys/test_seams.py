"""Where the portal and its Leap meet again: second tries, successors, two links of one meter, worker, webhook."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.accounts.models import User
from portal.authorizations.management.looks import MeterSyncer
from portal.authorizations.models import Event, Meter, SyncRun
from portal.authorizations.services.links import replace_link, void_link
from portal.sandbox.cases import Case
from portal.sandbox.models import Webhook
from tests.factories import make_customer, make_flow, make_link, make_shared_link
from tests.journeys.rehearsal import pass_time, read_state, run_case, sync
from tests.journeys.test_every_case import SUCCESS

pytestmark = pytest.mark.django_db(transaction=True)


def test_r3_whoever_fails_first_and_then_succeeds_has_not_failed(rehearsal: str, manager: User) -> None:
    link = make_link()
    run_case(link, Case.WRONG_PASSWORD)
    assert read_state(link, manager).failed
    run_case(link, Case.SUCCESS)
    sync()
    assert read_state(link, manager) == SUCCESS


def test_r3_whoever_succeeds_first_and_then_fails_has_not_failed_either(rehearsal: str, manager: User) -> None:
    link = make_link()
    run_case(link, Case.SUCCESS)
    run_case(link, Case.CANCEL)
    sync()
    assert read_state(link, manager) == SUCCESS


def test_r14_a_short_link_that_was_replaced_leads_to_its_successor_which_is_metered(rehearsal: str) -> None:
    old = make_link()
    new = replace_link(link=old, issued_by=None)
    run_case(old, Case.SUCCESS)
    sync()
    for link in (old, new):
        link.refresh_from_db()
    assert (old.status, new.status) == ("issued", "metered")
    assert new.visits.get().via == old


def test_r14_a_void_link_leads_nowhere_and_what_leap_said_before_stays(rehearsal: str, manager: User) -> None:
    link = make_link()
    run_case(link, Case.SUCCESS)
    void_link(link=link, voided_by=manager, reason="moved away")
    sync()
    assert read_state(link, manager) == SUCCESS
    with pytest.raises(CommandError, match="1 of 1 links were refused"):
        run_case(link, Case.SUCCESS)


def test_r14_one_meter_under_two_reference_ids_is_metered_on_both_links(rehearsal: str, manager: User) -> None:
    first, second = make_link(), make_link()
    run_case(first, Case.SUCCESS)
    run_case(second, Case.SHARED_METER)
    sync()
    assert Meter.objects.get().connection_references == [first.reference_id, second.reference_id]
    for link in (first, second):
        link.refresh_from_db()
        assert (link.status, link.meter_matches.get().matched_by) == ("metered", "connection")


def test_r14_an_authorization_that_is_given_again_is_asked_for_no_more(rehearsal: str, manager: User) -> None:
    link = make_link()
    run_case(link, Case.REAUTHORIZE)
    pass_time(days=30)
    sync()
    assert Meter.objects.get().needs_authorization
    run_case(link, Case.SUCCESS)
    sync()
    assert not Meter.objects.get().needs_authorization


def test_r13_a_posters_link_is_walked_by_many(rehearsal: str) -> None:
    link = make_shared_link()
    for case in (Case.SUCCESS, Case.WRONG_PASSWORD, Case.NO_RETURN):
        run_case(link, case)
    sync()
    link.refresh_from_db()
    assert (link.failed_at, link.visits.count(), link.confirmations.count()) == (None, 3, 1)
    assert link.meter_matches.exists()


@pytest.mark.parametrize("customer_type", ["residential", "commercial"])
def test_r4_the_newer_address_is_walked_like_the_older(rehearsal: str, manager: User, customer_type: str) -> None:
    flow = make_flow(
        address="regional",
        title="",
        region="CAISO",
        variant=customer_type.upper(),
        customer_types=customer_type,
        utilities=("pge", "sce", "sdge"),
    )
    link = make_link(flow=flow, customer=make_customer(customer_type=customer_type))
    run_case(link, Case.SUCCESS)
    sync()
    assert read_state(link, manager) == SUCCESS
    assert Meter.objects.get().classification == customer_type.upper()


def test_r18_the_worker_syncs_as_soon_as_an_event_tells_of_a_meter_and_not_before(rehearsal: str) -> None:
    worker = MeterSyncer(15 * 60)
    worker.act()
    runs = SyncRun.objects.count()
    link = make_link()
    run_case(link, Case.WRONG_PASSWORD)
    worker.act()
    assert SyncRun.objects.count() == runs
    run_case(link, Case.SUCCESS)
    worker.act()
    worker.act()
    assert SyncRun.objects.count() == runs + 1
    link.refresh_from_db()
    assert link.status == "metered"


def test_r3_the_webhook_is_registered_once_tested_and_removed(rehearsal: str) -> None:
    out = StringIO()
    call_command("register_webhook", test=True, stdout=out)
    assert "Leap’s test event arrived" in out.getvalue()
    assert Event.objects.get().event_type == "meter.created"
    assert Webhook.objects.count() == 1
    call_command("register_webhook", remove=True, stdout=out)
    run_case(make_link(), Case.SUCCESS)
    assert Event.objects.count() == 1
