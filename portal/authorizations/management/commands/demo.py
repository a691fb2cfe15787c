from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.demo import PASSWORD, PEOPLE, DemoRefused, load_demo


class Command(PortalCommand):
    help = "Load sample data and people to sign in as. Twice is once; refused unless LEAP_ENVIRONMENT is sandbox."

    def execute(self, *args: Any, **options: Any) -> str | None:
        if settings.LEAP_ENVIRONMENT != "sandbox":
            # Before anything else, so that a refused demo does not make the database remember this environment.
            raise CommandError(
                f"sample data is for the sandbox, but LEAP_ENVIRONMENT is {settings.LEAP_ENVIRONMENT}: "
                "set LEAP_ENVIRONMENT=sandbox, and DATABASE_URL to a database of its own"
            )
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = load_demo()
        except DemoRefused as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"the database cannot take the sample data ({error}): run migrate first") from error
        verb = "Loaded" if result.created else "Sample data is there already:"
        self.stdout.write(f"{verb} {result.customers} customers and {result.links} links.\n\n")
        self.stdout.write(f"  {settings.PUBLIC_URL}\n\n")
        self.stdout.write(f"  {'role':<17}{'sign-in':<10}{'password':<17}name")
        for username, first_name, last_name, role in PEOPLE[:3]:
            password = "(yours)" if username in result.passwords_changed else PASSWORD
            self.stdout.write(f"  {role.value:<17}{username:<10}{password:<17}{first_name} {last_name}")
        self.stdout.write("")
