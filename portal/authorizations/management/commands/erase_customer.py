from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.models import Customer, ErasureReason
from portal.authorizations.services.erasure import EraseRefused, erase_customer


class Command(PortalCommand):
    help = "Erase customers for good (CCPA): the personal data goes, the counts stay. docs/privacy.md says what stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", metavar="ID", nargs="+", type=int, help="Number of a customer.")
        parser.add_argument("--reason", choices=ErasureReason.values, default=ErasureReason.ASKED.value)

    def handle(self, *args: Any, ids: list[int], reason: str, **options: Any) -> None:
        customers = Customer.objects.in_bulk(ids)
        if missing := [str(pk) for pk in ids if pk not in customers]:
            raise CommandError(f"There is no customer {', '.join(missing)}. Nothing is erased.")
        for pk in ids:
            try:
                erased = erase_customer(customer=customers[pk], by=None, reason=reason)
            except EraseRefused as refusal:
                raise CommandError(f"Customer {pk} is not erased. {refusal}") from refusal
            words = "erased" if erased.created else "was erased before"
            rest = "" if erased.is_finished else "; some files are still to go: the worker removes them"
            self.stdout.write(f"customer {pk}: {words}{rest}")
