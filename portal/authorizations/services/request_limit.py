"""How often links may be asked for on the hosted pages, counted in the cache: per network, address and page."""

import math
import time

from django.core.cache import cache
from django.utils.crypto import salted_hmac

#: So many within the window, then one waits until the window ends. Behind one network may stand a whole fair.
PER_NETWORK, PER_PAGE, PER_ADDRESS = 60, 1000, 3
WINDOW_SECONDS = 3600
#: One page that was loaded may be sent so often: a double click, or a mistyped address that is sent again.
PER_STAMP = 3
STAMP_SECONDS = 24 * 3600


def minutes_for_network(network: str) -> int:
    """Count whatever is posted; return how many minutes must pass before this network may post again, 0: go on."""
    return math.ceil(_count(f"start:from:{network}", WINDOW_SECONDS, PER_NETWORK) / 60)


def minutes_for_page(page: str) -> int:
    """Count a request that is in order; return how many minutes must pass before anybody here may ask, 0: go on.

    What is not in order is not counted: else whoever posts nothing at all could close the page for everybody.
    """
    return math.ceil(_count(f"start:page:{page}", WINDOW_SECONDS, PER_PAGE) / 60)


def may_mail(email: str) -> bool:
    """Count a request for this address; return whether another mail may go there. Known or not is never asked."""
    return not _count(f"start:to:{_digest(email.casefold())}", WINDOW_SECONDS, PER_ADDRESS)


def may_use(stamp: str) -> bool:
    """Count a use of a form's stamp; return whether it may be used once more."""
    return not _count(f"start:stamp:{_digest(stamp)}", STAMP_SECONDS, PER_STAMP)


def _count(key: str, window: int, most: int) -> float:
    """Add one; return the seconds until the window ends if it is full, else 0. What is too much prolongs nothing."""
    now = time.time()
    count, until = cache.get(key) or (0, 0.0)
    if until <= now:
        count, until = 0, now + window
    if count >= most:
        return float(until - now)
    cache.set(key, (count + 1, until), until - now)
    return 0.0


def _digest(text: str) -> str:
    # Keyed: an address is personal data, and could be guessed from a plain digest.
    return salted_hmac("portal.request_limit", text).hexdigest()[:32]
