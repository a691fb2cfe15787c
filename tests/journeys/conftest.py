"""The portal and the sandbox in one process, joined by real HTTP: short links, pages, API, webhooks."""

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

import portal.urls  # noqa: F401 -- read while the sandbox is off: it must not mount it for every test that follows
from portal.authorizations.services.webhooks import register_webhook
from tests.journeys.rehearsal import sync


@pytest.fixture
def rehearsal(settings: Any, live_server: LiveServer, dropped_connections: None) -> str:
    """A portal whose Leap is the sandbox, with its webhook registered and one sync behind it; returns its address."""
    address: str = live_server.url
    settings.SANDBOX = True
    settings.ROOT_URLCONF = "tests.sandbox.urls"
    settings.PUBLIC_URL = address
    settings.LEAP_ENVIRONMENT = "sandbox"
    settings.LEAP_API_URL = settings.LEAP_CONNECT_URL = f"{address}/sandbox"
    settings.LEAP_CONNECT_NEW_URL = settings.LEAP_LEGACY_URL = f"{address}/sandbox"
    settings.LEAP_WEBHOOK_SECRET = "rehearsed-secret"
    assert register_webhook() is True
    # The first sync asks for everything. The ones that follow ask for what changed, as they do in life.
    sync()
    return address
