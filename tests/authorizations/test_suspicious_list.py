"""Claims without proof: returned, and not proven in the days that the utility takes (R16)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import User
from portal.authorizations.models import Connection, Link, Utility
from portal.authorizations.services.claims import read_doubt
from portal.authorizations.services.links import replace_link
from portal.authorizations.views.attention import list_todos
from tests.factories import get_utilities, make_customer, make_legacy_flow, make_link, make_shared_link

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 18, tzinfo=UTC)
LIST = "/confirmations/suspicious/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def _days(db: None) -> None:
    """PG&E takes 2 days, SCE 5, the others 3."""
    Utility.objects.update(expected_days=3)
    Utility.objects.filter(utility_id="pge").update(expected_days=2)
    Utility.objects.filter(utility_id="sce").update(expected_days=5)


def claim(link: Link | None = None, *, days: float = 30, **fields: Any) -> Link:
    """A link whose browser came back so many days ago."""
    link = link or make_link()
    Link.objects.filter(pk=link.pk).update(first_returned_at=NOW - timedelta(days=days), **fields)
    link.refresh_from_db()
    return link


def found(client: Client, **query: Any) -> list[Link]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [row.record for row in response.context["table"].paginated_rows]


def overdue() -> set[int]:
    return set(Link.objects.overdue_claims(NOW).values_list("pk", flat=True))


class TestRule:
    @pytest.mark.parametrize(("days", "is_overdue"), [(1.99, False), (2.01, True)])
    def test_after_the_utilitys_expected_days(self, days: float, is_overdue: bool) -> None:
        link = claim(make_link(customer=make_customer(utility="pge")), days=days)
        assert (link.pk in overdue()) is is_overdue

    @pytest.mark.parametrize(("days", "is_overdue"), [(4.9, False), (5.1, True)])
    def test_the_longest_of_several_utilities_counts(self, days: float, is_overdue: bool) -> None:
        link = claim(make_link(customer=make_customer(), utilities=get_utilities("pge", "sce")), days=days)
        assert (link.pk in overdue()) is is_overdue

    @pytest.mark.parametrize(("days", "is_overdue"), [(2.1, True), (1.9, False)])
    def test_legacys_own_utility(self, days: float, is_overdue: bool) -> None:
        link = claim(make_link(customer=make_customer(utility="pge"), flow=make_legacy_flow()), days=days)
        assert (link.pk in overdue()) is is_overdue

    @pytest.mark.parametrize(("days", "is_overdue"), [(6.9, False), (7.1, True)])
    def test_seven_days_where_no_utility_is_known(self, days: float, is_overdue: bool) -> None:
        link = make_link(customer=make_customer(utility=""))
        link.requested_utilities.clear()
        assert (claim(link, days=days).pk in overdue()) is is_overdue

    @pytest.mark.parametrize("milestone", ["authorized_at", "metered_at", "enrolled_at"])
    def test_proof_ends_the_doubt(self, milestone: str) -> None:
        claim(**{milestone: NOW})
        assert overdue() == set()

    def test_void_and_shared_links_are_no_question(self) -> None:
        claim(voided_at=NOW, void_reason="moved")
        claim(make_shared_link())
        make_link()
        assert overdue() == set()

    def test_issued_anew_is_none_once_the_successor_is_proven(self) -> None:
        link = claim()
        successor = replace_link(link=link, issued_by=None)
        assert overdue() == {link.pk}
        Link.objects.filter(pk=successor.pk).update(authorized_at=NOW)
        assert overdue() == set()


class TestWords:
    def test_the_furthest_that_leap_told(self) -> None:
        def heard(link: Link) -> str:
            return read_doubt(link).heard

        nothing, session, utility, failed = (claim() for _ in range(4))
        Connection.objects.create(link=session, started_at=NOW, last_event_at=NOW)
        Link.objects.filter(pk__in=[utility.pk, failed.pk]).update(at_utility_at=NOW)
        Link.objects.filter(pk=failed.pk).update(failed_at=NOW)
        Connection.objects.create(link=failed, utility_name="PGE", failed_at=NOW, last_event_at=NOW)
        for link in (nothing, session, utility, failed):
            link.refresh_from_db()
        assert heard(nothing) == "nothing"
        assert heard(session) == "session opened"
        assert heard(utility) == "reached the utility"
        assert heard(failed) == "failed at PGE"
        assert read_doubt(failed).fault

    def test_without_a_visit_it_may_be_forged(self) -> None:
        assert "forged" in read_doubt(claim()).next_step
        assert "forged" not in read_doubt(claim(first_visited_at=NOW)).next_step


class TestScreen:
    def test_permission_pair(self, manager_client: Client, admin_client: Client, rep_client: Client) -> None:
        assert manager_client.get(LIST).status_code == 200
        assert admin_client.get(LIST, {"export": "csv"}).status_code == 200
        assert rep_client.get(LIST).status_code == 403
        assert rep_client.get(LIST, {"export": "csv"}).status_code == 403

    def test_the_oldest_first_with_how_long_it_waits(self, manager_client: Client) -> None:
        younger, older = claim(days=8), claim(days=12)
        assert found(manager_client) == [older, younger]
        assert "12 days, expected 2" in manager_client.get(LIST).text

    def test_filters_narrow_it(self, manager_client: Client) -> None:
        nothing = claim(make_link(customer=make_customer(name="Ann", utility="sce")))
        failed = claim(make_link(customer=make_customer(utility="psegli-utilityapi")), failed_at=NOW, at_utility_at=NOW)
        reached = claim(make_link(customer=make_customer(utility="psegli-utilityapi")), at_utility_at=NOW)
        session = claim(make_link(customer=make_customer(utility="psegli-utilityapi")))
        Connection.objects.create(link=session, started_at=NOW, last_event_at=NOW)
        for query, link in (
            ({"heard": "nothing"}, nothing),
            ({"heard": "failed"}, failed),
            ({"heard": "utility"}, reached),
            ({"heard": "session"}, session),
            ({"utility": get_utilities("sce")[0].pk}, nothing),
            ({"region": "CAISO"}, nothing),
            ({"q": "Ann"}, nothing),
            ({"flow": failed.flow_id}, failed),
        ):
            assert found(manager_client, **query) == [link], query

    def test_export(self, manager_client: Client) -> None:
        claim(make_link(customer=make_customer(name="=1+1", company="")), days=12)
        response: Any = manager_client.get(LIST, {"export": "csv"})
        [row] = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
        assert (row["Customer"], row["Days since"], row["Expected days"]) == ("'=1+1", "12", "2")
        assert row["Leap says"] == "nothing"

    def test_home_counts_them_and_leads_there(self, manager: User) -> None:
        claim()
        claim(days=1)
        [todo] = [todo for todo in list_todos(manager) if todo.badge == "Claimed"]
        assert todo.text == "1 came back, but Leap has not proven it in time"
        assert todo.url == LIST

    def test_queries_do_not_grow_with_rows(self, manager_client: Client) -> None:
        claim()
        manager_client.get(LIST)
        numbers = []
        for many in (2, 9):
            for _ in range(many):
                Connection.objects.create(link=claim(), started_at=NOW, last_event_at=NOW)
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(LIST)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]
