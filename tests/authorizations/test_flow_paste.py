"""R19: the URL that Leap's Partner Portal shows fills the form; a malformed one is explained part by part.

How the parser judges each part is in tests/leap/test_url_parser.py; here is what a person gets to see of it.
"""

import html
import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.authorizations.models import Flow, Utility
from portal.authorizations.services.flow_paste import read_pasted_url
from portal.authorizations.services.flow_rules import find_problems
from portal.leap.authorization_urls import UrlError
from tests.authorizations.test_flow_form import legacy, titled
from tests.factories import get_utilities, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db
NEW = "/flows/new/"
LEGACY = "https://www.addleap.com/acme-energy/pge/getting-started"
TITLED = "https://onboarding.leap.energy/acme-energy/summer-dr/"
REGIONAL = "https://connect.leap.energy?transmissionRegion=CAISO&variant=COMMERCIAL&account=acme-energy"


def paste(client: Client, url: str, **typed: Any) -> Any:
    response = client.post(NEW, {**typed, "fill": "1", "url": url})
    assert response.status_code == 200
    assert not Flow.objects.exists()
    return response


def filled(response: Any) -> dict[str, Any]:
    assert "Filled from the URL" in response.text
    form = response.context["form"]
    return {name: form[name].value() for name in ("journey", "address", "org_name", "title", "region", "variant")}


def explained(response: Any) -> list[tuple[str, str, str]]:
    """The table's rows as they are read: part, value, what is wrong. Nothing may have been filled in."""
    assert "This URL is malformed: nothing was filled in." in response.text
    assert not response.context["form"]["org_name"].value()
    rows = re.findall(r"<tr>\s*<td[^>]*>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", response.text, re.DOTALL)
    return [tuple(html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row) for row in rows]  # type: ignore[misc]


def ticked(response: Any) -> list[str]:
    pks = {str(pk) for pk in response.context["form"]["utilities"].value() or []}
    return [utility.utility_id for utility in Utility.objects.all() if str(utility.pk) in pks]


