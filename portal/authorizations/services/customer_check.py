"""The check before an import: every row read, compared with what is there, and laid aside or refused.

Nothing is written to the database. What the check finds goes to files in a folder (rows.jsonl: the good rows, a batch
a line; faults.jsonl and refused.csv: the refused ones; changes.jsonl: what would change), so that a list of 100,000
rows needs the memory of one batch, and applying it needs neither parsing nor checking.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from django.db.models import Value

from portal.accounts.models import User
from portal.authorizations.models import Campaign, Customer, Erasure, Flow, Link, PaperAuthorization, Utility
from portal.authorizations.services.csv_export import make_safe
from portal.authorizations.services.customer_columns import FIELDS
from portal.authorizations.services.customer_file import CustomerFile, Fault, Row, open_customer_file, shorten
from portal.authorizations.services.customer_mapper import CustomerMapper
from portal.authorizations.services.erased import digests_of, explain_erased, find_erased
from portal.authorizations.services.links import FlowRules, IssueRefused
from portal.authorizations.services.utility_matcher import UtilityMatcher

BATCH = 2000
#: How many changed values are kept to be shown.
MAX_CHANGES = 500
#: What makes a row's id when no column holds the partner's own: the same list twice is the same rows.
_IDENTITY = ("name", "company", "email", "street", "postal_code")
#: What a flow's rules look at.
_ASKED = ("utility_id", "customer_type")

Report = Callable[[int, int, str], None]


@dataclass(slots=True)
class Counts:
    """Rows of a list: new, changed and same ones are good; empty ones are skipped."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    empty: int = 0

    @property
    def good(self) -> int:
        return self.new + self.changed + self.same


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a customer that an import would change."""

    line: int
    customer: str
    field: str
    before: str
    after: str


@dataclass(slots=True)
class StagedRow:
    """A good row as it waits: its line, whether it is to be written, the values of the mapper's fields, other cells."""

    line: int
    write: bool
    values: list[Any]
    extra: list[str] = field(default_factory=list)


class Staging:
    """The folder where a check lays its findings, and where applying reads them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.rows = folder / "rows.jsonl"
        self.faults = folder / "faults.jsonl"
        self.changes = folder / "changes.jsonl"
        self.refused = folder / "refused.csv"
        self.links = folder / "links.csv"

    def read_head(self) -> dict[str, Any]:
        """Return what the rows have in common: `fields` of the customer and `extra` headers."""
        with self.rows.open("rb") as file:
            return dict(orjson.loads(file.readline()))

    def read_batches(self) -> Iterator[list[StagedRow]]:
        """Yield the good rows in the list's order, a batch at a time."""
        with self.rows.open("rb") as file:
            next(file)
            for line in file:
                yield [StagedRow(*row) for row in orjson.loads(line)]

    def read_faults(self, start: int = 0, count: int = 100) -> list[Fault]:
        """Return some of the refused rows' faults."""
        if not self.faults.exists():
            return []
        with self.faults.open("rb") as file:
            return [Fault(**orjson.loads(line)) for line in islice(file, start, start + count)]

    def read_changes(self) -> list[Change]:
        """Return the first MAX_CHANGES values that would change."""
        if not self.changes.exists():
            return []
        with self.changes.open("rb") as file:
            return [Change(**orjson.loads(line)) for line in file]

    def forget_rows(self) -> None:
        """Remove what holds good rows' personal data; the refused ones stay to be mended."""
        for file in (self.rows, self.changes):
            file.unlink(missing_ok=True)


def check_list(
    *,
    path: Path,
    columns: Mapping[int, str],
    staging: Staging,
    flow: Flow | None = None,
    campaign: Campaign | None = None,
    report: Report | None = None,
) -> Counts:
    """Check a customer list and lay the findings into `staging`; with a flow, whether each row can have its link, too.

    `report` is told rows done, rows in all (estimated) and what is being done. Raises CustomerFileError for a file
    that cannot be read at all, IssueRefused for a flow that issues no links.
    """
    opened = open_customer_file(path)
    rules = FlowRules(flow=flow, campaign=campaign) if flow else None
    check = _Check(opened, columns, rules)
    with (
        staging.rows.open("wb") as rows,
        staging.faults.open("wb") as faults,
        staging.changes.open("wb") as changes,
        staging.refused.open("w", encoding="utf-8-sig", newline="") as refused,
    ):
        writer = csv.writer(refused)
        writer.writerow([*(make_safe(name) for name in opened.header), "Line", "Column", "Value", "Reason"])
        rows.write(orjson.dumps({"fields": check.fields, "extra": check.extra_names}) + b"\n")
        source = opened.rows()
        done = 0
        while batch := list(islice(source, BATCH)):
            good, bad = check.check_batch(batch)
            if good:
                rows.write(orjson.dumps([[row.line, row.write, row.values, row.extra] for row in good]) + b"\n")
            for row, found in bad:
                _write_refusal(writer, row, found, len(opened.header))
                faults.writelines(orjson.dumps(asdict(fault)) + b"\n" for fault in found)
            changes.writelines(orjson.dumps(asdict(change)) + b"\n" for change in check.take_changes())
            done += len(batch)
            if report:
                fraction = opened.fraction_read
                report(done, max(done, round(done / fraction)) if fraction else 0, "Checking rows")
    check.counts.empty = opened.empty_rows
    return check.counts


