"""The parts of `make bench`, each measured in a process and a temporary database of its own."""

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.databases import portal_on, temporary_database
from bench.harness import Growth, MissingPeerError, Result, Shares, Stream


@dataclass(frozen=True, slots=True)
class Part:
    """A module of `bench` with `run(rounds, *, quick)`, and the Django settings that it needs."""

    module: str
    settings: str = "portal.settings"
    has_own_databases: bool = False
    """It has `measure(rounds, *, quick, server)` instead, and looks for its databases itself: populations, on both."""


PARTS = {
    "import": Part("bench.customer_import"),
    "links": Part("bench.bulk_links"),
    "bulk": Part("bench.bulk_jobs"),
    "doors": Part("bench.public_doors", "bench.peers.settings"),
    "qr": Part("bench.qr"),
    "scan": Part("bench.scan"),
    "scale": Part("bench.scale", has_own_databases=True),
    "export": Part("bench.export", has_own_databases=True),
}


Line = Result | Shares | Growth | Stream


def measure(name: str, *, rounds: int, quick: bool, server: str) -> list[Line]:
    """Measure one part. Called in a new process, as Django is set up once in each."""
    part = PARTS[name]
    with temporary_database(server) as database_url:
        try:
            with portal_on(database_url, part.settings):
                return list(importlib.import_module(part.module).run(rounds, quick=quick))
        except ModuleNotFoundError as error:
            raise MissingPeerError(f"{error}: pip install -r requirements-dev.txt") from error


def measure_apart(name: str, *, rounds: int, quick: bool, server: str) -> list[Line]:
    """Measure one part in a process of its own; one that has its own databases takes one for each of them."""
    if PARTS[name].has_own_databases:
        found: list[Line] = importlib.import_module(PARTS[name].module).measure(rounds, quick=quick, server=server)
        return found
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, name, rounds=rounds, quick=quick, server=server).result()
