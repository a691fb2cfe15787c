from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.bounces import record_reports


class Command(PortalCommand):
    help = (
        "Record bounces (RFC 3464) and complaints (RFC 5965) that came back to the sender's mailbox, from saved "
        "messages or mailboxes in mbox form, and stop mails to their addresses. Twice is once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="A saved message (.eml), or an mbox.")

    def handle(self, *, files: list[Path], **options: Any) -> None:
        for path in files:
            try:
                counts = record_reports(path)
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from None
            self.stdout.write(
                f"{path}: {counts.bounced} bounced, {counts.complained} complained, "
                f"{counts.not_ours} about no mail of ours, {counts.nothing} that report nothing final"
            )
