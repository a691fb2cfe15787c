"""Managers see visits, returns and calls per rep, day and town; and choose the flow of a rep's links."""

import datetime
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, DoorKit, Link, Visit
from portal.authorizations.services.door_calls import record_door_call
from portal.authorizations.services.door_devices import fill_reserve, open_device
from portal.authorizations.services.rep_report import ReportRow, report_on_reps
from tests.factories import make_customer, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db

NOON = timezone.make_aware(datetime.datetime(2026, 11, 20, 12))
DAY = NOON.date()


def handed_out(rep: User, *, town: str = "Fresno", at: datetime.datetime = NOON) -> Link:
    link = make_link(customer=make_customer(city=town), issued_by=rep)
    Link.objects.filter(pk=link.pk).update(issued_at=at)
    return link


def visited(link: Link, at: datetime.datetime = NOON) -> None:
    Visit.objects.create(link=link, at=at)


def returned(link: Link, at: datetime.datetime = NOON, **fields: Any) -> None:
    Confirmation.objects.create(link=link, at=at, outcome="matched", **fields)


def report(*by: str, **fields: Any) -> list[ReportRow]:
    return report_on_reps(**{"by": by or ("rep",), "since": DAY - timedelta(3), "until": DAY, **fields})


class TestReport:
    def test_counts_each_source_in_its_own_column(self, rep: User) -> None:
        link = handed_out(rep)
        visited(link)
        visited(link)
        returned(link)
        returned(link, is_bot=True)
        record_door_call(customer=make_customer(), outcome="refused", by=rep, at=NOON)
        assert link.customer is not None
        Link.objects.filter(pk=link.pk).update(authorized_at=NOON)
        assert report() == [
            ReportRow("Sam", None, None, handed_out=1, visits=2, returns=1, authorized=1, calls=1, refused=1)
        ]

    def test_per_rep_day_and_town_in_any_combination(self, rep: User, other_rep: User) -> None:
        for person, town in ((rep, "Fresno"), (rep, "FRESNO "), (rep, "Clovis"), (other_rep, "Fresno")):
            visited(handed_out(person, town=town))
        visited(handed_out(rep, at=NOON - timedelta(days=1)), NOON - timedelta(days=1))
        assert [(row.rep, row.visits) for row in report("rep")] == [("Ines", 1), ("Sam", 4)]
        assert [(row.day, row.visits) for row in report("day")] == [(DAY, 4), (DAY - timedelta(1), 1)]
        assert [((row.town or "").strip().casefold(), row.visits) for row in report("town")] == [
            ("clovis", 1),
            ("fresno", 4),
        ]
        assert len(report("rep", "day", "town")) == 4

    def test_days_are_those_of_the_clock_here_first_and_last_included(self, rep: User) -> None:
        late = timezone.make_aware(datetime.datetime(2026, 11, 20, 23, 59))
        early = timezone.make_aware(datetime.datetime(2026, 11, 17, 0, 1))
        link = handed_out(rep)
        for at in (late, early, late + timedelta(minutes=2), early - timedelta(minutes=2)):
            visited(link, at)
        assert [(row.day, row.visits) for row in report("day")] == [(DAY, 1), (DAY - timedelta(3), 1)]

    def test_neither_managers_nor_links_in_reserve_count(self, rep: User, manager: User) -> None:
        handed_out(manager)
        kit = DoorKit(rep=rep, flow=make_flow(), reserve=2)
        fill_reserve(device=open_device(rep=rep, device_id=None), kit=kit)
        assert report(until=timezone.localdate() + timedelta(1)) == []

    def test_one_rep_alone(self, rep: User, other_rep: User) -> None:
        handed_out(rep)
        handed_out(other_rep)
        assert [row.rep for row in report(rep=other_rep)] == ["Ines"]


class TestScreen:
    def test_table_and_csv_say_the_same(self, manager_client: Client, rep: User) -> None:
        visited(handed_out(rep, town="=Fresno"))
        query = {"since": "2026-11-01", "until": "2026-11-30", "by": ["rep", "day", "town"]}
        text = manager_client.get(reverse("rep_list"), query).text
        assert "Sam" in text
        assert "20 Nov 2026" in text
        response = manager_client.get(reverse("rep_list"), {**query, "export": "csv"})
        lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        assert lines[0].startswith("\ufeffRep,Day,Town,Handed out,We saw: visits")
        assert lines[1] == "Sam,2026-11-20,'=Fresno,1,1,0,0,0,0"

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({"since": "2026-11-30", "until": "2026-11-01"}, "after the last one"),
            ({"since": "2020-01-01", "until": "2026-11-01"}, "366 days at most"),
            ({"since": "yesterday"}, "Enter a valid date"),
            ({"rep": "999"}, "Select a valid choice"),
            ({"by": "shoe size"}, "Select a valid choice"),
        ],
    )
    def test_a_wrong_question_is_explained(self, manager_client: Client, query: dict[str, str], words: str) -> None:
        response = manager_client.get(reverse("rep_list"), query)
        assert response.status_code == 422
        assert words in response.text

    def test_reps_may_not_look(self, rep_client: Client, rep: User) -> None:
        assert rep_client.get(reverse("rep_list")).status_code == 403
        assert rep_client.get(reverse("rep_kit", args=[rep.pk])).status_code == 403

    def test_queries_do_not_grow_with_the_reps(
        self, manager_client: Client, rep: User, other_rep: User, django_assert_max_num_queries: Any
    ) -> None:
        for person in (rep, other_rep):
            visited(handed_out(person))
        with django_assert_max_num_queries(20):
            manager_client.get(reverse("rep_list"), {"since": "2026-11-01", "until": "2026-11-30"})


class TestKit:
    def test_a_manager_chooses_the_flow(self, manager_client: Client, manager: User, rep: User) -> None:
        make_flow()
        flow = make_flow(title="other")
        address = reverse("rep_kit", args=[rep.pk])
        assert manager_client.get(address).status_code == 200
        manager_client.post(address, {"flow": flow.pk, "reserve": "12"})
        kit = DoorKit.objects.get(rep=rep)
        assert (kit.flow, kit.reserve, kit.chosen_by) == (flow, 12, manager)
        assert "12 in reserve" in manager_client.get(reverse("rep_list")).text

    @pytest.mark.parametrize("reserve", ["0", "201", "many"])
    def test_the_reserve_is_bounded(self, manager_client: Client, rep: User, reserve: str) -> None:
        response = manager_client.post(reverse("rep_kit", args=[rep.pk]), {"flow": make_flow().pk, "reserve": reserve})
        assert response.status_code == 422
        assert not DoorKit.objects.exists()

    def test_only_flows_that_suit_a_door(self, manager_client: Client, rep: User) -> None:
        for flow in (make_legacy_flow(), make_flow(state="requested")):
            response = manager_client.post(reverse("rep_kit", args=[rep.pk]), {"flow": flow.pk, "reserve": "30"})
            assert response.status_code == 422
