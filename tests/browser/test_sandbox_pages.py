"""The sandbox's pages in a real browser, without JavaScript, up to a partner at another host."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page

from portal.sandbox import clock
from portal.sandbox.models import Flow, Meter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def partner() -> Iterator[tuple[str, list[str]]]:
    """A partner's own confirmation page, at another origin than the sandbox; and what was asked of it."""
    asked: list[str] = []

    class Partner(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b'<link rel="icon" href="data:,"><h1>Partner</h1>')

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Partner)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/thanks", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def sandbox(live_server: Any, settings: Any, partner: tuple[str, list[str]]) -> str:
    settings.SANDBOX = True
    settings.ROOT_URLCONF = "tests.sandbox.urls"
    Flow.objects.create(
        org_name="acme-energy",
        title="summer",
        brand_name="Acme Energy",
        regions=["CAISO"],
        customer_types=["RESIDENTIAL", "COMMERCIAL"],
        terms="Demand Response Agreement",
        final_redirect_url=partner[0],
        created_at=clock.now(),
    )
    return f"{live_server.url}/sandbox/acme-energy/summer/?requestedUtilities=sce"


def test_r3_a_phone_without_javascript_walks_the_journey_to_the_partner(
    new_page: Callable[..., Page], sandbox: str, partner: tuple[str, list[str]]
) -> None:
    page = new_page(width=390, java_script_enabled=False)
    page.goto(f"{sandbox}&refId=REF-1")
    page.get_by_role("button", name="My home").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Agree and go on").click()
    assert not page.get_by_role("button", name="PG&E").is_visible()
    page.get_by_text("Show all utilities").click()
    page.get_by_role("button", name="PG&E").click()
    page.get_by_text("Guest access").click()
    page.get_by_label("Account number").fill("12345678901")
    page.get_by_label("Phone number").fill("5550100")
    page.get_by_role("button", name="Go on as a guest").click()
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="Partner").wait_for()
    assert [path.partition("&")[2] for path in partner[1]] == ["refId=REF-1"]
    assert Meter.objects.count() == 2


def test_a_test_case_is_sent_from_the_first_page_and_nothing_is_wider_than_a_phone(
    new_page: Callable[..., Page], sandbox: str, partner: tuple[str, list[str]]
) -> None:
    page = new_page(width=320)
    page.goto(f"{sandbox}&refId=REF-2")
    page.get_by_text("Test cases").click()
    page.locator("select[name=case]").select_option("success")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Partner").wait_for()
    assert Meter.objects.get().partner_reference == "REF-2"
