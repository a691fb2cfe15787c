"""Addresses that get no more mails: unsubscribed, bounced or complained, whatever the campaign.

Known by a digest, so that a stop outlives the erasure of whose address it was, and holds for whoever comes with that
address later. It holds for invitations and reminders. A link that somebody asks for on a hosted page is mailed all the
same (services/link_requests.py): that mail answers its reader, and a person who comes back must not find a dead end.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Customer, MailStop, StopReason
from portal.authorizations.services.audit import record

_CAPITALS: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
#: A stronger reason takes the place of a weaker one: a person may lift what a mail server said, not what a reader did.
_STRENGTH: Final = {StopReason.BOUNCED: 0, StopReason.UNSUBSCRIBED: 1, StopReason.COMPLAINED: 2}


class LiftRefused(Exception):  # noqa: N818
    """A stop may not be lifted so; `str()` says why."""


def normalise_address(address: str) -> str:
    """Return an address as it is compared: A–Z in small letters, other letters as they are (“K” is no Kelvin sign)."""
    return address.strip().translate(_CAPITALS)


def digest_address(address: str) -> str:
    """Return the SHA-256 of an address, in hexadecimal, however its letters are written; empty: no address."""
    plain = normalise_address(address)
    return hashlib.sha256(plain.encode()).hexdigest() if plain else ""


def is_stopped(address: str) -> bool:
    """Whether an address gets no more invitations and reminders."""
    return bool(find_stopped([address]))


def find_stop(address: str) -> MailStop | None:
    """Return why an address gets no more mails; None: it does."""
    return MailStop.objects.in_force().filter(address_digest=digest_address(address)).first()


def find_stopped(addresses: Iterable[str]) -> set[str]:
    """Return the digests of those addresses that get no more mails, in one query."""
    digests = {digest for address in addresses if (digest := digest_address(address))}
    return set(MailStop.objects.in_force().filter(address_digest__in=digests).values_list("address_digest", flat=True))


def stop_mails_to(address: str, *, reason: StopReason | str, by: User | None = None) -> MailStop:
    """Stop mails to an address, and mark every customer who has it. Stopped already: the stronger reason holds."""
    return _stop(digest_address(address), reason=StopReason(reason), by=by, customers=find_customers(address))


def stop_mails_like(*, digest: str, customer: Customer, reason: StopReason | str, by: User | None = None) -> MailStop:
    """Stop mails to the address that a mail to this customer went to, whatever address the customer has by now."""
    customers = find_customers(customer.email) if digest_address(customer.email) == digest else []
    return _stop(digest, reason=StopReason(reason), by=by, customers=customers, whose=customer)


def find_customers(address: str) -> list[Customer]:
    """Return every customer with this address, in any case of its letters."""
    digest = digest_address(address)
    if not digest:
        return []
    lower = Customer.objects.alias(lower_email=Lower("email")).filter(lower_email=Lower(Value(address.strip())))
    return [customer for customer in lower.order_by("pk") if digest_address(customer.email) == digest]


def lift_stop(*, stop: MailStop, reason: str, by: User | None, asked_for: bool = False) -> MailStop:
    """Let an address get mails again. Raises LiftRefused: who unsubscribed or complained has to ask for it."""
    if stop.reason != StopReason.BOUNCED and not asked_for:
        raise LiftRefused(
            "Whoever unsubscribed or complained is written to again only at their own request: say that they asked."
        )
    with transaction.atomic():
        lifted = MailStop.objects.in_force().filter(pk=stop.pk)
        lifted.update(lifted_at=timezone.now(), lifted_by=by, lift_reason=reason)
        record(action=AuditAction.CHANGED, noun="mail stop", row=stop.pk, by=by, state="lifted")
        stop.refresh_from_db()
        # Only those marked are looked through: their addresses cannot be told from a digest in SQL.
        if stop.customer is not None and digest_address(stop.customer.email) == stop.address_digest:
            marked = find_customers(stop.customer.email)
        else:
            stopped = Customer.objects.filter(mail_stopped_at__isnull=False).only("email").iterator(chunk_size=2000)
            marked = [customer for customer in stopped if digest_address(customer.email) == stop.address_digest]
        Customer.objects.filter(pk__in=[customer.pk for customer in marked]).update(mail_stopped_at=None)
    return stop


def mark_stopped(customers: Iterable[Customer]) -> None:
    """Set or clear `mail_stopped_at` of customers, unsaved, by the address that each has now: one query for all."""
    rows = list(customers)
    digests = {digest_address(customer.email) for customer in rows} - {""}
    stops = MailStop.objects.in_force().filter(address_digest__in=digests)
    since: dict[str, datetime] = dict(stops.values_list("address_digest", "at"))
    for customer in rows:
        customer.mail_stopped_at = since.get(digest_address(customer.email))


def refresh_stops(external_ids: Iterable[str]) -> None:
    """Set and clear `mail_stopped_at` of customers whose addresses an import may have changed."""
    if not MailStop.objects.exists():
        return
    rows = list(Customer.objects.filter(external_id__in=list(external_ids)).only("email", "mail_stopped_at"))
    before = {customer.pk: customer.mail_stopped_at for customer in rows}
    mark_stopped(rows)
    changed = [customer for customer in rows if customer.mail_stopped_at != before[customer.pk]]
    Customer.objects.bulk_update(changed, ["mail_stopped_at"], batch_size=500)


def _stop(
    digest: str, *, reason: StopReason, by: User | None, customers: list[Customer], whose: Customer | None = None
) -> MailStop:
    if not digest:
        raise ValueError("An empty address cannot be stopped.")
    now = timezone.now()
    whose = whose or (customers[0] if customers else None)
    with transaction.atomic():
        try:
            with transaction.atomic():
                stop, created = (
                    MailStop.objects.in_force()
                    .select_for_update()
                    .get_or_create(
                        address_digest=digest,
                        lifted_at=None,
                        defaults={"reason": reason, "at": now, "recorded_by": by, "customer": whose},
                    )
                )
        except IntegrityError:  # somebody else has just recorded it
            stop, created = MailStop.objects.in_force().select_for_update().get(address_digest=digest), False
        if created:
            record(action=AuditAction.ADDED, noun="mail stop", row=stop.pk, by=by, reason=str(reason))
        if not created and _STRENGTH[reason] > _STRENGTH[StopReason(stop.reason)]:
            stop.reason, stop.at, stop.recorded_by = reason, now, by
            stop.save(update_fields=["reason", "at", "recorded_by"])
        unmarked = Customer.objects.filter(pk__in=[customer.pk for customer in customers], mail_stopped_at__isnull=True)
        unmarked.update(mail_stopped_at=now)
    return stop
