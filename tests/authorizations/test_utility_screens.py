"""Utilities are data (R9): an admin adds one without a release, and cannot break a flow with a change."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authorizations.models import Utility
from portal.leap.utilities import PUBLISHED
from tests.factories import get_utilities, make_customer, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db
LIST = "/utilities/"
NEW = "/utilities/new/"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "region": "NYISO",
        "utility_id": "nyseg-utilityapi",
        "name": "New York State Electric & Gas (NYSEG)",
        "short_name": "NYSEG",
        "leap_name": "NYSEG",
        "expected_days": "3",
        "supports_connect": "on",
        **changes,
    }


def values_of(utility: Utility, **changes: Any) -> dict[str, Any]:
    """What the form of a utility posts when nothing was touched."""
    names = ("region", "utility_id", "name", "short_name", "leap_name", "expected_days")
    ticked = {name: "on" for name in ("supports_connect", "supports_legacy") if getattr(utility, name)}
    posted = {**{name: getattr(utility, name) for name in names}, **ticked, **changes}
    return {name: value for name, value in posted.items() if value is not None}


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(messages) for name, messages in response.context["form"].errors.items()}


class TestCatalogue:
    def test_r9_the_six_of_leaps_page_are_there(self) -> None:
        rows = {
            (u.utility_id, u.name, u.region, u.leap_name, u.supports_legacy, u.supports_connect)
            for u in Utility.objects.all()
        }
        assert rows == {(p.utility_id, p.name, p.region.value, p.leap_name, p.legacy, True) for p in PUBLISHED}
        assert {row[0] for row in rows if row[4]} == {"pge", "sce", "sdge"}

    def test_r9_an_admin_adds_one_and_links_ask_for_it_at_once(self, admin_client: Client) -> None:
        assert admin_client.post(NEW, values()).headers["Location"] == LIST
        utility = Utility.objects.get(utility_id="nyseg-utilityapi")
        assert (utility.region, utility.supports_connect, utility.supports_legacy) == ("NYISO", True, False)
        assert "NYSEG · nyseg-utilityapi · NYISO · Connect only" in admin_client.get("/flows/new/").text
        flow = make_flow(utilities=["nyseg-utilityapi"])
        link = make_link(flow=flow, customer=make_customer(utility="nyseg-utilityapi"))
        assert "?requestedUtilities=nyseg-utilityapi&refId=" in link.url

    def test_r10_in_a_region_of_the_newer_address(self, admin_client: Client) -> None:
        admin_client.post(NEW, values(region="PJM", utility_id="pepco", name="Pepco", short_name="Pepco"))
        assert Utility.objects.get(utility_id="pepco").region == "PJM"


class TestBadInput:
    @pytest.mark.parametrize(
        ("utility_id", "words"),
        [
            ("ny seg", "“ny seg” has a blank: use only A–Z a–z 0–9 - . _ ~. It stands in URLs."),
            ("ny/seg", "“ny/seg” has “/”"),
            ("ny,seg", "“ny,seg” has “,”"),
            ("ñ", "“ñ” has “ñ”"),
            ("ny?x=1", "“ny?x=1” has “?”"),
            ("..", "“..” alone is a step in a path"),
            ("n\u200bx", "ZERO WIDTH SPACE"),
            ("a\x00", "Null characters are not allowed."),
            ("x" * 61, "at most 60 characters (it has 61)"),
            ("", "This field is required."),
        ],
    )
    def test_r9_bad_ids_are_refused_in_words(self, admin_client: Client, utility_id: str, words: str) -> None:
        found = errors(admin_client.post(NEW, values(utility_id=utility_id)))
        assert list(found) == ["utility_id"]
        assert words in found["utility_id"][0]
        assert Utility.objects.count() == 6

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("utility_id", "pge", "“pge” is in the catalogue already: Pacific Gas & Electric (PG&E), CAISO."),
            ("utility_id", "PGE", "“PGE” is in the catalogue already"),
            ("name", "consolidated edison (coned)", "is in the catalogue already: Consolidated Edison (ConEd), NYISO."),
            ("short_name", "pg&e", "“pg&e” is in the catalogue already"),
            ("name", "", "This field is required."),
            ("short_name", "", "This field is required."),
            ("region", "MISO", "MISO is not one of the available choices"),
            ("region", "\x00", "is not one of the available choices"),
            ("region", "", "This field is required."),
        ],
    )
    def test_r9_field_value_and_rule(self, admin_client: Client, field: str, value: str, words: str) -> None:
        found = errors(admin_client.post(NEW, values(**{field: value})))
        assert list(found) == [field]
        assert words in found[field][0]
        assert Utility.objects.count() == 6

    def test_r4_legacy_outside_caiso(self, admin_client: Client) -> None:
        assert errors(admin_client.post(NEW, values(supports_legacy="on"))) == {
            "supports_legacy": ["Legacy ShareMyData exists in CAISO only: NYSEG is in NYISO."]
        }

    def test_r9_without_a_journey(self, admin_client: Client) -> None:
        posted = values()
        del posted["supports_connect"]
        assert errors(admin_client.post(NEW, posted)) == {
            "supports_connect": ["Tick at least one journey: a utility without one cannot be offered."]
        }


class TestChange:
    """What a flow needs cannot be taken away from under it; the error names the flow."""

    def change(self, client: Client, which: str, **changes: Any) -> Any:
        utility = get_utilities(which)[0]
        return client.post(reverse("utility_update", args=[utility.pk]), values_of(utility, **changes))

    def test_untouched_it_is_saved(self, admin_client: Client) -> None:
        make_legacy_flow()
        assert self.change(admin_client, "pge").status_code == 302

    def test_r4_legacy_that_a_flow_offers(self, admin_client: Client) -> None:
        make_legacy_flow(name="California")
        assert errors(self.change(admin_client, "sce", supports_legacy=None)) == {
            "supports_legacy": [
                "Legacy ShareMyData cannot be taken from SCE: the flow “California” offers it so. "
                "Take the utility out of the flow first."
            ]
        }
        assert get_utilities("sce")[0].supports_legacy

    def test_r9_connect_that_two_flows_offer(self, admin_client: Client) -> None:
        make_flow(name="A")
        make_flow(name="B")
        found = errors(self.change(admin_client, "pge", supports_connect=None))
        assert "the flow “A” (and 1 more) offers it so" in found["supports_connect"][0]

    def test_r10_region_that_a_regional_flow_needs(self, admin_client: Client) -> None:
        make_flow(
            name="New York",
            address="regional",
            title="",
            region="NYISO",
            customer_types="residential",
            utilities=["oru-utilityapi"],
        )
        found = errors(self.change(admin_client, "oru-utilityapi", region="PJM"))
        assert found["region"] == ["O&RU cannot move to PJM: the flow “New York” is a flow of NYISO and offers it."]

    def test_r4_links_keep_the_old_id(self, admin_client: Client) -> None:
        link = make_link(flow=make_flow(utilities=["pge"]))
        page = admin_client.get(reverse("utility_update", args=[get_utilities("pge")[0].pk])).text
        assert "those that were handed out keep the old one" in page
        assert self.change(admin_client, "pge", utility_id="pge-2").status_code == 302
        before = link.url
        link.refresh_from_db()
        assert link.url == before
        assert "requestedUtilities=pge-2&" in make_link(flow=link.flow, customer=make_customer(utility="pge-2")).url

    def test_a_refused_change_leaves_the_heading(self, admin_client: Client) -> None:
        response = self.change(admin_client, "pge", name="New name", utility_id="a b")
        assert "<h1>Pacific Gas &amp; Electric (PG&amp;E)</h1>" in response.text

    def test_the_database_has_the_last_word(self, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """A flow took the utility in between the form's look and the save."""
        make_legacy_flow()
        monkeypatch.setattr("portal.authorizations.forms.utilities.find_conflicts", lambda _: [])
        response = self.change(admin_client, "pge", supports_legacy=None)
        assert response.status_code == 422
        assert "A flow that offers this utility needs what it would lose" in response.text
        assert get_utilities("pge")[0].supports_legacy


