"""Webhooks as Leap has them: `emit` notes who is to be told; the worker tells them (deliveries.py).

[docs/webhook-setup, docs/retry-mechanism of developer.leap.energy]
"""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from portal.sandbox import clock
from portal.sandbox.models import Delivery, DeliveryOptions, DeliveryState, EventType, Webhook
from portal.sandbox.tasks import wake

HELD = timedelta(minutes=1)
"""How long an event waits for another to overtake it."""
#: Leap's own rule for a partner_reference (MeterCreatedEventV1): what breaks it is in no event.
_PARTNER_REFERENCE = re.compile(r"[^/\\?\]\[{}!#$%^&*()<>|]{3,256}\Z")
_URL_CHARACTERS = re.compile(r"[\x21-\x7e]*\Z")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_LEAP_PORTS = {None, 443, 8443, 8843}


def emit(event_type: str, payload: Mapping[str, Any], *, at: datetime | None = None) -> uuid.UUID | None:
    """Tell every webhook that is subscribed to `event_type`, once the transaction has ended; return the event's id.

    `payload` is the event without its type. `at` is the sandbox time when it happens, now unless given: the
    meter.created of a late meter is emitted at once, for the time when the meter appears.
    None: Leap has no such event, as a Connect session without a reference id is not told of.
    """
    body = {"webhook_event_type": EventType(event_type).value, **payload}
    if not _PARTNER_REFERENCE.match(str(body.get("partner_reference") or "")):
        body.pop("partner_reference", None)
        if event_type in (EventType.SESSION, EventType.AUTHORIZATION):
            return None
    event_id = uuid.uuid4()
    with transaction.atomic():
        options = DeliveryOptions.current()
        for webhook in Webhook.objects.all():
            if event_type in webhook.event_types:
                _note(webhook, options, event_id, body, at or clock.now())
        wake()
    return event_id


def why_not_receiver(url: str) -> str:
    """Return why the sandbox would not post to this URL; empty: it would."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "receiver_url is not a URL"
    if not _URL_CHARACTERS.match(url):
        return "receiver_url has characters that a URL cannot have"
    if parts.scheme == "http" and host in _LOOPBACK:
        return ""
    if parts.scheme != "https" or not host:
        return (
            "receiver_url must be https (the sandbox also takes http to 127.0.0.1 and localhost, which Leap does not)"
        )
    return "" if port in _LEAP_PORTS else "receiver_url must use port 443, 8443 or 8843"


def _note(webhook: Webhook, options: DeliveryOptions, event_id: uuid.UUID, body: dict[str, Any], at: datetime) -> None:
    held = None
    if options.swaps_order:
        held = webhook.deliveries.filter(state=DeliveryState.WAITING, is_held=True, attempts_made=0).first()
    is_held = options.swaps_order and held is None
    delivery = Delivery(
        webhook=webhook,
        event_id=event_id,
        event_type=body["webhook_event_type"],
        payload=body,
        due_at=at + HELD if is_held else at,
        is_held=is_held,
        created_at=clock.now(),
    )
    copies = 2 if options.sends_twice else 1
    for _ in range(copies):
        delivery.pk = None
        delivery.save(force_insert=True)
    if held:
        # Overtaken: due just after the one that overtook it, with its duplicate.
        webhook.deliveries.filter(event_id=held.event_id, is_held=True).update(
            is_held=False, due_at=at + timedelta(microseconds=1)
        )
