"""The client of Leap's API against made-up answers: paging, retries, errors, and an API key that shows nowhere."""

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from portal.leap.client import (
    LeapAnswerUnreadable,
    LeapClient,
    LeapError,
    LeapForbidden,
    LeapNotFound,
    LeapRefused,
    LeapStalePage,
    LeapUnauthorized,
    LeapUnavailable,
)

pytestmark = pytest.mark.pure

KEY = "opaque-part:secret-part"
WEBHOOK_ID = "364be407-1f08-48fa-afd2-ee1dd228b76b"
Answer = httpx.Response | Exception


class Leap:
    """Answers in order, the last one again and again; keeps the requests and the waits."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def client(self, key: str = KEY) -> LeapClient:
        transport = httpx.MockTransport(self._answer)
        return LeapClient("https://api.test/base", key, transport=transport, sleep=self.waits.append)

    def bodies(self) -> list[object]:
        return [json.loads(request.content) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def page(*records: object, token: str | None = None) -> httpx.Response:
    body = {"meters": list(records), "new_field": 1, **({"next_page_token": token} if token else {})}
    return httpx.Response(200, json=body, headers={"Date": "Tue, 24 Nov 2026 08:00:00 GMT"})


def test_r18_pages_follow_one_another() -> None:
    leap = Leap(page({"a": 1}, token="two"), page("malformed", token="three"), page())
    since = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    pages = list(leap.client().search_meter_details(last_modified=since))
    assert [found.records for found in pages] == [[{"a": 1}], ["malformed"], []]
    assert [found.next_page_token for found in pages] == ["two", "three", ""]
    assert pages[0].answered_at == since
    common = {"page_size": 500, "last_modified_date_time": "2026-11-24T08:00:00Z"}
    assert leap.bodies() == [common, {**common, "page_token": "two"}, {**common, "page_token": "three"}]
    assert [str(request.url) for request in leap.requests] == ["https://api.test/base/v2/meters/search"] * 3
    assert leap.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_r18_reading_goes_on_at_a_token() -> None:
    leap = Leap(page())
    list(leap.client().search_meter_enrollments(page_token="here"))
    assert leap.bodies() == [{"page_size": 500, "page_token": "here"}]
    assert leap.requests[0].url.path == "/base/v2/meters/enrollments/search"


def test_a_stale_token_is_told_from_a_wrong_request() -> None:
    refused = httpx.Response(400, json={"title": "Bad Request", "status": 400, "details": {}})
    with pytest.raises(LeapStalePage):
        list(Leap(refused).client().search_meter_details(page_token="old"))
    with pytest.raises(LeapRefused):
        list(Leap(refused).client().search_meter_details())


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(500, json="An error happened"),
        httpx.Response(429),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_what_passes_is_tried_again(fault: Answer) -> None:
    leap = Leap(fault, fault, page({"a": 1}))
    assert [found.records for found in leap.client().search_meter_details()] == [[{"a": 1}]]
    assert len(leap.waits) == 2
    assert 0 < leap.waits[0] <= 3


def test_what_does_not_pass_ends() -> None:
    leap = Leap(httpx.Response(503))
    with pytest.raises(LeapUnavailable):
        list(leap.client().search_meter_details())
    assert (len(leap.requests), len(leap.waits)) == (5, 4)
    assert leap.waits == sorted(leap.waits)


@pytest.mark.parametrize(
    ("value", "at_least", "at_most"),
    [
        ("20", 20, 20),
        ("Tue, 24 Nov 2026 08:00:20 GMT", 20, 20),
        ("Tue, 24 Nov 2026 07:00:00 GMT", 1, 3),
        ("86400", 60, 60),
        ("soon", 1, 3),
        ("-5", 1, 3),
    ],
)
def test_retry_after_is_obeyed_within_reason(value: str, at_least: float, at_most: float) -> None:
    headers = {"Retry-After": value, "Date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    leap = Leap(httpx.Response(429, headers=headers), page())
    list(leap.client().search_meter_details())
    assert at_least <= leap.waits[0] <= at_most


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, LeapUnauthorized),
        (403, LeapForbidden),
        (404, LeapNotFound),
        (400, LeapRefused),
        (302, LeapAnswerUnreadable),
    ],
)
def test_a_refusal_is_not_tried_again(status: int, error: type[LeapError]) -> None:
    leap = Leap(httpx.Response(status, json={"title": f"no {KEY}"}, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(error) as caught:
        list(leap.client().search_meter_details())
    assert len(leap.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"meters": {}}', b'{"meters": [], "next_page_token": 7}', b"[" * 100_000, b""]
)
def test_an_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(LeapAnswerUnreadable):
        list(Leap(httpx.Response(200, content=body)).client().search_meter_details())


def test_a_token_that_leads_nowhere_does_not_loop() -> None:
    with pytest.raises(LeapAnswerUnreadable):
        list(Leap(page(token="same")).client().search_meter_details())


def test_webhooks() -> None:
    leap = Leap(httpx.Response(200, json={"webhook_id": WEBHOOK_ID}))
    settings = {"receiver_url": "https://us.test/", "event_types": ["meter.created"], "headers": {"X-Leap-Secret": "s"}}
    assert leap.client().create_webhook(**settings) == WEBHOOK_ID
    assert leap.client().update_webhook(WEBHOOK_ID, **settings) == WEBHOOK_ID
    sent = {**settings, "headers": [{"name": "X-Leap-Secret", "value": "s"}]}
    assert leap.bodies() == [sent, sent]
    assert [request.method for request in leap.requests] == ["POST", "PUT"]
    listed = Leap(httpx.Response(200, json={"webhooks": [{"webhook_id": WEBHOOK_ID, **sent}]})).client().list_webhooks()
    assert [(found.webhook_id, found.headers) for found in listed] == [(WEBHOOK_ID, {"x-leap-secret": "s"})]
    assert "x-leap-secret" not in repr(listed)
    tested = (
        Leap(
            httpx.Response(
                200, json={"is_successful": False, "status_code": 401, "response_time_ms": 7.4, "error": "no"}
            )
        )
        .client()
        .test_webhook(WEBHOOK_ID, {"webhook_event_type": "meter.created"})
    )
    assert (tested.is_successful, tested.status_code, tested.response_time_ms, tested.error) == (False, 401, 7, "no")
    Leap(httpx.Response(200, json={"message": "done"})).client().delete_webhook(WEBHOOK_ID)
    with pytest.raises(LeapNotFound):
        leap.client().delete_webhook("../../v2/meters")


def test_what_would_be_done_twice_is_not_tried_again() -> None:
    leap = Leap(httpx.ReadTimeout("lost"))
    client = leap.client()
    with pytest.raises(LeapUnavailable):
        client.create_webhook(receiver_url="https://us.test/", event_types=[], headers={})
    with pytest.raises(LeapUnavailable):
        client.test_webhook(WEBHOOK_ID, {})
    assert len(leap.requests) == 2


def test_the_key_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Leap(httpx.ConnectError(f"with {KEY}")).client()
    with pytest.raises(LeapUnavailable) as caught:
        list(client.search_meter_details())
    shown = [repr(client), repr(client.__dict__), repr(caught.value), caplog.text]
    shown += traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert caplog.records
    assert not [text for text in shown if "secret-part" in text]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "set LEAP_API_KEY"),
        ("  ", "set LEAP_API_KEY"),
        ("a\nsecret-part", "copy it anew"),
        ("sécret-part", "copy it anew"),
    ],
)
def test_a_key_that_is_none(key: str, words: str) -> None:
    with pytest.raises(LeapUnauthorized, match=words) as caught:
        Leap(page()).client(key)
    assert "cret-part" not in str(caught.value)


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    build: Callable[[], LeapClient] = lambda: LeapClient("https://api.test", KEY)  # noqa: E731
    with build() as client:
        assert not client._http._mounts
