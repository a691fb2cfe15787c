"""A real browser against a live server. Every error on a page's console fails the test."""

import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import CHROMIUM

# Playwright's sync API runs an event loop in this thread; Django then refuses the ORM, although nothing is async here.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# Headless Chromium says so in its user agent, and is then no visitor.
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own: `new_page(width=390, ...)`. At the end no console may hold an error.

    `missing` ends the addresses that shall answer 404, or not at all: Chromium reports each as an error.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(*, width: int = 1280, height: int = 820, missing: tuple[str, ...] = (), **options: Any) -> Page:
        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and not (missing and message.location["url"].endswith(missing)):
                errors.append(f"{message.location['url']}: {message.text}")

        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def leap(live_server: Any, settings: Any) -> Iterator[str]:
    """Leap's host for titled Connect links, as far as a customer sees it: one click to agree leads back with the refId.

    A server of its own, since Playwright does not hand over what a redirect leads to.
    """

    class Leap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            [reference_id] = parse_qs(urlsplit(self.path).query).get("refId", [""])
            back = f"{live_server.url}/leap/thanks?authorizationId=a81c&refId={reference_id}"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<link rel="icon" href="data:,"><a href="{back}">I agree</a>'.encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Leap)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.LEAP_CONNECT_URL = f"http://127.0.0.1:{server.server_port}"
    yield settings.LEAP_CONNECT_URL
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(page: Page, server: str, username: str, password: str = "correct-horse") -> None:
    page.goto(f"{server}/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{server}/")
