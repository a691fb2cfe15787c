"""Temporary databases: every part is measured in its own, removed afterwards. The portal's own is never touched."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import MissingPeerError

_TABLES = "BENCH_TABLES"
POSTGRESQL = "postgres://postgres@127.0.0.1:5432"


@contextmanager
def temporary_database(server: str = "") -> Iterator[str]:
    """Yield the URL of an empty database: an SQLite file, or a new database on a PostgreSQL server."""
    if not server:
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
            begin_with_tables(Path(folder) / "bench.sqlite3")
            yield f"sqlite:///{folder}/bench.sqlite3"
        return
    name = f"portal_bench_{uuid.uuid4().hex[:12]}"
    with connected(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected(server: str) -> Iterator[Any]:
    """A connection to a PostgreSQL server, to make databases with. Raises MissingPeerError if none answers."""
    import psycopg

    try:
        connection = psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise MissingPeerError(f"No PostgreSQL server answers at {server}: {str(error).splitlines()[0]}") from None
    with connection:
        yield connection


@contextmanager
def portal_on(database_url: str, settings: str = "portal.settings") -> Iterator[None]:
    """Set Django up, once in a process, on a database with all its tables."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        os.environ.update(environment(database_url, Path(folder)))
        os.environ["DJANGO_SETTINGS_MODULE"] = settings

        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        _keep_tables(database_url)
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def shared_tables() -> Iterator[None]:
    """Let the first SQLite database of a run leave a copy without rows for the others: migrating takes longer than many
    a measurement. The processes inside know of it by their environment.
    """
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        os.environ[_TABLES] = f"{folder}/tables.sqlite3"
        try:
            yield
        finally:
            del os.environ[_TABLES]


def begin_with_tables(path: Path) -> None:
    """Put an SQLite database with tables and no rows there, if one was kept."""
    kept = os.environ.get(_TABLES)
    if kept and Path(kept).exists():
        shutil.copy(kept, path)


def _keep_tables(database_url: str) -> None:
    from django.db import connections

    kept = os.environ.get(_TABLES)
    if kept and not Path(kept).exists() and database_url.startswith("sqlite:"):
        connections.close_all()  # and with it the log goes into the file
        shutil.copy(database_url.removeprefix("sqlite:///"), kept)


def environment(database_url: str, folder: Path) -> dict[str, str]:
    """The portal's settings for a measurement, so that no .env of the machine has a part in it."""
    return {
        "SECRET_KEY": "only-for-measurements",
        "DEBUG": "off",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_URL": "http://p.acme.example",
        "DATABASE_URL": database_url,
        "CACHE_URL": "locmemcache://",
        "EMAIL_URL": "memorymail://",
        "LEAP_ENVIRONMENT": "production",
        "LEAP_API_URL": "",
        "LEAP_CONNECT_URL": "",
        "LEAP_CONNECT_NEW_URL": "",
        "LEAP_LEGACY_URL": "",
        "LEAP_API_KEY": "",
        "LEAP_WEBHOOK_SECRET": "",
        "SANDBOX": "off",
        "SPOOL_DIR": str(folder / "spool"),
    }


def empty_tables(*models: type) -> None:
    """Empty the models' tables and those that refer to them, and leave the database as it is after a rest."""
    from django.core.management.color import no_style
    from django.db import connection

    names = [model._meta.db_table for model in models]  # type: ignore[attr-defined]
    flush = connection.ops.sql_flush(no_style(), names, allow_cascade=True)
    connection.ops.execute_sql_flush(flush)
    settle()


def settle() -> None:
    """Tidy up what the last turn left in SQLite's log or among PostgreSQL's dead rows, off the next one's clock."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "VACUUM (ANALYZE)")
