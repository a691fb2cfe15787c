"""`python -m bench.population [--postgresql] [--forget] [links …]`: make populations and print where they are."""

import argparse
import signal
import sys

from bench.databases import POSTGRESQL
from bench.population.kept import SIZES, forget, keep


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.population", description=__doc__)
    parser.add_argument("links", nargs="*", type=int, help=f"of a thousand each; none: {', '.join(map(str, SIZES))}")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--server", default=POSTGRESQL, metavar="URL", help=f"the PostgreSQL server: {POSTGRESQL}")
    parser.add_argument("--forget", action="store_true", help="remove all that are kept")
    options = parser.parse_args()
    server = options.server if options.postgresql else ""
    if options.forget:
        print("\n".join(forget(server)))
        return
    for links in options.links or SIZES:
        print(keep(links, server), flush=True)


if __name__ == "__main__":
    # Ended from outside, what is half made goes all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
