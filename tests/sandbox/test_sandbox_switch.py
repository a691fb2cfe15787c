"""With SANDBOX=off every address of the sandbox is gone; with it on, its pages are public and its home is not."""

import re
import runpy
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver

from portal.sandbox import urls
from portal.sandbox.models import Flow, Session

TOKEN = str(uuid.uuid4())
VALUES = {"pk": "1", "token": TOKEN, "authorization_id": TOKEN, "utility_id": "pge"}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/sandbox/") -> list[str]:
    found = []
    for entry in patterns:
        place = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += routes(entry.url_patterns, place)
        else:
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", lambda part: VALUES.get(part[1], "acme"), place))
    return found


@pytest.mark.usefixtures("sandbox_is_off")
@pytest.mark.django_db
def test_r11_without_the_sandbox_every_address_of_it_is_gone() -> None:
    addresses = routes(urls.urlpatterns)
    assert len(addresses) > 15
    for address in addresses:
        for method in ("get", "post", "put", "delete"):
            assert getattr(Client(), method)(address).status_code == 404, address
    assert not Flow.objects.exists()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_switch_alone_mounts_it(is_on: bool, settings: Any) -> None:
    settings.SANDBOX = is_on
    patterns = runpy.run_path(str(settings.BASE_DIR / "portal" / "urls.py"))["urlpatterns"]
    assert any(str(entry.pattern) == "sandbox/" for entry in patterns) is is_on


@pytest.mark.django_db
def test_only_the_testers_own_pages_ask_for_a_sign_in() -> None:
    asking = {
        address
        for address in routes(urls.urlpatterns)
        if Client().get(address).headers.get("Location", "").startswith("/login/")
    }
    testers = {address for address in routes(urls.urlpatterns) if address.startswith("/sandbox/tester/")}
    assert len(testers) > 1
    assert asking == {"/sandbox/", *testers}


@pytest.mark.django_db
def test_every_page_says_that_it_is_not_leap(manager_client: Client) -> None:
    for address in ("/sandbox/acme/flow/", "/sandbox/acme/nobody/getting-started", "/sandbox/"):
        page = manager_client.get(address, follow=True).content.decode()
        assert "Sandbox: not Leap" in page


@pytest.mark.django_db
def test_a_preview_that_only_asks_for_the_head_begins_no_session() -> None:
    assert Client().head("/sandbox/acme/flow/").status_code == 200
    assert not Session.objects.exists()
