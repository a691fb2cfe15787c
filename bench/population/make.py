"""`python -m bench.population.make links database-url`: fill an empty database. Called by `kept.py`."""

import sys

from bench.databases import portal_on


def main(links: int, database_url: str) -> None:
    with portal_on(database_url):
        import time_machine

        from bench.population import few, load

        with time_machine.travel(few.now(), tick=False):
            load.load(links)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
