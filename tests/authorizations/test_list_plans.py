"""No list reads a whole table to show a page: every filter of every list, every order, the search, on both databases.

Driven through the lists' own views, as if each had more rows than are counted, so that a new filter is covered by
itself. What is asked are the plans of the statements that find a page's keys and count what matches. Most values of a
filter fit few rows; those of DENSE fit nearly all, and the page is found by walking the key's own order.
"""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.forms import ChoiceField, DateField, ModelChoiceField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authorizations.models import Batch
from portal.authorizations.services import figures
from portal.authorizations.views import lists
from portal.authorizations.views.pages import Cursor
from tests.test_routes import World

pytestmark = pytest.mark.django_db

#: Lists of rows that come by the hundred thousand, and their tables.
LISTS = (
    "customer_list",
    "link_list",
    "meter_list",
    "confirmation_list",
    "event_list",
    "suspicious_list",
    "plan_list",
)
BIG = (
    "customer",
    "link",
    "meter",
    "confirmation",
    "event",
    "visit",
    "metermatch",
    "enrollment",
    "enrollmentdeadline",
    "requiredaction",
    "link_requested_utilities",
)

#: Filters that nearly all rows fit: a page is found within a few rows of the key's order, and an index would cost
#: every write.
DENSE = {
    ("link_list", "status", "unproven"),
    ("link_list", "status", "unmetered"),
    ("link_list", "mark", "live"),
    # A good part of them; a campaign's tiles ask it of the campaign's links, which have an index.
    ("link_list", "mark", "visited"),
    ("link_list", "mark", "returned"),
    ("customer_list", "language", "en"),
    ("meter_list", "action", "none"),
    ("plan_list", "deadline", "next"),
    ("meter_list", "archived", "no"),
    ("confirmation_list", "outcome", "matched"),
    ("confirmation_list", "repeated", "first"),
    ("confirmation_list", "bots", "on"),
}
#: Each enrollment is asked for its actions, which only together with its program and period tell; and those of the
#: meters that a search finds are sorted: some milliseconds for ten thousand.
ASKED_OR_SORTED = {("plan_list", "action"), ("plan_list", "q")}


def values_of(field: Any) -> list[str]:
    if isinstance(field, ModelChoiceField) and field.queryset is not None:
        first = field.queryset.values_list("pk", flat=True).first()
        return [] if first is None else [str(first)]
    if isinstance(field, ChoiceField):
        choices: Any = field.choices
        return [str(value) for value, _ in choices if value not in ("", None)]
    return ["2026-01-01"] if isinstance(field, DateField) else ["on" if "Boolean" in type(field).__name__ else "abc"]


def page_statements(client: Client, name: str, query: dict[str, str]) -> list[str]:
    """The statements by which a list finds the keys of its page, and counts."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{reverse(name)}?{urlencode(query)}").status_code == 200
    found = [query["sql"] for query in queries.captured_queries]
    limited = [sql for sql in found if re.search(r"SELECT \S+\.\"id\" AS \"pk\" FROM.* LIMIT ", sql)]
    # A filter by something that no row has needs no statement.
    assert len(limited) != 1, "a page without a count, or a count without a page"
    return limited


def explain(sql: str) -> list[str]:
    """The lines of a plan."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"), [])
            return [row[3] for row in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {sql}".replace("%", "%%"), [])
        return [row[0] for row in cursor.fetchall()]


def faults(plan: list[str], *, dense: bool) -> list[str]:
    """What in a plan takes longer the more rows there are."""
    tables = "|".join(f"authorizations_{noun}" for noun in BIG)
    if connection.vendor == "sqlite":
        scans = [] if dense else [line for line in plan if reads_all(line, tables)]
        return scans + [line for line in plan if "TEMP B-TREE" in line and "UNION" not in line]
    if dense:
        return []
    return [line.strip() for line in plan if re.search(rf"Seq Scan on ({tables})\b", line)]


def reads_all(line: str, tables: str) -> bool:
    """Whether SQLite reads a table from end to end, by its rows or by an index on all of them."""
    scan = re.fullmatch(rf"SCAN ({tables})(?: USING (?:COVERING )?INDEX (\w+))?", line)
    if scan is None or scan.group(2) is None:
        return scan is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql LIKE '%% WHERE %%' FROM sqlite_master WHERE name = %s", [scan.group(2)])
        return not cursor.fetchone()[0]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch, db: None) -> World:
    """Every list has more rows than are counted."""
    find = lists.PortalListView.found.func
    # Asked as ever, and answered as if there were too many.
    monkeypatch.setattr(lists.PortalListView, "found", property(lambda view: find(view) and None))
    monkeypatch.setattr(figures, "is_small", lambda: False)
    world = World()
    Batch.objects.get_or_create(pk=1)
    return world


def check(client: Client, name: str, query: dict[str, str], *, dense: bool = False) -> None:
    for sql in page_statements(client, name, query):
        plan = explain(sql)
        assert not faults(plan, dense=dense), (query, sql, plan)


@pytest.mark.parametrize("name", LISTS)
def test_every_filter_finds_its_rows_by_an_index(manager_client: Client, many: World, name: str) -> None:
    fields = manager_client.get(reverse(name)).context["filter"].form.fields
    assert fields
    for filter_name, field in fields.items():
        for value in values_of(field):
            case = (name, filter_name, value)
            if filter_name == "batch_part" or case[:2] in ASKED_OR_SORTED:
                continue
            # A rep's, a batch's and a campaign's own rows are sorted: they are few beside all.
            if filter_name in ("rep", "batch") or (name, filter_name) == ("customer_list", "campaign"):
                continue
            check(manager_client, name, {filter_name: value}, dense=case in DENSE)


# Many rows of the plan come in the key's order alone, which the test above has looked at.
@pytest.mark.parametrize("name", [name for name in LISTS if name != "plan_list"])
def test_every_order_and_page_is_read_from_an_index(manager_client: Client, many: World, name: str) -> None:
    table = manager_client.get(reverse(name)).context["table"]
    sorts = [column.name for column in table.columns if column.orderable]
    assert sorts
    row = many.objects[name.removesuffix("_list").replace("suspicious", "link")]
    for sort in ["", *sorts, *(f"-{column}" for column in sorts)]:
        for page in ("", "last", Cursor((row.pk,), False, 0).encode(), Cursor((row.pk,), True, 0).encode()):
            check(manager_client, name, {"sort": sort, "page": page}, dense=True)


def test_a_plan_that_reads_a_whole_table_is_found_out(many: World) -> None:
    """The test can fail."""
    assert faults(explain("SELECT id FROM authorizations_link WHERE label = 'x' ORDER BY label"), dense=False)
