"""The time in the sandbox: the real one, and what the tester added. It ticks, and it is the same for every process."""

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from portal.sandbox.models import Clock

ONLY = 1
"""Primary key of the one row."""


def now() -> datetime:
    """Return the time in the sandbox."""
    return timezone.now() + ahead()


def ahead() -> timedelta:
    """Return how far the sandbox's clock is ahead of the real one."""
    return Clock.objects.filter(pk=ONLY).values_list("ahead", flat=True).first() or timedelta()


def move(*, by: timedelta) -> datetime:
    """Move the clock forward, and return its new time. Late meters appear, and waiting deliveries are due.

    Backwards is refused (ValueError): a meter cannot be modified before it was created. `reset` is the way back.
    """
    if by < timedelta():
        raise ValueError("The clock only moves forward. Reset it to return to the real time.")
    # Deliveries read this clock, so that an import at the top would go round in a circle.
    from portal.sandbox.tasks import wake

    Clock.objects.get_or_create(pk=ONLY)
    Clock.objects.filter(pk=ONLY).update(ahead=F("ahead") + by)
    wake()
    return now()


def reset() -> datetime:
    """Return to the real time."""
    Clock.objects.filter(pk=ONLY).update(ahead=timedelta())
    return now()
