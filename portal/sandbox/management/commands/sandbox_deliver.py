from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.sandbox.deliveries import deliver_due


class Command(BaseCommand):
    help = "Post the sandbox's webhooks that are due on its clock. The worker does so by itself."

    def handle(self, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The sandbox is off: set SANDBOX=on (and LEAP_ENVIRONMENT=sandbox).")
        made = deliver_due()
        self.stdout.write(f"{made} {'attempt' if made == 1 else 'attempts'} made.")
