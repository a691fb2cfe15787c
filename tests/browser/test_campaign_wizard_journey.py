"""A manager's email campaign in a real browser: from the list of customers to mails on a real SMTP server."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.authorizations.models import Campaign, Installation, Link
from portal.authorizations.services.mailings import send_due_mails
from tests.browser.conftest import PHONE, sign_in
from tests.factories import make_customer, make_flow
from tests.smtp_server import smtp_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_audience_to_the_mail_in_the_inbox(
    live_server: Any, new_page: Callable[..., Page], manager: User, leap: str, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    values = {"partner_name": "Acme Energy", "postal_address": "1 Main St, Fresno, CA 93722", "mails_per_minute": 600}
    Installation.objects.update_or_create(id=1, defaults={"leap_environment": "production", **values})
    Installation.objects.forget()
    make_flow(name="California", utilities=["pge", "sce"])
    rosa = make_customer(name="Rosa", email="rosa@example.com", utility="pge")
    make_customer(name="Bob", email="bob@example.com", utility="cecony-utilityapi")
    make_customer(name="Eve", email="")

    with smtp_server(settings) as box:
        page = new_page()
        sign_in(page, live_server.url, "maya")
        page.goto(f"{live_server.url}/customers/")
        page.get_by_label("Choose every row of this page").check()
        page.get_by_role("button", name="New campaign…").click()
        expect(page.locator("main")).to_contain_text("3 ticked customers")
        page.get_by_label("Name").fill("Spring letters")
        page.get_by_label("Channel").select_option("email")
        page.get_by_role("button", name="Make a draft and go on").click()

        # Somebody else's choice after all: everybody in California's region, counted as it is typed.
        page.get_by_role("link", name="Customers that match a filter").click()
        expect(page.locator("#campaign-count .figure")).to_contain_text("3")
        page.get_by_label("Search").fill("zzz")
        expect(page.locator("#campaign-count .figure")).to_contain_text("0")
        page.get_by_label("Search").fill("")
        expect(page.locator("#campaign-count .figure")).to_contain_text("3")
        expect(page.locator("#campaign-count")).to_contain_text("1 · No email address")
        page.get_by_role("button", name="Save and go on").click()

        page.get_by_label("California").check()
        expect(page.locator("#id_requested_utilities input")).to_have_count(2)
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator(".steps [aria-current]")).to_have_text("Message")
        page.get_by_label("Subject").first.fill("Hello {name} from {partner}")
        page.get_by_role("button", name="Save and go on").click()

        # Back, forward and a reload lose nothing.
        expect(page.get_by_role("button", name="Launch for 1 customer")).to_be_enabled()
        page.go_back()
        expect(page.get_by_label("Subject").first).to_have_value("Hello {name} from {partner}")
        page.go_forward()
        page.reload()
        main = page.locator("main")
        expect(main).to_contain_text("This customer’s utility is Consolidated Edison (ConEd)")
        expect(main.locator(".url-box")).to_contain_text(f"{leap}/acme-energy/summer-dr/?requestedUtilities=pge&refId=")
        page.get_by_role("button", name="Launch for 1 customer").click()

        expect(main).to_contain_text("1 issued")
        expect(main).to_contain_text("1 queued")
        campaign = Campaign.objects.get()
        link = Link.objects.get()
        assert (link.customer, link.campaign, campaign.state) == (rosa, campaign, "running")
        assert send_due_mails(now=timezone.now(), most=10) == 1
        mail = box.mail_to("rosa@example.com")

    assert mail["Subject"] == "Hello Rosa from Acme Energy"
    body = mail.get_body(("plain",))
    assert body is not None
    assert link.short_url in body.get_content()

    phone = new_page(width=390, height=844, user_agent=PHONE)
    phone.goto(link.short_url)
    phone.click("text=I agree")
    expect(phone.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{live_server.url}/campaigns/{campaign.pk}/")
    expect(page.locator(".stat-saw .stat-value")).to_have_text("1")
    expect(page.locator(".stat-claims .stat-value")).to_have_text("1")
    expect(page.locator(".stat-leap .stat-value")).to_have_text("0")

    page.get_by_role("link", name="Close…").click()
    page.get_by_role("button", name="Close it for good").click()
    expect(page.locator("main h1")).to_contain_text("closed")
    Installation.objects.forget()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits(
    live_server: Any, new_page: Callable[..., Page], manager: User, settings: Any, width: int
) -> None:
    """No page is wider than the screen."""
    settings.PUBLIC_URL = live_server.url
    flow = make_flow(name="California")
    make_customer()
    draft = Campaign.objects.create(
        name="A campaign with a long name, of the kind that people give: Fresno, doors, spring",
        flow=flow,
        owner=manager,
        channel="door",
        state="draft",
        audience={"kind": "filter", "query": ""},
    )
    running = Campaign.objects.create(name="Runs", flow=flow, owner=manager, channel="door")
    page = new_page(width=width)
    sign_in(page, live_server.url, "maya")
    pages = [f"{draft.pk}/{step}" for step in ("edit", "audience", "flow", "print", "review")]
    pages += [f"{running.pk}", f"{running.pk}/close", "new", f"compare/?campaign={running.pk}&campaign={draft.pk}"]
    for each in pages:
        page.goto(f"{live_server.url}/campaigns/{each}{'' if '?' in each else '/'}")
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, each
