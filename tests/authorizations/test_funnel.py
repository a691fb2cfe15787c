"""The funnel: proven steps imply the earlier proven ones, a claim is no step, medians are of both databases (R18)."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Link, PaperAuthorization
from portal.authorizations.services.funnel import Breakdown, find_median, read_funnel
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_match,
    make_paper,
    make_shared_link,
)

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def make_walk(link: Link | None = None, **hours: float) -> Link:
    """A link issued at START whose milestones came so many hours later."""
    link = link or make_link()
    moments = {name: START + timedelta(hours=value) for name, value in hours.items()}
    Link.objects.filter(pk=link.pk).update(**{"issued_at": START, **moments})
    link.refresh_from_db()
    return link


def counts(part: Any) -> dict[str, int]:
    return {stage.key: stage.count for stage in part.stages}


def read(by: Breakdown | None = None) -> Any:
    return read_funnel(links=Link.objects.filter(customer__isnull=False), by=by)


def parts(by: Breakdown) -> dict[str, int]:
    return {part.label: part.stages[0].count for part in read(by).parts}


class TestSteps:
    def test_a_proven_step_implies_the_earlier_proven_ones_but_no_visit(self) -> None:
        make_walk(enrolled_at=9)
        steps = counts(read().total)
        assert steps == {
            "issued": 1,
            "visited": 0,
            "at_utility": 1,
            "authorized": 1,
            "metered": 1,
            "enrolled": 1,
        }

    def test_r16_a_return_is_no_step(self) -> None:
        make_walk(first_visited_at=1, first_returned_at=2)
        total = read().total
        assert counts(total) == {
            "issued": 1,
            "visited": 1,
            "at_utility": 0,
            "authorized": 0,
            "metered": 0,
            "enrolled": 0,
        }
        assert (total.returned, total.claimed_only, total.returned_percent) == (1, 1, 100)

    def test_reaching_the_utility_is_not_authorizing(self) -> None:
        make_walk(at_utility_at=1)
        steps = counts(read().total)
        assert (steps["at_utility"], steps["authorized"]) == (1, 0)

    def test_rate_is_of_the_step_before_and_none_where_that_was_passed_by(self) -> None:
        make_walk(first_visited_at=1, authorized_at=2)
        make_walk(at_utility_at=2)
        make_walk()
        stages = {stage.key: stage for stage in read().total.stages}
        assert (stages["visited"].rate, stages["visited"].percent) == (33, 33)
        assert (stages["at_utility"].rate, stages["at_utility"].percent) == (None, 67)
        assert stages["authorized"].rate == 50
        assert stages["metered"].rate == 0
        assert stages["enrolled"].rate is None


class TestMedians:
    @pytest.mark.parametrize(
        ("tenths", "days"),
        [
            ({}, None),
            ({20: 1}, 2.0),
            ({10: 1, 20: 1}, 1.5),
            ({10: 2, 200: 1}, 1.0),
            ({0: 1, 10: 1, 20: 1, 30: 1}, 1.5),
            ({2: 5}, 0.2),
        ],
    )
    def test_of_counted_tenths(self, tenths: dict[int, int], days: float | None) -> None:
        assert find_median(Counter(tenths)) == days

    def test_days_between_the_step_and_the_one_before(self) -> None:
        for days in (1, 2, 9):
            make_walk(first_visited_at=24 * days, at_utility_at=24 * days + 12)
        stages = {stage.key: stage.days for stage in read().total.stages}
        assert stages == {
            "issued": None,
            "visited": 2.0,
            "at_utility": 0.5,
            "authorized": None,
            "metered": None,
            "enrolled": None,
        }

    def test_whoever_was_visited_only_afterwards_took_no_such_step(self) -> None:
        make_walk(first_visited_at=50, at_utility_at=2)
        assert {stage.key: stage.days for stage in read().total.stages}["at_utility"] is None

    def test_each_part_has_its_own(self) -> None:
        one, other = make_flow(), make_flow()
        make_walk(make_link(flow=one), first_visited_at=24)
        make_walk(make_link(flow=other), first_visited_at=72)
        found = {part.label: part.stages[1].days for part in read(Breakdown.FLOW).parts}
        assert found == {one.name: 1.0, other.name: 3.0}


class TestParts:
    def test_by_utility_a_link_counts_under_each_it_asks_for_and_once_in_the_whole(self) -> None:
        make_link(customer=make_customer(utility="sce"), utilities=get_utilities("pge", "sdge"))
        make_link(customer=make_customer(utility="pge"), flow=make_legacy_flow())
        assert parts(Breakdown.UTILITY) == {"PG&E": 2, "SDG&E": 1}
        assert read(Breakdown.UTILITY).total.stages[0].count == 2

    def test_by_utility_the_customers_own_where_none_is_asked_for(self) -> None:
        link = make_link(customer=make_customer(utility="sce"))
        link.requested_utilities.clear()
        assert parts(Breakdown.UTILITY) == {"SCE": 1}
        assert list(Link.objects.asking_for(type(get_utilities("sce")[0]).objects.filter(utility_id="sce"))) == [link]

    def test_by_utility_not_known(self) -> None:
        make_link(customer=make_customer(utility="")).requested_utilities.clear()
        assert parts(Breakdown.UTILITY) == {"not known": 1}

    def test_r10_by_region_two_utilities_of_one_region_are_one(self) -> None:
        make_link(utilities=get_utilities("pge", "sce"))
        make_link(customer=make_customer(utility="psegli-utilityapi"))
        assert parts(Breakdown.REGION) == {"CAISO": 1, "NYISO": 1}

    def test_r10_by_customer_type(self) -> None:
        make_link(customer=make_customer(customer_type="commercial"))
        make_link(customer=make_customer(customer_type=""))
        assert parts(Breakdown.CUSTOMER_TYPE) == {"Commercial": 1, "not known": 1}

    def test_by_campaign(self) -> None:
        campaign = make_campaign()
        make_link(flow=campaign.flow, campaign=campaign)
        make_link()
        assert parts(Breakdown.CAMPAIGN) == {campaign.name: 1, "no campaign": 1}

    def test_by_rep_the_customers_else_whoever_issued(self, rep: User, other_rep: User) -> None:
        make_link(customer=make_customer(assigned_rep=rep), issued_by=other_rep)
        make_link(issued_by=other_rep)
        make_link()
        assert parts(Breakdown.REP) == {str(rep): 1, str(other_rep): 1, "nobody": 1}

    def test_by_week_the_newest_first(self) -> None:
        make_walk()
        Link.objects.filter(pk=make_link().pk).update(issued_at=START + timedelta(days=8))
        assert list(parts(Breakdown.WEEK).items()) == [("2026-03-09", 1), ("2026-03-02", 1)]

    @pytest.mark.parametrize(
        ("moment", "monday"),
        [("2026-03-08 23:59:59", "2026-03-02"), ("2026-03-09 00:00:00", "2026-03-09"), ("2025-12-31", "2025-12-29")],
    )
    def test_a_week_begins_on_monday_at_midnight_where_the_portal_stands(self, moment: str, monday: str) -> None:
        make_walk()
        issued = timezone.make_aware(datetime.fromisoformat(moment))
        Link.objects.filter(pk=make_link().pk).update(issued_at=issued)
        assert monday in parts(Breakdown.WEEK)
        assert sum(parts(Breakdown.WEEK).values()) == 2

    def test_no_link_is_no_week(self) -> None:
        assert parts(Breakdown.WEEK) == {}


class TestScreen:
    def get(self, client: Client, **query: Any) -> Any:
        response = client.get("/funnel/", query)
        assert response.status_code == 200
        return response

    def test_permission_pair(self, manager_client: Client, admin_client: Client, rep_client: Client) -> None:
        assert manager_client.get("/funnel/").status_code == 200
        assert admin_client.get("/funnel/").status_code == 200
        assert rep_client.get("/funnel/").status_code == 403
        assert rep_client.get("/funnel/", {"export": "csv"}).status_code == 403

    @pytest.mark.parametrize("by", ["", *Breakdown.values, "nonsense"])
    def test_every_cut_is_drawn(self, manager_client: Client, by: str) -> None:
        make_walk(first_visited_at=1, first_returned_at=3, authorized_at=30)
        make_shared_link()
        text = self.get(manager_client, by=by).text
        assert "a claim" in text
        assert "1 unproven" not in text

    def test_filters_narrow_it(self, manager_client: Client, rep: User) -> None:
        campaign = make_campaign()
        customer = make_customer(utility="sce", customer_type="commercial", assigned_rep=rep)
        link = make_link(customer=customer, flow=campaign.flow, campaign=campaign)
        make_walk(make_link(customer=make_customer(utility="psegli-utilityapi")))
        Link.objects.filter(pk=link.pk).update(issued_at=START + timedelta(days=30))
        for query in (
            {"campaign": campaign.pk},
            {"flow": campaign.flow_id},
            {"utility": get_utilities("sce")[0].pk},
            {"region": "CAISO"},
            {"customer_type": "commercial"},
            {"rep": rep.pk},
            {"issued_after": "2026-03-20"},
        ):
            assert self.get(manager_client, **query).context["funnel"].total.stages[0].count == 1, query
        assert self.get(manager_client, issued_before="2026-03-02").context["funnel"].total.stages[0].count == 1
        assert self.get(manager_client, issued_before="2026-03-01").context["funnel"].total.stages[0].count == 0
        assert (
            self.get(manager_client, issued_after="0001-01-01", issued_before="9999-12-31")
            .context["funnel"]
            .total.stages[0]
            .count
            == 2
        )

    def test_shared_links_stand_beneath_with_counts(self, manager_client: Client) -> None:
        link = make_shared_link(label="poster, lobby")
        make_match(link=link)
        context = self.get(manager_client).context
        assert context["funnel"].total.stages[0].count == 0
        assert [(row.title, row.meter_count) for row in context["shared"]] == [("poster, lobby", 1)]

    def test_r1_paper_has_a_row_of_its_own_under_the_same_filters(self, manager_client: Client) -> None:
        paper = make_paper()
        PaperAuthorization.objects.filter(pk=paper.pk).update(recorded_at=START, metered_at=START + timedelta(days=4))
        stages = self.get(manager_client, region="CAISO", issued_after="2026-03-01").context["paper"].stages
        assert [(stage.label, stage.count, stage.days) for stage in stages] == [
            ("Recorded", 1, None),
            ("Metered", 1, 4.0),
            ("Enrolled", 0, None),
        ]
        assert self.get(manager_client, region="NYISO").context["paper"] is None
        assert self.get(manager_client, flow=make_flow().pk).context["paper"] is None

    def test_export_says_what_the_table_says(self, manager_client: Client) -> None:
        campaign = make_campaign(name="=1+1")
        make_walk(make_link(flow=campaign.flow, campaign=campaign), first_visited_at=24, first_returned_at=25)
        response: Any = manager_client.get("/funnel/", {"by": "campaign", "export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        header, part, total = csv.reader(io.StringIO(text))
        assert part[:3] == ["'=1+1", "1", "1"]
        assert total[0] == "all"
        line = dict(zip(header, part, strict=True))
        assert line["Visited: median days since the step before"] == "1.0"
        assert line["Visited: % of the step before"] == "100"
        assert line["Browser claims: returned, not proven"] == "1"

    @pytest.mark.parametrize("by", Breakdown.values)
    def test_queries_do_not_grow_with_links(self, manager_client: Client, by: str) -> None:
        self.get(manager_client, by=by)
        numbers = []
        for many in (2, 9):
            for _ in range(many):
                make_walk(make_link(campaign=None), first_visited_at=1)
                make_shared_link()
            with CaptureQueriesContext(connection) as queries:
                self.get(manager_client, by=by)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]
