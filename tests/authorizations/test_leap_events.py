"""The webhook's door: Leap's events are taken once, from Leap alone, whatever happens behind it."""

import json
import threading
import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client

from portal.authorizations.management.looks import EventInterpreter
from portal.authorizations.models import Connection, Event
from portal.authorizations.views.public import MOST_EVENT_BYTES
from tests.authorizations.locks import database_held, database_read_only
from tests.factories import make_link

pytestmark = pytest.mark.django_db
DOOR = "/leap/events"
SECRET = "a-secret-of-32-characters-or-more"


@pytest.fixture(autouse=True)
def secret(settings: Any) -> None:
    settings.LEAP_WEBHOOK_SECRET = SECRET


def body(event_id: str = "", **payload: Any) -> dict[str, Any]:
    payload = {
        "webhook_event_type": "connect_session.authorization_updated",
        "partner_reference": "nobody-has-this",
        "utility_name": "PGE",
        "status": "INITIATED",
        **payload,
    }
    return {"webhook_event_id": event_id or str(uuid.uuid4()), "payload": payload}


def post(content: Any, *, secret: str | None = SECRET) -> HttpResponse:
    """Post as Leap does: its header names arrive in small letters, which HTTP does not tell apart."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {} if secret is None else {"x-leap-secret": secret}
    return Client(enforce_csrf_checks=True).post(DOOR, data, content_type="application/json", headers=headers)


class TestWhoMayKnock:
    @pytest.mark.parametrize("wrong", [None, "", "wrong", SECRET.upper(), SECRET + " x", "geheimnis-mit-ü"])
    def test_without_the_secret_nothing_is_stored(self, wrong: str | None) -> None:
        assert post(body(), secret=wrong).status_code == 401
        assert not Event.objects.exists()

    @pytest.mark.parametrize("sent", [None, "", "anything"])
    def test_a_portal_without_a_secret_takes_nothing(self, sent: str | None, settings: Any) -> None:
        settings.LEAP_WEBHOOK_SECRET = ""
        assert post(body(), secret=sent).status_code == 401
        assert not Event.objects.exists()

    def test_who_may_not_knock_is_not_even_read(self) -> None:
        assert post(b"{" * 3_000_000, secret="wrong").status_code == 401

    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
    def test_other_methods_are_refused(self, method: str) -> None:
        assert getattr(Client(), method)(DOOR, headers={"X-Leap-Secret": SECRET}).status_code == 405

    def test_the_answer_says_nothing_of_the_secret(self) -> None:
        assert SECRET not in post(body(), secret="wrong").text


class TestWhatIsTaken:
    def test_an_event_is_stored_and_interpreted(self) -> None:
        link = make_link()
        response = post(body("e-1", partner_reference=link.reference_id, something_new={"a": [1]}))
        assert (response.status_code, response.text) == (200, "ok")
        event = Event.objects.get()
        assert (event.webhook_event_id, event.link, event.reference_id) == ("e-1", link, link.reference_id)
        assert (event.event_type, event.event_status) == ("connect_session.authorization_updated", "INITIATED")
        assert event.payload["something_new"] == {"a": [1]}
        assert event.interpreted_at is not None
        assert Connection.objects.get().link == link

    def test_an_event_is_taken_once(self) -> None:
        assert [post(body("e-1", status=status)).status_code for status in ("INITIATED", "FAILED")] == [200, 200]
        assert Event.objects.get().event_status == "INITIATED"

    def test_an_unknown_type_is_stored_and_marked(self) -> None:
        assert post(body(webhook_event_type="weather.changed")).status_code == 200
        event = Event.objects.get()
        assert (event.event_type, event.is_known, event.problem) == ("weather.changed", False, "")

    def test_a_known_type_with_an_odd_body_is_stored_with_the_reason(self) -> None:
        assert post(body(status=7)).status_code == 200
        event = Event.objects.get()
        assert event.is_known
        assert "status is not a text" in event.problem
        assert event.interpreted_at is not None

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[" * 100_000,
            b"[]",
            b"null",
            b"7",
            b"9" * 5000,
            b'{"webhook_event_id": "e-1"}',
            b'{"payload": {"webhook_event_type": "meter.created"}}',
            b'{"webhook_event_id": "e-1", "payload": []}',
            b'{"webhook_event_id": "e-1", "payload": {}}',
            b'{"webhook_event_id": 1, "payload": {"webhook_event_type": "meter.created"}}',
            json.dumps(body("x" * 101)).encode(),
        ],
    )
    def test_what_is_no_event_is_refused_and_not_stored(self, content: bytes) -> None:
        response = post(content)
        assert response.status_code == 400
        assert response.text.startswith("This is no event of Leap's: ")
        assert len(response.text) < 120
        assert not Event.objects.exists()

    def test_a_long_type_and_status_are_cut_and_kept(self) -> None:
        assert post(body(webhook_event_type="t" * 200)).status_code == 200
        assert post(body(status="s" * 200, utility_name="u" * 200)).status_code == 200
        assert Event.objects.count() == 2

    def test_what_no_database_stores_is_replaced(self) -> None:
        assert post(body(partner_reference="a\x00b", note="\ud800")).status_code == 200
        assert Event.objects.get().reference_id == "a\ufffdb"

    def test_a_body_too_large_is_refused(self) -> None:
        assert post(body(padding="x" * MOST_EVENT_BYTES)).status_code == 413
        assert not Event.objects.exists()

    def test_no_session_is_read_and_no_cookie_set(self, manager_client: Client) -> None:
        response = manager_client.post(DOOR, body(), content_type="application/json", headers={"X-Leap-Secret": SECRET})
        assert response.status_code == 200
        assert not hasattr(response.wsgi_request, "session")
        assert not response.cookies


class TestWhenSomethingFails:
    def test_a_lost_task_does_not_lose_the_event(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(
            "portal.authorizations.views.public.interpret_events_task", type("T", (), {"enqueue": staticmethod(refuse)})
        )
        link = make_link()
        assert post(body(partner_reference=link.reference_id)).status_code == 200
        assert Event.objects.waiting().count() == 1

    def test_an_interpretation_that_breaks_leaves_the_event_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(link: Any, event: Any) -> None:
            raise ArithmeticError

        link = make_link()
        with monkeypatch.context() as broken:
            broken.setattr("portal.authorizations.services.events._move_connection", fail)
            assert post(body(partner_reference=link.reference_id)).status_code == 200
            waiting = Event.objects.waiting().get()
            assert "tried again" in waiting.problem
        assert post(body()).status_code == 200  # the next one's task does both
        waiting.refresh_from_db()
        assert (waiting.problem, waiting.link) == ("", link)
        assert not Event.objects.waiting().exists()


@pytest.mark.django_db(transaction=True)
class TestWithOthersAtTheDatabase:
    def test_the_worker_finds_what_was_left(self, settings: Any) -> None:
        settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
        link = make_link()
        post(body(partner_reference=link.reference_id))
        assert Event.objects.waiting().count() == 1
        EventInterpreter(every=30).look()
        assert not Event.objects.waiting().exists()
        link.refresh_from_db()
        assert link.at_utility_at is not None

    def test_two_deliveries_at_once_are_one_event(self) -> None:
        link = make_link()
        content = body("e-1", partner_reference=link.reference_id)
        barrier = threading.Barrier(4)
        answers: list[int] = []

        def deliver() -> None:
            barrier.wait()
            try:
                answers.append(post(content).status_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=deliver) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * 4
        assert Event.objects.count() == 1
        assert Connection.objects.count() == 1

    def test_a_database_that_cannot_be_written_makes_leap_send_again(self) -> None:
        with database_read_only():
            assert post(body()).status_code == 503
        assert not Event.objects.exists()

    def test_a_bulk_action_under_way_makes_leap_send_again_or_the_worker_interpret(self) -> None:
        """SQLite has one lock for all; in PostgreSQL the link's row alone is held, and the event is stored."""
        link = make_link()
        content = body("e-1", partner_reference=link.reference_id)
        with database_held(link):
            status = post(content).status_code
            assert status == (503 if connection.vendor == "sqlite" else 200)
        assert post(content).status_code == 200
        assert Event.objects.count() == 1
