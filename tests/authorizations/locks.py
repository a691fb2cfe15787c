"""Another writer that holds the database, for tests of what customers see meanwhile."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from portal.authorizations.models import Link

#: The lock is let go by itself after this long: a door that waits for it would find the database free, write to it,
#: and so fail the test, instead of hanging it.
LET_GO = 8.0


@contextmanager
def database_held(link: Link) -> Iterator[None]:
    """Hold what a bulk action holds: SQLite's only write lock, or in PostgreSQL the link's row."""
    if connection.vendor == "sqlite":
        holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        free = threading.Timer(LET_GO, holder.rollback)
        free.start()
        try:
            yield
        finally:
            free.cancel()
            free.join()
            if holder.in_transaction:
                holder.rollback()
            holder.close()
        return
    parameters = connection.get_connection_params()
    keep = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if parameters.get(name)}
    holder = psycopg.connect(**keep)
    holder.execute(f"SET idle_in_transaction_session_timeout = {int(LET_GO * 1000)}")
    holder.execute("SELECT 1 FROM authorizations_link WHERE id = %s FOR UPDATE", [link.pk])
    try:
        yield
    finally:
        holder.close()


@contextmanager
def database_read_only() -> Iterator[None]:
    """Make every write of this connection fail, as on a standby or with a full disk."""
    with connection.cursor() as cursor:
        cursor.execute(
            "PRAGMA query_only = 1" if connection.vendor == "sqlite" else "SET default_transaction_read_only = on"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "PRAGMA query_only = 0" if connection.vendor == "sqlite" else "SET default_transaction_read_only = off"
            )
