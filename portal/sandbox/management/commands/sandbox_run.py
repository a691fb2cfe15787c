import csv
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.sandbox.browser import Browser
from portal.sandbox.cases import Case
from portal.sandbox.runs import RunLink, RunResult, link_of, links_of, run_links


class Command(BaseCommand):
    help = "Take many links through a test case of the sandbox, without a browser."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("case", nargs="?", metavar="CASE", help=f"One of: {', '.join(Case.values)}. Or --mix.")
        parser.add_argument("urls", nargs="*", metavar="URL", help="Links as issued, or their short links.")
        parser.add_argument(
            "--csv", type=Path, metavar="CSV", help="A list with the column url, as issue_links writes."
        )
        parser.add_argument("--mix", action="store_true", help="A mix of cases, and some links that nobody opens.")
        parser.add_argument("--days", type=int, metavar="N", help="How many days later, where a case says “later”.")
        parser.add_argument(
            "--no-return", action="store_true", help="Open nothing over HTTP: neither short links nor the last page."
        )

    def handle(
        self,
        *args: Any,
        case: str | None,
        urls: list[str],
        csv: Path | None,
        mix: bool,
        days: int | None,
        no_return: bool,
        **options: Any,
    ) -> None:
        if not settings.SANDBOX:
            raise CommandError("The sandbox is off: set SANDBOX=on (and LEAP_ENVIRONMENT=sandbox).")
        if days is not None and not 0 <= days <= 999:
            raise CommandError(f"--days is {days}: it has to be between 0 and 999.")
        if mix and case:
            # With --mix there is no case: what was taken for one is a link.
            urls = [case, *urls]
        chosen = None if mix else find_case(case)
        links = [link_of(url) for url in urls] + (read_links(csv) if csv else [])
        if not links:
            raise CommandError("No link was given: name URLs, or a list with --csv.")
        if no_return:
            result = run_links(links=links, case=chosen, browser=None, days=days)
        else:
            with Browser() as browser:
                result = run_links(links=links, case=chosen, browser=browser, days=days)
        self._say(result)
        if result.refused:
            raise CommandError(f"{result.refused.total():,} of {len(links):,} links were refused.")

    def _say(self, result: RunResult) -> None:
        for case, count in result.cases.most_common():
            self.stdout.write(f"{count:6,}  {case.value}: {case.label}")
        if result.unopened:
            self.stdout.write(f"{result.unopened:6,}  not opened")
        self.stdout.write(f"{result.returned:6,}  came back to the confirmation page")
        if result.unreached:
            self.stdout.write(f"{result.unreached:6,}  pages did not answer: is the portal running at their address?")
        for reason, count in result.refused.most_common():
            self.stdout.write(f"{count:6,}  refused: {reason}")


def find_case(name: str | None) -> Case:
    """Return the case of that name, or end the command with the names that there are."""
    if name not in Case.values:
        raise CommandError(f"There is no case “{name or ''}”. Cases: {', '.join(Case.values)}; or --mix.")
    return Case(name)


def read_links(path: Path) -> list[RunLink]:
    """Return the links of a list, or end the command."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "url" not in (reader.fieldnames or []):
                raise CommandError(f"{path} has no column “url”: give the list that issue_links --out wrote.")
            return links_of(list(reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
