"""The enrollment plan: next deadlines, for whom meters wait, and the last day to ask (R18)."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import User
from portal.authorizations.models import Enrollment, EnrollmentDeadline, Link, Party, Reauthorization, Utility
from portal.authorizations.services import figures
from portal.authorizations.services.figures import count_figures
from portal.authorizations.services.plan import find_ask_by, settle_deadlines, summarize_plan
from portal.authorizations.views.attention import list_todos
from tests.factories import (
    get_utilities,
    make_customer,
    make_enrollment,
    make_link,
    make_match,
    make_meter,
    make_required_action,
    make_shared_link,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 20, tzinfo=UTC)
PLAN = "/plan/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 20, tzinfo=UTC)


def planned() -> dict[int, Enrollment]:
    Enrollment.objects.settle(NOW)
    return {row.pk: row for row in Enrollment.objects.in_plan()}


def found(client: Client, **query: Any) -> list[Enrollment]:
    response = client.get(PLAN, query)
    assert response.status_code == 200
    return [row.record for row in response.context["table"].paginated_rows]


class TestRows:
    def test_deadlines_that_are_over_are_not_next(self) -> None:
        row = make_enrollment(deadlines=[at(2, 28), at(3, 15), at(4, 15)])
        over = make_enrollment(deadlines=[at(2, 28)])
        rows = planned()
        assert (rows[row.pk].next_deadline, rows[row.pk].active_from) == (at(3, 15), at(3, 31))
        assert rows[over.pk].next_deadline is None

    def test_archived_meters_are_not_planned(self) -> None:
        make_enrollment(meter=make_meter(is_archived=True), deadlines=[at(3, 15)])
        assert planned() == {}

    def test_for_whom_it_waits_the_partner_before_leap(self) -> None:
        both, leap, ready, shut = (make_enrollment() for _ in range(4))
        Enrollment.objects.filter(pk=shut.pk).update(status="INELIGIBLE")
        make_required_action(meter=both.meter, party=Party.LEAP)
        make_required_action(meter=both.meter)
        make_required_action(meter=leap.meter, party=Party.LEAP)
        assert [planned()[row.pk].standing for row in (both, leap, ready, shut)] == [
            "partner",
            "leap",
            "ready",
            "ineligible",
        ]

    def test_an_action_counts_in_its_own_program_and_period_only(self) -> None:
        meter = make_meter()
        one = make_enrollment(meter=meter, program="CCA", delivery_period="OCT")
        other = make_enrollment(meter=meter, program="CCA", delivery_period="NOV")
        third = make_enrollment(meter=meter, program="ELRP")
        make_required_action(meter=meter, program="CCA", delivery_period="NOV")
        rows = planned()
        assert [rows[row.pk].standing for row in (one, other, third)] == ["ready", "partner", "ready"]
        assert [len(row.actions) for row in (one, other, third)] == [0, 1, 0]


class TestAskBy:
    def test_less_the_utilitys_days_and_in_caiso_the_markets_registration(self) -> None:
        sce, conedison = get_utilities("sce", "cecony-utilityapi")
        sce.expected_days, conedison.expected_days = 7, 3
        assert find_ask_by(at(4, 30), sce) == date(2026, 4, 9)
        assert find_ask_by(at(4, 30), conedison) == date(2026, 4, 27)

    def test_the_last_day_still_makes_it_and_the_day_after_does_not(self) -> None:
        make_enrollment(meter=make_meter(utility="cecony-utilityapi"), deadlines=[at(3, 4), at(4, 15)])
        get_utilities("cecony-utilityapi")[0].__class__.objects.update(expected_days=3)
        [ask] = summarize_plan(now=NOW).asks
        assert (ask.ask_by, ask.late, ask.following) == (date(2026, 3, 1), False, None)
        [ask] = summarize_plan(now=NOW + timedelta(days=1)).asks
        assert (ask.late, ask.deadline) == (True, date(2026, 3, 4))
        assert ask.following
        assert (ask.following.ask_by, ask.following.deadline) == (date(2026, 4, 12), date(2026, 4, 15))

    def test_counts_customers_live_links_without_a_meter(self) -> None:
        make_enrollment(meter=make_meter(utility="sce"), deadlines=[at(6, 1)])
        make_link(customer=make_customer(utility="sce"))
        make_link(customer=make_customer(utility="pge"), utilities=get_utilities("sce", "pge"))
        make_link(customer=make_customer(utility="pge"))
        make_shared_link()
        metered, void, claimed = (make_link(customer=make_customer(utility="sce")) for _ in range(3))
        Link.objects.filter(pk=metered.pk).update(metered_at=NOW)
        Link.objects.filter(pk=void.pk).update(voided_at=NOW, void_reason="moved")
        Link.objects.filter(pk=claimed.pk).update(first_returned_at=NOW)
        [ask] = summarize_plan(now=NOW).asks
        assert (ask.utility.utility_id, ask.links) == ("sce", 3)


class TestHome:
    def deadlines(self, user: User) -> list[str]:
        todos = list_todos(user, figures=count_figures(now=NOW))
        return [todo.text for todo in todos if todo.badge == "Deadline"]

    def test_says_the_last_day_two_weeks_ahead(self, manager: User) -> None:
        Utility.objects.update(expected_days=3)
        make_enrollment(meter=make_meter(utility="cecony-utilityapi"), program="CONED-CSRP", deadlines=[at(3, 18)])
        assert self.deadlines(manager) == []  # nobody to ask
        make_link(customer=make_customer(utility="cecony-utilityapi"))
        assert self.deadlines(manager) == ["CONED-CSRP closes 18 Mar 2026: ask by 15 Mar 2026"]
        EnrollmentDeadline.objects.update(deadline_at=at(3, 19))
        assert self.deadlines(manager) == []

    def test_reps_are_told_of_neither(self, rep: User) -> None:
        Reauthorization.objects.create(meter=make_meter(needs_authorization=True), opened_at=NOW)
        assert list_todos(rep) == []

    def test_the_plan_leads_to_just_the_links_that_it_counts(self, manager_client: Client) -> None:
        make_enrollment(meter=make_meter(utility="sce"), deadlines=[at(6, 1)])
        wanted = make_link(customer=make_customer(utility="sce"))
        make_link(customer=make_customer(utility="sce"), utilities=get_utilities("pge"))
        make_shared_link()
        query = f"utility={get_utilities('sce')[0].pk}&status=unmetered&mark=live"
        assert f"/links/?{query.replace('&', '&amp;')}" in manager_client.get(PLAN).text
        rows = manager_client.get(f"/links/?{query}").context["table"].paginated_rows
        assert [row.record for row in rows] == [wanted]


class TestSummary:
    def test_its_lines_lead_to_their_meters(self, manager_client: Client) -> None:
        wanted = make_enrollment(deadlines=[at(3, 15)])
        make_required_action(meter=wanted.meter)
        make_enrollment(deadlines=[at(4, 15)])
        query = "program=CEC-DSGS&standing=partner&deadline_after=2026-03-15&deadline_before=2026-03-15"
        assert f'href="?{query.replace("&", "&amp;")}"' in manager_client.get(PLAN).text
        assert [row.pk for row in found(manager_client, **dict(QueryDict(query).items()))] == [wanted.pk]

    def test_by_program_and_next_deadline(self) -> None:
        for _ in range(2):
            make_enrollment(deadlines=[at(2, 1), at(3, 15), at(4, 15)])
        waiting = make_enrollment(deadlines=[at(3, 15)])
        make_required_action(meter=waiting.meter)
        make_enrollment(program="CONED-CSRP", deadlines=[at(4, 15)])
        make_enrollment(deadlines=[at(2, 1)])
        make_meter()
        make_meter(is_archived=True)
        summary = summarize_plan(now=NOW)
        assert [(line.program, line.deadline, line.active_from, line.total) for line in summary.deadlines] == [
            ("CEC-DSGS", date(2026, 3, 15), date(2026, 3, 31), 3),
            ("CONED-CSRP", date(2026, 4, 15), date(2026, 5, 1), 1),
        ]
        assert summary.deadlines[0].counts == {"ready": 2, "partner": 1, "leap": 0, "ineligible": 0}
        assert (summary.without_deadline, summary.without_program) == (1, 1)

    def test_where_there_is_much_it_is_what_the_worker_counted(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(figures, "SMALL", 1)
        for _ in range(2):
            make_enrollment(meter=make_meter(utility="sce"), deadlines=[at(3, 2), at(6, 1)])
        make_link(customer=make_customer(utility="sce"))
        assert "Nobody has counted yet" in manager_client.get(PLAN).text
        figures.refresh_figures()
        now = summarize_plan(now=NOW)
        make_enrollment(meter=make_meter(utility="sce"), deadlines=[at(3, 2)])
        response = manager_client.get(PLAN)
        assert "Counted at 1 Mar 2026, 12:00" in response.text
        assert response.context["summary"] == now
        assert now.asks[0].following

    def test_the_worker_moves_on_when_a_deadline_is_over(self) -> None:
        row = make_enrollment(deadlines=[at(3, 5), at(4, 5)])
        settle_deadlines(now=at(3, 5) + timedelta(seconds=1))
        row.refresh_from_db()
        assert (row.next_deadline, row.active_from) == (at(4, 5), at(4, 5) + timedelta(days=16))


class TestScreen:
    def test_permission_pair(self, manager_client: Client, admin_client: Client, rep_client: Client) -> None:
        assert manager_client.get(PLAN).status_code == 200
        assert admin_client.get(PLAN, {"export": "csv"}).status_code == 200
        assert rep_client.get(PLAN).status_code == 403
        assert rep_client.get(PLAN, {"export": "csv"}).status_code == 403

    def test_the_screen_says_where_the_fourteen_days_come_from(self, manager_client: Client) -> None:
        make_enrollment(deadlines=[at(6, 1)])
        text = manager_client.get(PLAN).text
        assert "in CAISO less 14 more for the market’s registration" in text
        assert "days + 14" in text

    def test_the_nearest_deadline_first_and_none_last_either_way(self, manager_client: Client) -> None:
        late, none, soon = (make_enrollment(deadlines=days) for days in ([at(4, 1)], [], [at(3, 5)]))
        assert found(manager_client) == [soon, late, none]
        assert found(manager_client, sort="-next_deadline") == [late, soon, none]

    def test_filters_narrow_it(self, manager_client: Client) -> None:
        meter = make_meter(utility="sce", classification="COMMERCIAL", partner_reference="ref-1")
        wanted = make_enrollment(meter=meter, program="ELRP", status="ACTIVE", deadlines=[at(3, 15)])
        make_required_action(meter=meter)
        make_enrollment(meter=make_meter(utility="psegli-utilityapi"))
        for query in (
            {"program": "ELRP"},
            {"standing": "partner"},
            {"status": "ACTIVE"},
            {"action": "IS_AUTHORIZED"},
            {"utility": get_utilities("sce")[0].pk},
            {"region": "CAISO"},
            {"customer_type": "COMMERCIAL"},
            {"deadline": "next"},
            {"deadline_after": "2026-03-15", "deadline_before": "2026-03-15"},
            {"q": "ref-1"},
        ):
            assert found(manager_client, **query) == [wanted], query
        assert wanted not in found(manager_client, deadline="none")
        assert found(manager_client, deadline_before="2026-03-14") == []

    def test_export_for_enrollment(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(name="Rosa", company="", external_id="A-9", utility="pge"))
        meter = make_meter(partner_reference=link.reference_id)
        make_match(meter=meter, link=link)
        make_enrollment(meter=meter, deadlines=[at(4, 30)])
        make_enrollment(meter=make_meter(utility=""), program="OTHER", deadlines=[at(4, 30)])
        make_required_action(meter=meter)
        response: Any = manager_client.get(PLAN, {"export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        row, other = csv.DictReader(io.StringIO(text))
        assert (row["meter_id"], row["External ID"], row["Program"]) == (str(meter.meter_id), "A-9", "CEC-DSGS")
        assert (row["Next deadline"], row["Active from"]) == ("2026-04-30", "2026-05-16")
        assert (row["Waits for"], row["Required actions"]) == ("partner", "partner: IS_AUTHORIZED AUTH_0001")
        expected = date(2026, 4, 16) - timedelta(days=get_utilities("pge")[0].expected_days)
        assert row["Ask others of this utility by"] == f"{expected}"
        assert other["Ask others of this utility by"] == ""

    def test_queries_do_not_grow_with_meters(self, manager_client: Client) -> None:
        numbers = []
        make_match(meter=make_enrollment(deadlines=[at(3, 15)]).meter)
        manager_client.get(PLAN)
        for many in (2, 9):
            for _ in range(many):
                match = make_match()
                make_enrollment(meter=match.meter, deadlines=[at(3, 15), at(4, 15)])
                make_required_action(meter=match.meter)
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(PLAN)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]
