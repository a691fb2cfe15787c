"""The form of a flow: every rule of R4 to R10 in words, beside its field, and nothing saved.

That the database refuses the same is in test_database_rules.py.
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.authorizations.models import Flow, Utility
from portal.authorizations.services.flows import FlowRefused, save_flow
from tests.factories import get_utilities, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db
NEW = "/flows/new/"


def titled(*utilities: str, **changes: Any) -> dict[str, Any]:
    """What the form posts for a flow that is right; all six utilities unless told otherwise."""
    values = {
        "name": "Summer DR",
        "journey": "connect",
        "org_name": "acme-energy",
        "address": "titled",
        "title": "summer-dr",
        "customer_types": "both",
        "utilities": [utility.pk for utility in get_utilities(*utilities)],
    }
    return {**values, **changes}


def legacy(*utilities: str, **changes: Any) -> dict[str, Any]:
    return titled(*(utilities or ("pge", "sce", "sdge")), **{"journey": "legacy", "title": "", **changes})


def regional(*utilities: str, **changes: Any) -> dict[str, Any]:
    values = {"address": "regional", "title": "", "region": "CAISO", "customer_types": "residential"}
    return titled(*(utilities or ("pge", "sce", "sdge")), **{**values, **changes})


def add_pjm_utility() -> Utility:
    return Utility.objects.create(utility_id="pepco", name="Pepco", short_name="Pepco", region="PJM")


def refused(response: Any) -> dict[str, list[str]]:
    """What the form says of each field; nothing may have been saved."""
    assert response.status_code == 422
    assert not Flow.objects.filter(name="Summer DR").exists()
    errors = {name: list(messages) for name, messages in response.context["form"].errors.items()}
    assert "Nothing is saved yet" in response.text or "__all__" in errors
    return errors


@pytest.fixture
def post(admin_client: Client) -> Any:
    return lambda values: admin_client.post(NEW, values)


class TestGoodOnes:
    """Else the refusals below would prove nothing."""

    def test_r6_titled(self, post: Any, admin: User) -> None:
        response = post(titled(terms=" Demand response agreement \n\nTerms of use\n"))
        flow = Flow.objects.get()
        assert response.headers["Location"] == reverse("flow_request", args=[flow.pk])
        assert (flow.journey, flow.address, flow.org_name, flow.title) == (
            "connect",
            "titled",
            "acme-energy",
            "summer-dr",
        )
        assert flow.term_names == ["Demand response agreement", "Terms of use"]
        assert flow.utilities.count() == 6
        assert flow.created_by == admin

    def test_r7_a_new_flow_is_requested_not_live(self, post: Any) -> None:
        post(titled(state="live"))
        assert Flow.objects.get().state == "requested"

    def test_r4_legacy(self, post: Any) -> None:
        post(legacy())
        flow = Flow.objects.get()
        assert (flow.journey, flow.address, flow.title) == ("legacy", "", "")
        assert {utility.utility_id for utility in flow.utilities.all()} == {"pge", "sce", "sdge"}

    @pytest.mark.parametrize(
        ("variant", "types"), [("", "residential"), ("RESIDENTIAL", "residential"), ("COMMERCIAL", "commercial")]
    )
    def test_r6_regional(self, post: Any, variant: str, types: str) -> None:
        post(regional(variant=variant, customer_types=types, program="SRP-RPO"))
        flow = Flow.objects.get()
        assert (flow.address, flow.region, flow.variant, flow.program) == ("regional", "CAISO", variant, "SRP-RPO")

    @pytest.mark.parametrize("types", ["both", "residential", "commercial"])
    def test_r10_a_titled_flow_takes_any_customer_types(self, post: Any, types: str) -> None:
        post(titled(customer_types=types))
        assert Flow.objects.get().customer_types == types

    def test_r10_agreements_only_in_pjm(self, post: Any) -> None:
        add_pjm_utility()
        post(regional("pepco", region="PJM", variant="RESIDENTIAL_AGREEMENTS_ONLY"))
        assert Flow.objects.get().variant == "RESIDENTIAL_AGREEMENTS_ONLY"


class TestLegacy:
    @pytest.mark.parametrize("utility", ["cecony-utilityapi", "oru-utilityapi", "psegli-utilityapi"])
    def test_r4_a_nyiso_utility(self, post: Any, utility: str) -> None:
        errors = refused(post(legacy("pge", utility)))
        name = get_utilities(utility)[0].short_name
        assert errors == {
            "utilities": [f"{name}: Legacy ShareMyData exists for PG&E, SCE, SDG&E only."],
        }

    def test_r5_terms(self, post: Any) -> None:
        errors = refused(post(legacy(terms="Demand response agreement\nTerms of use")))
        assert list(errors) == ["terms"]
        assert errors["terms"][0].startswith(
            "“Demand response agreement”, “Terms of use”: Legacy cannot carry additional forms: it leads straight "
        )

    def test_r5_the_screen_says_so_before_anybody_tries(self, admin_client: Client) -> None:
        assert "It cannot carry additional forms" in admin_client.get(NEW).text

    @pytest.mark.parametrize(
        ("field", "value"),
        [("title", "summer-dr"), ("region", "CAISO"), ("variant", "RESIDENTIAL"), ("program", "SRP-RPO")],
    )
    def test_r4_parts_that_its_url_does_not_have(self, post: Any, field: str, value: str) -> None:
        errors = refused(post(legacy(**{field: value})))
        assert errors == {field: [f"“{value}”: a Legacy URL has no {field}. Leave it empty, or choose Leap Connect."]}


class TestTitle:
    @pytest.mark.parametrize(
        ("title", "words"),
        [
            ("summer dr", "“summer dr” has a blank: use only A–Z a–z 0–9 - . _ ~. It stands in the URL"),
            ("summer/dr", "“summer/dr” has “/”: use only"),
            ("verano-ñ", "“verano-ñ” has “ñ”: use only"),
            ("a?b", "“a?b” has “?”: use only"),
            ("a%20b", "“a%20b” has “%”: use only"),
            ("a\tb", "has a tab: use only"),
            ("a\u200bb", "an invisible character (ZERO WIDTH SPACE, U+200B)"),
            ("..", "“..” alone is a step in a path, not a name"),
            ("", "The URL needs it: the title that Leap gave this flow."),
            ("a\x00b", "Null characters are not allowed."),
            ("x" * 101, "at most 100 characters (it has 101)"),
            ("x" * 10_000, "at most 100 characters (it has 10000)"),
        ],
        ids=lambda text: ascii(text)[:20],
    )
    def test_r6_title_names_the_value_and_the_rule(self, post: Any, title: str, words: str) -> None:
        errors = refused(post(titled(title=title)))
        assert list(errors) == ["title"]
        assert words in errors["title"][0]

    def test_blanks_around_it_are_taken_off(self, post: Any) -> None:
        post(titled(title=" summer-dr "))
        assert Flow.objects.get().title == "summer-dr"

    @pytest.mark.parametrize(("org_name", "words"), [("acme energy", "a blank"), ("acme/x", "“/”"), ("é", "“é”")])
    def test_r4_r6_organization(self, post: Any, org_name: str, words: str) -> None:
        errors = refused(post(titled(org_name=org_name)))
        assert list(errors) == ["org_name"]
        assert errors["org_name"][0].startswith(f"“{org_name}” has {words}: use only")

    def test_r6_organization_missing(self, post: Any) -> None:
        assert refused(post(titled(org_name=""))) == {"org_name": ["This field is required."]}

    @pytest.mark.parametrize(
        ("field", "value"), [("region", "CAISO"), ("variant", "COMMERCIAL"), ("program", "SRP-RPO")]
    )
    def test_r6_a_titled_address_has_none_of_the_regional_parts(self, post: Any, field: str, value: str) -> None:
        # The variant alone would also have to fit the customer types: those are the regional address's business.
        errors = refused(post(titled(**{field: value})))
        assert errors == {
            field: [f"“{value}”: only regional addresses have a {field}. Leave it empty, or choose that address."]
        }


class TestRegional:
    def test_r6_region_missing(self, post: Any) -> None:
        assert refused(post(regional(region=""))) == {
            "region": ["A regional address needs exactly one region: choose it."]
        }

    def test_r6_title_too_many(self, post: Any) -> None:
        errors = refused(post(regional(title="summer-dr")))
        assert errors == {
            "title": ["“summer-dr”: a regional address has no title. Leave it empty, or choose the titled address."]
        }

    def test_r10_utility_of_another_region(self, post: Any) -> None:
        assert refused(post(regional("pge", "oru-utilityapi"))) == {
            "utilities": [
                "O&RU is in NYISO, but the flow’s region is CAISO: a regional address shows the utilities of its one "
                "region only."
            ]
        }

    def test_r6_program(self, post: Any) -> None:
        errors = refused(post(regional(program="SRP RPO")))
        assert list(errors) == ["program"]
        assert "“SRP RPO” has a blank" in errors["program"][0]
        assert "Leap lists PSE-RPO and SRP-RPO." in errors["program"][0]

    @pytest.mark.parametrize(
        ("variant", "types", "words"),
        [
            (
                "COMMERCIAL",
                "residential",
                "“Commercial” takes commercial customers only, but the flow takes residential",
            ),
            ("COMMERCIAL", "both", "but the flow takes residential and commercial ones"),
            ("RESIDENTIAL", "commercial", "“Residential” takes residential customers only, but the flow takes comm"),
            ("RESIDENTIAL", "both", "choose another variant, or the type Residential."),
            ("", "commercial", "Without a variant, Leap shows its residential journey, but the flow takes commercial"),
            ("", "both", "Without a variant, Leap shows its residential journey"),
        ],
    )
    def test_r10_variant_and_customer_types_say_the_same(self, post: Any, variant: str, types: str, words: str) -> None:
        errors = refused(post(regional(variant=variant, customer_types=types)))
        assert list(errors) == ["variant"]
        assert words in errors["variant"][0]

    @pytest.mark.parametrize(
        ("variant", "types"),
        [("RESIDENTIAL_AGREEMENTS_ONLY", "residential"), ("COMMERCIAL_AGREEMENTS_ONLY", "commercial")],
    )
    def test_r10_agreements_only_outside_pjm(self, post: Any, variant: str, types: str) -> None:
        errors = refused(post(regional(variant=variant, customer_types=types)))
        assert list(errors) == ["variant"]
        assert "agreements only (PJM)” exists in PJM only; the flow’s region is CAISO." in errors["variant"][0]

    def test_r9_a_region_without_utilities_says_where_to_add_one(self, post: Any) -> None:
        errors = refused(post(regional(region="PJM", utilities=[])))
        assert errors == {
            "utilities": [
                "Choose at least one utility: a flow without one leads nowhere. The catalogue has none in PJM yet: "
                "add it under Utilities first."
            ]
        }


class TestUtilities:
    @pytest.mark.parametrize("pk", ["999999", "-1", "pge", "9" * 30, "9" * 6000], ids=lambda pk: pk[:9])
    def test_r9_unknown_utility(self, post: Any, pk: str) -> None:
        errors = refused(post(titled(utilities=[pk])))
        assert list(errors) == ["utilities"]
        assert f"“{pk[:18]}" in errors["utilities"][0]
        assert "is not a utility of the catalogue: an admin adds it under Utilities." in errors["utilities"][0]
        assert len(errors["utilities"][0]) < 200

    def test_r9_none(self, post: Any) -> None:
        assert refused(post(titled(utilities=[]))) == {
            "utilities": ["Choose at least one utility: a flow without one leads nowhere."]
        }

    def test_r9_one_that_connect_does_not_offer(self, post: Any) -> None:
        Utility.objects.filter(utility_id="sce").update(supports_connect=False)
        assert refused(post(titled("pge", "sce"))) == {"utilities": ["SCE: Leap Connect does not offer this utility."]}

    def test_r9_the_choices_say_what_a_utility_lacks(self, admin_client: Client) -> None:
        text = admin_client.get(NEW).text
        assert "ConEd · cecony-utilityapi · NYISO · Connect only" in text
        assert "PG&amp;E · pge · CAISO</label>" in " ".join(text.split()).replace(" </label>", "</label>")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "x" * 101}, "name", "at most 100 characters"),
        ({"name": "a\x00"}, "name", "Null characters"),
        ({"name": "Taken"}, "name", "Another flow has this name"),
        ({"journey": "paper"}, "journey", "paper is not one of the available choices"),
        ({"journey": ""}, "journey", "This field is required."),
        ({"address": "zzz"}, "address", "zzz is not one of the available choices"),
        ({"address": ""}, "address", "Choose the shape of the Connect URL: titled or regional."),
        ({"customer_types": "cats"}, "customer_types", "cats is not one of the available choices"),
        ({"customer_types": ""}, "customer_types", "This field is required."),
        ({"region": "MISO"}, "region", "MISO is not one of the available choices"),
        ({"terms": "a\x00"}, "terms", "Null characters"),
    ],
)
def test_bad_input_is_a_form_error(post: Any, changes: dict[str, Any], field: str, words: str) -> None:
    make_flow(name="Taken")
    errors = refused(post(titled(**changes)))
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert Flow.objects.count() == 1


JUNK = ["\x00", "nonsense", "9" * 30, "é" * 300, "<script>"]


@pytest.mark.parametrize("junk", JUNK, ids=ascii)
@pytest.mark.parametrize("field", ["journey", "address", "region", "variant", "program", "customer_types", "utilities"])
@pytest.mark.parametrize("shape", [titled, legacy])
def test_no_nonsense_stops_the_form_or_its_preview(admin_client: Client, shape: Any, field: str, junk: str) -> None:
    values = shape(**{field: junk})
    assert admin_client.post(NEW, values).status_code == 422
    assert not Flow.objects.exists()
    for response in (
        admin_client.post(NEW, {**values, "preview": "1"}),
        admin_client.post(NEW, {**values, "fill": "1", "url": "https://onboarding.leap.energy/acme/t/"}),
        admin_client.post("/flows/preview/", values),
    ):
        assert response.status_code == 200
        assert "<script>" not in response.text.replace("<script ", "")


def test_a_refused_change_leaves_the_flow_and_its_heading(admin_client: Client) -> None:
    flow = make_flow(name="Old name", title="old-title", utilities=["pge"])
    values = titled(name="New name", title="new title")
    response = admin_client.post(reverse("flow_update", args=[flow.pk]), values)
    assert response.status_code == 422
    assert "<h1>Old name</h1>" in response.text
    flow.refresh_from_db()
    assert (flow.name, flow.title) == ("Old name", "old-title")
    assert [utility.utility_id for utility in flow.utilities.all()] == ["pge"]


def test_a_flow_changes_its_journey_and_utilities_in_one_step(admin_client: Client) -> None:
    """The database compares flow and utilities at every statement: the order of the statements has to be right."""
    flow = make_flow(name="Summer DR")
    address = reverse("flow_update", args=[flow.pk])
    assert admin_client.post(address, legacy()).headers["Location"] == address
    flow.refresh_from_db()
    assert (flow.journey, flow.utilities.count()) == ("legacy", 3)
    assert admin_client.post(address, titled()).status_code == 302
    assert flow.utilities.count() == 6


class TestIssuedLinks:
    """R4, R6: what was handed out never changes; the form says so before it changes what comes after."""

    @pytest.fixture
    def flow(self) -> Flow:
        flow = make_flow(name="Summer DR", utilities=["pge", "sce"])
        make_link(flow=flow)
        return flow

    def address(self, flow: Flow) -> str:
        return reverse("flow_update", args=[flow.pk])

    def test_r4_the_journey_cannot_change(self, admin_client: Client) -> None:
        flow = make_flow(name="Summer DR", utilities=["pge", "sce"])
        make_link(flow=flow)
        make_link(flow=flow)
        response = admin_client.post(self.address(flow), legacy("pge", "sce", url_change_known="on"))
        assert response.status_code == 422
        assert response.context["form"].errors["journey"] == [
            "2 links were issued from this flow as Leap Connect: its journey cannot change. "
            "Retire it, and make a new flow."
        ]
        flow.refresh_from_db()
        assert flow.journey == "connect"

    def test_r4_the_service_holds_it_too(self, flow: Flow, admin: User) -> None:
        """The first link was issued between the form's look and the save."""
        flow.journey, flow.address, flow.title = "legacy", "", ""
        with pytest.raises(FlowRefused, match="its journey cannot change"):
            save_flow(flow=flow, utilities=get_utilities("pge", "sce"), by=admin)

    @pytest.mark.parametrize(
        ("changes", "label"), [({"title": "winter-dr"}, "URL-friendly title"), ({"org_name": "acme"}, "Organization")]
    )
    def test_r6_a_new_url_is_asked_for_twice(
        self, admin_client: Client, flow: Flow, changes: dict[str, str], label: str
    ) -> None:
        link = flow.links.get()
        values = titled("pge", "sce", **changes)
        response = admin_client.post(self.address(flow), values)
        assert response.status_code == 422
        assert response.context["form"].errors == {
            "url_change_known": [
                f"You change the URL ({label}), but 1 link was handed out: those keep the old one, in mails and on "
                "paper. Tick this to change it for new links."
            ]
        }
        assert 'name="url_change_known"' in response.text
        assert Flow.objects.filter(title="summer-dr", org_name="acme-energy").exists()

        assert admin_client.post(self.address(flow), {**values, "url_change_known": "on"}).status_code == 302
        flow.refresh_from_db()
        assert {name: getattr(flow, name) for name in changes} == changes
        before = link.url
        link.refresh_from_db()
        assert link.url == before
        assert next(iter(changes.values())) in make_link(flow=flow).url

    def test_what_is_not_in_the_url_changes_without_asking(self, admin_client: Client, flow: Flow) -> None:
        values = titled("pge", "sce", name="Another name", customer_types="residential", terms="Agreement")
        assert admin_client.post(self.address(flow), values).status_code == 302
        flow.refresh_from_db()
        assert (flow.name, flow.customer_types, flow.terms) == ("Another name", "residential", "Agreement")
        assert flow.is_live

    def test_the_form_says_how_many(self, admin_client: Client, flow: Flow) -> None:
        assert "1 link was issued from this flow." in " ".join(admin_client.get(self.address(flow)).text.split())

    def test_void_links_count_too(self, admin_client: Client, flow: Flow) -> None:
        """Their URLs are on paper as well."""
        flow.links.update(voided_at=flow.created_at, void_reason="moved")
        response = admin_client.post(self.address(flow), titled("pge", "sce", title="winter-dr"))
        assert "url_change_known" in response.context["form"].errors

    def test_r4_legacy_organization(self, admin_client: Client) -> None:
        flow = make_legacy_flow(name="Summer DR")
        make_link(flow=flow)
        response = admin_client.post(self.address(flow), legacy(org_name="other"))
        assert list(response.context["form"].errors) == ["url_change_known"]


