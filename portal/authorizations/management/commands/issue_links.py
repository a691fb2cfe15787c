import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from portal.authorizations.management.customer_lists import CustomerListCommand, ensure_writable, replacing
from portal.authorizations.models import Campaign, Flow, Link, PrintState
from portal.authorizations.services.customer_import import write_links_csv
from portal.authorizations.services.print_choice import count_choice
from portal.authorizations.services.printing import PrintRequest, check_request, create_print_job, run_print_job
from portal.printing.stocks import STOCKS, PrintRefusedError

DEFAULT_STOCK = "avery-5160"


class Command(CustomerListCommand):
    help = "Import a customer list and issue a link for each row. Who has a live link of the flow keeps it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--flow", metavar="NAME", required=True, help="The live flow that issues the links.")
        parser.add_argument("--campaign", metavar="NAME", help="The campaign of that flow that counts them.")
        parser.add_argument(
            "--labels", metavar="PDF", type=Path, help="Labels of these links in walking order, each code read back."
        )
        parser.add_argument(
            "--stock", metavar="NAME", help=f"The paper of --labels: {', '.join(STOCKS)}. Without: {DEFAULT_STOCK}."
        )
        parser.add_argument(
            "--out", metavar="CSV", type=Path, help="One row a customer, with reference_id, url and short_url."
        )

    def handle(
        self,
        *args: Any,
        csv: Path,
        partial: Path | None,
        column: list[str],
        flow: str,
        campaign: str | None,
        out: Path | None,
        labels: Path | None,
        stock: str | None,
        **options: Any,
    ) -> None:
        chosen_flow, chosen_campaign = find_flow(flow), find_campaign(campaign)
        request = check_labels(labels, stock)
        ensure_writable(labels)
        ensure_writable(partial)
        ensure_writable(out)
        with self.checked(csv, columns=column, partial=partial, flow=chosen_flow, campaign=chosen_campaign) as checked:
            if partial:
                with replacing(partial) as file:
                    shutil.copyfile(checked.staging.refused, file)
            applied = self.apply(checked, flow=chosen_flow, campaign=chosen_campaign)
            if out:
                with replacing(out) as file:
                    rows = write_links_csv(
                        staging=checked.staging, path=file, flow=chosen_flow, campaign=chosen_campaign
                    )
                self.stdout.write(f"{rows:,} rows in {out}")
            self.say_counts(checked.counts)
        links = applied.links
        if links is None:
            raise AssertionError("a flow was given, so links were issued")
        differing = f", {links.differing:,} of them asking for other utilities" if links.differing else ""
        self.stdout.write(f"{links.created:,} links issued, {links.existing:,} there already{differing}")
        if labels:
            if links.batch is None:
                raise AssertionError("links were issued, so there is a batch")
            self._print(Link.objects.of_batch(links.batch), request, chosen=f"the list {csv.name}", path=labels)

    def _print(self, links: QuerySet[Link], request: PrintRequest, *, chosen: str, path: Path) -> None:
        """Print the links' labels to a file; the job is kept with those of the screens."""
        choice = count_choice(links)
        if choice.left_out:
            self.stdout.write(f"{choice.left_out:,} left out of the labels: {choice.left_out_words}")
        try:
            job = run_print_job(create_print_job(links=links, chosen=chosen, request=request, created_by=None))
        except PrintRefusedError as refusal:
            raise CommandError(f"{refusal} The links are issued; {path} is not written.") from refusal
        if job.state != PrintState.DONE:
            raise CommandError(f"{job.error} The links are issued; {path} is not written.")
        with replacing(path) as file, job.file.open("rb") as sheets, file.open("wb") as copy:
            shutil.copyfileobj(sheets, copy)
        self.stdout.write(
            f"{job.proof['right']:,} of {job.proof['codes']:,} codes read back, {job.page_count:,} "
            f"page{'' if job.page_count == 1 else 's'} in {path}"
        )


def check_labels(path: Path | None, stock: str | None) -> PrintRequest:
    """Return how labels are printed, or end the command before anything is written if they cannot be."""
    if stock and path is None:
        raise CommandError("--stock is the paper of the labels: say where they go with --labels PDF.")
    request = PrintRequest(stock=stock or DEFAULT_STOCK)
    try:
        check_request(request)
    except PrintRefusedError as refusal:
        raise CommandError(str(refusal)) from refusal
    return request


def find_flow(name: str) -> Flow:
    """Return the flow of that name, or end the command with the names that there are."""
    flow = Flow.objects.filter(name__iexact=name).first()
    if flow is None:
        live = ", ".join(f"“{known}”" for known in Flow.objects.live().values_list("name", flat=True))
        raise CommandError(f"There is no flow “{name}”. Live flows: {live or 'none'}.")
    return flow


def find_campaign(name: str | None) -> Campaign | None:
    """Return the campaign of that name, or end the command."""
    if not name:
        return None
    campaign = Campaign.objects.filter(name__iexact=name).select_related("flow").first()
    if campaign is None:
        raise CommandError(f"There is no campaign “{name}”: a program manager makes one under Campaigns.")
    return campaign
