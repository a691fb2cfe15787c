"""Pages of a list by key: every row once, in every order, whatever comes, goes or changes meanwhile."""

import base64
import itertools
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.authorizations.models import Customer, Link
from portal.authorizations.views import lists
from portal.authorizations.views.pages import Cursor
from tests.factories import get_utilities, make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db
LIST = "/customers/"


def walk(client: Client, address: str, way: str, page: str = "", **query: str) -> list[list[int]]:
    """The keys of each page, following one of its links until there is none."""
    pages = []
    for _ in range(40):
        response = client.get(address, {"per_page": "4", **query, **({"page": page} if page else {})})
        pages.append(keys(response))
        found = re.search(rf'id="page-{way}"[^>]*?href="\?(?:[^"]*&amp;)?page=([^"&]+)', response.text, re.DOTALL)
        if found is None:
            return pages
        page = found.group(1)
    raise AssertionError("The pages have no end")


def keys(response: Any) -> list[int]:
    return [row.record.pk for row in response.context["table"].paginated_rows]


def make_customers(count: int) -> None:
    """Many of one name, some without a utility, a rep or a street."""
    pge, sce = get_utilities("pge", "sce")
    for number in range(count):
        Customer.objects.create(
            name=("Rosa", "Rosa", "Ann")[number % 3],
            city=("Fresno", "")[number % 2],
            utility=(pge, sce, None)[number % 3],
        )


@pytest.mark.parametrize(
    "sort",
    [
        "",
        *(
            f"{sign}{name}"
            for sign in ("", "-")
            for name in ("name", "street", "utility", "assigned_rep", "created_at")
        ),
    ],
)
def test_each_row_is_on_one_page_forwards_and_backwards(manager_client: Client, sort: str) -> None:
    make_customers(19)
    query = {"sort": sort} if sort else {}
    forwards = walk(manager_client, LIST, "next", **query)
    assert [len(page) for page in forwards] == [4, 4, 4, 4, 3]
    assert sorted(itertools.chain(*forwards)) == sorted(Customer.objects.values_list("pk", flat=True))
    backwards = walk(manager_client, LIST, "previous", page="last", **query)
    assert backwards[::-1] == forwards


@pytest.mark.parametrize("sort", ["saw", "-saw", "claims", "-claims", "leap", "-leap", "title", "flow"])
def test_rows_without_a_value_come_last_either_way(manager_client: Client, sort: str) -> None:
    flow = make_flow()
    links = [make_link(flow=flow, customer=make_customer(name=f"N{number}")) for number in range(11)]
    now = timezone.now()
    for link in links[3:8]:
        Link.objects.filter(pk=link.pk).update(first_visited_at=now, first_returned_at=now, authorized_at=now)
    forwards = walk(manager_client, "/links/", "next", sort=sort)
    assert sorted(itertools.chain(*forwards)) == sorted(link.pk for link in links)
    assert walk(manager_client, "/links/", "previous", page="last", sort=sort)[::-1] == forwards
    if sort.lstrip("-") in ("saw", "claims", "leap"):
        dated = {link.pk for link in links[3:8]}
        assert set(list(itertools.chain(*forwards))[:5]) == dated


