"""What the two commands that take a customer list share: reading it, saying what is wrong with it, writing files."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, IntegrityError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.models import Campaign, Flow
from portal.authorizations.services.customer_check import Counts, Staging, check_list
from portal.authorizations.services.customer_columns import FIELDS, check_columns, guess_columns
from portal.authorizations.services.customer_file import CustomerFile, CustomerFileError, open_customer_file
from portal.authorizations.services.customer_import import Applied, apply_list
from portal.authorizations.services.links import IssueRefused

#: How many refused cells are printed; all of them are in the file of --partial.
FAULTS_PRINTED = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """A list that was checked, and where its rows wait."""

    staging: Staging
    counts: Counts


class CustomerListCommand(PortalCommand):
    """A command over a customer list: check it all, then write all of it, or with --partial its good rows."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("csv", metavar="CSV", type=Path, help="The list, as a CRM or Excel exports it.")
        parser.add_argument(
            "--partial",
            metavar="REFUSED.csv",
            type=Path,
            help="Take the good rows, and write the refused ones with their reasons to this file.",
        )
        parser.add_argument(
            "--column",
            metavar="HEADER=FIELD",
            action="append",
            default=[],
            help="What a column means, where the guess is wrong (an empty FIELD leaves it out): " + ", ".join(FIELDS),
        )

    @contextmanager
    def checked(
        self,
        path: Path,
        *,
        columns: Sequence[str],
        partial: Path | None,
        flow: Flow | None = None,
        campaign: Campaign | None = None,
    ) -> Iterator[Checked]:
        """Check the list; its rows wait in a folder that is removed in the end. Ends the command if it is refused."""
        with tempfile.TemporaryDirectory(prefix="portal-list-") as folder:
            staging = Staging(Path(folder))
            try:
                opened = open_customer_file(path)
                chosen = choose_columns(opened, columns)
                counts = check_list(path=path, columns=chosen, staging=staging, flow=flow, campaign=campaign)
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
            except (CustomerFileError, IssueRefused) as refusal:
                raise CommandError(f"{path}: {refusal}") from refusal
            for index, field in sorted(chosen.items()):
                self.stdout.write(f"  {opened.column_name(index)} → {FIELDS[field]}")
            if counts.refused:
                self._say_refused(staging, counts, is_error=partial is None)
            yield Checked(staging, counts)

    def apply(self, checked: Checked, **arguments: Any) -> Applied:
        """Write the good rows in one transaction, or end the command with what went wrong and nothing written."""
        try:
            return apply_list(staging=checked.staging, total=checked.counts.good, by=None, **arguments)
        except IssueRefused as refusal:
            raise CommandError(f"{refusal} Nothing is written.") from refusal
        except IntegrityError as error:
            raise CommandError(
                "Somebody added one of these customers or reference ids in this moment. Nothing is written: try again."
            ) from error
        except DatabaseError as error:
            raise CommandError(f"The database could not take it ({error}). Nothing is written.") from error

    def say_counts(self, counts: Counts) -> None:
        """Print what the check found."""
        empty = f", {counts.empty:,} empty" if counts.empty else ""
        self.stdout.write(
            f"{counts.new:,} new, {counts.changed:,} changed, {counts.same:,} same, {counts.refused:,} refused{empty}"
        )

    def _say_refused(self, staging: Staging, counts: Counts, *, is_error: bool) -> None:
        faults = staging.read_faults(count=FAULTS_PRINTED)
        for fault in faults:
            column = f", {fault.column}" if fault.column else ""
            value = f" “{fault.value}”" if fault.value else ""
            self.stderr.write(f"line {fault.line}{column}{value}: {fault.reason}")
        if counts.refused > len({fault.line for fault in faults}):
            self.stderr.write(f"… {counts.refused:,} rows are refused in all")
        if is_error:
            rows = "1 row is" if counts.refused == 1 else f"{counts.refused:,} rows are"
            raise CommandError(
                f"{rows} refused, so nothing is written. Mend the list, or take the {counts.good:,} good rows "
                "with --partial REFUSED.csv."
            )


def choose_columns(opened: CustomerFile, wanted: Sequence[str]) -> dict[int, str]:
    """Return the guessed columns, corrected by HEADER=FIELD. Ends the command if rows cannot be read with them."""
    sample = [row.cells for _, row in zip(range(200), opened.rows(), strict=False) if row.fault is None]
    columns = guess_columns(opened.header, sample)
    by_name = {name.casefold(): index for index, name in enumerate(opened.header)}
    for text in wanted:
        name, _, field = text.rpartition("=")
        index = by_name.get(name.strip().casefold())
        if index is None or (field and field not in FIELDS):
            raise CommandError(
                f"--column “{text}”: write HEADER=FIELD. Headers of this list: {', '.join(opened.header)}. "
                f"Fields: {', '.join(FIELDS)}."
            )
        columns = {at: known for at, known in columns.items() if at != index and known != field}
        if field:
            columns[index] = field
    problems = check_columns(columns, opened.header)
    if problems:
        raise CommandError(" ".join([*problems, "Say what a column means with --column HEADER=FIELD."]))
    return columns


def ensure_writable(path: Path | None) -> None:
    """End the command before anything is written if it could not write this file in the end."""
    if path is None:
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}. Nothing is written.") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write beside `path`, and put it in its place when it is whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    try:
        yield Path(name)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