class TestFills:
    def test_r19_legacy(self, admin_client: Client) -> None:
        response = paste(admin_client, LEGACY)
        values = filled(response)
        assert (values["journey"], values["org_name"], values["title"]) == ("legacy", "acme-energy", "")
        assert ticked(response) == ["pge"]

    def test_r19_titled(self, admin_client: Client) -> None:
        response = paste(admin_client, f"{TITLED}?requestedUtilities=pge,oru-utilityapi&refId=abc-1")
        values = filled(response)
        assert (values["journey"], values["address"]) == ("connect", "titled")
        assert (values["org_name"], values["title"]) == ("acme-energy", "summer-dr")
        assert ticked(response) == ["pge", "oru-utilityapi"]
        assert "The URL asks for PG&amp;E, O&amp;RU: tick every utility that Leap configured" in response.text
        assert "“abc-1” belongs to one link, not to the flow: left out." in response.text

    @pytest.mark.parametrize(
        ("variant", "types"),
        [("&variant=COMMERCIAL", "commercial"), ("&variant=RESIDENTIAL", "residential"), ("", "residential")],
    )
    def test_r19_regional_ticks_the_region(self, admin_client: Client, variant: str, types: str) -> None:
        url = f"https://connect.leap.energy/?transmissionRegion=NYISO{variant}&account=acme-energy&program=SRP-RPO"
        response = paste(admin_client, url)
        values = filled(response)
        assert (values["address"], values["region"], values["title"]) == ("regional", "NYISO", "")
        assert values["variant"] == variant.removeprefix("&variant=")
        form = response.context["form"]
        assert (form["customer_types"].value(), form["program"].value()) == (types, "SRP-RPO")
        assert ticked(response) == ["cecony-utilityapi", "oru-utilityapi", "psegli-utilityapi"]

    @pytest.mark.parametrize("url", [LEGACY, f"{TITLED}?requestedUtilities=sce", REGIONAL])
    def test_r19_what_was_filled_in_can_be_saved_with_a_name(self, admin_client: Client, url: str) -> None:
        form = paste(admin_client, url).context["form"]
        values = {name: form[name].value() or "" for name in form.fields}
        assert admin_client.post(NEW, {**values, "name": "From Leap"}).status_code == 302
        flow = Flow.objects.get()
        assert find_problems(flow=flow, utilities=list(flow.utilities.all())) == []

    @pytest.mark.parametrize(
        "url",
        [
            f"  {TITLED}?refId=abc\n",
            "HTTPS://Onboarding.Leap.Energy/acme-energy/summer-dr/?refId=abc",
            "https://onboarding.leap.energy:443/acme-energy/summer-dr/",
            "https://onboarding.leap.energy/acme-energy/summer-dr?refId=abc",
            f"{TITLED}?ref-id=abc-1",
            f"{TITLED}?requestedUtilities=pge%2Csce&refId=abc",
            f"{TITLED}?requestedUtilities=pge&requestedUtilities=sce",
            f"{TITLED}?requestedUtilities=&refId=",
            "https://onboarding.leap.energy/acme%2Denergy/summer-dr/",
        ],
    )
    def test_r19_the_same_url_in_other_clothes(self, admin_client: Client, url: str) -> None:
        values = filled(paste(admin_client, url))
        assert (values["org_name"], values["title"]) == ("acme-energy", "summer-dr")

    def test_r19_the_older_spelling_of_the_reference_id(self, admin_client: Client) -> None:
        assert "“abc-1” belongs to one link" in paste(admin_client, f"{LEGACY}?ref-id=abc-1").text

    def test_r19_encoded_commas_are_commas(self, admin_client: Client) -> None:
        assert ticked(paste(admin_client, f"{TITLED}?requestedUtilities=pge%2Csce%2Cpge")) == ["pge", "sce"]

    def test_r9_a_utility_that_the_catalogue_lacks_is_named(self, admin_client: Client) -> None:
        response = paste(admin_client, f"{TITLED}?requestedUtilities=pge,pepco")
        assert "“pepco” is not in the catalogue of utilities: an admin adds it under Utilities" in response.text
        assert ticked(response) == ["pge"]
        assert "notice-warning" in response.text

    def test_other_parameters_are_left_out_and_said_to_be(self, admin_client: Client) -> None:
        response = paste(admin_client, f"{TITLED}?utm_source=mail&refId=abc")
        assert "The parameter “utm_source” is not one of Leap’s: left out" in response.text

    def test_it_also_comes_in_the_address(self, admin_client: Client) -> None:
        """Without scripts, or from another page: GET /flows/new/?url=…"""
        assert filled(admin_client.get(NEW, {"url": LEGACY}))["journey"] == "legacy"

    def test_what_stood_in_the_form_stays(self, admin_client: Client) -> None:
        sdge = get_utilities("sdge")[0]
        typed = {"name": "My flow", "terms": "Agreement", "customer_types": "commercial", "title": "old"}
        form = paste(admin_client, f"{TITLED}?refId=abc", **typed, utilities=[sdge.pk, "junk", "9" * 6000]).context[
            "form"
        ]
        assert [form[name].value() for name in ("name", "terms", "customer_types", "title")] == [
            "My flow",
            "Agreement",
            "commercial",
            "summer-dr",
        ]
        assert form["utilities"].value() == [sdge.pk]

    def test_a_malformed_one_keeps_what_stood_there(self, admin_client: Client) -> None:
        form = paste(admin_client, "nonsense", name="My flow", title="old").context["form"]
        assert (form["name"].value(), form["title"].value()) == ("My flow", "old")

    def test_into_a_flow_that_is_there(self, admin_client: Client) -> None:
        flow = make_legacy_flow(name="Old")
        response = admin_client.post(f"/flows/{flow.pk}/", {"fill": "1", "url": TITLED})
        assert filled(response)["title"] == "summer-dr"
        assert response.context["form"]["name"].value() == "Old"
        flow.refresh_from_db()
        assert flow.journey == "legacy"

    def test_r19_a_links_own_url_gives_back_its_flow(self, admin_client: Client) -> None:
        link = make_link(flow=make_flow(title="winter-dr", utilities=["pge"]))
        pasted = read_pasted_url(link.url)
        assert (pasted.values["org_name"], pasted.values["title"]) == (link.flow.org_name, "winter-dr")
        assert pasted.utilities == list(link.flow.utilities.all())

    def test_the_preview_shows_what_comes_of_it(self, admin_client: Client) -> None:
        assert (
            paste(admin_client, f"{TITLED}?requestedUtilities=sce")
            .context["examples"][0]
            .url.startswith(f"{TITLED}?requestedUtilities=sce&refId=")
        )


