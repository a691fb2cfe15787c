"""The way to Leap's API, as the settings have it."""

import time
from collections.abc import Callable

from django.conf import settings

from portal.leap.client import ATTEMPTS, LeapClient

#: The sandbox takes this one while none is set.
_SANDBOX_KEY = "sandbox-key"


def has_key() -> bool:
    """Whether there is a key to ask Leap with."""
    return bool(_key())


def open_leap(*, attempts: int = ATTEMPTS, sleep: Callable[[float], None] = time.sleep) -> LeapClient:
    """Return a client of Leap's API in this environment. Raises LeapUnauthorized if no usable key is set.

    Few `attempts` where a person waits for the answer.
    """
    return LeapClient(settings.LEAP_API_URL, _key(), attempts=attempts, sleep=sleep)


def _key() -> str:
    return settings.LEAP_API_KEY or (_SANDBOX_KEY if settings.LEAP_ENVIRONMENT == "sandbox" else "")
