"""Fixtures for the sandbox: it is on, and what it emits is kept."""

from typing import Any

import pytest

import portal.urls  # noqa: F401 -- read while the sandbox is off: it must not mount it for every test that follows
from portal.sandbox import webhooks


@pytest.fixture(autouse=True)
def _sandbox_is_on(settings: Any, request: pytest.FixtureRequest) -> None:
    """Mount it, as `SANDBOX=on` does at the start, except for a test that asks for `sandbox_is_off`."""
    if "sandbox_is_off" in request.fixturenames:
        return
    settings.SANDBOX = True
    settings.LEAP_ENVIRONMENT = "sandbox"
    settings.ROOT_URLCONF = "tests.sandbox.urls"


@pytest.fixture
def sandbox_is_off() -> None:
    """The portal without the sandbox: as it runs everywhere but in a rehearsal."""


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the sandbox would have told its subscribers, in order: (event type, payload)."""
    events: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(webhooks, "emit", lambda event_type, payload: events.append((event_type, payload)))
    return events
