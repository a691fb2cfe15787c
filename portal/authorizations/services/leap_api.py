"""The way to Leap's API, as the settings have it."""

import time
from collections.abc import Callable

from django.conf import settings

from portal.leap.client import ATTEMPTS, LeapClient


def open_leap(*, attempts: int = ATTEMPTS, sleep: Callable[[float], None] = time.sleep) -> LeapClient:
    """Return a client of Leap's API in this environment. Raises LeapUnauthorized if no usable key is set.

    Few `attempts` where a person waits for the answer.
    """
    # The sandbox takes this one while none is set.
    key = settings.LEAP_API_KEY or ("sandbox-key" if settings.LEAP_ENVIRONMENT == "sandbox" else "")
    return LeapClient(settings.LEAP_API_URL, key, attempts=attempts, sleep=sleep)
