import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.authorizations.management.customer_lists import CustomerListCommand, ensure_writable, replacing


class Command(CustomerListCommand):
    help = "Import a customer list: add new customers, update changed ones. All of it, or with --partial its good rows."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and write nothing.")

    def handle(
        self, *args: Any, csv: Path, partial: Path | None, column: list[str], dry_run: bool, **options: Any
    ) -> None:
        ensure_writable(partial)
        with self.checked(csv, columns=column, partial=partial) as checked:
            if partial:
                with replacing(partial) as file:
                    shutil.copyfile(checked.staging.refused, file)
            if dry_run:
                self.stdout.write("Nothing is written: this is a dry run.")
            else:
                self.apply(checked)
            self.say_counts(checked.counts)
