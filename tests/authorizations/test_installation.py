"""The installation: what customers and Leap read, and what the settings say, without a secret on the screen."""

from typing import Any

import pytest
from django.test import Client

from portal.authorizations.models import Installation

pytestmark = pytest.mark.django_db
ADDRESS = "/installation/"


def values(**changes: str) -> dict[str, str]:
    return {
        "partner_name": "Acme Energy",
        "support_email": "help@acme.example",
        "partner_success_email": "jo@leap.example",
        **changes,
    }


def test_saved_and_shown_everywhere_at_once(admin_client: Client, client: Client) -> None:
    assert admin_client.post(ADDRESS, values()).headers["Location"] == ADDRESS
    installation = Installation.objects.get()
    assert (installation.partner_name, installation.leap_environment) == ("Acme Energy", "production")
    assert "Acme Energy" in admin_client.get("/").text
    thanks = client.get("/leap/thanks").text
    assert "Acme Energy" in thanks
    assert "help@acme.example" in thanks
    assert admin_client.get("/flows/confirmation-page/").context["message"].to == "jo@leap.example"


def test_the_environment_cannot_be_changed_here(admin_client: Client) -> None:
    Installation.objects.create(leap_environment="staging")
    admin_client.post(ADDRESS, {**values(), "leap_environment": "production", "id": "2"})
    assert Installation.objects.get().leap_environment == "staging"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"partner_name": ""}, "partner_name", "required"),
        ({"partner_name": "x" * 101}, "partner_name", "at most 100 characters"),
        ({"partner_name": "a\x00"}, "partner_name", "Null characters"),
        ({"support_email": "help"}, "support_email", "valid email address"),
        ({"support_email": "a@b.example\nBcc: c@d.example"}, "support_email", "valid email address"),
        ({"partner_success_email": ""}, "partner_success_email", "required"),
        ({"partner_success_email": "jo@"}, "partner_success_email", "valid email address"),
    ],
)
def test_bad_input_changes_nothing(admin_client: Client, changes: dict[str, str], field: str, words: str) -> None:
    admin_client.post(ADDRESS, values())
    response = admin_client.post(ADDRESS, values(**changes))
    assert response.status_code == 422
    found = response.context["form"].errors
    assert list(found) == [field]
    assert words in found[field][0]
    assert Installation.objects.get().partner_name == "Acme Energy"


def test_the_name_has_no_line_breaks(admin_client: Client) -> None:
    """It stands in the subject of mails."""
    admin_client.post(ADDRESS, values(partner_name=" Acme\r\n  Energy "))
    assert Installation.objects.get().partner_name == "Acme Energy"


def test_support_email_may_be_empty(admin_client: Client) -> None:
    admin_client.post(ADDRESS, values(support_email=""))
    assert Installation.objects.get().support_email == ""


def test_settings_are_shown_secrets_are_not(admin_client: Client, settings: Any) -> None:
    settings.LEAP_API_KEY, settings.LEAP_WEBHOOK_SECRET = "very-secret-key", ""
    text = admin_client.get(ADDRESS).text
    assert "https://onboarding.leap.energy" in text
    assert "LEAP_API_KEY" in text
    assert "very-secret-key" not in text
    assert [is_set for _, _, is_set in admin_client.get(ADDRESS).context["secrets"]] == [True, False]


def test_only_admins(manager_client: Client, rep_client: Client) -> None:
    for client in (manager_client, rep_client):
        assert client.get(ADDRESS).status_code == 403
        assert client.post(ADDRESS, values(partner_name="Evil")).status_code == 403
    assert not Installation.objects.filter(partner_name="Evil").exists()
    assert Client().get(ADDRESS).status_code == 302


def test_a_postal_address_saved_by_another_process_is_seen_at_once(manager_client: Client) -> None:
    Installation.objects.create(leap_environment="production", support_email="help@acme.example")
    Installation.objects.forget()
    assert "your postal address stands on the installation page" in manager_client.get("/mails/").text
    Installation.objects.update(postal_address="1 Main St, Fresno, CA 93722")
    assert "your postal address stands on the installation page" not in manager_client.get("/mails/").text
