"""What a rep does at the door, on a page or sent later by a device: once, with an answer that can be repeated."""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction

from portal.accounts.models import User
from portal.authorizations.models import Customer, DoorAction, DoorDevice, Link
from portal.authorizations.services.customers import add_customer
from portal.authorizations.services.door_devices import AttachRefused, attach_link, explain_missing_kit, find_kit
from portal.authorizations.services.links import IssueRefused, issue_link

CHANGED_MEANWHILE = "This customer was changed meanwhile: look at it again before the next call."
REFUSED_MEANWHILE = "This customer refused meanwhile, to a colleague: no reminder goes out any more."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an action: done, conflict (done, but look) or refused (not done); words; keys of the rows."""

    status: str
    message: str = ""
    customer: int | None = None
    link: int | None = None


def do_once(*, key: uuid.UUID, by: User, device: DoorDevice | None, act: Callable[[], Answer]) -> Answer:
    """Run `act` unless an action of this key was done before, and return its answer either way.

    Of two that send the same at once, the database lets one through; the other waits, and gets the first one's answer.
    """
    earlier = DoorAction.objects.filter(key=key).first()
    if earlier is None:
        try:
            with transaction.atomic():
                action = DoorAction.objects.create(key=key, by=by, device=device)
                answer = act()
                action.answer = asdict(answer)
                action.save(update_fields=["answer"])
                return answer
        except IntegrityError:
            earlier = DoorAction.objects.filter(key=key).first()
            if earlier is None:
                raise
    if earlier.by_id != by.pk:
        return Answer("refused", "Somebody else has done this.")
    return Answer(**earlier.answer)


def find_added_customer(*, key: uuid.UUID, by: User) -> Customer | None:
    """Return the customer that an earlier action of this person added."""
    action = DoorAction.objects.filter(key=key, by=by).first()
    pk = action.answer.get("customer") if action else None
    return Customer.objects.filter(pk=pk).first() if pk else None


def add_and_issue(
    *, customer: Customer, by: User, device: DoorDevice | None, link_id: int | None, at: datetime.datetime
) -> Answer:
    """Add a customer met at the door, and hand out a link: the reserved one that was shown, else a new one."""
    add_customer(customer=customer, added_by=by)
    return issue_at_the_door(customer=customer, by=by, device=device, link_id=link_id, at=at)


def issue_at_the_door(
    *, customer: Customer, by: User, device: DoorDevice | None, link_id: int | None, at: datetime.datetime
) -> Answer:
    """Hand out a customer's link: the reserved one that was shown, else the live one, else a new one of the kit."""
    problem = ""
    if link_id is not None and device is not None:
        try:
            link = attach_link(link_id=link_id, device=device, customer=customer, at=at)
            if Link.objects.filter(replaced_by=link).exists():
                words = "The customer had been handed another code meanwhile: it forwards to the one that you showed."
                return Answer("conflict", words, customer.pk, link.pk)
            return Answer("done", "", customer.pk, link.pk)
        except AttachRefused as refusal:
            if refusal.customer_is_done:
                return Answer("conflict", str(refusal), customer.pk)
            problem = f"{refusal} Show the customer’s new code."
        except IssueRefused as refusal:
            return Answer("conflict", f"{refusal} The code that was shown is not theirs.", customer.pk)
    live = Link.objects.live().filter(customer=customer).order_by("-issued_at").first()
    if live is not None:
        return Answer("conflict" if problem else "done", problem, customer.pk, live.pk)
    kit = find_kit(by)
    if kit is None:
        return Answer("conflict", explain_missing_kit(by), customer.pk)
    try:
        issued = issue_link(customer=customer, flow=kit.flow, issued_by=by)
    except IssueRefused as refusal:
        return Answer("conflict", str(refusal), customer.pk)
    return Answer("conflict" if problem else "done", problem, customer.pk, issued.link.pk)


def find_conflict(*, customer: Customer, seen: datetime.datetime | None, refused_was_seen: bool) -> str:
    """Say what of a customer has changed since the device read its list; empty: nothing that matters at the door."""
    if customer.refused_at is not None and not refused_was_seen:
        return REFUSED_MEANWHILE
    return CHANGED_MEANWHILE if seen is not None and customer.updated_at > seen else ""
