"""The menu of test cases: for each where the browser ends, what is left behind, and what subscribers are told."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from portal.sandbox import clock
from portal.sandbox.cases import Case
from portal.sandbox.meters import settle
from portal.sandbox.models import Authorization, Meter, Session
from tests.sandbox.journey import LINK, Customer, returned_to

pytestmark = pytest.mark.django_db
Emitted = list[tuple[str, dict[str, Any]]]
URL = f"{LINK}?requestedUtilities=pge,sce&refId=REF-1&campaign=a%26b"
SESSION, AUTHORIZATION = "connect_session.updated", "connect_session.authorization_updated"


def send(case: Case, url: str = URL, days: str = "") -> Customer:
    """Open a link and send one case of the menu on its first page."""
    customer = Customer().open(url)
    assert "Test cases" in customer.html
    form = next(form for form in customer.forms() if 'name="case"' in form)
    assert f'value="{case.value}"' in form
    address = f"/sandbox/sessions/{customer.session.token}/case/"
    customer._arrive(customer.client.post(address, {"case": case.value, "days": days}), address)
    return customer


def told(emitted: Emitted, event_type: str) -> list[str]:
    return [payload["status"] for kind, payload in emitted if kind == event_type]


def is_back(customer: Customer) -> bool:
    """Whether the browser was sent to the confirmation page with the link's own parameters."""
    address, query = returned_to(customer.response)
    assert address == "http://testserver/leap/thanks"
    uuid.UUID(dict(query)["authorizationId"])
    return query[1:] == [("refId", "REF-1"), ("campaign", "a&b")]


@pytest.mark.parametrize(
    ("case", "utilities"),
    [
        (Case.SUCCESS, ["PGE"]),
        (Case.SEVERAL_METERS, ["PGE"] * 3),
        (Case.TWO_UTILITIES, ["PGE", "SCE"]),
    ],
)
def test_success_brings_meters_and_the_customer_back(case: Case, utilities: list[str], emitted: Emitted) -> None:
    assert is_back(send(case))
    assert list(Meter.objects.values_list("utility_name", flat=True)) == utilities
    assert {(meter.partner_reference, *meter.connection_references) for meter in Meter.objects.all()} == {
        ("REF-1", "REF-1")
    }
    assert told(emitted, AUTHORIZATION) == ["INITIATED", "COMPLETED"] * len(set(utilities))
    assert told(emitted, SESSION)[0] == "CREATED"
    assert told(emitted, SESSION)[-1] == "COMPLETED"
    created = [payload for kind, payload in emitted if kind == "meter.created"]
    assert len(created) == len(utilities)
    assert set(created[0]) == {"meter_id", "partner_reference", "transmission_region", "meter_type"}
    assert Session.objects.get().case == case.value


def test_enrolled_is_active_at_once_in_a_market_group(emitted: Emitted) -> None:
    assert is_back(send(Case.ENROLLED))
    meter = Meter.objects.get()
    assert meter.global_enrollment_status == "ACTIVE"
    assert meter.program_enrollment[0]["market_group_name"]
    assert meter.required_actions == {"partner": [], "leap": []}
    assert meter.action_types == ""
    group = next(payload for kind, payload in emitted if kind == "meter.enrollment.group.updated")
    assert group["meter_ids"] == [str(meter.meter_id)]


def test_a_success_is_active_after_two_weeks_of_registration() -> None:
    send(Case.SUCCESS)
    assert Meter.objects.get().global_enrollment_status == "ELIGIBLE"
    clock.move(by=timedelta(days=15))
    assert settle() == 1
    assert settle() == 0
    assert Meter.objects.get().global_enrollment_status == "ACTIVE"


def test_late_meters_appear_when_their_days_have_passed() -> None:
    before = clock.now()
    assert is_back(send(Case.LATE, days="4"))
    meter = Meter.objects.get()
    assert timedelta(days=4) <= meter.appears_at - before < timedelta(days=4, minutes=1)
    assert meter.created_at == meter.updated_at == meter.appears_at
    assert not Meter.objects.appeared(clock.now()).exists()
    clock.move(by=timedelta(days=4, minutes=1))
    assert Meter.objects.appeared(clock.now()).exists()


@pytest.mark.parametrize(
    ("case", "words", "reason"),
    [
        (Case.WRONG_PASSWORD, "The username or password is wrong", "wrong password"),
        (Case.SECOND_FACTOR, "That code is wrong", "wrong code"),
        (Case.CANCEL, "PG&E was not connected", "cancelled by the customer"),
        (Case.OUT_OF_SERVICE, "Out of service", "the utility is out of service"),
    ],
)
def test_a_failure_at_the_utility_leaves_the_customer_there(
    case: Case, words: str, reason: str, emitted: Emitted
) -> None:
    customer = send(case)
    assert words in customer.text
    authorization = Authorization.objects.get()
    assert (authorization.status, authorization.reason) == ("FAILED", reason)
    assert told(emitted, AUTHORIZATION) == ["INITIATED", "FAILED"]
    assert "CLOSED" not in told(emitted, SESSION)
    assert not Meter.objects.exists()


def test_a_customer_left_at_the_utility_can_go_on_by_hand() -> None:
    customer = send(Case.WRONG_PASSWORD).sign_in().consent()
    assert "PG&E connected" in customer.text


def test_rejected_terms_close_the_session(emitted: Emitted) -> None:
    customer = send(Case.TERMS_REJECTED)
    assert "This session has ended" in customer.text
    assert told(emitted, SESSION)[-1] == "CLOSED"
    assert told(emitted, AUTHORIZATION) == []


