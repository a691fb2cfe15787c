from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.services.roles import sync_roles


class Command(BaseCommand):
    help = "Write the permissions of the three roles to the database. Twice is once."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = sync_roles()
        except LookupError as error:
            raise CommandError(str(error)) from error
        for role, count in counts.items():
            self.stdout.write(f"{role.value}: {count} permissions")