class TestList:
    def names(self, response: Any) -> list[str]:
        return [row.record.utility_id for row in response.context["table"].paginated_rows]

    def test_r10_filters(self, admin_client: Client) -> None:
        new_york = ["cecony-utilityapi", "oru-utilityapi", "psegli-utilityapi"]
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"region": "NYISO"}, new_york),
            ({"journey": "legacy"}, ["pge", "sce", "sdge"]),
            ({"journey": "connect", "region": "CAISO"}, ["pge", "sce", "sdge"]),
            ({"q": "edison"}, ["cecony-utilityapi", "sce"]),
            ({"q": "CECONY"}, ["cecony-utilityapi"]),
            ({"q": "", "journey": ""}, ["cecony-utilityapi", "oru-utilityapi", "pge"]),
        ]
        for query, expected in cases:
            assert sorted(self.names(admin_client.get(LIST, query)))[: len(expected)] == expected, query
        assert self.names(admin_client.get(LIST, {"q": "\x00", "journey": "paper", "region": "x"})) == []

    def test_counts_and_queries(self, admin_client: Client) -> None:
        admin_client.get(LIST)
        with CaptureQueriesContext(connection) as few:
            admin_client.get(LIST)
        make_flow()
        for number in range(5):
            make_customer()
            Utility.objects.create(utility_id=f"u{number}", name=f"U{number}", short_name=f"U{number}", region="PJM")
        with CaptureQueriesContext(connection) as many:
            response = admin_client.get(LIST)
        assert len(few) == len(many)
        counts = {row.record.utility_id: row.record for row in response.context["table"].rows}
        assert (counts["pge"].customer_count, counts["pge"].flow_count) == (5, 1)
        assert (counts["u0"].customer_count, counts["u0"].flow_count) == (0, 0)

    def test_export(self, manager_client: Client) -> None:
        response = manager_client.get(LIST, {"export": "csv", "region": "CAISO"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [(row["Utility ID"], row["Legacy ShareMyData"]) for row in rows] == [
            ("pge", "yes"),
            ("sdge", "yes"),
            ("sce", "yes"),
        ]


def test_managers_look_reps_do_not_and_only_admins_change(
    admin_client: Client, manager_client: Client, rep_client: Client
) -> None:
    update = reverse("utility_update", args=[get_utilities("pge")[0].pk])
    assert manager_client.get(LIST).status_code == 200
    assert update not in manager_client.get(LIST).text
    assert rep_client.get(LIST).status_code == 403
    for client in (manager_client, rep_client):
        for path in (NEW, update):
            assert client.get(path).status_code == 403
            assert client.post(path, values()).status_code == 403
    assert Utility.objects.count() == 6
    for path in (LIST, NEW, update):
        assert admin_client.get(path).status_code == 200
    assert admin_client.get("/utilities/9999/").status_code == 404
    assert Client().get(LIST).status_code == 302
