"""What becomes of a thousand links, rare marks among them. Plain Python: no Django here.

Every thousand links of a population meet these fates in another order, so that counts are exact at every size: 2,000
visits, 200 meters.
"""

from dataclasses import dataclass
from itertools import cycle, islice

BLOCK = 1000
VISITS, METERS, UNMATCHED_METERS = 2000, 200, 20

_USUAL_VISITS = (1, 1, 1, 2, 2, 3, 3, 4, 6, 9)


@dataclass(frozen=True, slots=True)
class Fate:
    """How far one link gets, and what is odd about it. `number` (0 to 999) makes the rest of it."""

    number: int
    visits: int = 0
    returns: int = 0
    bot: bool = False
    at_utility: bool = False
    failed: bool = False
    authorized: bool = False
    meters: int = 0
    enrolled: bool = False
    lost: bool = False
    void: bool = False
    replaced: bool = False
    shared: bool = False


def make_fates() -> list[Fate]:
    """Return the thousand fates."""
    visited = [number for number in range(400, BLOCK) if not _is_shared(number)]
    visits = dict(zip(visited, islice(cycle(_USUAL_VISITS), len(visited)), strict=True))
    # The poster in a lobby: all that is left of the 2,000.
    visits[999] = VISITS - sum(visits.values())
    return [_fate(number, visits.get(number, 0)) for number in range(BLOCK)]


def _is_shared(number: int) -> bool:
    return number == 999


def _fate(number: int, visits: int) -> Fate:
    returned = 600 <= number < 860
    return Fate(
        number=number,
        visits=visits,
        returns=(2 if number % 10 == 0 else 1) if returned else 0,
        bot=700 <= number < 710,
        at_utility=660 <= number < 860,
        failed=660 <= number < 680,
        authorized=700 <= number < 860,
        meters=4 if 850 <= number < 860 else 2 if 830 <= number < 850 else 1 if 730 <= number < 830 else 0,
        enrolled=730 <= number < 800,
        lost=number in (730, 830, 850),
        void=number in (1, 2, 401, 402, 600, 601),
        replaced=number in (10, 11, 410),
        shared=_is_shared(number),
    )
