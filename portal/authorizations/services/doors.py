"""Reads and writes made while a customer waits at a public door: quick, or given up.

A short link's visit is one select and one insert. Compiling each from the ORM takes longer than running both
(`make bench` shows the ratio to a bare view that inserts one row), so the ORM compiles them once and they are kept.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.db import OperationalError, connection, models, transaction

#: How long such a write waits for another writer (a bulk import holds SQLite's only write lock for seconds).
PATIENCE_MS = 400


#: Texts, truths and keys, which the drivers of both databases take as they are.
_AS_THEY_ARE = (models.CharField, models.BooleanField, models.ForeignKey)

#: The threads of one process take turns here: SQLite's own wait asks again and again, and may never be lucky.
_turn = threading.Lock()


def select_one(model: type[models.Model], columns: tuple[str, ...], *, by: str, value: Any) -> tuple[Any, ...] | None:
    """Return the columns of the row whose unique column `by` holds `value`, as the database driver gives them."""
    with connection.cursor() as cursor:
        cursor.execute(_select(connection.vendor, model, columns, by), [value])
        return cast("tuple[Any, ...] | None", cursor.fetchone())


def insert_impatiently(model: type[models.Model], values: dict[str, Any]) -> None:
    """Insert a new row (attribute names and values of all its fields), or fail with OperationalError after PATIENCE_MS
    of waiting for another writer.

    Its id is not read back. What the row brings with it (a link's milestone) the database's triggers do in the same
    statement. SQLite has one write lock for all. In PostgreSQL even one insert waits: its foreign key, for a link that
    is being replaced or a table that is being migrated.
    """
    sql, columns = _insert(connection.vendor, model)
    parameters = [
        values[name] if field is None else field.get_db_prep_save(values[name], connection) for name, field in columns
    ]
    if connection.vendor == "sqlite":
        with _impatience(), connection.cursor() as cursor:
            cursor.execute(sql, parameters)
        return
    # Both statements in one message to the server, which takes them for one transaction.
    sql = f"SET LOCAL lock_timeout = {PATIENCE_MS}; {sql}"
    inside = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with inside, connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@contextmanager
def impatience() -> Iterator[None]:
    """Let writes made inside by others' code fail with OperationalError after PATIENCE_MS, too."""
    if connection.vendor == "sqlite":
        with _impatience():
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
        yield


@contextmanager
def _impatience() -> Iterator[None]:
    """Let what is run inside, on SQLite, fail with OperationalError after PATIENCE_MS of waiting for another writer."""
    connection.ensure_connection()
    raw = connection.connection
    start = time.monotonic()
    if not _turn.acquire(timeout=PATIENCE_MS / 1000):
        raise OperationalError("Others who came through the doors are still writing")
    try:
        left = PATIENCE_MS - int((time.monotonic() - start) * 1000)
        raw.execute(f"PRAGMA busy_timeout = {max(left, 1)}")
        try:
            yield
        finally:
            patience = settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 5)
            raw.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
    finally:
        _turn.release()


@cache
def _select(vendor: str, model: type[models.Model], columns: tuple[str, ...], by: str) -> str:
    queryset = model._default_manager.filter(**{by: 0}).order_by().values_list(*columns)
    return str(queryset.query.sql_with_params()[0])


@cache
def _insert(vendor: str, model: type[models.Model]) -> tuple[str, list[tuple[str, Any]]]:
    """The statement, and for each of its parameters the attribute and the field that prepares it, if one has to."""
    fields = tuple(f for f in model._meta.concrete_fields if not f.primary_key and not f.generated)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({values})", [  # noqa: S608
        (str(field.attname), None if isinstance(field, _AS_THEY_ARE) else field) for field in fields
    ]
