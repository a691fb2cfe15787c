"""CSV exports of any length: they begin at once, read a chunk at a time, and end when nobody listens any more."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import connection
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import Customer, Link
from portal.authorizations.services import csv_export, row_chunks
from portal.authorizations.services.bulk_links import issue_links
from tests.factories import make_campaign, make_customer, make_flow, make_link, make_match

pytestmark = pytest.mark.django_db

CHUNK, LINES = 20, 10


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_chunks, "CHUNK", CHUNK)
    monkeypatch.setattr(row_chunks, "FIRST_CHUNK", 5)
    monkeypatch.setattr(row_chunks, "SORTED_UP_TO", 30)
    monkeypatch.setattr(csv_export, "LINES", LINES)


def add_links(count: int) -> None:
    customers = Customer.objects.bulk_create([Customer(name=f"Customer {number:04}") for number in range(count)])
    issue_links(customers=customers, flow=make_flow(), issued_by=None)


READERS: list["Reader"] = []


@pytest.fixture(autouse=True)
def readers_end(db: None) -> Iterator[None]:
    """Who listens no more ends the export, whose entry in the audit belongs to this test and not to the next."""
    yield
    while READERS:
        READERS.pop().response._iterator.close()


class Reader:
    """Reads an answer as it comes, and knows how many links have been read from the database by then."""

    def __init__(self, client: Client, address: str) -> None:
        self.response = cast("Any", client.get(address))
        assert self.response.status_code == 200
        self.parts: Iterator[bytes] = iter(self.response.streaming_content)
        self.rows_read = 0
        self.queries = 0
        READERS.append(self)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        if "authorizations_link" in sql and '"url"' in sql:
            self.rows_read += len(params)
        return execute(sql, params, many, context)

    def next(self) -> str:
        with connection.execute_wrapper(self):
            return next(self.parts).decode()

    def rest(self) -> str:
        with connection.execute_wrapper(self):
            return b"".join(self.parts).decode()


def names(text: str) -> list[str]:
    return [line.split(",")[0] for line in text.splitlines() if line.startswith("Customer ")]


def test_the_first_line_goes_out_before_any_row_is_read(manager_client: Client) -> None:
    add_links(100)
    reader = Reader(manager_client, "/links/?export=csv")
    assert reader.next().startswith("\ufeffCustomer,Company")
    assert (reader.rows_read, reader.queries) == (0, 0)


def test_rows_are_read_a_chunk_ahead_at_most(manager_client: Client) -> None:
    add_links(300)
    reader = Reader(manager_client, "/links/?export=csv")
    reader.next()
    written = 0
    for _ in range(20):
        written += len(names(reader.next()))
        assert written <= reader.rows_read <= written + CHUNK
    assert written == 200
    assert len(names(reader.rest())) == 100


def test_every_row_stands_once_newest_first(manager_client: Client) -> None:
    add_links(103)
    found = names(Reader(manager_client, "/links/?export=csv").rest())
    assert found == [f"Customer {number:04}" for number in reversed(range(103))]


def test_rows_that_come_and_go_meanwhile_are_no_error(manager_client: Client, manager: User) -> None:
    add_links(60)
    reader = Reader(manager_client, "/links/?export=csv")
    reader.next()
    first = names(reader.next())
    Link.objects.filter(customer__name__in=["Customer 0000", "Customer 0001"]).delete()
    make_link(customer=make_customer(name="Customer 9999"))
    found = [*first, *names(reader.rest())]
    assert len(found) == len(set(found)) == 58
    assert "Customer 9999" not in found


@pytest.mark.parametrize(("count", "is_sorted"), [(25, True), (31, False)])
def test_few_rows_come_as_they_are_sorted_and_many_newest_first(
    manager_client: Client, count: int, is_sorted: bool
) -> None:
    add_links(count)
    found = names(Reader(manager_client, "/links/?export=csv&sort=title").rest())
    assert found == sorted(found, reverse=not is_sorted)
    assert len(found) == count


def test_filters_hold(manager_client: Client) -> None:
    add_links(50)
    Link.objects.filter(customer__name__gte="Customer 0040").update(voided_at="2026-01-01T00:00Z", void_reason="x")
    assert len(names(Reader(manager_client, "/links/?export=csv&mark=void").rest())) == 10


def test_all_that_match_by_the_lists_button(manager_client: Client) -> None:
    add_links(70)
    response: Any = manager_client.post("/links/export/", {"all": "1", "query": ""})
    assert len(names(b"".join(response.streaming_content).decode())) == 70


def test_what_many_links_share_is_read_once(manager_client: Client) -> None:
    flow = make_flow()
    for number in range(3):
        campaign = make_campaign(flow=flow, name=f"Campaign {number}")
        customers = Customer.objects.bulk_create([Customer(name=f"Customer {number}") for _ in range(40)])
        issue_links(customers=customers, flow=flow, campaign=campaign, issued_by=None)
    reader = Reader(manager_client, "/links/?export=csv")
    text = reader.rest()
    assert text.count("Campaign 1") == 40
    # Of 7 chunks: keys, links, utilities asked for. Once each: the bounded count, all utilities, the flow, each new
    # campaign.
    assert reader.queries <= 7 * 3 + 8


def test_whoever_goes_away_ends_it(manager_client: Client) -> None:
    add_links(200)
    reader = Reader(manager_client, "/links/?export=csv")
    reader.next()
    reader.next()
    before = reader.rows_read
    with connection.execute_wrapper(reader):
        reader.response.close()
    assert reader.rows_read == before
    assert list(reader.parts) == []


def test_meters_with_more_links_than_sqlite_takes_conditions(
    manager_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django 5.2 asks for prefetched foreign keys in one OR each; SQLite ends at a thousand."""
    monkeypatch.setattr(row_chunks, "CHUNK", 2000)
    monkeypatch.setattr(row_chunks, "FIRST_CHUNK", 2000)
    count = 1005
    add_links(count)
    first = make_match(link=Link.objects.all()[0])
    assert first.link_id is not None
    links = Link.objects.exclude(pk=first.link_id)
    fields = {"region": "CAISO", "created_at": first.matched_at, "first_seen_at": first.matched_at}
    meter = type(first.meter)
    numbers = enumerate(links, start=1)
    made = [
        (meter(meter_id=f"00000000-0000-4000-8000-{number:012}", last_seen_at=first.matched_at, **fields), link)
        for number, link in numbers
    ]
    meter.objects.bulk_create([row for row, _ in made])
    match = type(first)
    match.objects.bulk_create(
        [match(meter=row, link=link, matched_by="partner", matched_at=first.matched_at) for row, link in made]
    )
    text = Reader(manager_client, "/meters/?export=csv").rest()
    assert text.count("Customer ") >= count
