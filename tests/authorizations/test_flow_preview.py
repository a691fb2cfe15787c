"""The preview: the URLs that a flow's links will have, while somebody types, with and without htmx."""

import re
from typing import Any

import pytest
from django.test import Client

from portal.authorizations.models import Flow
from portal.authorizations.services.flow_preview import EXAMPLE_REFERENCE_ID, make_examples
from portal.leap import reference_ids
from tests.authorizations.test_flow_form import legacy, regional, titled
from tests.factories import get_utilities, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db
PREVIEW = "/flows/preview/"


def urls(response: Any) -> list[str]:
    assert response.status_code == 200
    return [example.url for example in response.context["examples"]]


def wrong(response: Any) -> list[str]:
    return [part.text for example in response.context["examples"] for part in example.parts if part.wrong]


class TestUrls:
    def test_r4_legacy_one_for_each_utility(self, admin_client: Client) -> None:
        assert urls(admin_client.post(PREVIEW, legacy("pge", "sdge"))) == [
            f"https://www.addleap.com/acme-energy/pge/getting-started?refId={EXAMPLE_REFERENCE_ID}",
            f"https://www.addleap.com/acme-energy/sdge/getting-started?refId={EXAMPLE_REFERENCE_ID}",
        ]

    def test_r6_titled_one_utility_and_several_joined_by_a_comma(self, admin_client: Client) -> None:
        response = admin_client.post(PREVIEW, titled("pge", "cecony-utilityapi"))
        base = "https://onboarding.leap.energy/acme-energy/summer-dr/"
        assert urls(response) == [
            f"{base}?requestedUtilities=pge&refId={EXAMPLE_REFERENCE_ID}",
            f"{base}?requestedUtilities=pge,cecony-utilityapi&refId={EXAMPLE_REFERENCE_ID}",
        ]
        assert "Leap does not publish the separator" in response.text

    def test_r6_no_utility_leaves_no_trace(self, admin_client: Client) -> None:
        (url,) = urls(admin_client.post(PREVIEW, titled(utilities=[])))
        assert url == f"https://onboarding.leap.energy/acme-energy/summer-dr/?refId={EXAMPLE_REFERENCE_ID}"

    def test_r6_regional(self, admin_client: Client) -> None:
        response = admin_client.post(PREVIEW, regional(variant="RESIDENTIAL", program="SRP-RPO"))
        assert urls(response) == [
            "https://connect.leap.energy?transmissionRegion=CAISO&variant=RESIDENTIAL&account=acme-energy"
            f"&program=SRP-RPO&refId={EXAMPLE_REFERENCE_ID}"
        ]
        assert "separator" not in response.text

    def test_the_addresses_are_those_of_the_settings(self, admin_client: Client, settings: Any) -> None:
        settings.LEAP_CONNECT_URL = "http://127.0.0.1:8000/sandbox"
        assert urls(admin_client.post(PREVIEW, titled()))[0].startswith("http://127.0.0.1:8000/sandbox/acme-energy/")

    def test_the_example_looks_like_a_generated_reference_id(self) -> None:
        assert reference_ids.is_valid(EXAMPLE_REFERENCE_ID)
        assert reference_ids.has_valid_check(EXAMPLE_REFERENCE_ID)

    @pytest.mark.parametrize("make", [make_flow, make_legacy_flow])
    def test_r4_r6_links_come_out_as_the_preview_said(self, make: Any) -> None:
        flow = make(utilities=["pge"])
        (example,) = make_examples(flow=flow, utilities=get_utilities("pge"))
        link = make_link(flow=flow)
        assert link.url == example.url.replace(EXAMPLE_REFERENCE_ID, link.reference_id or "")


