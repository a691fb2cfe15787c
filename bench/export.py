"""Exports: the list of links as CSV, through the real view, beside a raw cursor with csv.writer.

Each side at each size is a process of its own, so that the most memory that it ever held is its own.
"""

import csv
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.harness import DifferentWorkError, Stream
from bench.population.kept import QUICK_SIZES, SIZES, keep, on_population

#: The same twenty-two columns, without the portal's words for them.
_SQL = """
SELECT customer.name, customer.company, customer.email, customer.external_id, flow.name,
    campaign.name, utility.utility_id,
    link.reference_id, link.url, link.code, link.status, link.voided_at, link.first_visited_at, link.first_returned_at,
    link.at_utility_at, link.authorized_at, link.metered_at, link.enrolled_at, link.failed_at, link.printed_at,
    issuer.username, link.issued_at
FROM authorizations_link AS link
    LEFT JOIN authorizations_customer AS customer ON customer.id = link.customer_id
    JOIN authorizations_flow AS flow ON flow.id = link.flow_id
    LEFT JOIN authorizations_campaign AS campaign ON campaign.id = link.campaign_id
    LEFT JOIN authorizations_utility AS utility ON utility.id = link.utility_id
    LEFT JOIN accounts_user AS issuer ON issuer.id = link.issued_by_id
ORDER BY link.id DESC
"""


def measure(rounds: int = 1, *, quick: bool = False, server: str = "") -> list[Stream]:
    """Measure both databases at the two largest sizes; once each: the largest take minutes."""
    sizes = QUICK_SIZES if quick else SIZES[-2:]
    found = []
    for database, where in (("SQLite", ""),) if quick else (("SQLite", ""), ("PostgreSQL", server)):
        ours, floor = [], []
        for size in sizes:
            url = keep(size, where)
            print(f"… {database}, {size:,} links", file=sys.stderr, flush=True)
            ours.append(_apart(_export, url, size))
            floor.append(_apart(_raw, url, size))
        found.append(
            Stream(
                name=f"{database}: links as CSV",
                sizes=sizes,
                first_milliseconds=tuple(first for first, _, _ in ours),
                rows_per_second=tuple(rate for _, rate, _ in ours),
                floor_rows_per_second=tuple(rate for _, rate, _ in floor),
                megabytes=tuple(peak for _, _, peak in ours),
            )
        )
    return found


def _apart(side: Any, url: str, size: int) -> tuple[float, float, float]:
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(side, url, size).result()


def _drain(parts: Iterator[bytes], size: int, start: float) -> tuple[float, float, float]:
    """Milliseconds to the first row, rows a second, and the most megabytes that the process held."""
    lines, first = 0, 0.0
    with Path("/dev/null").open("wb") as nowhere:
        for part in parts:
            nowhere.write(part)
            lines += part.count(b"\n")
            if not first and lines > 1:
                first = time.perf_counter() - start
    seconds = time.perf_counter() - start
    if lines != size + 1:
        raise DifferentWorkError(f"The file has {lines:,} lines, not {size + 1:,}.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return first * 1000, size / seconds, peak


def _export(url: str, size: int) -> tuple[float, float, float]:
    with on_population(url):
        from django.test import Client

        from bench.population.few import MANAGER
        from portal.accounts.models import User

        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(User.objects.get(username=MANAGER))
        _ = client.get("/links/").content
        start = time.perf_counter()
        response = client.get("/links/", {"export": "csv"})
        return _drain(iter(response.streaming_content), size, start)


def _raw(url: str, size: int) -> tuple[float, float, float]:
    with on_population(url):
        return _drain(_raw_lines(), size, time.perf_counter())


def _raw_lines() -> Iterator[bytes]:
    from django.db import connection, transaction

    writer = csv.writer(_Echo())
    yield b"header\r\n"
    connection.ensure_connection()
    raw: Any = connection.connection
    with transaction.atomic():
        # On PostgreSQL a cursor on the server: the usual one would hold all rows.
        cursor = raw.cursor(name="floor") if connection.vendor == "postgresql" else raw.cursor()
        cursor.execute(_SQL)
        while rows := cursor.fetchmany(2000):
            yield "".join(writer.writerow(row) for row in rows).encode()


class _Echo:
    def write(self, text: str) -> str:
        return text
