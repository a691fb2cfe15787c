"""SQLite's own connection: errors as Django's, and a cache that grows for a large transaction only."""

import pytest
from django.db import OperationalError, connection

from portal.authorizations.services.driver import ROOMY_KIB, roomy_cache, sqlite_driver

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="the module is SQLite's: PostgreSQL uses Django's cursors"
    ),
]


def cache_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        return int(cursor.fetchone()[0])


def test_the_cache_is_as_it_was_afterwards_whatever_happens() -> None:
    before, inside = cache_size(), []

    def fail_inside() -> None:
        with roomy_cache():
            inside.append(cache_size())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert inside == [-ROOMY_KIB]
    assert cache_size() == before != -ROOMY_KIB


def test_errors_are_djangos() -> None:
    with pytest.raises(OperationalError, match="no such table"), sqlite_driver() as driver:
        driver.execute("SELECT * FROM no_such_table WHERE id = ?", (1,))
