"""Fixtures for the sandbox: it is on, and what it emits is kept."""

import os
from typing import Any

import pytest

import portal.urls  # noqa: F401 -- read while the sandbox is off: it must not mount it for every test that follows
from portal.sandbox import webhooks
from tests.sandbox.api_client import validated
from tests.sandbox.contract.operations import ANSWERS, IMPOSSIBLE


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
    monkeypatch.setattr(webhooks, "emit", lambda event_type, payload, at=None: events.append((event_type, payload)))
    return events


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """`make contract` prints how many answers were held against what."""
    if not os.environ.get("LEAP_API"):
        return
    for against in ("our transcription", "Leap's file"):
        counts = {key: count for key, count in validated.items() if key[0] == against}
        kinds = len(counts)
        terminalreporter.write_line(f"{sum(counts.values())} answers validated against {against} ({kinds} kinds)")
    published = {(operation, status) for operation, statuses in ANSWERS.items() for status in statuses}
    seen = {key[1:] for key in validated}
    terminalreporter.write_line(f"never answered: {sorted(published - seen - IMPOSSIBLE) or 'nothing that can be'}")