class TestUnfinished:
    """What is typed so far is shown, and what is wrong with it is marked."""

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, ["<organization>", "<title>"]),
            ({"org_name": "acme", "title": "summer dr"}, ["summer dr"]),
            ({"org_name": "a/b", "title": "t"}, ["a/b"]),
            ({"journey": "legacy", "org_name": "acme"}, ["<utility>"]),
            ({"journey": "connect", "address": "regional", "org_name": "acme"}, ["<region>"]),
            (
                {"journey": "connect", "address": "regional", "org_name": "CAISO x", "program": "a b"},
                ["<region>", "CAISO x", "a b"],
            ),
            ({"journey": "connect", "address": "regional", "org_name": "acme", "region": "MISO"}, ["<region>"]),
        ],
    )
    def test_wrong_parts_are_marked(self, admin_client: Client, values: dict[str, str], expected: list[str]) -> None:
        response = admin_client.post(PREVIEW, values)
        assert wrong(response) == expected
        assert response.text.count('<span class="wrong">') == len(expected)

    def test_an_organization_called_like_a_region_is_not_taken_for_it(self, admin_client: Client) -> None:
        response = admin_client.post(PREVIEW, {"journey": "connect", "address": "regional", "org_name": "CAISO"})
        (url,) = urls(response)
        assert "transmissionRegion=<region>" in url
        assert "account=CAISO&" in url

    def test_problems_are_named(self, admin_client: Client) -> None:
        response = admin_client.post(PREVIEW, legacy("pge", terms="Agreement", org_name="acme energy"))
        labels = [label for label, _ in response.context["problems"]]
        assert labels == ["Organization", "Terms to sign"]
        assert "Before it can be saved" in response.text
        assert "Legacy cannot carry additional forms:" in response.text

    @pytest.mark.parametrize("shape", [titled, legacy, regional])
    def test_a_flow_that_is_right_has_no_problems(self, admin_client: Client, shape: Any) -> None:
        response = admin_client.post(PREVIEW, shape())
        assert response.context["problems"] == []
        assert wrong(response) == []
        assert "Before it can be saved" not in response.text

    def test_nothing_is_shown_unescaped_or_invisible(self, admin_client: Client) -> None:
        text = admin_client.post(PREVIEW, titled(title="<b>\x00\x1b", org_name="<script>alert(1)</script>")).text
        assert "<b>" not in text
        assert "alert(1)</script>" not in text
        assert "\x00" not in text
        assert "\x1b" not in text
        assert "&lt;b&gt;\ufffd\ufffd" in text


class TestOnThePage:
    def test_with_htmx_only_the_preview_comes(self, admin_client: Client) -> None:
        text = admin_client.post(PREVIEW, titled(), headers={"HX-Request": "true"}).text
        assert "<html" not in text
        assert "Links will look like this" in text
        form = admin_client.get("/flows/new/").text
        assert f'hx-post="{PREVIEW}"' in form
        assert 'hx-include="#flow-form"' in form

    def test_without_scripts_a_button_shows_it_and_saves_nothing(self, admin_client: Client) -> None:
        values = titled(title="winter-dr", terms="Agreement", preview="1")
        response = admin_client.post("/flows/new/", values)
        assert response.status_code == 200
        assert "/acme-energy/winter-dr/?requestedUtilities=pge" in urls(response)[0]
        assert not Flow.objects.exists()
        form = response.context["form"]
        assert (form["title"].value(), form["terms"].value()) == ("winter-dr", "Agreement")

    def test_without_scripts_what_is_wrong_stands_beside_its_field(self, admin_client: Client) -> None:
        response = admin_client.post("/flows/new/", titled(title="a b", preview="1"))
        assert response.status_code == 200
        assert "title" in response.context["form"].errors

    def test_preview_of_a_change_saves_nothing(self, admin_client: Client) -> None:
        flow = make_flow(name="Old")
        response = admin_client.post(f"/flows/{flow.pk}/", titled(title="winter-dr", preview="1"))
        assert "winter-dr" in urls(response)[0]
        flow.refresh_from_db()
        assert (flow.name, flow.title) == ("Old", "summer-dr")

    def test_the_saved_flow_is_previewed_when_its_page_opens(self, admin_client: Client) -> None:
        flow = make_flow(title="winter-dr", utilities=["pge"])
        (url,) = urls(admin_client.get(f"/flows/{flow.pk}/"))
        assert "/winter-dr/?requestedUtilities=pge&" in url

    def test_the_marked_parts_joined_are_the_url(self, admin_client: Client) -> None:
        response = admin_client.post(PREVIEW, titled("pge"))
        (url,) = urls(response)
        (box,) = re.findall(r'<div class="url-box"><code>(.*?)</code>', response.text)
        assert re.sub(r"</?mark>", "", box).replace("&amp;", "&") == url
        assert "<mark>acme-energy</mark>/<mark>summer-dr</mark>/?requestedUtilities=<mark>pge</mark>" in box
