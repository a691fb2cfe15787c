"""The portal's webhook at Leap: one, whoever registers it and how often; the secret is never shown."""

import json
import logging
import uuid
from functools import partial
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.authorizations.models import Event
from portal.authorizations.services import leap_api
from portal.leap.client import LeapClient
from portal.leap.events import EVENT_TYPES

pytestmark = pytest.mark.django_db
SCREEN = "/webhook/"
SECRET = "a-secret-of-32-characters-or-more"
RECEIVER = "https://p.acme.example/leap/events"
OTHER = {"receiver_url": "https://crm.acme.example/leap", "event_types": ["meter.created"], "headers": []}


class FakeLeap:
    """Leap's webhook service in memory (webhooks OpenAPI 1.1)."""

    def __init__(self) -> None:
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.keys: set[str] = set()
        self.status = 200
        self.test_answer: dict[str, Any] | None = None

    def add(self, **webhook: Any) -> str:
        webhook_id = str(uuid.uuid4())
        self.webhooks[webhook_id] = webhook
        return webhook_id

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.keys.add(request.headers["Authorization"])
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "Forbidden", "message": "no"})
        parts = request.url.path.removeprefix("/sandbox").strip("/").split("/")
        assert parts[:2] == ["v1.1", "webhooks"]
        body = json.loads(request.content) if request.content else None
        match request.method, parts[2:]:
            case "GET", []:
                rows = [{"webhook_id": key, **row} for key, row in self.webhooks.items()]
                return httpx.Response(200, json={"webhooks": rows})
            case "POST", []:
                return httpx.Response(200, json={"webhook_id": self.add(**body)})
            case "PUT", [webhook_id]:
                self.webhooks[webhook_id] = body
                return httpx.Response(200, json={"webhook_id": webhook_id})
            case "DELETE", [webhook_id]:
                del self.webhooks[webhook_id]
                return httpx.Response(200, json={"message": "done"})
            case "POST", [webhook_id, "test"]:
                return httpx.Response(200, json=self.test_answer or self.deliver(webhook_id, body))
        raise AssertionError(request)

    def deliver(self, webhook_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        headers = {header["name"]: header["value"] for header in self.webhooks[webhook_id]["headers"]}
        body = {"webhook_event_id": str(uuid.uuid4()), "payload": payload}
        answer = Client().post("/leap/events", body, content_type="application/json", headers=headers, secure=True)
        return {"is_successful": answer.status_code == 200, "status_code": answer.status_code, "response_time_ms": 6}


@pytest.fixture(autouse=True)
def leap(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeLeap:
    settings.LEAP_WEBHOOK_SECRET = SECRET
    settings.LEAP_API_KEY = "key:of-the-portal"
    settings.PUBLIC_URL = "https://p.acme.example"
    fake = FakeLeap()
    client = partial(LeapClient, transport=httpx.MockTransport(fake.handle), sleep=lambda seconds: None)
    monkeypatch.setattr(leap_api, "LeapClient", client)
    return fake


def press(client: Client, action: str) -> str:
    return client.post(SCREEN, {"action": action}, follow=True).text


def register(*arguments: str) -> str:
    out = StringIO()
    call_command("register_webhook", *arguments, stdout=out)
    return out.getvalue()


class TestWhoMay:
    @pytest.mark.parametrize("who", ["manager_client", "rep_client"])
    def test_admins_only(self, who: str, request: pytest.FixtureRequest, leap: FakeLeap) -> None:
        client = request.getfixturevalue(who)
        assert client.get(SCREEN).status_code == 403
        assert client.post(SCREEN, {"action": "register"}).status_code == 403
        assert leap.webhooks == {}
        assert SCREEN not in client.get("/links/").text

    def test_admin_may(self, admin_client: Client) -> None:
        assert admin_client.get(SCREEN).status_code == 200
        assert f'href="{SCREEN}"' in admin_client.get("/links/").text


class TestScreen:
    def test_register_test_and_remove(self, admin_client: Client, leap: FakeLeap) -> None:
        assert "Leap has no webhook for this portal." in admin_client.get(SCREEN).text
        assert "Registered at Leap." in press(admin_client, "register")
        (webhook,) = leap.webhooks.values()
        assert webhook["receiver_url"] == RECEIVER
        assert webhook["event_types"] == list(EVENT_TYPES)
        assert webhook["headers"] == [{"name": "X-Leap-Secret", "value": SECRET}]
        text = admin_client.get(SCREEN).text
        assert ">current<" in text
        assert "none yet" in text
        text = press(admin_client, "test")
        assert "Leap’s test event arrived" in text
        assert f'href="/events/{Event.objects.get().pk}/"' in text
        assert "Removed from Leap" in press(admin_client, "remove")
        assert leap.webhooks == {}
        assert "nothing was removed" in press(admin_client, "remove")

    def test_registering_again_keeps_one_and_leaves_others_alone(self, admin_client: Client, leap: FakeLeap) -> None:
        other = leap.add(**OTHER)
        for _ in range(2):
            leap.add(receiver_url=RECEIVER, event_types=["meter.created"], headers=[])
        text = admin_client.get(SCREEN).text
        assert "Leap has 2 webhooks for this portal." in text
        assert ">out of date<" in text
        assert "the portal refuses every event" in text
        assert "Leap has the current settings now." in press(admin_client, "register")
        press(admin_client, "register")
        assert len(leap.webhooks) == 2
        assert leap.webhooks[other] == OTHER
        assert ">current<" in admin_client.get(SCREEN).text
        press(admin_client, "remove")
        assert list(leap.webhooks) == [other]

    def test_the_secret_is_never_shown(
        self, admin_client: Client, leap: FakeLeap, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for action in ("register", "test", "register"):
            text = press(admin_client, action)
            assert SECRET not in text
            assert "key:of-the-portal" not in text
        assert SECRET not in caplog.text
        assert SECRET not in str(list(Event.objects.values()))

    def test_an_unknown_action_does_nothing(self, admin_client: Client, leap: FakeLeap) -> None:
        assert admin_client.post(SCREEN, {"action": "explode"}).status_code == 302
        assert leap.webhooks == {}

    def test_a_test_before_registering_says_so(self, admin_client: Client) -> None:
        assert "Leap has no webhook for this portal: register it, then test it." in press(admin_client, "test")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ({"is_successful": False, "status_code": 401}, "Leap has another secret than LEAP_WEBHOOK_SECRET"),
            ({"is_successful": False, "status_code": 502}, "answered Leap’s test event with 502 instead of 200"),
            ({"is_successful": False, "error": "no route"}, "Leap could not reach"),
        ],
    )
    def test_a_test_that_fails_says_what_to_look_at(
        self, answer: dict[str, Any], words: str, admin_client: Client, leap: FakeLeap
    ) -> None:
        press(admin_client, "register")
        leap.test_answer = answer
        assert words in press(admin_client, "test")


class TestWhatStandsInTheWay:
    def test_no_secret(self, admin_client: Client, leap: FakeLeap, settings: Any) -> None:
        settings.LEAP_WEBHOOK_SECRET = ""
        assert "LEAP_WEBHOOK_SECRET is not set" in admin_client.get(SCREEN).text
        assert "LEAP_WEBHOOK_SECRET is not set" in press(admin_client, "register")
        assert leap.webhooks == {}

    @pytest.mark.parametrize(
        ("public_url", "words"),
        [
            ("http://p.acme.example", "https addresses only"),
            ("https://p.acme.example:9000", "443, 8443 and 8843 only"),
        ],
    )
    def test_an_address_that_leap_does_not_call(
        self, public_url: str, words: str, admin_client: Client, leap: FakeLeap, settings: Any
    ) -> None:
        settings.PUBLIC_URL = public_url
        assert words in admin_client.get(SCREEN).text
        with pytest.raises(CommandError, match=words):
            register()
        assert leap.webhooks == {}

    def test_a_secret_that_no_header_carries(self, leap: FakeLeap, settings: Any) -> None:
        settings.LEAP_WEBHOOK_SECRET = "geheimnis-mit-ü"
        with pytest.raises(CommandError, match="no HTTP header carries"):
            register()

    def test_no_api_key(self, admin_client: Client, settings: Any) -> None:
        settings.LEAP_API_KEY = ""
        assert "set LEAP_API_KEY" in admin_client.get(SCREEN).text
        assert "set LEAP_API_KEY" in press(admin_client, "register")

    @pytest.mark.parametrize("status", [401, 403, 500])
    def test_leap_refuses(self, status: int, admin_client: Client, leap: FakeLeap) -> None:
        leap.status = status
        text = admin_client.get(SCREEN).text
        assert "Leap could not be asked." in text
        assert "What Leap has is not known." in text
        with pytest.raises(CommandError):
            register()

    def test_the_sandbox_takes_http_and_its_own_key(self, admin_client: Client, leap: FakeLeap, settings: Any) -> None:
        settings.LEAP_ENVIRONMENT, settings.LEAP_API_KEY = "sandbox", ""
        settings.PUBLIC_URL = "http://127.0.0.1:8000"
        assert "Registered at Leap." in press(admin_client, "register")
        assert leap.keys == {"Bearer sandbox-key"}


class TestCommand:
    def test_register_twice_test_and_remove(self, leap: FakeLeap) -> None:
        assert register() == f"Registered at Leap: {RECEIVER}\n"
        assert register("--test").startswith(f"Brought up to date at Leap: {RECEIVER}\nLeap’s test event arrived")
        assert len(leap.webhooks) == 1
        assert Event.objects.get().event_type == "meter.created"
        assert register("--remove") == "Removed from Leap: 1 webhook of this portal.\n"
        assert register("--remove") == "Removed from Leap: 0 webhooks of this portal.\n"

    def test_a_test_that_fails_is_an_error(self, leap: FakeLeap) -> None:
        leap.test_answer = {"is_successful": False, "error": "timeout"}
        with pytest.raises(CommandError, match="could not reach"):
            register("--test")
