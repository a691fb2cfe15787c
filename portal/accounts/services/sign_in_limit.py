"""Sign-ins that failed, counted in the cache: per account and per shortened address, so that nobody can guess on.

An account's failures in a network from which it has signed in count apart: whoever guesses from elsewhere, again and
again, does not keep its owner out. Nor does a cache that does not answer: nothing is counted then, and the log says so.
"""

import hashlib
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

#: So many failures of one account, and of one network, are free; then both wait until the first one is old.
PER_ACCOUNT, PER_ADDRESS = 10, 100
WINDOW_SECONDS = 15 * 60
#: For so long after a sign-in its network is known for the account's own.
KNOWN_SECONDS = 30 * 24 * 3600


def minutes_to_wait(*, username: str, address: str) -> int:
    """Return how many minutes must pass before this account or network may try again; 0: it may now."""
    now = time.time()
    waits = [0.0]
    with _if_the_cache_answers():
        waits += [
            until - now for key, most in _counters(username, address) for count, until in [_read(key)] if count >= most
        ]
    return math.ceil(max(waits) / 60)


def note_failure(*, username: str, address: str) -> None:
    """Count a sign-in that failed."""
    with _if_the_cache_answers():
        for key, _ in _counters(username, address):
            count, until = _read(key)
            cache.set(key, (count + 1, until), until - time.time())


def note_success(*, username: str, address: str) -> None:
    """Forget the account's failures here: its owner is there. The network's stay, or one account of their own would do.

    The network is known for the account's own from now on.
    """
    with _if_the_cache_answers():
        cache.delete(_account_key(username, address))
        if address:
            cache.set(_known_key(username, address), True, KNOWN_SECONDS)


@contextmanager
def _if_the_cache_answers() -> Iterator[None]:
    try:
        yield
    except (OSError, RedisError):
        logger.exception("The cache does not answer: sign-ins that fail are not counted")


def _read(key: str) -> tuple[int, float]:
    """Return the failures of the current window, and when it ends, in seconds since 1970."""
    now = time.time()
    count, until = cache.get(key) or (0, 0.0)
    return (count, until) if until > now else (0, now + WINDOW_SECONDS)


def _counters(username: str, address: str) -> list[tuple[str, int]]:
    counters = [(_account_key(username, address), PER_ACCOUNT)]
    return [*counters, (f"sign-in:from:{address}", PER_ADDRESS)] if address else counters


def _account_key(username: str, address: str) -> str:
    is_known = address and cache.get(_known_key(username, address))
    return f"sign-in:of:{_digest(username)}" + (f":{address}" if is_known else "")


def _known_key(username: str, address: str) -> str:
    return f"sign-in:known:{_digest(username)}:{address}"


def _digest(username: str) -> str:
    # Hashed: a name is personal data, and people type their password into the wrong field.
    return hashlib.sha256(username.strip().casefold().encode()).hexdigest()[:32]