class TestEnvironments:
    def test_r19_production_url_in_the_sandbox_is_taken_with_a_warning(
        self, admin_client: Client, settings: Any
    ) -> None:
        settings.LEAP_ENVIRONMENT = "sandbox"
        for name in ("API", "CONNECT", "CONNECT_NEW", "LEGACY"):
            setattr(settings, f"LEAP_{name}_URL", "http://127.0.0.1:8011/sandbox")
        response = paste(admin_client, TITLED)
        assert filled(response)["title"] == "summer-dr"
        assert "This URL belongs to Leap’s production, but this portal works with sandbox" in response.text
        assert response.context["examples"][0].url.startswith("http://127.0.0.1:8011/sandbox/acme-energy/summer-dr/")
        own = paste(admin_client, "http://127.0.0.1:8011/sandbox/acme-energy/pge/getting-started?refId=abc")
        assert filled(own)["journey"] == "legacy"
        assert "belongs to Leap’s" not in own.text

    def test_r19_staging_url_in_production(self, admin_client: Client) -> None:
        text = paste(admin_client, LEGACY.replace("www.", "staging.")).text
        assert "This URL belongs to Leap’s staging, but this portal works with production" in text

    def test_r19_settings_that_name_another_address(self, admin_client: Client, settings: Any) -> None:
        settings.LEAP_CONNECT_URL = "https://connect.partner.example"
        text = paste(admin_client, TITLED).text
        assert "has the address that Leap publishes, but this portal’s settings (LEAP_…_URL) name another" in text

    def test_r19_a_sandboxs_url_is_no_url_of_leap(self, admin_client: Client) -> None:
        rows = explained(paste(admin_client, "http://127.0.0.1:8000/sandbox/acme/t/"))
        assert [part for part, _, _ in rows][:2] == ["scheme", "host"]


#: The URL, the parts that are wrong in order, and words of the first reason.
MALFORMED: list[tuple[str, list[str], str]] = [
    ("", ["URL"], "Nothing was pasted: paste the whole URL"),
    (" \n", ["URL"], "Nothing was pasted"),
    ("https://" + "a" * 10_000, ["URL"], "The URL has 10008 characters: 2000 are the limit"),
    ("é" * 10_000, ["URL"], "The URL has 10000 characters"),
    ("hello", ["scheme", "host"], "The beginning is missing: Leap's URLs begin with https://"),
    ("https://evil.example/acme/t/", ["host"], "“evil.example” is not the host of an authorization URL"),
    ("https://onboarding.leap.energy.evil.example/acme/t/", ["host"], "is not the host"),
    ("https://onboardıng.leap.energy/acme/t/", ["host"], "is not the host"),
    ("http://onboarding.leap.energy/acme/t/", ["scheme"], "“http://” is not how it begins"),
    ("javascript://onboarding.leap.energy/acme/t/", ["scheme"], "“javascript://” is not how it begins"),
    ("https:/onboarding.leap.energy/acme/t/", ["scheme"], "“https:” needs two slashes"),
    ("https://user:secret@onboarding.leap.energy/acme/t/", ["host"], "is a sign-in before the host"),
    ("https://onboarding.leap.energy@evil.example/acme/t/", ["host", "host"], "is a sign-in before the host"),
    ("https://onboarding.leap.energy:8443/acme/t/", ["host"], "“onboarding.leap.energy:8443” is not the host"),
    (f"{TITLED}#top", ["fragment"], "Leap's URLs have nothing after a “#”"),
    (f"{TITLED}?refId=abc&refId=abd", ["refId"], "refId stands there 2 times: keep one"),
    (f"{TITLED}?refId=abc&ref-id=abd", ["refId"], "refId stands there 2 times"),
    (f"{TITLED}?RefId=abc", ["refId"], "“RefId” is spelled refId, capitals included"),
    (f"{TITLED}?refId={'a' * 51}", ["refId"], "51 characters are too many for a reference id"),
    (f"{TITLED}?refId=ab", ["refId"], "too short for a reference id"),
    (f"{TITLED}?refId=a/b-1", ["refId"], "“/” cannot stand in a reference id"),
    (f"{TITLED}?refId=<refId>", ["refId"], "“<refId>” is a placeholder"),
    (f"{TITLED}?requestedUtilities=pg%20e", ["requestedUtilities"], "“pg e” has a blank"),
    (f"{TITLED}?requestedUtilities=pge&amp;refId=abc", ["amp;refId"], "“&amp;” is how HTML writes “&”"),
    (f"{TITLED}?note=a%00b", ["note"], "The parameter has a NUL character in it"),
    (f"{LEGACY}?requestedUtilities=pge", ["requestedUtilities"], "A Legacy URL takes no requestedUtilities"),
    ("https://www.addleap.com/acme/pge/", ["path"], "A Legacy URL's path ends in /getting-started"),
    ("https://www.addleap.com/acme/getting-started", ["utility"], "The utility is missing"),
    ("https://onboarding.leap.energy/acme/", ["title"], "The title is missing"),
    ("https://onboarding.leap.energy/acme/a/b/c/", ["path"], "“b/c” is more path than"),
    ("https://onboarding.leap.energy/acme/summer%20dr/", ["title"], "“summer dr” has a blank"),
    ("https://onboarding.leap.energy/a\x00b/t/", ["organization"], "has a NUL character"),
    ("https://onboarding.leap.energy/<org-name>/t/", ["organization"], "“<org-name>” is a placeholder"),
    ("https://connect.leap.energy?transmissionRegion=caiso&account=a", ["transmissionRegion"], "use CAISO, NYISO"),
    ("https://connect.leap.energy?transmissionRegion=CAISO", ["account"], "account is missing"),
    (REGIONAL.replace("COMMERCIAL", "COMMERCIAL_AGREEMENTS_ONLY"), ["variant"], "in PJM only, not in CAISO"),
    (
        "http://www.addleap.com:81/acme inc/<utility-id>/start?refId=a b",
        ["scheme", "host"],
        "“http://” is not how it begins",
    ),
]