def test_the_database_has_the_last_word(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes Legacy from a utility between the form's look and the save."""
    monkeypatch.setattr("portal.authorizations.forms.flows.find_problems", lambda **_: [])
    response = admin_client.post(NEW, legacy("pge", "cecony-utilityapi"))
    assert response.status_code == 422
    assert "were changed by somebody else in this moment" in response.text
    assert not Flow.objects.exists()


@pytest.mark.parametrize("path", [NEW, "/flows/preview/", "/flows/confirmation-page/"])
def test_only_admins_configure(manager_client: Client, rep_client: Client, admin_client: Client, path: str) -> None:
    for client in (manager_client, rep_client):
        assert client.get(path).status_code == 403
        assert client.post(path, titled()).status_code == 403
    assert not Flow.objects.exists()
    assert admin_client.get(path).status_code in {200, 405}


@pytest.mark.parametrize("name", ["flow_update", "flow_request", "flow_live", "flow_retire"])
def test_only_admins_change(manager_client: Client, rep_client: Client, admin_client: Client, name: str) -> None:
    flow = make_flow(state="requested", name="Summer DR")
    address = reverse(name, args=[flow.pk])
    for client in (manager_client, rep_client):
        assert client.get(address).status_code == 403
        assert client.post(address, titled(title="other")).status_code == 403
    flow.refresh_from_db()
    assert (flow.state, flow.title, flow.requested_at) == ("requested", "summer-dr", None)
    assert admin_client.get(address).status_code == 200
    assert admin_client.get(reverse(name, args=[flow.pk + 99])).status_code == 404
    assert Client().get(address).headers["Location"].startswith("/login/")
