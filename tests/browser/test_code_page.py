"""The full-screen code: the screen stays awake while a customer scans it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from portal.accounts.models import User
from tests.browser.conftest import sign_in
from tests.factories import make_customer, make_link

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Stands in for the screen: headless Chromium has none that could stay awake.
SCREEN = """
window.asked = [];
Object.defineProperty(navigator, "wakeLock", {value: {request: async (kind) => {
  window.asked.push(kind);
  return {released: false, release: async () => {}, addEventListener: () => {}};
}}});
"""


def test_the_screen_is_kept_awake(live_server: Any, new_page: Callable[..., Page], rep: User) -> None:
    link = make_link(customer=make_customer(name="Rosa Núñez", assigned_rep=rep))
    page = new_page(width=390, height=844)
    page.add_init_script(SCREEN)
    sign_in(page, live_server.url, "sam")
    page.goto(f"{live_server.url}/")
    assert page.evaluate("window.asked") == []
    page.goto(f"{live_server.url}/links/{link.pk}/code/")
    page.wait_for_function("window.asked.length > 0")
    assert page.evaluate("window.asked") == ["screen"]
