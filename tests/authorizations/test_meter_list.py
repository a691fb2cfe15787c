"""Meters on the screen: whose they are and how that was found (R14), in words, without what Leap holds of a person."""

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authorizations.models import MatchedBy, Meter, Party
from tests.factories import (
    get_utilities,
    make_customer,
    make_enrollment,
    make_link,
    make_match,
    make_meter,
    make_paper,
    make_required_action,
)

pytestmark = pytest.mark.django_db
LIST = "/meters/"


def found(client: Client, **query: Any) -> list[Meter]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [row.record for row in response.context["table"].paginated_rows]


def detail(client: Client, meter: Meter) -> str:
    response = client.get(f"/meters/{meter.pk}/")
    assert response.status_code == 200
    return " ".join(response.text.split())


class TestWhoSeesThem:
    def test_manager_and_admin_may(self, manager_client: Client, admin_client: Client) -> None:
        meter = make_meter()
        for client in (manager_client, admin_client):
            assert client.get(LIST).status_code == 200
            assert client.get(f"/meters/{meter.pk}/").status_code == 200
            assert client.get(LIST, {"export": "csv"}).status_code == 200

    def test_rep_may_not(self, rep_client: Client) -> None:
        meter = make_meter()
        for address in (LIST, f"/meters/{meter.pk}/", f"{LIST}?export=csv"):
            assert rep_client.get(address).status_code == 403


class TestRows:
    def test_r14_whose_it_is_and_how_it_was_found(self, manager_client: Client) -> None:
        meter = make_meter()
        make_match(meter=meter, link=make_link(customer=make_customer(name="Ann")))
        make_match(
            meter=meter,
            link=make_link(customer=make_customer(name="Bob")),
            matched_by=MatchedBy.PARTNER_REFERENCE,
        )
        [row] = manager_client.get(LIST).context["table"].paginated_rows
        cell = row.get_cell("belongs")
        places = [cell.index(words) for words in ("Ann", "by connection reference", "Bob", "by partner reference")]
        assert places == sorted(places)

    def test_r1_paper_is_said_to_be_paper(self, manager_client: Client) -> None:
        make_match(paper=make_paper(customer=make_customer(name="Cleo")), matched_by=MatchedBy.PARTNER_REFERENCE)
        text = manager_client.get(LIST).text
        assert "Cleo" in text
        assert "by partner reference, on paper" in text

    def test_archived_and_unknown_values_are_shown_and_marked(self, manager_client: Client) -> None:
        make_meter(is_archived=True, enrollment_status="PAUSED_BY_LEAP", utility="", utility_name="ACME_POWER")
        text = manager_client.get(LIST).text
        assert ">archived<" in text
        assert "PAUSED_BY_LEAP" in text
        assert "ACME_POWER" in text

    def test_queries_do_not_grow_with_meters(self, manager_client: Client) -> None:
        numbers = []
        make_match()
        manager_client.get(LIST)
        for many in (2, 9):
            for _ in range(many):
                make_match()
                make_match(paper=make_paper())
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(LIST)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]


