"""The sandbox's time."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the sandbox's time."""
    return timezone.now()
