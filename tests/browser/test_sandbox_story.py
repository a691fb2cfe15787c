"""The whole journey in a real browser: from the issued short link through the sandbox's pages to "metered"."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.authorizations.models import Event, Flow, Link, Meter
from tests.browser.conftest import PHONE, sign_in
from tests.factories import get_utilities, make_customer, make_flow, make_legacy_flow, make_link
from tests.journeys.conftest import rehearsal

__all__ = ["rehearsal"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button; nothing on the page that it stands on is wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name=name).click()


def agree(page: Page) -> None:
    page.get_by_role("checkbox").check()
    press(page, "Agree and go on")


def consent_at_utility(page: Page) -> None:
    page.get_by_label("Username", exact=True).fill("rosa")
    page.get_by_label("Password", exact=True).fill("sunshine")
    press(page, "Sign in")
    press(page, "Submit")


def walk_home(page: Page) -> None:
    """A household: the requested utility stands first, the others behind a click."""
    press(page, "My home")
    agree(page)
    expect(page.get_by_role("button", name="Southern California Edison")).to_be_hidden()
    press(page, "PG&E")
    consent_at_utility(page)
    press(page, "Finish")


def walk_business(page: Page) -> None:
    """A business: what is requested is required, one utility after the other."""
    press(page, "A business")
    agree(page)
    press(page, re.compile("PG&E.*required", re.IGNORECASE))
    consent_at_utility(page)
    page.get_by_role("link", name="Connect Southern California Edison").click()
    press(page, re.compile("Southern California Edison.*required", re.IGNORECASE))
    consent_at_utility(page)
    press(page, "Finish")


def walk_region(page: Page) -> None:
    """The newer address says region and customer type, and asks for no utility in particular."""
    agree(page)
    press(page, "SDG&E")
    consent_at_utility(page)
    press(page, "Finish")


def make_regional_flow() -> Flow:
    return make_flow(
        address="regional",
        title="",
        region="CAISO",
        variant="COMMERCIAL",
        customer_types="commercial",
        utilities=("pge", "sce", "sdge"),
    )


#: Flow, customer type, requested utilities, the walk, meters, and what Leap says in the link's third column.
STORIES: dict[str, tuple[Callable[[], Flow], str, tuple[str, ...], Callable[[Page], None], int, tuple[str, ...]]] = {
    "residential": (make_flow, "residential", ("pge",), walk_home, 1, ("Leap Connect", "Reached the last step")),
    "commercial": (make_flow, "commercial", ("pge", "sce"), walk_business, 2, ("Leap Connect", "SCE", "Authorized")),
    "regional": (make_regional_flow, "commercial", ("sdge",), walk_region, 1, ("SDG&E", "Reached the last step")),
    "legacy": (make_legacy_flow, "residential", ("pge",), consent_at_utility, 1, ("Authorized",)),
}


@pytest.mark.parametrize("story", STORIES)
def test_r3_r5_r18_a_customer_walks_and_the_manager_sees_metered(
    rehearsal: str, new_page: Callable[..., Page], manager: User, story: str
) -> None:
    make, customer_type, utilities, walk, meters, words = STORIES[story]
    customer = make_customer(name="Rosa Núñez", customer_type=customer_type)
    link = make_link(customer=customer, flow=make(), utilities=get_utilities(*utilities))

    phone = new_page(width=390, height=844, user_agent=PHONE, is_mobile=True)
    phone.goto(link.short_url)
    walk(phone)
    phone.wait_for_url("**/leap/thanks?**")
    expect(phone.get_by_role("main")).to_contain_text("Thank you")
    assert f"refId={link.reference_id}" in phone.url
    assert "Rosa" not in phone.content()

    # Leap's events are there before the meters are: authorized is its word, and metered is not said yet.
    assert Event.objects.filter(link=link, event_type="meter.created").count() == meters
    page = new_page()
    sign_in(page, rehearsal, "maya")
    page.goto(f"{rehearsal}/links/{link.pk}/")
    expect(page.locator(".timeline").nth(2)).to_contain_text("Authorized")
    expect(page.locator(".timeline").nth(2)).not_to_contain_text("Metered")

    page.click("nav >> text=Meters")
    page.click("#page-actions >> text=Sync")
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#meter-sync tbody tr").first).to_contain_text("done")
    assert Meter.objects.count() == meters

    page.goto(f"{rehearsal}/links/{link.pk}/")
    saw, claims, says = (page.locator(".timeline").nth(column) for column in range(3))
    expect(saw).to_contain_text("Visited from a phone")
    expect(claims).to_contain_text("Came back to the confirmation page")
    for word in ("Metered", *words):
        expect(says).to_contain_text(word)
    expect(says).to_contain_text(re.compile("Meter [0-9a-f]{8}…"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("metered")
    assert Link.objects.get().status == "metered"
