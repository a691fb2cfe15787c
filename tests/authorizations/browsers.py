"""Requests as browsers and programs send them, for the tests of the public doors."""

from typing import Any

from django.test import Client

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"


def phone(**headers: str) -> Client:
    """A person's browser; further headers by name (accept_language="es")."""
    return Client(enforce_csrf_checks=True, headers=_headers({"user_agent": PHONE, **headers}))


def previewer() -> Client:
    """A messenger that looks at a link which somebody posted."""
    return Client(enforce_csrf_checks=True, headers=_headers({"user_agent": SLACK}))


def _headers(values: dict[str, str]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in values.items()}
