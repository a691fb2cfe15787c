"""Guessing passwords: after ten failures an account waits, after a hundred a whole network."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.accounts.services import sign_in_limit
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse"
NOW = datetime.fromisoformat("2026-11-24T14:05:00+00:00")


def sign_in(username: str, password: str, *, address: str = "203.0.113.7", door: str = "/login/") -> tuple[bool, str]:
    """Try once in a browser of its own; return whether it worked, and what the page says."""
    client = Client(REMOTE_ADDR=address)
    response = client.post(door, {"username": username, "password": password})
    return response.status_code == 302, "" if response.status_code == 302 else response.text


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_an_account_waits_after_ten_failures_and_is_told_how_long(door: str) -> None:
    person = make_user(username="maya")
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(10):
            assert not sign_in("maya", "wrong", address=f"198.51.{number}.1", door=door)[0]
        worked, page = sign_in("Maya ", PASSWORD, address="192.0.2.1", door=door)
        assert not worked
        assert "wait 15 minutes" in page.lower()
        clock.shift(timedelta(minutes=14, seconds=30))
        assert "wait 1 minute" in sign_in("maya", PASSWORD, door=door)[1].lower()
        clock.shift(timedelta(minutes=1))
        assert sign_in("maya", PASSWORD, door=door)[0]


def test_a_success_forgets_the_failures_before() -> None:
    make_user(username="maya")
    for _ in range(3):
        for _ in range(9):
            assert not sign_in("maya", "wrong")[0]
        assert sign_in("maya", PASSWORD)[0]


def test_guessing_from_elsewhere_does_not_keep_the_owner_out() -> None:
    make_user(username="maya")
    assert sign_in("maya", PASSWORD, address="203.0.113.7")[0]
    for number in range(10):
        assert not sign_in("maya", "wrong", address=f"198.51.{number}.1")[0]
    assert sign_in("maya", PASSWORD, address="203.0.113.200")[0], "in the network of the sign-in before"
    assert not sign_in("maya", PASSWORD, address="192.0.2.1")[0], "elsewhere the guessing has not become free again"


def test_a_known_network_has_its_limit_too() -> None:
    make_user(username="maya")
    assert sign_in("maya", PASSWORD)[0]
    for _ in range(10):
        assert not sign_in("maya", "wrong")[0]
    assert "wait 15 minutes" in sign_in("maya", PASSWORD)[1].lower()


def test_a_cache_that_does_not_answer_keeps_nobody_out(settings: Any) -> None:
    # No server listens there.
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    make_user(username="maya")
    assert not sign_in("maya", "wrong")[0]
    assert sign_in("maya", PASSWORD)[0]


def test_one_network_waits_whatever_names_it_tries_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limit, "PER_ADDRESS", 5)
    make_user(username="maya")
    for number in range(5):
        sign_in(f"name-{number}", "wrong", address=f"203.0.113.{number}")
    assert "Too many sign-ins have failed" in sign_in("maya", PASSWORD, address="203.0.113.200")[1]
    assert sign_in("maya", PASSWORD, address="198.51.100.1")[0]
