import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from portal.authorizations.management.customer_lists import CustomerListCommand, ensure_writable, replacing
from portal.authorizations.models import Campaign, Flow
from portal.authorizations.services.customer_import import write_links_csv


class Command(CustomerListCommand):
    help = "Import a customer list and issue a link for each row. Who has a live link of the flow keeps it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--flow", metavar="NAME", required=True, help="The live flow that issues the links.")
        parser.add_argument("--campaign", metavar="NAME", help="The campaign of that flow that counts them.")
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
        **options: Any,
    ) -> None:
        chosen_flow, chosen_campaign = find_flow(flow), find_campaign(campaign)
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
