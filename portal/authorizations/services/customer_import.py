"""Apply a checked customer list: all of it or its good rows, in one transaction, with links if a flow was chosen."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    Campaign,
    Customer,
    CustomerImport,
    Flow,
    Journey,
    Link,
    Utility,
)
from portal.authorizations.services.audit import record
from portal.authorizations.services.bulk_links import BulkResult, issue_links
from portal.authorizations.services.csv_export import write_csv
from portal.authorizations.services.customer_check import BATCH, Report, StagedRow, Staging
from portal.authorizations.services.door_order import make_door_order
from portal.authorizations.services.driver import roomy_cache, sqlite_driver
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.mail_stops import refresh_stops

#: The customer's columns of the CSV with links, each with its header.
CUSTOMER_COLUMNS = (
    "external_id",
    "name",
    "company",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "customer_type",
    "utility",
    "language",
)
LINK_COLUMNS = ("reference_id", "url", "short_url")
# Whom no letter shall go to: the day, empty for everybody else.
REFUSAL_COLUMN = "refused_at_the_door"
ADDRESS = ("city", "postal_code", "street")


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written: customers, and the links of every good row (None without a flow)."""

    written: int
    links: BulkResult | None


def apply_list(
    *,
    staging: Staging,
    total: int,
    by: User | None,
    flow: Flow | None = None,
    campaign: Campaign | None = None,
    report: Report | None = None,
) -> Applied:
    """Write the checked rows in one transaction: new ones are added, changed ones updated, the rest left alone.

    `total` rows wait in `staging`. Any error leaves the database as it was. Raises IssueRefused if the flow is no
    longer live or refuses a customer that it took when the list was checked.
    """
    fields = staging.read_head()["fields"]
    tell = report or (lambda done, all_rows, doing: None)
    written = done = 0
    with roomy_cache(), transaction.atomic():
        _hold_customers_of(staging, fields)
        for batch in staging.read_batches():
            written += _write_customers(batch, fields=fields, by=by)
            if "email" in fields:
                position = list(fields).index("external_id")
                refresh_stops(row.values[position] for row in batch if row.write)
            done += len(batch)
            tell(done, total, "Writing customers")
        record(action=AuditAction.CHANGED, noun="customer", count=written, by=by, fields=sorted(fields))
        links = None
        if flow is not None:
            links = issue_links(
                customers=read_customers(staging, fields),
                flow=flow,
                campaign=campaign,
                issued_by=by,
                report=lambda issued: tell(issued, total, "Issuing links"),
            )
            if links.refused:
                raise IssueRefused(links.refused[0].reason, "customer")
    return Applied(written, links)


def write_links_csv(*, staging: Staging, path: Path, flow: Flow, campaign: Campaign | None = None) -> int:
    """Write one row for each good row: customer, reference_id, url, short_url, refusal, and the file's other cells.

    Ready for a mail merge. Returns the number of rows.
    """
    head = staging.read_head()
    own = (*CUSTOMER_COLUMNS, *LINK_COLUMNS, REFUSAL_COLUMN)
    extra = [f"file: {name}" if name in own else name for name in head["extra"]]
    count = 0

    def rows() -> Iterator[Sequence[Any]]:
        nonlocal count
        for batch in staging.read_batches():
            for row in _join_links(batch, fields=head["fields"], flow=flow, campaign=campaign):
                count += 1
                yield row

    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(write_csv([*own, *extra], rows()))
    return count


def read_customers(staging: Staging, fields: Sequence[str]) -> Iterator[Customer]:
    """Yield the customers of the good rows, in the list's order."""
    position = list(fields).index("external_id")
    for batch in staging.read_batches():
        ids = [row.values[position] for row in batch]
        there = {customer.external_id: customer for customer in Customer.objects.filter(external_id__in=ids)}
        yield from (there[external_id] for external_id in ids if external_id in there)


def note_customers(imported: CustomerImport, staging: Staging) -> None:
    """Note whom the good rows of an applied list are about, new or not: a campaign may ask them."""
    position = list(staging.read_head()["fields"]).index("external_id")
    through = CustomerImport.customers.through._meta
    quote = connection.ops.quote_name
    names = f"{quote('customerimport_id')}, {quote('customer_id')}"
    insert = f"INSERT INTO {quote(through.db_table)} ({names}) "
    for batch in staging.read_batches():
        there = Customer.objects.filter(external_id__in=[row.values[position] for row in batch]).order_by("pk")
        sql, params = there.values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            chosen = f"SELECT {int(imported.pk)}, there.* FROM ({sql}) AS there WHERE true"  # noqa: S608
            cursor.execute(f"{insert}{chosen} ON CONFLICT DO NOTHING", params)


def _hold_customers_of(staging: Staging, fields: Sequence[str]) -> None:
    """Let nobody else change the customers of the good rows, all of them before the first is written.

    By id, as every bulk action holds them. The list's own order would let the two wait for each other, and PostgreSQL
    then ends one of them; the import would be lost. SQLite has one writer at a time anyway.
    """
    if not connection.features.has_select_for_update:
        return
    position = list(fields).index("external_id")
    ids = [row.values[position] for batch in staging.read_batches() for row in batch]
    held = Customer.objects.select_for_update(no_key=True).filter(external_id__any_of=ids).order_by("pk")
    for _ in held.values_list("pk").iterator(chunk_size=BATCH):
        pass


