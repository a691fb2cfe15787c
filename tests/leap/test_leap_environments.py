"""Where Leap lives: the hosts of its published pages, and the sandbox's."""

import dataclasses

import pytest

from portal.leap.environments import PRODUCTION, STAGING, Environment, sandbox


def test_r4_r6_production_is_what_leap_publishes() -> None:
    assert (
        Environment(
            api_url="https://api.leap.energy",
            connect_url="https://onboarding.leap.energy",
            connect_new_url="https://connect.leap.energy",
            legacy_url="https://www.addleap.com",
        )
        == PRODUCTION
    )


def test_r11_staging_shares_no_address_with_production() -> None:
    assert STAGING.api_url == "https://api.staging.leap.energy"
    assert STAGING.legacy_url == "https://staging.addleap.com"
    assert not set(dataclasses.astuple(STAGING)) & set(dataclasses.astuple(PRODUCTION))


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"])
def test_r11_sandbox_is_mounted_under_the_portal(public_url: str) -> None:
    assert set(dataclasses.astuple(sandbox(public_url))) == {"http://127.0.0.1:8000/sandbox"}


def test_an_environment_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRODUCTION.api_url = "https://evil.example"  # type: ignore[misc]
