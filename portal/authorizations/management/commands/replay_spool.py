from typing import Any

from django.core.management.base import CommandError
from django.db import Error

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.replay import replay_spool


class Command(PortalCommand):
    help = "Write the visits and confirmations that wait in SPOOL_DIR to the database. The worker does it by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = replay_spool()
        except Error as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"the database cannot be written ({reason}): the records stay in the spool") from error
        self.stdout.write(
            f"{result.replayed} replayed, {result.known} known already, {result.refused} set aside as unreadable"
        )
