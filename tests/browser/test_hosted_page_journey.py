"""The hosted page on a phone, from the staff's switch to the link in the mail; and without scripts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.authorizations.models import Link
from portal.authorizations.services import landing_pages
from tests.browser.conftest import PHONE, sign_in
from tests.factories import make_flow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_r2_opened_by_a_manager_and_used_by_a_visitor_on_a_phone_without_scripts(
    live_server: Any,
    new_page: Callable[..., Page],
    manager: User,
    leap: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(landing_pages, "LEAST_SECONDS", -1)  # a robot's fingers are quick
    flow = make_flow(name="Summer Savings")

    staff = new_page()
    sign_in(staff, live_server.url, "maya")
    staff.goto(f"{live_server.url}{reverse('flow_embed', args=[flow.pk])}")
    staff.check("input[name=is_open]")
    staff.click("main form button[type=submit]")
    expect(staff.locator("main")).to_contain_text("The hosted page is open.")
    button = staff.frame_locator("iframe[title='Preview of the button']").locator("a")
    expect(button).to_have_text("Connect your utility account with Your company")
    expect(button).to_have_css("color", "rgb(255, 255, 255)")
    address = button.get_attribute("href") or ""
    assert address.startswith(f"{live_server.url}/start/")

    phone = new_page(width=390, height=844, user_agent=PHONE, locale="es-US", java_script_enabled=False)
    foreign: list[str] = []
    phone.on(
        "request", lambda request: None if request.url.startswith(live_server.url) else foreign.append(request.url)
    )
    phone.goto(address)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Conecte su cuenta de servicios públicos")
    trap = phone.locator("div:has(> input[name=trap])").bounding_box()
    assert trap
    assert trap["width"] <= 1
    phone.click("text=English")
    phone.get_by_label("Email address").fill("rosa@example.com")
    phone.get_by_role("button", name="Send me my link").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    assert "rosa" not in phone.url
    assert foreign == []

    [message] = mail.outbox
    found = re.search(r"http\S+/go/\S+", message.body)
    assert found
    phone.goto(found[0])
    assert phone.url.startswith(leap)
    assert Link.objects.get().first_visited_at
