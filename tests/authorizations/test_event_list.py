"""The list of Leap's events and the page of one: as received, odd ones marked and counted."""

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

from portal.authorizations.models import Event, Link
from portal.authorizations.services.events import interpret_events, store_event
from portal.leap.events import parse_event
from tests.factories import make_customer, make_link, make_shared_link

pytestmark = pytest.mark.django_db
LIST = "/events/"


def receive(link: Link | None = None, *, wait: bool = False, **payload: Any) -> Event:
    payload = {
        "webhook_event_type": "connect_session.authorization_updated",
        "partner_reference": link.reference_id if link else "q7w9e8r5t4zz",
        "utility_name": "PGE",
        "status": "COMPLETED",
        **payload,
    }
    event = parse_event({"webhook_event_id": str(uuid.uuid4()), "payload": payload})
    stored = store_event(event=event, at=timezone.now())
    if not wait:
        interpret_events()
    return Event.objects.get(pk=stored.pk)


def rows(response: Any) -> list[Event]:
    return [row.record for row in response.context["table"].paginated_rows]


def cell(response: Any, column: str) -> str:
    (row,) = response.context["table"].paginated_rows
    return str(row.get_cell(column))


class TestWhoSeesIt:
    def test_rep_may_not(self, rep_client: Client) -> None:
        event = receive()
        assert rep_client.get(LIST).status_code == 403
        assert rep_client.get(LIST, {"export": "csv"}).status_code == 403
        assert rep_client.get(f"{LIST}{event.pk}/").status_code == 403
        assert LIST not in rep_client.get("/links/").text

    def test_manager_may(self, manager_client: Client) -> None:
        event = receive()
        assert manager_client.get(LIST).status_code == 200
        assert manager_client.get(f"{LIST}{event.pk}/").status_code == 200
        assert f'href="{LIST}"' in manager_client.get("/links/").text

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_the_pages_only_read(self, method: str, admin_client: Client) -> None:
        event = receive()
        for address in (LIST, f"{LIST}{event.pk}/"):
            assert getattr(admin_client, method)(address).status_code == 405
        assert Event.objects.count() == 1


class TestRows:
    def test_an_event_leads_to_its_link_and_its_page(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(name="Rosa"))
        event = receive(link)
        response = manager_client.get(LIST)
        assert f'href="/links/{link.pk}/"' in cell(response, "link")
        assert f'href="{LIST}{event.pk}/"' in cell(response, "received_at")
        assert "COMPLETED" in cell(response, "event_status")
        assert "PGE" in cell(response, "event_status")

    def test_an_unknown_reference_id_is_said(self, manager_client: Client) -> None:
        receive()
        assert "unknown reference id" in cell(manager_client.get(LIST), "link")

    def test_one_that_waits_is_not_called_unknown(self, manager_client: Client) -> None:
        receive(make_link(), wait=True)
        response = manager_client.get(LIST)
        assert "not looked up yet" in cell(response, "link")
        assert "waiting" in cell(response, "event_type")
        assert ">1 waiting</a>" in response.text

    def test_unknown_types_are_marked_and_counted(self, manager_client: Client) -> None:
        receive(make_link(), webhook_event_type="weather.changed")
        response = manager_client.get(LIST)
        assert "unknown type" in cell(response, "event_type")
        assert ">1 of unknown types</a>" in response.text

    def test_a_poster_stands_for_somebody(self, manager_client: Client) -> None:
        receive(make_shared_link(label="poster, lobby"))
        assert "somebody" in cell(manager_client.get(LIST), "link")

    def test_what_came_cannot_disguise_the_page(self, manager_client: Client) -> None:
        event = receive(webhook_event_type="<b>\u202ex", partner_reference="<script>", status="\u202eok")
        for address in (LIST, f"{LIST}{event.pk}/"):
            text = manager_client.get(address).text
            assert "<script>alert" not in text
            assert "<b>" not in text
            assert "\u202e" not in text
        assert "[U+202E]" in text

    def test_queries_do_not_grow_with_rows(self, manager_client: Client) -> None:
        manager_client.get(LIST)
        counts = []
        for many in (3, 12):
            for _ in range(many):
                receive(make_link())
            with CaptureQueriesContext(
                connection,
            ) as queries:
                manager_client.get(LIST)
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, {"known", "odd", "stranger", "meter"}),
            ({"event_type": "unknown"}, {"odd"}),
            ({"event_type": "meter.created"}, {"meter"}),
            ({"match": "link"}, {"known", "odd"}),
            ({"match": "stranger"}, {"stranger"}),
            ({"match": "none"}, {"meter"}),
            ({"state": "waiting"}, set()),
            ({"state": "problem"}, {"stranger"}),
            ({"status": "completed"}, {"known"}),
            ({"utility": "pge"}, {"known"}),
            ({"q": "q7w9"}, {"stranger"}),
            ({"q": "11111111-"}, {"meter"}),
            ({"received_before": "2026-01-01"}, set()),
            ({"received_after": "2026-01-01"}, {"known", "odd", "stranger", "meter"}),
            ({"received_after": "0001-01-01", "received_before": "9999-12-31"}, {"known", "odd", "stranger", "meter"}),
        ],
    )
    def test_each(self, query: dict[str, str], found: set[str], manager_client: Client) -> None:
        link = make_link()
        events = {
            "known": receive(link),
            "odd": receive(link, webhook_event_type="weather.changed"),
            "stranger": receive(status=7),
            "meter": receive(webhook_event_type="meter.created", meter_id="1" * 32, partner_reference=None),
        }
        assert {row.pk for row in rows(manager_client.get(LIST, query))} == {events[name].pk for name in found}


def test_the_export_is_what_the_list_shows(manager_client: Client) -> None:
    link = make_link(customer=make_customer(external_id="A-77"))
    receive(link)
    receive(webhook_event_type="weather.changed", partner_reference='=HYPERLINK("x")')
    response = manager_client.get(LIST, {"export": "csv"})
    newest, oldest = csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig")))  # type: ignore[arg-type]
    assert (oldest["External ID"], oldest["Status"], oldest["Known type"]) == ("A-77", "COMPLETED", "yes")
    assert (newest["Known type"], newest["State"]) == ("no", "interpreted")
    assert newest["Reference id as received"].startswith("'=")


def test_the_page_of_an_event_shows_what_leap_sent(manager_client: Client) -> None:
    event = receive(make_link(), something_new={"deep": [1, 2]}, customer={"end_customer_name": "Rosa"})
    text = manager_client.get(f"{LIST}{event.pk}/").text
    assert "something_new" in text
    assert "Rosa" not in str(event.payload)


def test_old_odd_events_are_not_counted(manager_client: Client) -> None:
    event = receive(webhook_event_type="weather.changed")
    Event.objects.filter(pk=event.pk).update(received_at=timezone.now() - timedelta(days=60))
    assert "of unknown types</a>" not in manager_client.get(LIST).text
