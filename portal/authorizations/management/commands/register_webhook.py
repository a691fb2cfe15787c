from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.webhooks import (
    WebhookRefused,
    describe_test,
    get_receiver_url,
    register_webhook,
    remove_webhook,
    try_webhook,
)
from portal.leap.client import LeapError


class Command(PortalCommand):
    help = "Register the portal's webhook at Leap, or bring it up to date. Twice keeps one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--test", action="store_true", help="After that, let Leap send a test event.")
        what.add_argument("--remove", action="store_true", help="Remove the webhook from Leap instead.")

    def handle(self, *, test: bool, remove: bool, **options: Any) -> None:
        try:
            if remove:
                count = remove_webhook()
                self.stdout.write(f"Removed from Leap: {count} webhook{'' if count == 1 else 's'} of this portal.")
                return
            is_new = register_webhook()
            self.stdout.write(f"{'Registered' if is_new else 'Brought up to date'} at Leap: {get_receiver_url()}")
            result = try_webhook() if test else None
        except (LeapError, WebhookRefused) as error:
            raise CommandError(str(error)) from error
        if result is not None:
            if not result.is_successful:
                raise CommandError(describe_test(result))
            self.stdout.write(describe_test(result))