def _write_customers(batch: list[StagedRow], *, fields: Sequence[str], by: User | None) -> int:
    """Add or update the rows that need it, by statements that a second import at the same time cannot break.

    Checked values are what the columns take. To make an object of each row, and SQL of each value, as `bulk_create`
    does, takes several times as long as the database needs (`make bench`).
    """
    rows: list[list[Any]] = [row.values for row in batch if row.write]
    if not rows:
        return 0
    # What the list says nothing of. `auto_now` works in save() only.
    now = timezone.now()
    rest = Customer(added_by=by, created_at=now, updated_at=now)
    rows, fields = _with_door_order(rows, fields)
    columns = {field.attname: field for field in Customer._meta.concrete_fields if not field.primary_key}
    unsaid = [field for name, field in columns.items() if name not in fields]
    constants = [field.get_db_prep_save(getattr(rest, field.attname), connection) for field in unsaid]
    types = [str(columns[name].db_type(connection)) for name in fields]

    quote = connection.ops.quote_name
    names = [quote(name) for name in (*fields, *(field.attname for field in unsaid))]
    changing = [quote(name) for name in (*fields, "updated_at") if name != "external_id"]
    insert = f"INSERT INTO {quote(Customer._meta.db_table)} ({', '.join(names)}) "
    otherwise = (
        f" ON CONFLICT ({quote('external_id')}) "
        f"DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in changing)}"
    )
    most = _most_parameters()
    step = most // len(names) if most else BATCH
    with sqlite_driver() if connection.vendor == "sqlite" else connection.cursor() as cursor:
        for start in range(0, len(rows), step):
            source, values = _rows_in_sql(rows[start : start + step], types=types, constants=constants)
            cursor.execute(insert + source + otherwise, values)
    return len(rows)


def _with_door_order(rows: list[list[Any]], fields: Sequence[str]) -> tuple[list[list[Any]], Sequence[str]]:
    """Return the rows with each one's place on the way from door to door, if the list says anything of addresses."""
    at = {name: position for position, name in enumerate(fields) if name in ADDRESS}
    if not at:
        return rows, fields
    rows_known: list[dict[str, str]] = [{}] * len(rows)
    if len(at) < len(ADDRESS):
        # The rest of an address may be known from an earlier list.
        position = list(fields).index("external_id")
        known = Customer.objects.filter(external_id__in=[row[position] for row in rows])
        there = {row.pop("external_id"): row for row in known.values("external_id", *ADDRESS)}
        rows_known = [there.get(row[position], {}) for row in rows]
    empty = dict.fromkeys(ADDRESS, "")
    written = [
        [*row, make_door_order(**{**empty, **known, **{name: row[position] for name, position in at.items()}})]
        for row, known in zip(rows, rows_known, strict=True)
    ]
    return written, [*fields, "door_order"]


def _most_parameters() -> int | None:
    """Return how many parameters a statement takes; None: any number.

    Django 5.2 takes 999 for SQLite's limit. The index of words writes what it has at each statement: the fewer there
    are, the sooner it is done.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        limit: int = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        return limit
    return connection.features.max_query_params


def _rows_in_sql(
    rows: Sequence[list[Any]], *, types: Sequence[str], constants: Sequence[Any]
) -> tuple[str, Sequence[Any]]:
    """Return rows, each with the constants behind it, as SQL and its parameters: as arrays where there are arrays."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{name}[]" for name in types)
        behind = ", %s" * len(constants)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return f"SELECT list.*{behind} FROM UNNEST({arrays}) AS list", [*constants, *columns]  # noqa: S608
    row = f"({', '.join('?' * (len(types) + len(constants)))})"
    return "VALUES " + ", ".join([row] * len(rows)), [value for values in rows for value in (*values, *constants)]


def _join_links(
    batch: list[StagedRow], *, fields: Sequence[str], flow: Flow, campaign: Campaign | None
) -> Iterator[Sequence[Any]]:
    """Yield the cells of each row with the customer's live link: for Legacy, the one of the utility asked for."""
    position = list(fields).index("external_id")
    ids = [row.values[position] for row in batch]
    utilities = dict(Utility.objects.values_list("pk", "utility_id"))
    customers = {customer.external_id: customer for customer in Customer.objects.filter(external_id__in=ids)}
    links = Link.objects.live().filter(flow=flow, campaign=campaign, customer__external_id__in=ids)
    found = {(link.customer_id, link.utility_id): link for link in links}
    legacy = flow.journey == Journey.LEGACY
    of_campaign = campaign.requested_utilities.first() if legacy and campaign else None
    for row in batch:
        customer = customers[row.values[position]]
        # No rules are asked: whoever has the link has it, even if the flow is retired by now.
        asked = (of_campaign.pk if of_campaign else customer.utility_id) if legacy else None
        link = found.get((customer.pk, asked))
        values = [
            utilities.get(customer.utility_id or 0, "") if name == "utility" else getattr(customer, name)
            for name in CUSTOMER_COLUMNS
        ]
        issued = [link.reference_id, link.url, link.short_url] if link else ["", "", ""]
        refused_on = timezone.localdate(customer.refused_at).isoformat() if customer.refused_at else ""
        yield [*values, *issued, refused_on, *row.extra]
