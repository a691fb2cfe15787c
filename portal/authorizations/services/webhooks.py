"""The portal's webhook at Leap: one, at the portal's own address, with the portal's own secret."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from portal.authorizations.models import AuditAction
from portal.authorizations.services.audit import record
from portal.authorizations.services.events import SECRET_HEADER
from portal.authorizations.services.leap_api import open_leap
from portal.leap.client import LeapClient, LeapNotFound, Webhook, WebhookTest
from portal.leap.events import EVENT_TYPES, METER_CREATED

#: The ports that Leap's webhooks reach (Leap's “webhook setup”).
PORTS = {443, 8443, 8843}
#: What Leap sends when the webhook is tested: a meter that cannot be anybody's.
TEST_PAYLOAD: dict[str, Any] = {
    "webhook_event_type": METER_CREATED,
    "meter_id": str(UUID(int=0)),
    "transmission_region": "CAISO",
    "meter_type": "UTILITY_METER",
}


class WebhookRefused(Exception):  # noqa: N818
    """The webhook cannot be registered or tested. Its text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One of the webhooks that Leap has for the portal's address, and what about it is out of date."""

    webhook_id: str
    event_types: tuple[str, ...]
    missing_types: tuple[str, ...]
    has_secret: bool

    @property
    def is_current(self) -> bool:
        return self.has_secret and not self.missing_types


def get_receiver_url() -> str:
    """Return where Leap shall send its events."""
    return f"{settings.PUBLIC_URL}{reverse('leap_events')}"


def find_obstacle() -> str:
    """Return why the settings do not allow a webhook, and what to set; "" when they do."""
    if not settings.LEAP_WEBHOOK_SECRET:
        return (
            "LEAP_WEBHOOK_SECRET is not set, so that the portal takes no events. Set it to a long random text in the "
            "portal’s environment, start the portal anew, then register."
        )
    if not settings.LEAP_WEBHOOK_SECRET.isascii() or not settings.LEAP_WEBHOOK_SECRET.isprintable():
        return (
            "LEAP_WEBHOOK_SECRET has a character that no HTTP header carries. Set it to letters and digits, start the "
            "portal anew, then register."
        )
    address = urlsplit(settings.PUBLIC_URL)
    if settings.LEAP_ENVIRONMENT == "sandbox":
        return ""
    if address.scheme != "https":
        return (
            f"Leap sends events to https addresses only, but PUBLIC_URL is {settings.PUBLIC_URL}. Set it to the https "
            "address at which the world reaches the portal, then register."
        )
    if (address.port or 443) not in PORTS:
        return (
            f"Leap sends events to the ports 443, 8443 and 8843 only, but PUBLIC_URL is {settings.PUBLIC_URL}. Serve "
            "the portal at one of them, then register."
        )
    return ""


def list_registrations() -> list[Registration]:
    """Return the webhooks that Leap has for the portal's address. Raises LeapError."""
    with open_leap(attempts=1) as client:
        return [_registration(webhook) for webhook in _find_ours(client)]


def register_webhook() -> bool:
    """Create the portal's webhook at Leap, or bring it up to date; return whether it is new. Twice keeps one.

    Raises WebhookRefused when the settings do not allow it, and LeapError.
    """
    if obstacle := find_obstacle():
        raise WebhookRefused(obstacle)
    wanted: dict[str, Any] = {
        "receiver_url": get_receiver_url(),
        "event_types": EVENT_TYPES,
        "headers": {SECRET_HEADER: settings.LEAP_WEBHOOK_SECRET},
    }
    with open_leap(attempts=2) as client:
        ours = _find_ours(client)
        if not ours:
            client.create_webhook(**wanted)
            record(action=AuditAction.ADDED, noun="webhook")
            return True
        # Whether Leap tells the secret that it has, is not published: overwritten, it is the right one for certain.
        client.update_webhook(ours[0].webhook_id, **wanted)
        _delete(client, ours[1:])
        record(action=AuditAction.CHANGED, noun="webhook")
        return False


def remove_webhook() -> int:
    """Remove the portal's webhook from Leap, all of them if there are several; return how many. Raises LeapError."""
    with open_leap(attempts=2) as client:
        removed = _delete(client, _find_ours(client))
    if removed:
        record(action=AuditAction.VOIDED, noun="webhook", count=removed)
    return removed


def try_webhook() -> WebhookTest:
    """Let Leap send a test event to the portal, and return what Leap says of it.

    Raises WebhookRefused when none is registered, and LeapError.
    """
    with open_leap(attempts=1) as client:
        ours = _find_ours(client)
        if not ours:
            raise WebhookRefused("Leap has no webhook for this portal: register it, then test it.")
        return client.test_webhook(ours[0].webhook_id, TEST_PAYLOAD)


def describe_test(test: WebhookTest) -> str:
    """Say what came of a test, and what to do when it failed: the same on the screen and for the command."""
    if test.is_successful:
        return "Leap’s test event arrived: it stands first among Leap’s events."
    if test.status_code == 401:
        return "The portal refused Leap’s test event: Leap has another secret than LEAP_WEBHOOK_SECRET. Register again."
    if test.status_code is not None:
        return (
            f"The portal’s address answered Leap’s test event with {test.status_code} instead of 200: see whether "
            f"{get_receiver_url()} leads to this portal."
        )
    return f"Leap could not reach {get_receiver_url()}: see whether the world can, by its name and certificate."


def _find_ours(client: LeapClient) -> list[Webhook]:
    """Return the webhooks at the portal's address: others of the account are other systems'."""
    receiver_url = get_receiver_url()
    ours = [webhook for webhook in client.list_webhooks() if webhook.receiver_url.rstrip("/") == receiver_url]
    return sorted(ours, key=lambda webhook: webhook.webhook_id)


def _delete(client: LeapClient, webhooks: list[Webhook]) -> int:
    for webhook in webhooks:
        try:
            client.delete_webhook(webhook.webhook_id)
        except LeapNotFound:
            continue  # somebody else was quicker
    return len(webhooks)


def _registration(webhook: Webhook) -> Registration:
    return Registration(
        webhook_id=webhook.webhook_id,
        event_types=webhook.event_types,
        missing_types=tuple(name for name in EVENT_TYPES if name not in webhook.event_types),
        has_secret=SECRET_HEADER.lower() in {name.lower() for name in webhook.headers},
    )
