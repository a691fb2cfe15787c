"""`python -m bench`: measure the portal beside its peers, each part in a process and a temporary database of its own.

Exit status 0 when every part was measured, 2 when one could not be (a peer is missing, or the two sides did not do the
same work); with --strict also 1 when a goal was missed.
"""

import argparse
import signal
import sys
import time
from concurrent.futures.process import BrokenProcessPool

from bench.databases import POSTGRESQL, shared_tables
from bench.harness import (
    MIN_ROUNDS,
    DifferentWorkError,
    Growth,
    MissingPeerError,
    Result,
    Shares,
    Stream,
    format_growth,
    format_shares,
    format_streams,
    format_table,
)
from bench.parts import PARTS, Line, measure_apart


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    start = time.monotonic()
    try:
        results = _measure(options)
    except _Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    database = "PostgreSQL" if options.postgresql else "SQLite"
    inputs = "small inputs" if options.quick else "full inputs"
    if ratios := [result for result in results if isinstance(result, Result)]:
        print(f"{database}, {inputs}, {options.rounds} rounds. Ratio: the median of the rounds; spread: the extremes.")
        print(format_table(ratios))
    if shares := [result for result in results if isinstance(result, Shares)]:
        print(f"Printed codes, {inputs}: the share that still decodes after each damage.")
        print(format_shares(shares))
    if growths := [result for result in results if isinstance(result, Growth)]:
        print(f"{inputs.capitalize()}, {options.rounds} rounds after a warm one, medians. Ratio: last to first.")
        print(format_growth(growths))
    if streams := [result for result in results if isinstance(result, Stream)]:
        goals = f"first row within {Stream.FIRST:.0f} ms, memory at most {Stream.MORE_MEMORY:g} times the smaller's"
        print(f"Exports, {inputs}. Goals: {goals}.")
        print(format_streams(streams))
    print(f"Ended after {(time.monotonic() - start) / 60:.1f} minutes.", file=sys.stderr)
    return 1 if options.strict and not all(result.met for result in results) else 0


class _Failed(Exception):  # noqa: N818
    """A part could not be measured; `str()` names it and says why."""


def _measure(options: argparse.Namespace) -> list[Line]:
    chosen = options.server if options.postgresql else ""
    results: list[Line] = []
    with shared_tables():
        for name in options.parts or PARTS:
            print(f"Measuring {name} …", file=sys.stderr, flush=True)
            # Populations are measured on both databases.
            server = options.server if PARTS[name].has_own_databases else chosen
            try:
                results += measure_apart(name, rounds=options.rounds, quick=options.quick, server=server)
            except (MissingPeerError, DifferentWorkError, BrokenProcessPool) as error:
                raise _Failed(f"{name}: {error}") from error
    return results


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="smaller inputs: under 3 minutes")
    parser.add_argument("--rounds", type=int, default=MIN_ROUNDS, help=f"at least {MIN_ROUNDS}")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--server", default=POSTGRESQL, metavar="URL", help=f"the PostgreSQL server: {POSTGRESQL}")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part “{unknown[0]}”: choose of {', '.join(PARTS)}")
    if options.rounds < MIN_ROUNDS:
        parser.error(f"{options.rounds} rounds say too little, {MIN_ROUNDS} is the least")
    return options


if __name__ == "__main__":
    # Ended from outside, the temporary databases and servers go all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise SystemExit(main())