class _Check:
    """What one check knows: ids seen in the file, utilities, people, and the flow's answers."""

    def __init__(self, opened: CustomerFile, columns: Mapping[int, str], rules: FlowRules | None) -> None:
        people: dict[str, int] = {}
        for pk, username, email in User.objects.filter(is_active=True).values_list("pk", "username", "email"):
            people[username.lower()] = pk
            if email:
                people[email.lower()] = pk
        self.mapper = CustomerMapper(
            header=opened.header,
            columns=columns,
            utilities=UtilityMatcher(
                Utility.objects.values_list("pk", "utility_id", "name", "short_name", "leap_name")
            ),
            people=people,
        )
        self.opened = opened
        self.counts = Counts()
        self.rules = rules
        self._columns = {name: index for index, name in columns.items()}
        self._has_id = "external_id" in self.mapper.fields
        self.fields = list(self.mapper.fields) if self._has_id else ["external_id", *self.mapper.fields]
        self._at = {name: index for index, name in enumerate(self.fields)}
        self._extra = [index for index in range(len(opened.header)) if index not in columns]
        self.extra_names = [opened.column_name(index) for index in self._extra]
        self._lines: dict[str, int] = {}
        self._reference_lines: dict[str, int] = {}
        self._answers: dict[tuple[int | None, str], str] = {}
        self._changes: list[Change] = []
        self._changes_kept = 0
        # How a change of a primary key is shown.
        self._names: dict[str, dict[int, str]] = {
            "utility_id": dict(Utility.objects.values_list("pk", "short_name")),
            "assigned_rep_id": {user.pk: str(user) for user in User.objects.all()},
        }

    def check_batch(self, batch: Sequence[Row]) -> tuple[list[StagedRow], list[tuple[Row, list[Fault]]]]:
        """Return the good rows, and the refused ones with all their faults."""
        bad: list[tuple[Row, list[Fault]]] = []
        candidates: list[tuple[Row, list[Any]]] = []
        for row in batch:
            read, faults = self.mapper.read(row)
            if faults:
                bad.append((row, faults))
                continue
            values = list(read) if self._has_id else [_derive_id(self.mapper.fields, read), *read]
            fault = self._fault_in_file(row, values)
            if fault:
                bad.append((row, [fault]))
            else:
                candidates.append((row, values))
        good = self._compare(candidates, bad)
        self.counts.refused += len(bad)
        bad.sort(key=lambda refused: refused[0].line)
        return good, bad

    def take_changes(self) -> list[Change]:
        """Return the changes found since the last call."""
        taken, self._changes = self._changes, []
        return taken

    def _fault_in_file(self, row: Row, values: list[Any]) -> Fault | None:
        """What is wrong with a row beside the others of its file."""
        external_id = values[self._at["external_id"]]
        if not external_id:
            reason = "Empty, but rows are matched by it. Fill it in, or choose no column as External ID."
            return self._fault(row, "external_id", "", reason)
        before = self._lines.setdefault(external_id, row.line)
        if before != row.line:
            shown = external_id if self._has_id else ""
            return self._fault(row, "external_id", shown, f"Already on line {before:,} of this file. Keep one of them.")
        reference_id = values[self._at["reference_id"]] if "reference_id" in self._at else None
        if reference_id:
            before = self._reference_lines.setdefault(reference_id, row.line)
            if before != row.line:
                reason = f"Already on line {before:,} of this file. Each customer needs a reference id of their own."
                return self._fault(row, "reference_id", reference_id, reason)
        return None

    def _ask_flow(self, row: Row, values: list[Any], known: tuple[int | None, str]) -> Fault | None:
        """Whether the flow has no link for such a customer; each combination of utility and type is asked once.

        `known` is the utility and the type that the customer has already: the list may say nothing of them.
        """
        utility_id = (values[self._at["utility_id"]] if "utility_id" in self._at else None) or known[0]
        customer_type = (values[self._at["customer_type"]] if "customer_type" in self._at else "") or known[1]
        key = (utility_id, customer_type)
        if key not in self._answers:
            customer = Customer(name="This customer", utility_id=utility_id, customer_type=customer_type)
            try:
                assert self.rules is not None
                self.rules.request_for(customer)
                self._answers[key] = ""
            except IssueRefused as refusal:
                self._answers[key] = str(refusal)
        refused = self._answers[key]
        if not refused:
            return None
        value = row.cells[self._columns["utility"]] if "utility" in self._columns else ""
        return self._fault(row, "utility", value, refused)

    def _compare(self, candidates: list[tuple[Row, list[Any]]], bad: list[tuple[Row, list[Fault]]]) -> list[StagedRow]:
        """Compare the rows with the customers that are there; blank cells leave what is there as it is."""
        if not candidates:
            return []
        position = self._at["external_id"]
        ids = [values[position] for _, values in candidates]
        found = Customer.objects.filter(external_id__any_of=ids)
        there = {row[position]: row for row in found.values_list(*self.fields)}
        known = {}
        if self.rules:
            known = {pk: (utility, kind) for pk, utility, kind in found.values_list("external_id", *_ASKED)}
        taken = self._taken_reference_ids(candidates)
        erased = find_erased(digest for _, values in candidates for digest in self._digests(values))
        good = []
        for row, values in candidates:
            external_id = values[position]
            reference_id = values[self._at["reference_id"]] if "reference_id" in self._at else None
            if reference_id and taken.get(reference_id, external_id) != external_id:
                fault = self._fault(row, "reference_id", reference_id, "It belongs to another customer already.")
                bad.append((row, [fault]))
                continue
            if self.rules and (refusal := self._ask_flow(row, values, known.get(external_id, (None, "")))):
                bad.append((row, [refusal]))
                continue
            existing = there.get(external_id)
            if existing is None and (erasure := self._find_erasure(values, erased)) is not None:
                column = "email" if "email" in self._at and not self._has_id else "external_id"
                bad.append((row, [self._fault(row, column, "", explain_erased(erasure))]))
                continue
            write = True
            if existing is None:
                self.counts.new += 1
            else:
                write = self._merge(row, values, existing)
                if write:
                    self.counts.changed += 1
                else:
                    self.counts.same += 1
            good.append(StagedRow(row.line, write, values, [row.cells[index] for index in self._extra]))
        return good

    def _digests(self, values: list[Any]) -> list[str]:
        email = values[self._at["email"]] if "email" in self._at else None
        return digests_of(external_id=values[self._at["external_id"]], email=email)

    def _find_erasure(self, values: list[Any], erased: dict[str, Erasure]) -> Erasure | None:
        """Whether a new row is somebody who was erased."""
        if not erased:
            return None
        return next((erased[digest] for digest in self._digests(values) if digest in erased), None)

    def _merge(self, row: Row, values: list[Any], existing: tuple[Any, ...]) -> bool:
        """Fill blank cells with what is there; return whether anything changes, and keep the changes to be shown."""
        if tuple(values) == existing:
            return False
        changed = False
        for index, (value, before) in enumerate(zip(values, existing, strict=True)):
            if value == before:
                continue
            name = self.fields[index]
            column = self._columns.get(name)
            if value in ("", None) or (name == "language" and column is not None and not row.cells[column].strip()):
                values[index] = before
                continue
            changed = True
            if self._changes_kept < MAX_CHANGES:
                self._changes_kept += 1
                self._changes.append(
                    Change(
                        row.line,
                        str(existing[self._at["external_id"]]),
                        name_of(name),
                        self._show(name, before),
                        self._show(name, value),
                    )
                )
        return changed

    def _show(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        return self._names[name].get(value, "") if name in self._names else shorten(str(value))

    def _taken_reference_ids(self, candidates: list[tuple[Row, list[Any]]]) -> dict[str, str | None]:
        """Return which external id a wanted reference id belongs to already."""
        if "reference_id" not in self._at:
            return {}
        wanted = [reference_id for _, values in candidates if (reference_id := values[self._at["reference_id"]])]
        if not wanted:
            return {}
        customers = Customer.objects.filter(reference_id__in=wanted).values_list("reference_id", "external_id")
        links = Link.objects.filter(reference_id__in=wanted).values_list("reference_id", "customer__external_id")
        # A paper's is nobody's first link's, not even its own customer's: no external id is empty.
        papers = PaperAuthorization.objects.filter(reference_id__in=wanted).values_list("reference_id", Value(""))
        return {
            reference_id: external_id
            for reference_id, external_id in (*customers, *links, *papers)
            if reference_id is not None  # none is: the columns are nullable, the filter is not
        }

    def _fault(self, row: Row, name: str, value: str, reason: str) -> Fault:
        column = self._columns.get(name)
        return Fault(row.line, self.opened.column_name(column) if column is not None else "", shorten(value), reason)


def _derive_id(fields: Sequence[str], values: Sequence[Any]) -> str:
    """Return a stable id for a row without one: from who and where it is, not to be read back."""
    known = dict(zip(fields, values, strict=True))
    text = "\x1f".join(str(known.get(name) or "").casefold() for name in _IDENTITY)
    return f"list-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _write_refusal(writer: Any, row: Row, faults: Sequence[Fault], width: int) -> None:
    """One line for each refused row: its cells as they came, and all that is wrong with it."""
    cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
    found = [
        row.line,
        "; ".join(fault.column for fault in faults),
        "; ".join(fault.value for fault in faults),
        " ".join(fault.reason for fault in faults),
    ]
    # Column and value are the list's own words, too: no cell may run as a formula.
    writer.writerow([make_safe(cell) for cell in (*(cell.replace("\x00", "␀") for cell in cells), *found)])


def name_of(attribute: str) -> str:
    """Return how the screens call a customer's attribute: utility_id → Utility."""
    return FIELDS.get({"utility_id": "utility", "assigned_rep_id": "rep"}.get(attribute, attribute), attribute)
