"""Fixtures for all tests: one client per role, and the reasons why a test cannot run here."""

import math
import os
import shutil
import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.servers.basehttp import ServerHandler
from django.db import connection
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import sync_roles
from portal.authorizations.models import Installation
from tests import factories
from tests.smtp_server import Mailbox, smtp_server

CHROMIUM = shutil.which("chromium") or ""


def _postgresql_answers() -> bool:
    try:
        with socket.create_connection(("127.0.0.1", 5432), timeout=2):
            return True
    except OSError:
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say why; REQUIRE_ALL=1 (CI) turns the skip into a failure."""
    reason = ""
    if item.get_closest_marker("browser") and not CHROMIUM:
        reason = "Chromium is not installed (apt-get install chromium)"
    if item.get_closest_marker("postgresql") and not _postgresql_answers():
        reason = "no PostgreSQL server answers at 127.0.0.1:5432"
    if reason and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but {reason}", pytrace=False)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite's test database is a file, as in life: one in memory knows neither WAL nor a second writer's lock.

    PostgreSQL's does not wait for the disk at the end of a transaction: nobody pulls the plug of a test.
    """
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "tests.sqlite3")
    else:
        database.setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database starts with the utilities (a migration's) and the three roles."""
    global _blocker
    _blocker = django_db_blocker
    with django_db_blocker.unblock():
        sync_roles()


_blocker: Any = None


@pytest.fixture(scope="session", autouse=True)
def _flush_empties_the_audit() -> Iterator[None]:
    """A test that commits ends with a flush, which the audit's triggers refuse: tests alone take them away for it."""
    make = type(connection.ops).sql_flush

    def sql_flush(operations: Any, *arguments: Any, **options: Any) -> list[str]:
        statements = make(operations, *arguments, **options)
        if connection.vendor != "sqlite":
            table = "authorizations_auditentry"
            before, after = (f"ALTER TABLE {table} {word} TRIGGER USER" for word in ("DISABLE", "ENABLE"))
            return [before, *statements, after]
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_never_%%'")
            triggers = cursor.fetchall()
        return [f"DROP TRIGGER {name}" for name, _ in triggers] + statements + [sql for _, sql in triggers]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection.ops), "sql_flush", sql_flush)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A test that commits ends with a flush: put back what every database starts with, for the test that comes next.

    Instead of `serialized_rollback`, which would restore what was there before the roles.
    """
    try:
        yield
    finally:  # also when a fixture found fault at its end: the next test is innocent
        marker = item.get_closest_marker("django_db")
        fixtures = set(getattr(item, "fixturenames", ()))
        commits = (marker and marker.kwargs.get("transaction")) or fixtures & {"transactional_db", "live_server"}
        if commits and nextitem is not None and _blocker is not None:
            with _blocker.unblock():
                import_module("portal.authorizations.migrations.0002_seed_utilities").seed(apps, None)
                sync_roles()


@pytest.fixture(autouse=True)
def _isolation(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing remembered, cached, spooled or uploaded reaches the next test; jobs run at once."""
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    settings.WHITENOISE_AUTOREFRESH = True  # else every new client reads all static files before its first request
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # However slow the machine is: a test that counts queries must not meet the moment when it is read anew.
    monkeypatch.setattr(type(Installation.objects), "MEMORY", math.inf)
    Installation.objects.forget()
    cache.clear()
    yield
    Installation.objects.forget()


@pytest.fixture
def dropped_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live server closes a connection in whose answer the sandbox breaks off, as gunicorn does.

    Django's own takes the break for the other side's doing, and would keep the connection, and the other side waiting.
    """
    finish = ServerHandler.finish_response

    def finish_response(handler: Any) -> None:
        try:
            finish(handler)
        except ConnectionResetError:
            handler.request_handler.close_connection = True
            raise

    monkeypatch.setattr(ServerHandler, "finish_response", finish_response)


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    """A real SMTP server, to which the portal sends."""
    with smtp_server(settings) as box:
        yield box


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> User:
    return factories.make_user(role=Role.ADMIN, username="ada", first_name="Ada")


@pytest.fixture
def manager(db: None) -> User:
    return factories.make_user(role=Role.PROGRAM_MANAGER, username="maya", first_name="Maya")


@pytest.fixture
def rep(db: None) -> User:
    return factories.make_user(role=Role.FIELD_REP, username="sam", first_name="Sam")


@pytest.fixture
def other_rep(db: None) -> User:
    return factories.make_user(role=Role.FIELD_REP, username="ines", first_name="Ines")


@pytest.fixture
def admin_client(admin: User) -> Client:
    return _client(admin)


@pytest.fixture
def manager_client(manager: User) -> Client:
    return _client(manager)


@pytest.fixture
def rep_client(rep: User) -> Client:
    return _client(rep)


@pytest.fixture
def other_rep_client(other_rep: User) -> Client:
    return _client(other_rep)