@pytest.mark.parametrize(("url", "parts", "words"), MALFORMED, ids=[ascii(case[0])[:60] for case in MALFORMED])
def test_r19_a_malformed_url_is_explained_part_by_part(
    admin_client: Client, url: str, parts: list[str], words: str
) -> None:
    response = paste(admin_client, url)
    rows = explained(response)
    assert [part for part, _, _ in rows][: len(parts)] == parts
    assert words in rows[0][2]
    assert all(len(cell) < 400 for row in rows for cell in row), "a pasted file must not fill the screen"


def test_r19_every_wrong_part_is_told_at_once(admin_client: Client) -> None:
    url = "http://user@onboarding.leap.energy/acme inc/<title>/x?requestedUtilities=p ge&refId=a#b"
    rows = explained(paste(admin_client, url))
    assert [part for part, _, _ in rows] == [
        "host",
        "scheme",
        "path",
        "organization",
        "title",
        "fragment",
        "requestedUtilities",
        "refId",
    ]


def test_r19_nothing_pasted_is_shown_as_html(admin_client: Client) -> None:
    text = paste(admin_client, 'https://<script>alert(1)</script>/"onx=1/<img src=x>/').text
    assert "alert(1)</script>" not in text
    assert "<img" not in text


def test_r19_with_htmx_the_same_page_comes(admin_client: Client) -> None:
    """htmx takes #flow-editor out of it, and sends what stands in the form along."""
    page = admin_client.get(NEW).text
    assert 'hx-include="#flow-form"' in page
    assert 'hx-select="#flow-editor"' in page
    response = admin_client.post(NEW, {"fill": "1", "url": LEGACY, "name": "My flow"}, headers={"HX-Request": "true"})
    assert 'id="flow-editor"' in response.text
    assert response.context["form"]["name"].value() == "My flow"


@given(st.text() | st.from_regex(r"https?://[a-z.@:]{0,20}/.{0,40}\?.{0,60}", fullmatch=True))
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_r19_whatever_is_pasted_is_read_or_explained(text: str) -> None:
    try:
        outcome: list[str] = [read_pasted_url(text).values["journey"]]
    except UrlError as error:
        outcome = [problem.reason for problem in error.problems]
    assert outcome
    assert all(outcome)


def test_only_admins_paste(manager_client: Client, rep_client: Client) -> None:
    flow = make_flow()
    for client in (manager_client, rep_client):
        for path in (NEW, f"/flows/{flow.pk}/"):
            assert client.get(path, {"url": LEGACY}).status_code == 403
            assert client.post(path, {"fill": "1", "url": LEGACY}).status_code == 403


def test_helpers_agree() -> None:
    """The shapes that the form's tests post are what a paste gives."""
    assert read_pasted_url(LEGACY).values["journey"] == legacy()["journey"]
    assert read_pasted_url(TITLED).values["title"] == titled()["title"]