class TestFilters:
    def test_each_narrows_the_list(self, manager_client: Client) -> None:
        wanted = make_meter(
            utility="sce",
            classification="COMMERCIAL",
            enrollment_status="ACTIVE",
            needs_partner=True,
            needs_authorization=True,
            is_archived=True,
            created_at=timezone.now() - timedelta(days=40),
        )
        make_match(meter=wanted)
        make_enrollment(meter=wanted)
        make_meter(utility="psegli-utilityapi", partner_reference="elsewhere")
        day = timezone.localdate() - timedelta(days=20)
        for query in (
            {"utility": get_utilities("sce")[0].pk},
            {"region": "CAISO"},
            {"customer_type": "COMMERCIAL"},
            {"status": "ACTIVE"},
            {"match": "matched"},
            {"match": "connection"},
            {"action": "required"},
            {"action": "reauthorize"},
            {"archived": "yes"},
            {"created_before": day},
        ):
            assert found(manager_client, **query) == [wanted], query
        for query in (
            {"match": "unmatched"},
            {"archived": "no"},
            {"action": "none"},
            {"status": "none"},
            {"created_after": day},
        ):
            assert len(found(manager_client, **query)) == 1, query
            assert wanted not in found(manager_client, **query), query
        assert found(manager_client, match="partner") == []
        assert found(manager_client, match="untraceable") == []
        assert len(found(manager_client)) == 2

    def test_untraceable_and_statuses_that_leap_added(self, manager_client: Client) -> None:
        nobody = make_meter(enrollment_status="NEW_ONE")
        make_meter(connection_references=["abc-1"], enrollment_status="")
        assert found(manager_client, match="untraceable") == [nobody]
        assert found(manager_client, status="other") == [nobody]

    @pytest.mark.parametrize(
        "text",
        [
            "1234ABCD-1111-4222",
            "1234abcd111142",
            "1234abcd",
            "12345678-90",
            "part-77",
            "Rosa",
            "núñez ltd",
        ],
    )
    def test_search(self, manager_client: Client, text: str) -> None:
        one = make_meter(meter_id=uuid.UUID("1234abcd-1111-4222-8333-444455556666"))
        two = make_meter(meter_id=uuid.UUID("12345678-9012-4222-8333-444455556666"), partner_reference="part-77")
        make_match(meter=two, link=make_link(customer=make_customer(name="Rosa", company="Núñez Ltd")))
        make_meter(meter_id=uuid.UUID("ffff0000-1111-4222-8333-444455556666"))
        assert found(manager_client, q=text) == [one if text.lower().startswith("1234a") else two]

    def test_search_by_the_links_reference_id(self, manager_client: Client) -> None:
        match = make_match()
        make_meter()
        assert match.link
        assert found(manager_client, q=match.link.reference_id) == [match.meter]

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "nonsense"])
    def test_odd_days_are_no_error(self, manager_client: Client, day: str) -> None:
        assert manager_client.get(LIST, {"created_after": day, "created_before": day}).status_code == 200


class TestDetail:
    def test_metadata_without_the_person(self, manager_client: Client) -> None:
        record = {
            "customer": {"street_1": "1 Secret St"},
            "utility": {"tariff": "E-TOU-C", "electric_service_account_number": "99-SECRET"},
            "site": {"on_site_fossil_generator": False, "site_devices": [{"kw": 5}, {"kw": 7}]},
            "future_block": {"what": "<b>new</b>"},
        }
        text = detail(manager_client, make_meter(record=record))
        for words in ("E-TOU-C", "On site fossil generator", "Site: Site devices 2", "&lt;b&gt;new&lt;/b&gt;"):
            assert words in text
        assert "ecret" not in text
        assert "SECRET" not in text

    def test_r14_unmatched_says_why_and_what_to_do(self, manager_client: Client) -> None:
        unknown = detail(manager_client, make_meter(partner_reference="x-1", connection_references=["y-2", "x-1"]))
        assert "<code>y-2</code>, <code>x-1</code>." in unknown
        assert "no link and no paper authorization here has" in unknown
        nothing = detail(manager_client, make_meter())
        assert "Not traceable." in nothing
        assert "set its partner reference there" in nothing

    def test_actions_in_words_the_partners_first(self, manager_client: Client) -> None:
        meter = make_meter(needs_authorization=True)
        make_required_action(
            meter=meter, party=Party.LEAP, action_type="HAS_MARKET_REGISTRATION", action_code="LEAP_0001"
        )
        make_required_action(meter=meter)
        make_required_action(meter=meter, action_type="NEW_TYPE", action_code="N_1", description="Do the new thing")
        text = detail(manager_client, meter)
        assert text.index("authorize this meter again") < text.index("not registered with the market")
        for words in ("AUTH_0001", "Issue the customer’s link anew", "Do the new thing", "NEW_TYPE", "N_1"):
            assert words in text

    def test_deadlines_that_are_over_are_said_to_be(self, manager_client: Client) -> None:
        now = timezone.now()
        meter = make_meter()
        make_enrollment(meter=meter, deadlines=[now - timedelta(days=3), now + timedelta(days=3)])
        text = detail(manager_client, meter)
        assert text.count("over since") == 1
        assert text.count("active from") == 2


def test_export_has_what_the_filters_leave(manager_client: Client) -> None:
    link = make_link(customer=make_customer(name="Rosa", company="", external_id="A-9"))
    make_match(meter=make_meter(partner_reference="=1+1", connection_references=["a", "b"]), link=link)
    make_meter(is_archived=True)
    response: Any = manager_client.get(LIST, {"export": "csv", "archived": "no"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["Belongs to"], row["External ID"], row["Matched by"]) == ("Rosa", "A-9", "connection reference")
    assert (row["partner_reference"], row["connection_references"]) == ("'=1+1", "a b")