def test_a_closed_window_leaves_an_authorization_that_was_begun(emitted: Emitted) -> None:
    customer = send(Case.CLOSED_WINDOW)
    assert "No window is left" in customer.text
    assert told(emitted, AUTHORIZATION) == ["INITIATED"]
    assert told(emitted, SESSION)[-1] == "CLOSED"


def test_success_without_return_is_known_to_leap_alone(emitted: Emitted) -> None:
    customer = send(Case.NO_RETURN)
    assert "no browser comes back" in customer.text
    assert Meter.objects.get().partner_reference == "REF-1"
    assert told(emitted, AUTHORIZATION) == ["INITIATED", "COMPLETED"]
    assert "COMPLETED" not in told(emitted, SESSION)


def test_r16_a_forged_return_looks_like_any_other_and_leap_knows_nothing_of_it(emitted: Emitted) -> None:
    assert is_back(send(Case.FORGED))
    assert not Authorization.objects.exists()
    assert not Meter.objects.exists()
    assert [kind for kind, _ in emitted] == [SESSION]


def test_r13_without_a_ref_id_nothing_carries_one(emitted: Emitted) -> None:
    customer = send(Case.NO_REFERENCE)
    assert [name for name, _ in returned_to(customer.response)[1]] == ["authorizationId", "campaign"]
    meter = Meter.objects.get()
    assert (meter.partner_reference, meter.connection_references) == ("", [])
    assert "partner_customer_reference" not in meter.details["customer"]
    assert not any("partner_reference" in payload for _, payload in emitted[1:])


def test_a_shared_meter_has_two_ref_ids_whether_or_not_there_was_one() -> None:
    assert is_back(send(Case.SHARED_METER))
    meter = Meter.objects.get()
    assert meter.connection_references[0].startswith("neighbour-")
    assert meter.connection_references[1] == "REF-1"
    Meter.objects.all().delete()
    send(Case.SUCCESS, URL.replace("REF-1", "REF-2"))
    send(Case.SHARED_METER, URL.replace("REF-1", "REF-3"))
    assert Meter.objects.get().connection_references == ["REF-2", "REF-3"]


def test_another_authorization_is_needed_later_and_resolved_by_it(emitted: Emitted) -> None:
    assert is_back(send(Case.REAUTHORIZE, days="30"))
    assert not Meter.objects.get().partner_action_required
    clock.move(by=timedelta(days=31))
    settle()
    meter = Meter.objects.get()
    assert meter.partner_action_required
    assert meter.required_actions["partner"][0]["action_code"] == "AUTH_0001"
    assert "IS_AUTHORIZED" in meter.action_types
    del emitted[:]
    send(Case.SHARED_METER, URL.replace("REF-1", "REF-2"))
    meter.refresh_from_db()
    assert not meter.partner_action_required
    actions = [payload for kind, payload in emitted if kind == "meter.enrollment.required-actions.updated"]
    assert [payload["required_actions"] for payload in actions] == [{}]


def test_the_same_link_used_again_is_the_same_customer_and_renews_the_authorization() -> None:
    send(Case.REAUTHORIZE, days="0")
    assert Meter.objects.get().partner_action_required
    assert is_back(send(Case.SUCCESS))
    meter = Meter.objects.get()
    assert not meter.partner_action_required
    assert meter.connection_references == ["REF-1"]
    assert meter.references.get().authorization == Authorization.objects.last()


def test_an_archived_meter() -> None:
    assert is_back(send(Case.ARCHIVED))
    assert Meter.objects.get().is_archived
    clock.move(by=timedelta(days=20))
    settle()
    assert Meter.objects.get().global_enrollment_status == "ELIGIBLE", "what is gone is enrolled in nothing more"


def test_a_conflicting_program(emitted: Emitted) -> None:
    assert is_back(send(Case.CONFLICT))
    meter = Meter.objects.get()
    assert meter.global_enrollment_status == "INELIGIBLE"
    assert meter.required_actions["partner"][0]["action_type"] == "NOT_ENROLLED_IN_CONFLICTING_PROGRAM"
    clock.move(by=timedelta(days=20))
    settle()
    meter.refresh_from_db()
    assert meter.global_enrollment_status == "INELIGIBLE"


def test_every_case_of_the_menu_is_tested_here() -> None:
    source = __import__("pathlib").Path(__file__).read_text()
    assert [case.name for case in Case if f"Case.{case.name}" not in source] == []


@pytest.mark.parametrize("case", sorted(set(Case) - {Case.TERMS_REJECTED, Case.TWO_UTILITIES}))
def test_legacy_takes_every_case_but_two(case: Case) -> None:
    customer = send(case, "/sandbox/acme-energy/pge/getting-started?refId=REF-1")
    assert customer.response.status_code in {200, 302}
    assert "not possible" not in customer.text


def test_what_a_link_cannot_take_is_refused_with_nothing_done(emitted: Emitted) -> None:
    customer = send(Case.TWO_UTILITIES, "/sandbox/acme-energy/pge/getting-started?refId=REF-1")
    assert customer.response.status_code == 409
    assert "Legacy leads to one utility only" in customer.text
    assert told(emitted, AUTHORIZATION) == ["INITIATED"]
    assert Session.objects.get().case == ""


def test_sending_twice_runs_once() -> None:
    customer = send(Case.SUCCESS)
    again = customer.client.post(f"/sandbox/sessions/{customer.session.token}/case/", {"case": "success"})
    assert again.status_code == 409
    assert Meter.objects.count() == 1


def test_the_menu_is_gone_once_the_customer_met_a_utility() -> None:
    customer = Customer().open(URL).press("value", "RESIDENTIAL").press("step", "agree", agreed="yes")
    assert "Test cases" in customer.html
    customer.press("value", "pge")
    assert "Test cases" not in customer.html
