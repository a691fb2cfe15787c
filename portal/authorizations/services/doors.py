"""Reads and writes made while a customer waits at a public door: quick, or given up.

A short link's visit is one select and one insert. Compiling each from the ORM takes longer than running both
(`make bench` shows the ratio to a bare view that inserts one row), so the ORM compiles them once and they are kept.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, models, transaction

from portal.authorizations.services.driver import sqlite_driver

#: How long such a write waits for another writer (a bulk import holds SQLite's only write lock for seconds).
PATIENCE_MS = 400


#: Texts, truths and keys, which the drivers of both databases take as they are.
_AS_THEY_ARE = (models.CharField, models.BooleanField, models.ForeignKey)

_USUAL_PATIENCE = (
    f"PRAGMA busy_timeout = {int(settings.DATABASES['default'].get('OPTIONS', {}).get('timeout', 5) * 1000)}"
)

#: How long a door sleeps before it asks for SQLite's write lock again, in seconds.
_SHORTEST_NAP, _LONGEST_NAP = 0.0001, 0.005

#: The threads of one process take turns here: SQLite's own wait asks again and again, and may never be lucky.
_turn = threading.Lock()


def select_one(model: type[models.Model], columns: tuple[str, ...], *, by: str, value: Any) -> tuple[Any, ...] | None:
    """Return the columns of the row whose unique column `by` holds `value`, as the database driver gives them."""
    database = connections[DEFAULT_DB_ALIAS]
    sql = _select(database.vendor, model, columns, by)
    if database.vendor == "sqlite":
        with sqlite_driver() as driver:
            return cast("tuple[Any, ...] | None", driver.execute(sql, (value,)).fetchone())
    with database.cursor() as cursor:
        cursor.execute(sql, [value])
        return cast("tuple[Any, ...] | None", cursor.fetchone())


def insert_impatiently(model: type[models.Model], values: dict[str, Any]) -> None:
    """Insert a new row (attribute names and values of all its fields), or fail with OperationalError after PATIENCE_MS
    of waiting for another writer.

    Its id is not read back. What the row brings with it (a link's milestone) the database's triggers do in the same
    statement. SQLite has one write lock for all. In PostgreSQL even one insert waits: its foreign key, for a link that
    is being replaced or a table that is being migrated.
    """
    database = connections[DEFAULT_DB_ALIAS]
    sql, columns = _insert(database.vendor, model)
    parameters = [
        values[name] if field is None else field.get_db_prep_save(values[name], database) for name, field in columns
    ]
    if database.vendor == "sqlite":
        with _impatience() as (driver, end):
            _insist(driver, sql, parameters, end)
        return
    # Both statements in one message to the server, which takes them for one transaction.
    sql = f"SET LOCAL lock_timeout = {PATIENCE_MS}; {sql}"
    inside = transaction.atomic() if database.in_atomic_block else nullcontext()
    with inside, database.cursor() as cursor:
        cursor.execute(sql, parameters)


@contextmanager
def impatience() -> Iterator[None]:
    """Let writes made inside by others' code fail with OperationalError after PATIENCE_MS, too."""
    if connection.vendor == "sqlite":
        with _impatience() as (driver, end):
            driver.execute(f"PRAGMA busy_timeout = {max(int((end - time.monotonic()) * 1000), 1)}")
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
        yield


@contextmanager
def _impatience() -> Iterator[tuple[sqlite3.Connection, float]]:
    """Take this process's turn at SQLite's write lock; yield its connection, which does not wait for another process
    by itself, and when patience ends (`time.monotonic`). Raises OperationalError if the turn does not come until then.
    """
    end = time.monotonic() + PATIENCE_MS / 1000
    if not _turn.acquire(timeout=PATIENCE_MS / 1000):
        raise OperationalError("Others who came through the doors are still writing")
    try:
        with sqlite_driver() as driver:
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                yield driver, end
            finally:
                driver.execute(_USUAL_PATIENCE)
    finally:
        _turn.release()


def _insist(driver: sqlite3.Connection, sql: str, parameters: list[Any], end: float) -> None:
    """Run one statement as soon as no other process writes, or raise sqlite3.OperationalError at `end`.

    Another door holds the lock for a fifth of a millisecond. SQLite's own wait first sleeps a whole one, then longer
    and longer, while everybody else of this process waits for their turn.
    """
    nap = _SHORTEST_NAP
    while True:
        try:
            driver.execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(nap)
            nap = min(nap * 1.5, _LONGEST_NAP)
        else:
            return


@cache
def _select(vendor: str, model: type[models.Model], columns: tuple[str, ...], by: str) -> str:
    queryset = model._default_manager.filter(**{by: 0}).order_by().values_list(*columns)
    return _for_driver(vendor, str(queryset.query.sql_with_params()[0]))


@cache
def _insert(vendor: str, model: type[models.Model]) -> tuple[str, list[tuple[str, Any]]]:
    """The statement, and for each of its parameters the attribute and the field that prepares it, if one has to."""
    fields = tuple(f for f in model._meta.concrete_fields if not f.primary_key and not f.generated)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({values})"  # noqa: S608
    return _for_driver(vendor, sql), [
        (str(field.attname), None if isinstance(field, _AS_THEY_ARE) else field) for field in fields
    ]


def _for_driver(vendor: str, sql: str) -> str:
    """A statement without a % of its own, as the driver takes it."""
    return sql.replace("%s", "?") if vendor == "sqlite" else sql
