"""Walks by hand through the sandbox's pages: order, words and choices of Leap's page (R3, R5, R8, R15, R20)."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.sandbox import clock
from portal.sandbox.models import Authorization, Flow, Meter, Session
from tests.sandbox.journey import LINK, Customer, returned_to

pytestmark = pytest.mark.django_db
Emitted = list[tuple[str, dict[str, Any]]]


def make_flow(**values: Any) -> Flow:
    defaults = {
        "org_name": "acme-energy",
        "title": "summer-savings",
        "brand_name": "Acme Energy",
        "regions": ["CAISO", "NYISO"],
        "customer_types": ["RESIDENTIAL", "COMMERCIAL"],
        "terms": "",
        "final_redirect_url": "https://partner.example/leap/thanks",
        "created_at": clock.now(),
    }
    return Flow.objects.create(**{**defaults, **values})


def statuses(emitted: Emitted, event_type: str) -> list[str]:
    return [payload["status"] for kind, payload in emitted if kind == event_type]


def test_r3_r15_a_residential_customer_walks_the_five_steps(emitted: Emitted) -> None:
    customer = Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-1&utm_source=mail")
    assert "What are you connecting?" in customer.text  # the utility settled the region
    customer.press("value", "RESIDENTIAL")
    assert "Demand Response Agreement" in customer.text
    customer.press("step", "agree", agreed="yes")
    assert customer.utilities[0] == "pge"
    customer.press("value", "pge")
    assert "Sign in to share your data" in customer.text
    customer.sign_in().consent(0, 1)
    assert "PG&E connected" in customer.text
    customer.press("step", "finish")
    authorization = Authorization.objects.get()
    address, query = returned_to(customer.response)
    assert address == "http://testserver/leap/thanks"
    assert query == [
        ("authorizationId", str(authorization.authorization_id)),
        ("refId", "R-1"),
        ("utm_source", "mail"),
    ]
    assert statuses(emitted, "connect_session.updated")[0] == "CREATED"
    assert statuses(emitted, "connect_session.updated")[-1] == "COMPLETED"
    assert set(statuses(emitted, "connect_session.updated")[1:-1]) == {"UPDATED"}
    assert statuses(emitted, "connect_session.authorization_updated") == ["INITIATED", "COMPLETED"]
    assert [set(payload) for kind, payload in emitted if kind.startswith("connect_session.auth")] == [
        {"partner_reference", "utility_name", "status"}
    ] * 2
    assert Meter.objects.count() == 2
    assert {meter.partner_reference for meter in Meter.objects.all()} == {"R-1"}


def test_r8_blank_shows_all_utilities_of_the_chosen_region() -> None:
    make_flow()
    customer = Customer().open(LINK)
    assert customer.utilities == ["CAISO", "NYISO"]
    customer.press("value", "NYISO").press("value", "RESIDENTIAL")
    assert customer.utilities == ["cecony-utilityapi", "oru-utilityapi", "psegli-utilityapi"]
    assert "required" not in customer.text
    assert "Show all utilities" not in customer.text


def test_r8_residential_sees_the_requested_ones_and_the_rest_on_demand() -> None:
    make_flow()
    customer = Customer().open(f"{LINK}?requestedUtilities=sdge,sce").press("value", "RESIDENTIAL")
    assert customer.utilities == ["sdge", "sce", "pge"]
    before, _, behind = customer.html.partition("<summary>Show all utilities</summary>")
    assert 'value="sce"' in before
    assert 'value="pge"' not in before
    assert 'value="pge"' in behind
    assert "required" not in customer.text


def test_r8_commercial_sees_the_requested_ones_labelled_required() -> None:
    make_flow()
    customer = Customer().open(f"{LINK}?requestedUtilities=sce").press("value", "COMMERCIAL")
    assert "Southern California Edison required" in customer.text
    assert "PG&E required" not in customer.text
    assert "Show all utilities" not in customer.text


def test_r20_several_utilities_in_one_session() -> None:
    make_flow(customer_types=["COMMERCIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge,sce&refId=R-2")
    customer.press("value", "pge").sign_in().consent()
    assert "Still required: Southern California Edison" in customer.text
    customer.open(f"{customer.address}?show=utilities").press("value", "sce").sign_in().consent()
    assert "Still required" not in customer.text
    customer.press("step", "finish")
    assert returned_to(customer.response)[1][1] == ("refId", "R-2")
    assert set(Meter.objects.values_list("utility_name", "partner_reference")) == {("PGE", "R-2"), ("SCE", "R-2")}
    assert Session.objects.count() == 1


def test_r20_utilities_of_two_markets_in_one_session() -> None:
    make_flow(customer_types=["COMMERCIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge,cecony-utilityapi&refId=R-13")
    assert customer.utilities[:2] == ["pge", "cecony-utilityapi"]
    assert {"sce", "oru-utilityapi"} < set(customer.utilities)
    for utility_id in ("pge", "cecony-utilityapi"):
        customer.open(f"/sandbox/sessions/{customer.session.token}/?show=utilities")
        customer.press("value", utility_id).sign_in().consent()
    customer.press("step", "finish")
    assert set(Meter.objects.values_list("transmission_region", flat=True)) == {"CAISO", "NYISO"}


def test_submitting_twice_shares_once(emitted: Emitted) -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-14").press("value", "pge").sign_in()
    form = {"act": "consent", "years": "3", "accounts": re.findall(r'name="accounts"\s+value="(\d+)"', customer.html)}
    first, second = (customer.client.post(customer.address, form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Meter.objects.count() == 3
    assert statuses(emitted, "connect_session.authorization_updated") == ["INITIATED", "COMPLETED"]


def test_a_utilitys_page_is_over_with_its_session() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge")
    clock.move(by=timedelta(hours=25))
    customer.sign_in()
    assert "This session has ended" in customer.text


def test_r15_a_link_without_a_ref_id_brings_none_back_and_no_event_invents_one(emitted: Emitted) -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge").sign_in().consent()
    customer.press("step", "finish")
    assert [name for name, _ in returned_to(customer.response)[1]] == ["authorizationId"]
    assert emitted
    assert not any("partner_reference" in payload for _, payload in emitted)
    assert Meter.objects.get().connection_references == []


def test_r15_without_a_confirmation_page_leap_thanks() -> None:
    make_flow(customer_types=["RESIDENTIAL"], final_redirect_url="")
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge").sign_in().consent()
    customer.press("step", "finish")
    assert customer.response.status_code == 200
    assert "Thank you" in customer.text


def test_terms_after_the_utility_are_asked_before_the_end() -> None:
    make_flow(terms="Generator Agreement", terms_after_utility=True, customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge")
    assert "Generator Agreement" not in customer.text
    customer.press("value", "pge").sign_in().consent().press("step", "finish")
    assert "Generator Agreement" in customer.text
    customer.press("step", "agree", agreed="yes")
    assert customer.response.status_code == 302


def test_terms_before_the_utility_cannot_be_jumped_over() -> None:
    make_flow(terms="Agreement", customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge")
    customer.client.post(customer.address, {"step": "utility", "value": "pge"})
    customer.client.post(customer.address, {"step": "agree"})
    customer.client.post(customer.address, {"step": "finish"})
    assert not Authorization.objects.exists()
    assert customer.session.status == "CREATED"


def test_declined_terms_close_the_session_for_good(emitted: Emitted) -> None:
    make_flow(terms="Agreement", customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-3").press("step", "leave")
    assert "This session has ended" in customer.text
    customer.client.post(customer.address, {"step": "agree", "agreed": "yes"})
    assert statuses(emitted, "connect_session.updated") == ["CREATED", "CLOSED"]


def test_r4_r5_legacy_goes_straight_to_the_utility_without_terms(emitted: Emitted) -> None:
    customer = Customer().open("/sandbox/acme-energy/pge/getting-started?refId=R-4")
    assert "Sign in to share your data" in customer.text
    customer.sign_in().consent()
    address, query = returned_to(customer.response)
    assert address == "http://testserver/leap/thanks"
    assert query[1] == ("refId", "R-4")
    assert statuses(emitted, "connect_session.updated") == []
    assert statuses(emitted, "connect_session.authorization_updated") == ["INITIATED", "COMPLETED"]


def test_legacy_after_a_cancel_offers_the_utility_once_more(emitted: Emitted) -> None:
    customer = Customer().open("/sandbox/acme-energy/sce/getting-started?refId=R-5").press("act", "cancel")
    assert "was not connected" in customer.text
    customer.press("step", "utility").sign_in().consent()
    assert customer.response.status_code == 302
    events = statuses(emitted, "connect_session.authorization_updated")
    assert events == ["INITIATED", "FAILED", "INITIATED", "COMPLETED"]


def test_r6_the_newer_address_asks_neither_region_nor_customer_type() -> None:
    make_flow(title="")
    customer = Customer().open("/sandbox/?transmissionRegion=NYISO&variant=COMMERCIAL&account=acme-energy&ref-id=R-6")
    assert customer.utilities[0] == "cecony-utilityapi"
    customer.press("value", "cecony-utilityapi").sign_in().consent().press("step", "finish")
    assert ("refId", "R-6") in returned_to(customer.response)[1]
    assert Meter.objects.get().customer_classification == "COMMERCIAL"


def test_agreements_only_ends_after_the_signature_without_an_authorization() -> None:
    customer = Customer().open(
        "/sandbox/?transmissionRegion=PJM&variant=COMMERCIAL_AGREEMENTS_ONLY&account=acme-energy&refId=R-7"
    )
    customer.press("step", "agree", agreed="yes")
    assert returned_to(customer.response)[1] == [("refId", "R-7")]


def test_a_wrong_password_fails_and_the_right_one_begins_anew(emitted: Emitted) -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-8").press("value", "pge")
    customer.sign_in(password="wrong")
    assert "The username or password is wrong" in customer.text
    customer.sign_in().consent()
    assert "PG&E connected" in customer.text
    events = statuses(emitted, "connect_session.authorization_updated")
    assert events == ["INITIATED", "FAILED", "INITIATED", "COMPLETED"]


def test_the_second_factor_is_asked_where_it_is_configured_and_can_fail() -> None:
    make_flow(customer_types=["RESIDENTIAL"], asks_second_factor=True)
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge").sign_in()
    assert "Enter your code" in customer.text
    customer.press("act", "code", code="000000")
    assert "That code is wrong" in customer.text
    customer.sign_in().press("act", "code", code="123456").consent()
    assert "PG&E connected" in customer.text
    assert list(Authorization.objects.values_list("status", "reason")) == [("FAILED", "wrong code"), ("COMPLETED", "")]


def test_guest_access_is_pges_alone() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=sce,pge").press("value", "sce")
    assert "Guest access" not in customer.text
    customer.press("act", "cancel").press("value", "pge")
    customer.press("act", "guest", account_number="12345678901", phone="5550100").consent()
    assert "PG&E connected" in customer.text


def test_an_outage_and_a_cancel_lead_back_to_the_choice() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge").sign_in(username="down")
    assert "Out of service" in customer.text
    customer.open(f"/sandbox/sessions/{customer.session.token}/")
    assert "PG&E was not connected" in customer.text


def test_nothing_ticked_is_nothing_shared() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge").sign_in()
    customer.press("act", "consent", accounts=[], years="3")
    assert "Tick one account at least" in customer.text
    customer.press("act", "consent", accounts=["1234567890"], years="3")
    assert not Meter.objects.exists()


def test_the_same_sign_in_at_another_link_is_the_same_meter_under_both_ref_ids() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    for reference_id in ("R-9", "R-10"):
        Customer().open(f"{LINK}?requestedUtilities=pge&refId={reference_id}").press("value", "pge").sign_in().consent()
    meter = Meter.objects.get()
    assert meter.connection_references == ["R-9", "R-10"]
    assert meter.partner_reference == "R-9"


def test_a_session_is_over_after_24_idle_hours_and_the_link_begins_another() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-11")
    address = customer.address
    clock.move(by=timedelta(hours=24, minutes=1))
    customer.open(address)
    assert "Nothing happened in it for 24 hours" in customer.text
    customer.open(f"{LINK}?requestedUtilities=pge&refId=R-11")
    assert "Choose your utility" in customer.text
    assert Session.objects.count() == 2


def test_a_reload_of_the_first_page_begins_no_other_session() -> None:
    customer = Customer().open(LINK)
    customer.open(customer.address).open(customer.address)
    assert Session.objects.count() == 1


def test_the_portals_own_confirmation_page_is_where_the_browser_is() -> None:
    """PUBLIC_URL may have had another port when the flow was configured, at its first visit."""
    Customer().open(LINK)
    customer = Customer()
    customer.client = Client(headers={"host": "localhost:8125"})
    customer.open(f"{LINK}?requestedUtilities=pge&refId=R-12").press("value", "RESIDENTIAL")
    customer.press("step", "agree", agreed="yes").press("value", "pge").sign_in().consent().press("step", "finish")
    address, _ = returned_to(customer.response)
    assert address == "http://localhost:8125/leap/thanks"


def test_an_unknown_flow_is_configured_at_its_first_visit() -> None:
    with time_machine.travel("2026-11-24 12:00Z", tick=False):
        Customer().open("/sandbox/sunny-homes/winter/")
    flow = Flow.objects.get()
    assert (flow.brand_name, flow.final_redirect_url) == ("Sunny Homes", "/leap/thanks")
    assert (flow.regions, flow.customer_types) == (["CAISO", "NYISO"], ["RESIDENTIAL", "COMMERCIAL"])
    assert flow.created_at.isoformat() == "2026-11-24T12:00:00+00:00"


def test_r7_branding_is_the_flows_and_the_policy_lets_its_form_end_at_the_partner() -> None:
    make_flow(brand_name="Bright <b>Co", brand_colour="plum")
    customer = Customer().open(LINK)
    assert "Bright &lt;b&gt;Co" in customer.html
    assert 'class="brand-plum"' in customer.html
    assert "form-action 'self' https://partner.example;" in customer.response.headers["Content-Security-Policy"]


def test_an_unknown_utility_is_leaps_error_page() -> None:
    response = Client().get(f"{LINK}?requestedUtilities=nobody")
    assert response.status_code == 404
    assert "Something is wrong with this link" in response.content.decode()


def test_nothing_typed_at_the_utility_is_kept() -> None:
    make_flow(customer_types=["RESIDENTIAL"])
    customer = Customer().open(f"{LINK}?requestedUtilities=pge").press("value", "pge")
    customer.sign_in(username="maria.lopez", password="hunter22")
    kept = str([*Session.objects.values(), *Authorization.objects.values()])
    assert "maria" not in kept
    assert "hunter22" not in kept


def test_the_testers_home_shows_flows_sessions_and_meters_and_edits_a_flow(admin_client: Client) -> None:
    flow = make_flow(customer_types=["RESIDENTIAL"])
    Customer().open(f"{LINK}?requestedUtilities=pge&refId=R-12").press("value", "pge").sign_in().consent()
    home = admin_client.get("/sandbox/").content.decode()
    assert "acme-energy/summer-savings" in home
    assert "R-12" in home
    address = f"/sandbox/tester/flows/{flow.pk}/"
    form = admin_client.get(address).context["form"]
    data = {**form.initial, "terms": "One\nTwo", "regions": ["NYISO"], "final_redirect_url": "javascript:alert(1)"}
    refused = admin_client.post(address, data)
    assert "Write the whole address" in refused.content.decode()
    assert admin_client.post(address, {**data, "final_redirect_url": ""}).status_code == 302
    flow.refresh_from_db()
    assert (flow.term_names, flow.regions, flow.final_redirect_url) == (["One", "Two"], ["NYISO"], "")
