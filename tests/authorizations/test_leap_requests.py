"""The messages to Leap's Partner Success representative: for a flow (R7), and for the confirmation page (R15, R17)."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.authorizations.models import Flow, Installation
from portal.authorizations.services.installation import save_installation
from portal.authorizations.services.leap_requests import Message, compose_flow_request
from tests.factories import make_flow, make_legacy_flow

pytestmark = pytest.mark.django_db
CONFIRMATION = "/flows/confirmation-page/"


@pytest.fixture(autouse=True)
def installation() -> None:
    save_installation(
        partner_name="Acme Energy", support_email="help@acme.example", partner_success_email="jo@leap.example"
    )


def message_of(client: Client, flow: Flow) -> Message:
    message: Message = client.get(reverse("flow_request", args=[flow.pk])).context["message"]
    return message


def lines(message: Message) -> list[str]:
    return [line.strip() for line in message.body.splitlines()]


class TestFlowRequest:
    def test_r7_names_branding_forms_utilities_and_confirmation_page(self, admin_client: Client) -> None:
        flow = make_flow(
            utilities=["pge", "oru-utilityapi"],
            terms="Demand response agreement\nTerms of use",
            customer_types="commercial",
            state="requested",
        )
        message = message_of(admin_client, flow)
        assert message.to == "jo@leap.example"
        assert message.subject == "Acme Energy (acme-energy): please configure the Leap Connect flow “summer-dr”"
        for line in (
            "Organization: acme-energy (Acme Energy)",
            "URL-friendly title: summer-dr",
            "Environment: production",
            "Customers with a question write to: help@acme.example",
            "Customer types: Commercial",
            "Regions: CAISO, NYISO",
            "- Pacific Gas & Electric (PG&E), pge (CAISO)",
            "- Orange and Rockland Utilities (O&RU), oru-utilityapi (NYISO)",
            "- Demand response agreement",
            "- Terms of use",
            "http://p.acme.example/leap/thanks",
        ):
            assert line in lines(message), line
        assert "Branding: our customers know us as “Acme Energy”." in message.body
        # The utilities that are not asked for are not named.
        assert "sdge" not in message.body

    def test_r6_shows_how_its_links_will_look(self, admin_client: Client) -> None:
        message = message_of(admin_client, make_flow(utilities=["pge", "sce"]))
        base = "https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities="
        assert f"{base}pge&refId=7f3k9x2m4qad" in lines(message)
        assert f"{base}pge,sce&refId=7f3k9x2m4qad" in lines(message)

    def test_r7_without_terms_it_says_none(self, admin_client: Client) -> None:
        assert "eSign forms: none beyond Leap’s own" in lines(message_of(admin_client, make_flow()))

    def test_r6_regional(self, admin_client: Client) -> None:
        flow = make_flow(
            address="regional",
            title="",
            region="CAISO",
            customer_types="residential",
            program="SRP-RPO",
            utilities=["pge"],
        )
        found = lines(message_of(admin_client, flow))
        assert "Address: connect.leap.energy, transmissionRegion CAISO" in found
        assert "Variant: none (your default, RESIDENTIAL)" in found
        assert "Program: SRP-RPO" in found
        assert not [line for line in found if line.startswith("URL-friendly title")]

    def test_r4_r5_legacy_asks_for_no_branding_and_no_forms(self, admin_client: Client) -> None:
        message = message_of(admin_client, make_legacy_flow())
        assert message.subject == "Acme Energy (acme-energy): Legacy ShareMyData links"
        assert "please confirm that Legacy ShareMyData links work for our organization acme-energy." in message.body
        assert "Branding" not in message.body
        assert "eSign" not in message.body
        assert "https://www.addleap.com/acme-energy/sdge/getting-started?refId=7f3k9x2m4qad" in lines(message)

    def test_who_signs(self, admin: User) -> None:
        admin.last_name, admin.email, admin.phone = "Okafor", "ada@acme.example", "555-0100"
        message = compose_flow_request(flow=make_flow(), installation=Installation.objects.current(), by=admin)
        assert lines(message)[-4:] == ["Thank you,", "Ada Okafor", "Acme Energy", "ada@acme.example, 555-0100"]

    def test_the_mail_link_carries_the_same_text(self, admin_client: Client) -> None:
        message = message_of(admin_client, make_flow(name="R&D + more", terms="100% ünïcode & more"))
        parts = urlsplit(message.mailto)
        assert (parts.scheme, unquote(parts.path)) == ("mailto", "jo@leap.example")
        # RFC 6068: a blank is %20, never “+”, and lines end in CRLF.
        assert "+" not in parts.query
        query = parse_qs(parts.query, strict_parsing=True)
        assert query == {"subject": [message.subject], "body": [message.body.replace("\n", "\r\n")]}

    def test_the_page_shows_and_copies_it_escaped(self, admin_client: Client) -> None:
        text = admin_client.get(reverse("flow_request", args=[make_flow(terms="<script>alert(1)</script>").pk])).text
        assert "alert(1)</script>" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert 'href="mailto:jo@leap.example?subject=' in text

    def test_r7_noting_that_it_was_sent(self, admin_client: Client) -> None:
        flow = make_flow(name="Summer DR", state="requested")
        address = reverse("flow_request", args=[flow.pk])
        assert "Once you have sent it, note it here" in admin_client.get(address).text
        text = admin_client.post(address, follow=True).text
        assert "the request for “Summer DR” was sent today" in text
        flow.refresh_from_db()
        assert flow.requested_at is not None
        assert flow.state == "requested"
        assert "Noted as sent on" in admin_client.get(address).text

    def test_r7_an_incomplete_flow_is_said_to_be(self, admin_client: Client) -> None:
        flow = make_flow()
        flow.utilities.clear()
        text = admin_client.get(reverse("flow_request", args=[flow.pk])).text
        assert "The flow is not complete." in text
        assert "Choose at least one utility" in text

    def test_r11_the_sandbox_needs_no_request(self, admin_client: Client, settings: Any) -> None:
        settings.LEAP_ENVIRONMENT = "sandbox"
        text = admin_client.get(reverse("flow_request", args=[make_flow(state="requested").pk])).text
        assert "it needs no request, so set the flow live" in text


class TestConfirmationRequest:
    def test_r17_the_exact_url(self, admin_client: Client, settings: Any) -> None:
        settings.PUBLIC_URL = "https://portal.acme.example"
        response = admin_client.get(CONFIRMATION)
        url = "https://portal.acme.example/leap/thanks"
        assert response.context["url"] == url
        assert f'<code id="confirmation-url">{url}</code>' in response.text
        assert f'data-copy="{url}"' in response.text
        found = lines(response.context["message"])
        assert url in found
        assert f"{url}?authorizationId=<authId>&refId=<refId>" in found
        assert "cannot reach this address" not in response.text

    def test_r17_that_url_is_the_confirmation_page(self, admin_client: Client, client: Client) -> None:
        url = admin_client.get(CONFIRMATION).context["url"]
        response = client.get(urlsplit(url).path, {"authorizationId": "a", "refId": "b-1"})
        assert (response.status_code, response.redirect_chain if hasattr(response, "redirect_chain") else []) == (
            200,
            [],
        )

    def test_r17_names_the_organizations_of_flows_that_are_not_retired(self, admin_client: Client) -> None:
        make_flow(org_name="acme-energy")
        make_flow(org_name="acme-solar", state="requested")
        make_flow(org_name="acme-old", state="retired")
        message = admin_client.get(CONFIRMATION).context["message"]
        assert message.subject == "Acme Energy (acme-energy, acme-solar): please set our Confirmation Page"
        assert message.to == "jo@leap.example"
        assert "acme-old" not in message.body

    def test_r17_without_a_flow(self, admin_client: Client) -> None:
        message = admin_client.get(CONFIRMATION).context["message"]
        assert message.subject == "Acme Energy: please set our Confirmation Page"
        assert "of our organization to exactly this URL, without a slash at the end:" in message.body

    @pytest.mark.parametrize("name", ["confirmation_request", "flow_request"])
    def test_r17_an_address_that_customers_cannot_reach_is_said_to_be(
        self, admin_client: Client, settings: Any, name: str
    ) -> None:
        address = reverse(name, args=[make_flow().pk] if name == "flow_request" else [])
        settings.PUBLIC_URL = "http://127.0.0.1:8000"
        assert "Leap’s customers cannot reach" in admin_client.get(address).text
        settings.PUBLIC_URL = "https://portal.acme.example"
        assert "Leap’s customers cannot reach" not in admin_client.get(address).text
