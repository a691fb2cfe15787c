"""Every role in a real browser: own home, no page wider than its window, nothing from another host."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from portal.accounts.models import User
from portal.authorizations.models import ImportState
from portal.authorizations.services.links import issue_shared_link
from tests.browser.conftest import sign_in
from tests.factories import (
    make_campaign,
    make_customer,
    make_flow,
    make_import,
    make_landing_page,
    make_legacy_flow,
    make_link,
    make_paper,
    make_print_job,
    make_scan,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A row that changes a customer, one that is new, two that are refused; and words that no table has room for.
CSV = """Customer ID,Name,Email,Street Address,Utility,What the previous contractor wrote about the installation
A-1,Bartholomew Featherstonehaugh-Cholmondeley,bartholomew.featherstonehaugh@example.com,130 Maple St,pge,
A-2,Ines Duarte,ines@example.com,1 A-Street-Whose-Name-Is-Longer-Than-Any-Telephone-Is-Wide,pge,Call_before_coming_by
A-3,Frank O’Brien,not-an-email-but-long-enough-to-be-wider-than-the-screen-of-a-telephone,2 Elm St,pge,
A-4,Hal Ito,hal@example.com,3 Elm St,coned,
"""
IMPORT_STATES = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.APPLIED)


@pytest.mark.parametrize(
    ("username", "words"),
    [("ada", "Before the first link"), ("maya", "Needs you today"), ("sam", "Add customer and show code")],
)
def test_each_role_signs_in_to_its_own_home(
    live_server: Any, new_page: Callable[..., Page], admin: User, manager: User, rep: User, username: str, words: str
) -> None:
    page = new_page()
    sign_in(page, live_server.url, username)
    assert words in page.inner_text("main")


def test_wrong_password_is_said_and_signs_nobody_in(
    live_server: Any, new_page: Callable[..., Page], manager: User
) -> None:
    page = new_page()
    page.goto(f"{live_server.url}/")
    page.fill("input[name=username]", "maya")
    page.fill("input[name=password]", "wrong")
    page.click("main button[type=submit]")
    assert "That name and password do not belong together." in page.inner_text("main")


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window_and_nothing_comes_from_another_host(
    live_server: Any, new_page: Callable[..., Page], admin: User, rep: User, width: int
) -> None:
    flow, legacy = make_flow(name="Connect, both regions"), make_legacy_flow()
    campaign = make_campaign(flow=flow, owner=admin)
    make_customer(external_id="A-1")
    customer = make_customer(name="Bartholomew Featherstonehaugh-Cholmondeley", company="Davis, Aguilar and Browning")
    link = make_link(customer=customer, flow=flow, campaign=campaign, issued_by=admin)
    issue_shared_link(flow=legacy, label="poster", utilities=[legacy.utilities.first()], issued_by=admin)
    paper = make_paper(customer=customer, recorded_by=admin, scan=make_scan(name="W" * 300 + ".pdf"))
    printed = make_print_job(links=[link], created_by=admin)
    uploaded, checked, applied = (
        make_import(text=CSV, flow=flow, uploaded_by=admin, until=state) for state in IMPORT_STATES
    )
    landing_page = make_landing_page(flow=flow)
    page = new_page(width=width, missing=("/go/unknown-code",))
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(live_server.url) else foreign.append(request.url))
    sign_in(page, live_server.url, "ada")
    addresses = [
        reverse(name)
        for name in (
            "home",
            "customer_list",
            "customer_create",
            "customer_import",
            "campaign_list",
            "campaign_create",
            "link_list",
            "link_issue",
            "link_issue_shared",
            "print_list",
            "print_create",
            "paper_list",
            "confirmation_list",
            "flow_list",
            "flow_create",
            "utility_list",
            "user_list",
            "installation_update",
            "confirmation_request",
            "door_app",
            "door_customer",
            "rep_list",
        )
    ]
    addresses += [
        reverse("link_detail", args=[link.pk]),
        reverse("link_embed", args=[link.pk]),
        reverse("link_code", args=[link.pk]),
        reverse("link_void", args=[link.pk]),
        reverse("link_replace", args=[link.pk]),
        f"{reverse('link_issue')}?customer={customer.pk}",
        reverse("customer_detail", args=[customer.pk]),
        reverse("customer_update", args=[customer.pk]),
        reverse("customer_paper", args=[customer.pk]),
        reverse("paper_detail", args=[paper.pk]),
        reverse("paper_withdraw", args=[paper.pk]),
        reverse("customer_call", args=[customer.pk]),
        reverse("rep_kit", args=[rep.pk]),
        reverse("customer_import_columns", args=[uploaded.pk]),
        reverse("customer_import_detail", args=[checked.pk]),
        reverse("customer_import_detail", args=[applied.pk]),
        reverse("campaign_detail", args=[campaign.pk]),
        reverse("flow_update", args=[flow.pk]),
        reverse("flow_request", args=[flow.pk]),
        reverse("flow_embed", args=[flow.pk]),
        reverse("start", args=[landing_page.slug]),
        reverse("start_sent", args=[landing_page.slug, "es"]),
        f"{reverse('print_create')}?mark=unprinted",
        reverse("print_detail", args=[printed.pk]),
        reverse("printer_settings", args=["letter-window"]),
        "/leap/thanks",
        "/go/unknown-code",
    ]
    too_wide = []
    for address in addresses:
        response = page.goto(f"{live_server.url}{address}")
        assert response is not None
        assert response.status == (404 if address.startswith("/go/") else 200), address
        page.wait_for_load_state("load")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(address)
    assert too_wide == []
    assert foreign == []
