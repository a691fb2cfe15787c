"""Posting webhooks, on Leap's retry ladder and the sandbox's clock. Never inside a transaction or a web request."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from django.db import transaction

from portal.sandbox import clock
from portal.sandbox.models import Attempt, Delivery, DeliveryOptions, DeliveryState, Webhook

#: Pause before each attempt: ten of them in eight hours.
LADDER = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 2, 4, 8, 16, 29, 60, 120, 240))
TIMEOUT = 10.0
"""Seconds that a receiver has for its 2xx."""


@dataclass(frozen=True)
class Answer:
    """What a receiver answered. No status code: it did not, and `error` says why."""

    status_code: int | None
    milliseconds: int
    error: str = ""

    @property
    def is_successful(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def deliver_due() -> int:
    """Post what is due on the sandbox's clock, and return how many attempts that took. Never inside a transaction."""
    made = 0
    with _open_client() as client:
        while delivery := _claim_next():
            answer = _post(client, delivery.webhook, _envelope(delivery))
            _record(delivery, answer)
            made += 1
    return made


def post(webhook: Webhook, envelope: Mapping[str, Any]) -> Answer:
    """Post once, with the partner's own headers, their names in small letters as Leap sends them."""
    with _open_client() as client:
        return _post(client, webhook, envelope)


def _open_client() -> httpx.Client:
    """Return a client for many posts: to make one takes longer than a post. No proxy of the environment: loopback is
    meant as it is written.
    """
    return httpx.Client(timeout=TIMEOUT, trust_env=False)


def _post(client: httpx.Client, webhook: Webhook, envelope: Mapping[str, Any]) -> Answer:
    headers = {str(header["name"]).lower(): str(header["value"]) for header in webhook.headers}
    started = time.monotonic()

    def answer(status_code: int | None, error: str = "") -> Answer:
        return Answer(status_code, round((time.monotonic() - started) * 1000), error[:200])

    try:
        client.cookies.clear()  # nothing of one receiver's answer goes to the next
        # Bodies are of no interest, headers suffice.
        with client.stream("POST", webhook.receiver_url, json=envelope, headers=headers) as response:
            return answer(response.status_code)
    except httpx.TimeoutException:
        return answer(None, f"No answer within {TIMEOUT:g} seconds")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        return answer(None, f"{type(error).__name__}: {error}")


def _claim_next() -> Delivery | None:
    """Take the earliest due attempt, so that no other process makes it; it is due again on the ladder if we die."""
    pace = DeliveryOptions.current().pace
    while True:
        now = clock.now()
        delivery = (
            Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=now)
            .select_related("webhook")
            .order_by("due_at", "id")
            .first()
        )
        if delivery is None:
            return None
        made = delivery.attempts_made
        is_last = made + 1 >= len(LADDER)
        claimed = Delivery.objects.filter(pk=delivery.pk, attempts_made=made, state=DeliveryState.WAITING).update(
            attempts_made=made + 1,
            due_at=delivery.due_at if is_last else delivery.due_at + LADDER[made + 1] * pace,
            state=DeliveryState.GIVEN_UP if is_last else DeliveryState.WAITING,
            is_held=False,
        )
        if claimed:
            delivery.attempts_made = made + 1
            return delivery


def _envelope(delivery: Delivery) -> dict[str, Any]:
    return {"webhook_event_id": str(delivery.event_id), "payload": delivery.payload}


def _record(delivery: Delivery, answer: Answer) -> None:
    with transaction.atomic():
        # Whoever deletes a webhook meanwhile deletes its deliveries.
        if not Delivery.objects.filter(pk=delivery.pk).exists():
            return
        Attempt.objects.create(
            delivery=delivery,
            number=delivery.attempts_made,
            at=delivery.due_at,
            status_code=answer.status_code,
            error=answer.error,
            milliseconds=answer.milliseconds,
        )
        if answer.is_successful:
            Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DELIVERED)
