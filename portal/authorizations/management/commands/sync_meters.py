from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.models import AuditAction
from portal.authorizations.services.audit import record
from portal.authorizations.services.meter_sync import SyncFailed, SyncRefused, sync_meters


class Command(PortalCommand):
    help = (
        "Read meters and their enrollments from Leap: what changed since the last sync. The worker does it by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="Read everything, not only what changed.")

    def handle(self, *args: Any, full: bool, **options: Any) -> None:
        record(action=AuditAction.STARTED, noun="sync", full=full)
        try:
            run = sync_meters(full=full)
        except (SyncRefused, SyncFailed) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{run.created} new, {run.changed} changed, {run.same} same, {run.unmatched} unmatched, "
            f"{run.malformed} malformed"
        )
        for reason in run.malformed_reasons:
            self.stderr.write(reason)
