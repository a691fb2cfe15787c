"""`python -m bench.pairs [--postgresql] [links]`: every list under every two of its filters, on one population.

No ratio: pairs are too many to be held against one another. It shows which two filters no index answers together. Each
page is asked for once, and once more if that took longer than SLOW, as the first may have read from the disk.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from bench import scale
from bench.databases import POSTGRESQL
from bench.population.kept import SIZES, keep, on_population

#: Milliseconds; such pairs are named, the slowest first, at most SHOWN of a list.
SLOW, SHOWN = 500.0, 10
#: Values of each choice: the first and the last campaign or person, the first two of the others.
CHOICES = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__)
    parser.add_argument("links", nargs="?", type=int, default=SIZES[-1])
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with on_population(keep(options.links, POSTGRESQL if options.postgresql else "")):
        from django.db import transaction

        from bench.population.few import ADMIN, MANAGER

        print(f"{'PostgreSQL' if options.postgresql else 'SQLite'}, {options.links:,} links: two filters at once")
        with transaction.atomic():
            words = scale._words()
            for address, view in scale.lists():
                who = MANAGER if scale._may(MANAGER, view) else ADMIN
                found = list(scale.filters(view, who, CHOICES))
                if "q" in view.filterset_class.base_filters:
                    found += [("q", words["common name"]), ("q", words["name"])]
                times = {query: _time(who, f"{address}?{query}") for query in _pairs(found)}
                if times:
                    _print(address, times)
            transaction.set_rollback(True)


def _pairs(found: list[tuple[str, object]]) -> Iterator[str]:
    for one, other in itertools.combinations(found, 2):
        if one[0] != other[0]:
            yield urlencode([one, other])


def _time(who: str, url: str) -> float:
    taken = SLOW
    for _ in range(2):
        start = time.perf_counter()
        response = scale._client(who).get(url)
        _ = response.content
        taken = (time.perf_counter() - start) * 1000
        if response.status_code != 200:
            raise scale.DifferentWorkError(f"{url} answered {response.status_code}")
        if taken <= SLOW:
            break
    return taken


def _print(address: str, times: dict[str, float]) -> None:
    slow = sorted((query for query in times if times[query] > SLOW), key=lambda query: -times[query])
    middle, longest = statistics.median(times.values()), max(times.values())
    summary = f"median {middle:4.0f} ms, slowest {longest:5.0f} ms, {len(slow)} over {SLOW:.0f} ms"
    print(f"{address:28} {len(times):4} pairs, {summary}")
    for query in slow[:SHOWN]:
        print(f"    {times[query]:5.0f} ms  ?{query}", flush=True)


if __name__ == "__main__":
    main()
