"""Put a population into the empty database that Django is set up on: COPY on PostgreSQL, executemany on SQLite.

Every constraint and trigger is on. Afterwards `check` reads back what the triggers stand for.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models

from bench.databases import settle
from bench.population import few, rows
from bench.population.people import CUSTOMER_COLUMNS, UTILITIES, customers, utilities_of
from bench.population.plan import MINUTES, Plan, moment
from portal.authorizations.models import Confirmation, Customer, Enrollment, Link, Meter, Utility, Visit
from portal.authorizations.services.figures import refresh_figures


class BadPopulationError(RuntimeError):
    """The rows are not what the portal itself would have written."""


def load(links: int) -> None:
    """Fill the database. The clock has to stand at `few.now()`, so that what Django dates is always dated alike."""
    plan = Plan(links)
    _be_quick()
    manager, reps = few.add_people(plan)
    utilities = dict(Utility.objects.filter(utility_id__in=UTILITIES).values_list("utility_id", "pk"))
    world = rows.World(
        plan=plan,
        manager=manager,
        reps=reps,
        utilities=utilities,
        leap_names=dict(Utility.objects.values_list("utility_id", "leap_name")),
        utility_of=utilities_of(plan),
        prefixes=few.add_flows(utilities),
        messages=few.mail_campaigns(plan),
    )
    for model, columns, found in few.small_tables(world):
        insert(model, columns.split(), found)
    insert(Customer, CUSTOMER_COLUMNS, customers(plan, utilities, reps))
    for table, names, found in rows.tables(world):
        insert(table, names, found)
    for model, columns, found in few.late_tables(world):
        insert(model, columns.split(), found)
    _set_sequences()
    # PostgreSQL plans what follows by its statistics: without any it took hours for what takes seconds.
    settle()
    # As the sync leaves them, and the worker.
    Enrollment.objects.settle(few.now())
    Meter.objects.filter(enrollments__isnull=False).update(in_program=True)
    refresh_figures()
    check(plan)
    settle()


def insert(model: Any, columns: Sequence[str], found: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows of `columns`; the model's other columns get the defaults that Django would write."""
    names, rest = [*columns], []
    for field in model._meta.local_concrete_fields:
        if field.column in columns or field.generated or isinstance(field, models.AutoField) or field.has_db_default():
            continue
        names.append(field.column)
        auto = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
        rest.append(moment(MINUTES - 1) if auto else field.get_db_prep_save(field.get_default(), connection))
    full = _completed(found, tuple(rest)) if rest else iter(found)
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    connection.ensure_connection()
    raw: Any = connection.connection
    if connection.vendor == "postgresql":
        with raw.transaction(), raw.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
            for row in full:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(names))
    raw.execute("BEGIN IMMEDIATE")
    raw.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({marks})", full)
    raw.execute("COMMIT")


def _completed(found: Iterable[tuple[Any, ...]], rest: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for row in found:
        yield row + rest


def _be_quick() -> None:
    """This connection may lose what it writes at a power cut: a population that is half made is made again."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA cache_size = -800000")
        else:
            cursor.execute("SET synchronous_commit = off")


def _set_sequences() -> None:
    from django.apps import apps

    every = apps.get_app_config("authorizations").get_models(include_auto_created=True)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(every)):
            cursor.execute(statement)


def check(plan: Plan) -> None:
    """Raise BadPopulationError if a count or a milestone is not what the rows of visits and returns say."""
    found = {"links": Link.objects.count(), "customers": Customer.objects.count(), "visits": Visit.objects.count()}
    wanted = {"links": plan.links, "customers": plan.customers, "visits": plan.links * 2}
    if found != wanted:
        raise BadPopulationError(f"There are {found}, there should be {wanted}.")
    for milestone, of in (
        ("first_visited_at", Visit.objects.all()),
        ("first_returned_at", Confirmation.objects.filter(is_bot=False, link__isnull=False)),
    ):
        firsts = dict(of.order_by().values_list("link").annotate(models.Min("at")).iterator())
        kept = dict(Link.objects.filter(**{f"{milestone}__isnull": False}).values_list("pk", milestone).iterator())
        if firsts != kept:
            raise BadPopulationError(f"{milestone} of {len(kept)} links is not the first of {len(firsts)}.")
