"""SQLite's own connection, for the few statements whose time is mostly Django's cursor."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

#: SQLite's own default is 2,000.
ROOMY_KIB = 64_000


@contextmanager
def sqlite_driver() -> Iterator[sqlite3.Connection]:
    """Yield it, inside the transaction that is open, if one is; its parameters are written `?`. Errors are Django's.

    A cursor of Django's costs more than a door's statements themselves, and looks through the text of a statement with
    a hundred thousand parameters for each `%s`, which takes a tenth of an import.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    with database.wrap_database_errors:
        yield database.connection


@contextmanager
def roomy_cache() -> Iterator[None]:
    """Let a large transaction on SQLite keep ROOMY_KIB of pages, instead of writing and reading them again and again.

    A list of 100,000 customers changes some sixty megabytes of table and indexes.
    """
    if connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
        yield
        return
    with sqlite_driver() as driver:
        [usual] = driver.execute("PRAGMA cache_size").fetchone()
        driver.execute(f"PRAGMA cache_size = -{ROOMY_KIB}")
    try:
        yield
    finally:
        with sqlite_driver() as driver:
            driver.execute(f"PRAGMA cache_size = {usual}")
