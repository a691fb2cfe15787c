"""What a customer does, and what the portal then knows of the link, as one value for tests to compare."""

from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import time_machine
from django.core.management import call_command
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Link, Meter, SyncRun
from portal.authorizations.services.meter_sync import sync_meters
from portal.sandbox import clock
from portal.sandbox.meters import settle
from portal.sandbox.models import Delivery, DeliveryState

#: Longer than any utility takes: by then a claim without proof is suspicious.
LONG_AFTER = timedelta(days=30)
#: Each step of a link in the story's order, and the column that notes it.
MILESTONES = {
    "visited": "first_visited_at",
    "returned": "first_returned_at",
    "at utility": "at_utility_at",
    "authorized": "authorized_at",
    "metered": "metered_at",
    "enrolled": "enrolled_at",
}


@dataclass(frozen=True)
class State:
    """All that the portal knows of one link, but for moments and ids.

    `connections`: the utility as Leap writes it, or "session", and what became of it. `meters`: how each of the link's
    meters matched, and its marks. `claims`: what became of each hit on the confirmation page, the link's or nobody's.
    `unmatched`: meters of no link. `suspicious`: on that list a month later.
    """

    status: str
    milestones: str
    connections: str
    failed: bool = False
    meters: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    unmatched: int = 0
    suspicious: bool = False


def run_case(link: Link, case: str) -> str:
    """Take a link through a case as a tester does: by the command, from the short URL on."""
    out = StringIO()
    call_command("sandbox_run", case, link.short_url, stdout=out)
    return out.getvalue()


def pass_time(**passed: float) -> None:
    """Move the sandbox's clock on, as its screen does. What is due then happens, and is delivered."""
    clock.move(by=timedelta(**passed))
    settle()
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=clock.now())
    assert not waiting.exists(), [delivery.attempts.last() for delivery in waiting]


def sync(**options: Any) -> SyncRun:
    return sync_meters(**{"full": False, "pause": lambda seconds: None, **options})


def read_state(link: Link, manager: User) -> State:
    """Read it from the database, and the list of suspicious returns from its page."""
    link.refresh_from_db()
    return State(
        status=link.status,
        milestones=", ".join(step for step, column in MILESTONES.items() if getattr(link, column)),
        connections=", ".join(
            f"{connection.utility_name or 'session'} {connection.state.value}"
            for connection in link.connections.order_by("utility_name")
        ),
        failed=link.failed_at is not None,
        meters=tuple(_describe(match) for match in link.meter_matches.select_related("meter")),
        claims=tuple(
            f"{confirmation.outcome}{' again' if confirmation.repeated else ''}"
            for confirmation in Confirmation.objects.filter(Q(link=link) | Q(link=None)).order_by("id")
        ),
        unmatched=Meter.objects.unmatched().count(),
        suspicious=_is_suspicious(link, manager),
    )


def _describe(match: Any) -> str:
    meter = match.meter
    marks = {
        "action required": meter.needs_partner,
        "re-authorize": meter.needs_authorization,
        "archived": meter.is_archived,
    }
    words = [meter.enrollment_status.lower(), *(mark for mark, is_set in marks.items() if is_set)]
    return f"{meter.utility_name} by {match.get_matched_by_display()}: {', '.join(words)}"


def _is_suspicious(link: Link, manager: User) -> bool:
    with time_machine.travel(timezone.now() + LONG_AFTER):
        client = Client()
        client.force_login(manager)
        page = client.get("/confirmations/suspicious/")
    return link in [row.record for row in page.context["table"].rows]
