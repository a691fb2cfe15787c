"""The webhook subscription service: create, list, overwrite, delete, test."""

import uuid
from typing import Any

import pytest

from portal.sandbox.models import Webhook
from tests.sandbox.api_client import ApiClient
from tests.sandbox.contract.operations import errors
from tests.sandbox.contract.webhooks import EVENTS, REQUEST
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.django_db
GOOD = {
    "receiver_url": "https://company.com/leap-webhooks",
    "event_types": ["meter.created"],
    "headers": [{"name": "X-Leap-Secret", "value": "s3cret"}],
}
EVENT = {"webhook_event_type": "meter.created", "meter_id": str(uuid.UUID(int=3)), "partner_reference": "sample-ref"}


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


def test_created_listed_overwritten_and_deleted(api: ApiClient) -> None:
    assert api.call("listWebhooks").data == {"webhooks": []}
    webhook_id = api.call("createWebhook", GOOD).data["webhook_id"]
    assert api.call("listWebhooks").data == {"webhooks": [{"webhook_id": webhook_id, **GOOD}]}
    # All of it is overwritten: headers that are not sent again are gone.
    new = {"receiver_url": "http://127.0.0.1:8000/leap/events", "event_types": list(EVENTS)}
    assert api.call("updateWebhook", new, webhook_id=webhook_id).data == {"webhook_id": webhook_id}
    assert api.call("listWebhooks").data == {"webhooks": [{"webhook_id": webhook_id, **new, "headers": []}]}
    assert api.call("deleteWebhook", webhook_id=webhook_id).data == {"message": "Operation completed successfully"}
    assert api.call("listWebhooks").data == {"webhooks": []}
    assert api.call("deleteWebhook", webhook_id=webhook_id).status_code == 404


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"receiver_url": None}, "receiver_url"),
    ({"receiver_url": ""}, "receiver_url"),
    ({"receiver_url": "http://company.com/x"}, "must be https (the sandbox also takes http to 127.0.0.1"),
    ({"receiver_url": "https://company.com:8000/x"}, "port 443, 8443 or 8843"),
    ({"event_types": None}, "event_types must be a list"),
    ({"event_types": "meter.created"}, "event_types must be a list"),
    ({"event_types": ["meter.exploded"]}, "meter.exploded"),
    ({"event_types": [["meter.created"]]}, "event_types"),
    ({"headers": {}}, "headers"),
    ({"headers": ["x"]}, "headers"),
    ({"headers": [{"name": "x"}]}, "headers"),
    ({"headers": [{"name": "x", "value": 1}]}, "headers"),
    ({"headers": [{"name": "", "value": "v"}]}, "headers"),
    ({"headers": [{"name": "x y", "value": "v"}]}, "headers"),
    ({"headers": [{"name": "x", "value": "v\r\nx-other: 1"}]}, "headers"),
    ({"headers": [{"name": "x", "value": "clé"}]}, "headers"),
    ({"headers": [{"name": "Host", "value": "leap.energy"}]}, "headers"),
]


@pytest.mark.parametrize(("change", "reason"), WRONG, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("operation", ["createWebhook", "updateWebhook"])
def test_what_is_refused(api: ApiClient, operation: str, change: dict[str, Any], reason: str) -> None:
    webhook = Webhook.objects.create(**GOOD)
    response = api.call(operation, {**GOOD, **change}, webhook_id=str(webhook.pk))
    assert response.status_code == 400
    assert response.data["error"] == "Bad Request"
    assert reason in response.data["message"]
    assert [record["receiver_url"] for record in api.call("listWebhooks").data["webhooks"]] == [GOOD["receiver_url"]]


@pytest.mark.parametrize("body", [{}, {"receiver_url": GOOD["receiver_url"]}, {"event_types": []}])
def test_what_leap_requires_is_required(api: ApiClient, body: dict[str, Any]) -> None:
    assert errors(body, REQUEST)
    assert api.call("createWebhook", body).status_code == 400


def test_a_body_that_is_no_json_is_refused_in_the_webhook_services_words(api: ApiClient) -> None:
    response = api.call("createWebhook", "{")
    assert (response.status_code, response.data) == (
        400,
        {"error": "Bad Request", "message": "Request body is not JSON"},
    )


@pytest.mark.parametrize("operation", ["updateWebhook", "deleteWebhook", "testWebhook"])
def test_a_webhook_that_is_not_there(api: ApiClient, operation: str) -> None:
    body = EVENT if operation == "testWebhook" else GOOD
    response = api.call(operation, body, webhook_id=str(uuid.uuid4()))
    assert (response.status_code, response.data["message"]) == (404, "The specified resource was not found")
    assert api.call(operation, body, webhook_id="abc").status_code == 400


class TestTest:
    """POST …/test: what the receiver answers is answered."""

    @pytest.mark.parametrize("status", [200, 204])
    def test_a_receiver_that_takes_it(self, api: ApiClient, status: int) -> None:
        with Receiver(status) as receiver:
            webhook = Webhook.objects.create(**{**GOOD, "receiver_url": receiver.url})
            answer = api.call("testWebhook", EVENT, webhook_id=str(webhook.pk)).data
        assert (answer["is_successful"], answer["status_code"]) == (True, status)
        assert answer["response_time_ms"] >= 0
        assert receiver.events == [EVENT]
        assert receiver.headers[0]["x-leap-secret"] == "s3cret"
        assert uuid.UUID(receiver.received[0]["webhook_event_id"])

    def test_a_receiver_that_refuses_it(self, api: ApiClient) -> None:
        with Receiver(401) as receiver:
            webhook = Webhook.objects.create(**{**GOOD, "receiver_url": receiver.url})
            answer = api.call("testWebhook", EVENT, webhook_id=str(webhook.pk)).data
        assert (answer["is_successful"], answer["status_code"]) == (False, 401)
        assert "error" not in answer

    def test_a_receiver_that_is_not_there(self, api: ApiClient) -> None:
        with Receiver() as receiver:
            webhook = Webhook.objects.create(**{**GOOD, "receiver_url": receiver.url})
        answer = api.call("testWebhook", EVENT, webhook_id=str(webhook.pk)).data
        assert answer["is_successful"] is False
        assert "ConnectError" in answer["error"]
        assert "status_code" not in answer

    @pytest.mark.parametrize("event_type", [None, "meter.exploded", ["meter.created"]])
    def test_an_event_type_that_leap_does_not_have(self, api: ApiClient, event_type: Any) -> None:
        webhook = Webhook.objects.create(**GOOD)
        response = api.call("testWebhook", {"webhook_event_type": event_type}, webhook_id=str(webhook.pk))
        assert response.status_code == 400
