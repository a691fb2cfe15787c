"""Sign-ins that failed, counted in the cache: per account and per shortened address, so that nobody can guess on."""

import hashlib
import math
import time

from django.core.cache import cache

#: So many failures of one account, and of one network, are free; then both wait until the first one is old.
PER_ACCOUNT, PER_ADDRESS = 10, 100
WINDOW_SECONDS = 15 * 60


def minutes_to_wait(*, username: str, address: str) -> int:
    """Return how many minutes must pass before this account or network may try again; 0: it may now."""
    now = time.time()
    waits = [
        until - now for key, most in _counters(username, address) for count, until in [_read(key)] if count >= most
    ]
    return math.ceil(max([0.0, *waits]) / 60)


def note_failure(*, username: str, address: str) -> None:
    """Count a sign-in that failed."""
    for key, _ in _counters(username, address):
        count, until = _read(key)
        cache.set(key, (count + 1, until), until - time.time())


def note_success(*, username: str) -> None:
    """Forget the account's failures: its owner is there. The network's stay, or one account of their own would do."""
    cache.delete(_account_key(username))


def _read(key: str) -> tuple[int, float]:
    """Return the failures of the current window, and when it ends, in seconds since 1970."""
    now = time.time()
    count, until = cache.get(key) or (0, 0.0)
    return (count, until) if until > now else (0, now + WINDOW_SECONDS)


def _counters(username: str, address: str) -> list[tuple[str, int]]:
    counters = [(_account_key(username), PER_ACCOUNT)]
    return [*counters, (f"sign-in:from:{address}", PER_ADDRESS)] if address else counters


def _account_key(username: str) -> str:
    # Hashed: a name is personal data, and people type their password into the wrong field.
    return f"sign-in:of:{hashlib.sha256(username.strip().casefold().encode()).hexdigest()[:32]}"
