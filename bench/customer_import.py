"""Import of a customer list: ours beside django-import-export on the same file, and beside raw `bulk_create`.

Ours is the whole path: open, guess the columns, check every value, lay the rows aside, compare with what is there,
write in one transaction. After every turn all customers are read back and have to be the same, value by value.
"""

import hashlib
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import tablib
from import_export import fields, resources
from import_export.instance_loaders import CachedInstanceLoader
from import_export.widgets import CachedForeignKeyWidget

from bench.customer_list import HEADER, read_customers, write_customer_list
from bench.databases import empty_tables
from bench.harness import MIN_ROUNDS, DifferentWorkError, Result, compare, require_peer
from portal.authorizations.models import Customer, Utility
from portal.authorizations.services.customer_check import Staging, check_list
from portal.authorizations.services.customer_columns import guess_columns
from portal.authorizations.services.customer_file import open_customer_file
from portal.authorizations.services.customer_import import apply_list

PEER_GOAL = 10.0
RAW_GOAL = 0.4
ROWS = 100_000
QUICK_ROWS = 2_000


class CustomerResource(resources.ModelResource):
    """All that the page "Bulk imports" of django-import-export's documentation advises for speed."""

    utility = fields.Field("utility", "utility", widget=CachedForeignKeyWidget(Utility, "utility_id"))

    class Meta:
        model = Customer
        fields = HEADER
        import_id_fields = ("external_id",)
        instance_loader_class = CachedInstanceLoader
        use_bulk = True
        skip_diff = True


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Result]:
    peer_name = require_peer("import_export", "django-import-export")
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        path = folder / "customers.csv"
        _warm_up(folder / "few.csv")
        write_customer_list(path, rows)
        against = partial(
            compare, f"Import of {rows:,} customers", partial(import_as_we_do, path), rounds=rounds, warm_up=False
        )
        ready = _ReadyCustomers(path)
        return [
            against(
                peer=partial(import_as_the_peer_does, path, dry_run_first=True),
                goal=PEER_GOAL,
                peer_name=f"{peer_name}: dry run, then import",
                before_each=_empty,
                outcome=fingerprint,
            ),
            against(
                peer=partial(import_as_the_peer_does, path, dry_run_first=False),
                goal=None,
                peer_name=f"{peer_name}: import unchecked",
                before_each=_empty,
                outcome=fingerprint,
            ),
            against(
                peer=ready.create,
                goal=RAW_GOAL,
                peer_name="bulk_create of ready objects",
                before_each=ready.make,
                outcome=fingerprint,
            ),
        ]


def import_as_we_do(path: Path) -> None:
    staging = Staging(path.with_suffix(".staging"))
    columns = guess_columns(open_customer_file(path).header)
    counts = check_list(path=path, columns=columns, staging=staging)
    apply_list(staging=staging, total=counts.good, by=None)


def import_as_the_peer_does(path: Path, *, dry_run_first: bool) -> None:
    dataset = tablib.Dataset().load(path.read_text(encoding="utf-8"), format="csv")
    for dry_run in (True, False) if dry_run_first else (False,):
        result = CustomerResource().import_data(dataset, dry_run=dry_run)
        if result.has_errors() or result.has_validation_errors():
            raise DifferentWorkError("django-import-export refused rows of the list")


class _ReadyCustomers:
    """The same customers as unsaved objects, made off the clock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._customers: list[Customer] = []

    def make(self) -> None:
        _empty()
        self._customers = read_customers(self._path)

    def create(self) -> None:
        Customer.objects.bulk_create(self._customers)


def fingerprint() -> str:
    """How many customers there are, and a hash over all that the list says of them."""
    digest, count = hashlib.sha256(), 0
    for row in Customer.objects.order_by("external_id").values_list(*HEADER).iterator():
        digest.update(repr(row).encode())
        count += 1
    return f"{count} customers {digest.hexdigest()[:12]}"


def _empty() -> None:
    empty_tables(Customer)


def _warm_up(path: Path) -> None:
    """A few rows for each side: a whole turn of the peer takes too long to be thrown away."""
    write_customer_list(path, 200)
    sides: tuple[Callable[[], object], ...] = (
        partial(import_as_we_do, path),
        partial(import_as_the_peer_does, path, dry_run_first=True),
    )
    for side in sides:
        _empty()
        side()
