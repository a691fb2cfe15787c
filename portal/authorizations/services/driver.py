"""SQLite's own connection, for the few statements whose time is mostly Django's cursor."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections


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
