"""Outages: by hand and from the feed, neither ending what the other began; and their screens."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from portal.authorizations.models import Installation, Outage, OutageFeed, Utility
from portal.authorizations.services.outages import (
    MOST_BYTES,
    MOST_OUTAGES,
    FeedUnreadable,
    OutageRefused,
    end_outage,
    mark_outage,
    parse_feed,
    read_outage_feed,
)
from tests.authorizations.reminder_world import at
from tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "https://status.example/outages.json"
NOW = at(2, 12)


def utility(utility_id: str = "pge") -> Utility:
    return Utility.objects.get(utility_id=utility_id)


def named(utility: str = "pge", began_at: str = "2026-03-02T08:30:00-08:00", **more: Any) -> dict[str, Any]:
    return {"utility": utility, "began_at": began_at, **more}


def serve(answer: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    return httpx.Client(transport=httpx.MockTransport(handle), follow_redirects=False)


def read(*outages: dict[str, Any], now: Any = NOW) -> bool:
    Installation.objects.get_or_create(id=1, defaults={"leap_environment": "production", "outage_feed_url": URL})
    Installation.objects.forget()
    return read_outage_feed(now=now, client=serve(httpx.Response(200, json={"outages": list(outages)})))


def fail_with(answer: Any) -> str:
    Installation.objects.get_or_create(id=1, defaults={"leap_environment": "production", "outage_feed_url": URL})
    Installation.objects.forget()
    assert read_outage_feed(now=NOW, client=serve(answer)) is False
    return OutageFeed.objects.get().problem


class TestByHand:
    def test_marked_and_ended(self) -> None:
        by = make_user()
        outage = mark_outage(utility=utility(), began_at=NOW, note="Sign-in is down", by=by)
        assert (outage.marked_by, outage.is_from_feed) == (by, False)
        assert list(Outage.objects.at(NOW)) == [outage]
        assert end_outage(outage=outage, at=NOW + timedelta(hours=1))
        assert not end_outage(outage=outage, at=NOW + timedelta(hours=2))
        outage.refresh_from_db()
        assert outage.ended_at == NOW + timedelta(hours=1)

    def test_a_utility_is_not_down_twice(self) -> None:
        mark_outage(utility=utility(), began_at=NOW, note="", by=make_user())
        with pytest.raises(OutageRefused, match="PG&E is marked down already"):
            mark_outage(utility=utility(), began_at=NOW, note="", by=make_user())

    def test_one_that_was_only_announced_can_be_withdrawn_and_holds_nobody(self) -> None:
        begins, ends = NOW + timedelta(days=1), NOW + timedelta(days=2)
        outage = mark_outage(utility=utility(), began_at=begins, ended_at=ends, note="", by=make_user())
        assert list(Outage.objects.at(begins)) == [outage]
        assert not Outage.objects.at(NOW).exists()
        assert not Outage.objects.at(ends).exists(), "over without anybody's doing"
        assert end_outage(outage=outage, at=NOW)
        assert not end_outage(outage=outage, at=NOW)
        outage.refresh_from_db()
        assert outage.is_withdrawn
        assert not Outage.objects.at(begins).exists()

    def test_one_with_an_end_to_come_can_be_ended_before(self) -> None:
        outage = mark_outage(utility=utility(), began_at=NOW, ended_at=NOW + timedelta(days=1), note="", by=make_user())
        assert end_outage(outage=outage, at=NOW + timedelta(hours=1))
        assert not Outage.objects.at(NOW + timedelta(hours=2)).exists()

    def test_the_database_holds_the_rules(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Outage.objects.create(utility=utility(), began_at=NOW, ended_at=NOW - timedelta(seconds=1))
        Outage.objects.create(utility=utility(), began_at=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            Outage.objects.create(utility=utility(), began_at=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            OutageFeed.objects.create(id=2)


class TestFeed:
    def test_what_it_names_is_down_and_what_it_names_no_longer_is_over(self) -> None:
        assert read(named(note="  Sign-in\n is down "), named("SCE"))
        found = {outage.utility.utility_id: outage for outage in Outage.objects.at(NOW)}
        assert found.keys() == {"pge", "sce"}
        assert (found["pge"].began_at, found["pge"].note, found["pge"].is_from_feed) == (
            at(2, 8, 30),
            "Sign-in is down",
            True,
        )
        assert read(named("sce"), now=NOW + timedelta(minutes=5))
        ended = Outage.objects.get(utility=utility())
        assert ended.ended_at == NOW + timedelta(minutes=5)
        assert [outage.utility.utility_id for outage in Outage.objects.filter(ended_at=None)] == ["sce"]

    @pytest.mark.parametrize("name", ["pge", "PGE", "PG&E", "pg&e"])
    def test_a_utility_is_named_by_any_of_its_names(self, name: str) -> None:
        assert read(named(name))
        assert Outage.objects.get().utility == utility()

    def test_what_a_person_marked_stays_whatever_it_names(self) -> None:
        by_hand = mark_outage(utility=utility(), began_at=NOW, note="", by=make_user())
        assert read(named())
        assert read()
        assert list(Outage.objects.all()) == [by_hand]
        by_hand.refresh_from_db()
        assert by_hand.ended_at is None

    def test_what_a_person_ended_is_not_opened_again_for_the_same_beginning(self) -> None:
        read(named())
        end_outage(outage=Outage.objects.get(), at=NOW)
        read(named())
        assert not Outage.objects.filter(ended_at=None).exists()
        read(named(began_at="2026-03-02T20:00:00Z"))
        assert Outage.objects.filter(ended_at=None).count() == 1

    def test_an_unknown_utility_is_shown_and_the_others_count(self) -> None:
        assert read(named("hogwarts"), named())
        assert Outage.objects.get().utility == utility()
        assert OutageFeed.objects.get().strangers == "hogwarts"

    def test_without_an_address_nothing_is_asked(self) -> None:
        def never(request: httpx.Request) -> httpx.Response:
            raise AssertionError

        Installation.objects.forget()
        assert read_outage_feed(now=NOW, client=serve(never)) is False
        assert not OutageFeed.objects.exists()

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (httpx.Response(500), "Its server answers 500."),
            (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), "Its server answers 302."),
            (httpx.Response(200, text="<html>"), "It is no JSON."),
            (httpx.Response(200, text="[" * 50_000), "It is no JSON."),
            (httpx.Response(200, json=[]), "It has no list “outages”."),
            (httpx.Response(200, json={"outages": {}}), "It has no list “outages”."),
            (httpx.Response(200, json={"outages": ["pge"]}), "Outage 1 is no object."),
            (httpx.Response(200, json={"outages": [named(), {"began_at": "x"}]}), "Outage 2 names no utility."),
            (httpx.Response(200, json={"outages": [named(began_at="today")]}), "Outage 1: “began_at” is no time"),
            (httpx.Response(200, json={"outages": [named(began_at="2026-02-30T00:00:00Z")]}), "is no time"),
            (httpx.Response(200, json={"outages": [named(began_at="2026-03-02T08:30:00")]}), "with its zone"),
            (httpx.Response(200, json={"outages": [named(note=7)]}), "“note” is no text"),
            (httpx.Response(200, json={"outages": [named()] * (MOST_OUTAGES + 1)}), "more than 500 outages"),
            (httpx.Response(200, content=b" " * (MOST_BYTES + 1)), "longer than 256 KB"),
            (httpx.ConnectTimeout("status.example"), "cannot be reached: ConnectTimeout."),
            (httpx.ReadTimeout("slow"), "cannot be reached: ReadTimeout."),
        ],
        ids=str,
    )
    def test_one_that_cannot_be_read_keeps_the_last_state_and_is_a_problem(self, answer: Any, words: str) -> None:
        read(named("sce"))
        before = list(Outage.objects.values())
        assert words in fail_with(answer)
        assert list(Outage.objects.values()) == before
        feed = OutageFeed.objects.get()
        assert (feed.problem_at, feed.read_at) == (NOW, NOW)

    def test_read_again_the_problem_is_over(self) -> None:
        fail_with(httpx.Response(500))
        read(named())
        feed = OutageFeed.objects.get()
        assert (feed.problem, feed.problem_at) == ("", None)

    def test_https_only(self) -> None:
        Installation.objects.create(leap_environment="production", outage_feed_url="http://status.example/x")
        Installation.objects.forget()
        assert read_outage_feed(now=NOW, client=serve(httpx.Response(200, json={"outages": []}))) is False
        assert OutageFeed.objects.get().problem == "Its address does not begin with https://."

    def test_a_redirect_is_not_followed(self) -> None:
        asked: list[str] = []

        def lead_on(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.host)
            return httpx.Response(301, headers={"Location": "https://elsewhere.example/"})

        fail_with(lead_on)
        assert asked == ["status.example"]

    def test_the_documented_example_can_be_read(self) -> None:
        [entry] = parse_feed(json.dumps({"outages": [named(note=None)], "more": 1}).encode())
        assert (entry.utility, entry.note) == ("pge", "")
        with pytest.raises(FeedUnreadable):
            parse_feed(b"\xff")


class TestScreens:
    def test_marked_listed_and_ended(self, manager_client: Client) -> None:
        began = {"began_at": "2026-03-02T08:30", "note": "Sign-in is down"}
        response = manager_client.post("/outages/new/", {"utility": utility().pk, **began})
        assert response.headers["Location"] == "/outages/"
        outage = Outage.objects.get()
        assert (outage.began_at, outage.marked_by and outage.marked_by.username) == (at(2, 8, 30), "maya")
        page = manager_client.get("/outages/").text
        assert "Sign-in is down" in page
        assert "not over" in page
        assert "PG&amp;E is down" in manager_client.get("/reminders/").text
        assert manager_client.get(f"/outages/{outage.pk}/end/").status_code == 200
        assert Outage.objects.at(timezone.now()).exists(), "asked first"
        manager_client.post(f"/outages/{outage.pk}/end/")
        assert not Outage.objects.at(timezone.now()).exists()
        assert "is down" not in manager_client.get("/reminders/").text

    @time_machine.travel(NOW, tick=False)
    def test_one_that_is_announced_says_so_and_leaves_today_free(self, manager_client: Client) -> None:
        values = {"utility": utility().pk, "began_at": "2026-03-09T08:00", "ended_at": "2026-03-09T12:00"}
        page = manager_client.post("/outages/new/", values, follow=True).text
        assert "PG&amp;E will be down from 9 Mar 2026, 08:00 until 9 Mar 2026, 12:00" in page
        assert "announced" in page
        assert "not over" not in page
        announced = Outage.objects.get()
        assert not Outage.objects.at(NOW).exists()
        now = {"utility": utility().pk, "began_at": "2026-03-02T11:00"}
        assert "is marked down" in manager_client.post("/outages/new/", now, follow=True).text
        assert [outage.is_announced for outage in Outage.objects.order_by("pk")] == [True, False]
        assert "Withdraw it" in manager_client.get(f"/outages/{announced.pk}/end/").text
        assert "is withdrawn" in manager_client.post(f"/outages/{announced.pk}/end/", follow=True).text
        over = manager_client.get("/outages/?state=over").context["table"]
        assert [row.record for row in over.rows] == [announced]
        assert not manager_client.get("/outages/?state=later").context["table"].rows

    def test_it_is_not_up_again_while_another_outage_goes_on(self, manager_client: Client) -> None:
        by, now = make_user(), timezone.now()
        one = mark_outage(utility=utility(), began_at=now, note="", by=by)
        two = mark_outage(utility=utility(), began_at=now, ended_at=now + timedelta(days=1), note="", by=by)
        assert "another one of it goes on" in manager_client.post(f"/outages/{one.pk}/end/", follow=True).text
        assert "up again" in manager_client.post(f"/outages/{two.pk}/end/", follow=True).text

    def test_a_utility_that_is_down_is_not_offered_again(self, manager_client: Client) -> None:
        mark_outage(utility=utility(), began_at=NOW, note="", by=make_user())
        response = manager_client.post("/outages/new/", {"utility": utility().pk, "began_at": "2026-03-02T08:30"})
        assert response.status_code == 422
        assert Outage.objects.count() == 1

    @time_machine.travel(NOW, tick=False)
    @pytest.mark.parametrize(
        "values",
        [
            {"utility": ""},
            {"began_at": ""},
            {"began_at": "yesterday"},
            {"began_at": "1900-01-01T00:00"},
            {"began_at": "2031-01-01T00:00"},
            {"began_at": "2031-01-01T00:00", "ended_at": "2031-01-01T00:00"},
            {"ended_at": "2026-03-02T09:00"},
        ],
    )
    def test_bad_input_marks_nothing(self, manager_client: Client, values: dict[str, str]) -> None:
        good = {"utility": str(utility().pk), "began_at": "2026-03-02T08:30", "note": ""}
        assert manager_client.post("/outages/new/", {**good, **values}).status_code == 422
        assert not Outage.objects.exists()

    def test_what_is_wrong_with_the_feed_is_shown(self, manager_client: Client) -> None:
        assert "marked by hand" in manager_client.get("/outages/").text
        fail_with(httpx.Response(500))
        page = manager_client.get("/outages/").text
        assert "The outage feed cannot be read" in page
        assert "Its server answers 500." in page
        read(named("hogwarts"))
        page = manager_client.get("/outages/").text
        assert "cannot be read" not in page
        assert "hogwarts" in page

    def test_filters_and_export(self, manager_client: Client) -> None:
        read(named("sce"))
        mark_outage(utility=utility(), began_at=at(1), note="", by=make_user())
        end_outage(outage=Outage.objects.get(utility=utility()), at=at(1, 12))
        now = manager_client.get("/outages/?state=now").context["table"]
        assert [row.record.utility.utility_id for row in now.rows] == ["sce"]
        over = manager_client.get("/outages/?state=over&source=hand").context["table"]
        assert [row.record.utility.utility_id for row in over.rows] == ["pge"]
        export = b"".join(manager_client.get("/outages/?export=csv")).decode()  # type: ignore[arg-type]
        assert "the feed" in export

    def test_reps_have_no_part_in_it(self, rep_client: Client) -> None:
        assert rep_client.get("/outages/").status_code == 403
        assert rep_client.post("/outages/new/").status_code == 403

    def test_the_feeds_address_is_set_on_the_installations_page(self, admin_client: Client) -> None:
        values = {"partner_name": "Acme", "support_email": "", "partner_success_email": "jo@leap.example"}
        assert (
            admin_client.post("/installation/", {**values, "outage_feed_url": "http://x.example/"}).status_code == 422
        )
        admin_client.post("/installation/", {**values, "outage_feed_url": URL})
        assert Installation.objects.get().outage_feed_url == URL