def test_first_and_last_of_more_than_are_counted(manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNTED_UP_TO", 5)
    make_customers(10)
    newest_first = list(Customer.objects.order_by("-pk").values_list("pk", flat=True))
    page = manager_client.get(LIST, {"per_page": "4", "page": "last"})
    assert keys(page) == newest_first[-4:]
    assert "page-next" not in page.text
    assert "page-last" not in page.text
    assert 'id="page-first"' in page.text
    assert walk(manager_client, LIST, "previous", page="last") == [
        newest_first[6:],
        newest_first[2:6],
        newest_first[:4],  # the first page is a full one, whatever was left
    ]


def test_among_many_only_what_an_index_yields_sorts(manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_customers(7)
    by_utility = keys(manager_client.get(LIST, {"sort": "utility"}))
    newest_first = list(Customer.objects.order_by("-pk").values_list("pk", flat=True))
    assert by_utility != newest_first
    monkeypatch.setattr(lists, "COUNTED_UP_TO", 2)
    page = manager_client.get(LIST, {"sort": "utility"})
    assert keys(page) == newest_first
    assert "narrow them down to sort them so" in page.text
    assert "sort-utility" not in page.text
    assert keys(manager_client.get(LIST, {"sort": "created_at"})) == newest_first[::-1]
    assert keys(manager_client.get(LIST, {"sort": "name"})) == list(
        Customer.objects.order_by("name", "pk").values_list("pk", flat=True)
    )
    assert "sort-name" not in manager_client.get(LIST, {"q": "Rosa"}).text


def test_a_row_that_went_or_changed_breaks_no_page(manager_client: Client) -> None:
    make_customers(12)
    first = manager_client.get(LIST, {"per_page": "4", "sort": "name"})
    cursor = first.context["table"].page.next_cursor
    second = keys(manager_client.get(LIST, {"per_page": "4", "sort": "name", "page": cursor}))
    *_, before_last, last = keys(first)
    Customer.objects.get(pk=last).delete()
    assert keys(manager_client.get(LIST, {"per_page": "4", "sort": "name", "page": cursor})) == second
    Customer.objects.filter(pk=before_last).update(name="Zoe")
    assert manager_client.get(LIST, {"per_page": "4", "sort": "name", "page": cursor}).status_code == 200
    Customer.objects.filter(pk__in=keys(first)).delete()
    page = manager_client.get(LIST, {"per_page": "4", "sort": "name", "page": cursor})
    assert keys(page) == list(Customer.objects.order_by("name", "pk").values_list("pk", flat=True)[:4])


def make_cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "page",
    [
        "2",
        "-1",
        "abc",
        "é",
        "\x00",
        "=" * 300,
        make_cursor({}),
        make_cursor([]),
        make_cursor([0, 0]),
        make_cursor([0, "x", 5]),
        make_cursor([0, 0, 2**63]),
        make_cursor([0, 0, -5]),
        make_cursor([0, 0, True]),
        make_cursor([7, 0, 5]),
        make_cursor([0, 0, None]),
        make_cursor(3),
    ],
)
def test_a_cursor_that_makes_no_sense_is_the_first_page(manager_client: Client, page: str) -> None:
    make_customers(6)
    assert keys(manager_client.get(LIST, {"per_page": "4", "page": page})) == keys(
        manager_client.get(LIST, {"per_page": "4"})
    )


def test_a_cursor_holds_keys_and_no_name(manager_client: Client) -> None:
    for number in range(6):
        make_customer(name=f"Secret{number}")
    cursor = manager_client.get(LIST, {"per_page": "4", "sort": "name"}).context["table"].page.next_cursor
    assert b"Secret" not in base64.urlsafe_b64decode(cursor + "==")
    assert Cursor.decode(cursor).skipped == 4


def test_the_cursor_of_somebody_elses_row_shows_nothing_of_it(rep_client: Client, rep: Any) -> None:
    """A rep's list begins anew at a row that is not the rep's: where it stands is not told."""
    mine = [make_customer(name=f"Mine {number}", assigned_rep=rep).pk for number in range(3)]
    other = make_customer(name="Mine 1b")
    page = rep_client.get(LIST, {"sort": "name", "page": Cursor((other.pk,), False, 0).encode()})
    assert keys(page) == mine


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ({}, False),
        ({"page": "last"}, False),
        ({"sort": "-name"}, False),
        ({"q": ""}, False),
        ({"q": "Rosa"}, True),
        ({"utility": "none"}, True),
    ],
)
def test_clear_is_offered_only_where_something_is_filtered(
    manager_client: Client, query: dict[str, str], offered: bool
) -> None:
    make_customers(3)
    page = manager_client.get(LIST, query).text
    assert ('<a href="/customers/">clear</a>' in page) is offered
