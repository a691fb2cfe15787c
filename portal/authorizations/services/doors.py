"""Reads and writes made while a customer waits at a public door: quick, or given up.

A short link's visit is one select and one insert. Compiling each from the ORM takes longer than running both
(`make bench` shows the ratio to a bare view that inserts one row), so the ORM compiles them once and they are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.db import connection, models, transaction

#: How long such a write waits for another writer (a bulk import holds SQLite's only write lock for seconds).
PATIENCE_MS = 400


@contextmanager
def impatience() -> Iterator[None]:
    """Let what is run inside fail with OperationalError after PATIENCE_MS of waiting for another writer.

    SQLite has one write lock for all. In PostgreSQL even one insert waits: its foreign key, for a link that is being
    replaced or a table that is being migrated; the bound holds for one transaction, so there has to be one.
    """
    if connection.vendor != "sqlite":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
            yield
        return
    connection.ensure_connection()
    raw = connection.connection
    raw.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    try:
        yield
    finally:
        patience = settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 5)
        raw.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")


@contextmanager
def impatient_transaction() -> Iterator[None]:
    """Run a transaction that gives up soon."""
    with impatience(), transaction.atomic(savepoint=False):
        yield


def select_one(model: type[models.Model], columns: tuple[str, ...], *, by: str, value: Any) -> tuple[Any, ...] | None:
    """Return the columns of the row whose unique column `by` holds `value`, as the database driver gives them."""
    with connection.cursor() as cursor:
        cursor.execute(_select(connection.vendor, model, columns, by), [value])
        return cast("tuple[Any, ...] | None", cursor.fetchone())


def insert_one(row: models.Model) -> None:
    """Insert a new row; its id is not read back."""
    sql, fields = _insert(connection.vendor, type(row))
    with connection.cursor() as cursor:
        cursor.execute(sql, [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields])


@cache
def _select(vendor: str, model: type[models.Model], columns: tuple[str, ...], by: str) -> str:
    queryset = model._default_manager.filter(**{by: 0}).order_by().values_list(*columns)
    return str(queryset.query.sql_with_params()[0])


@cache
def _insert(vendor: str, model: type[models.Model]) -> tuple[str, tuple[Any, ...]]:
    fields = tuple(f for f in model._meta.concrete_fields if not f.primary_key and not f.generated)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({values})", fields  # noqa: S608
