"""The webhook subscription service (v1.1)."""

import re
import uuid
from typing import Any

from portal.sandbox.api.endpoints import Body, endpoint
from portal.sandbox.api.errors import Refusal, webhook_refusal
from portal.sandbox.api.search_request import parse_uuid
from portal.sandbox.deliveries import post
from portal.sandbox.models import EventType, Webhook
from portal.sandbox.webhooks import why_not_receiver

# A header that could not be sent, or that would smuggle in another one, is refused here, not at delivery.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*\Z")
_OWN_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection"}


def _list(_: Body) -> Body:
    return {"webhooks": [_record(webhook) for webhook in Webhook.objects.all()]}


def _create(body: Body) -> Body:
    webhook = Webhook.objects.create(**_clean(body))
    return {"webhook_id": str(webhook.webhook_id)}


def _update(body: Body, webhook_id: str) -> Body:
    webhook = _one(webhook_id)
    # All of it is overwritten: headers that are not sent again are gone.
    Webhook.objects.filter(pk=webhook.pk).update(**_clean(body))
    return {"webhook_id": str(webhook.webhook_id)}


def _delete(_: Body, webhook_id: str) -> Body:
    _one(webhook_id).delete()
    return {"message": "Operation completed successfully"}


def _test(body: Body, webhook_id: str) -> Body:
    webhook = _one(webhook_id)
    if body.get("webhook_event_type") not in EventType.values:
        raise _wrong(f"webhook_event_type must be one of {', '.join(EventType.values)}")
    answer = post(webhook, {"webhook_event_id": str(uuid.uuid4()), "payload": body})
    if answer.status_code is None:
        return {"is_successful": False, "error": answer.error}
    return {
        "is_successful": answer.is_successful,
        "status_code": answer.status_code,
        "response_time_ms": answer.milliseconds,
    }


def _record(webhook: Webhook) -> Body:
    return {
        "webhook_id": str(webhook.webhook_id),
        "receiver_url": webhook.receiver_url,
        "event_types": webhook.event_types,
        "headers": webhook.headers,
    }


def _one(webhook_id: str) -> Webhook:
    found = parse_uuid(webhook_id)
    if found is None:
        raise _wrong("webhook_id is not a UUID")
    webhook = Webhook.objects.filter(pk=found).first()
    if webhook is None:
        raise Refusal(404, "The specified resource was not found")
    return webhook


def _clean(body: Body) -> dict[str, Any]:
    url, types, headers = body.get("receiver_url"), body.get("event_types"), body.get("headers", [])
    if not isinstance(url, str) or not url:
        raise _wrong("receiver_url is missing")
    if reason := why_not_receiver(url):
        raise _wrong(reason)
    if not isinstance(types, list):
        raise _wrong("event_types must be a list")
    for event_type in types:
        if event_type not in EventType.values:
            raise _wrong(f"event_types: {str(event_type)[:60]} is not one of {', '.join(EventType.values)}")
    if not isinstance(headers, list) or not all(map(_is_header, headers)):
        raise _wrong("headers must be a list of {name, value} that HTTP can carry")
    return {
        "receiver_url": url,
        "event_types": types,
        "headers": [{"name": header["name"], "value": header["value"]} for header in headers],
    }


def _is_header(header: Any) -> bool:
    if not isinstance(header, dict):
        return False
    name, value = header.get("name"), header.get("value")
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and bool(_HEADER_NAME.match(name) and _HEADER_VALUE.match(value))
        and name.lower() not in _OWN_HEADERS
    )


def _wrong(message: str) -> Refusal:
    return Refusal(400, message)


webhooks = endpoint(webhook_refusal, GET=_list, POST=_create)
webhook = endpoint(webhook_refusal, PUT=_update, DELETE=_delete)
webhook_test = endpoint(webhook_refusal, POST=_test)
