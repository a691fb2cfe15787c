"""What every command of the portal does first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.authorizations.services.audit import acting, name_of_command_line
from portal.authorizations.services.installation import EnvironmentMismatch, claim_environment


class PortalCommand(BaseCommand):
    """A command that works with the database: refused on one that belongs to another of Leap's environments.

    A command that migrates (demo) calls `claim_environment` once more after that: before, there was nothing to claim.
    """

    #: Whom the audit names; empty: who runs it.
    acts_as = ""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            claim_environment()
        except EnvironmentMismatch as error:
            raise CommandError(str(error)) from error
        with acting(name=self.acts_as or name_of_command_line()):
            return super().execute(*args, **options)
