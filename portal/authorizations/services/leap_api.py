"""Leap's API, as the settings say."""

from django.conf import settings

from portal.leap.client import LeapClient

#: The key that the sandbox takes when LEAP_API_KEY is not set.
SANDBOX_KEY = "sandbox-key"


def open_leap(*, attempts: int = 5) -> LeapClient:
    """Return a client of Leap's API; close it. With few attempts where a person waits for the answer.

    Raises LeapUnauthorized, with what to set, when there is no usable API key.
    """
    key = settings.LEAP_API_KEY or (SANDBOX_KEY if settings.LEAP_ENVIRONMENT == "sandbox" else "")
    return LeapClient(settings.LEAP_API_URL, key, attempts=attempts)
