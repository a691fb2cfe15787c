"""One action as a device sends it: read by the same forms as on the pages, done by the same services."""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime

from portal.accounts.models import User
from portal.authorizations.forms.doors import DoneOnceForm, DoorCallForm, DoorCustomerForm
from portal.authorizations.models import Customer, DoorDevice
from portal.authorizations.services.door_actions import (
    Answer,
    add_and_issue,
    do_once,
    find_added_customer,
    find_conflict,
    issue_at_the_door,
)
from portal.authorizations.services.door_calls import CallRefused, record_door_call
from portal.authorizations.services.door_devices import discard_link, find_kit

NOT_YOURS = "This customer is not on your list any more: somebody else has it now."


class SentAction:
    """What a device sent: `key`, `kind` (add, issue or call), and texts. Raises ValueError for anything else."""

    def __init__(self, sent: Any) -> None:
        if not isinstance(sent, dict) or not isinstance(sent.get("kind"), str) or sent["kind"] not in _KINDS:
            raise ValueError(f"An action has a kind: {', '.join(_KINDS)}.")
        try:
            self.key = uuid.UUID(str(sent.get("key")))
            self.link = whole_number(sent.get("link"))
            self.customer = whole_number(sent.get("customer"))
            self.added = uuid.UUID(str(sent["added"])) if sent.get("added") else None
            self.seen = _moment(sent.get("seen"))
        except (ValueError, TypeError) as error:
            raise ValueError("An action has a key (UUID); customer and link are numbers, seen is a time.") from error
        self.kind = sent["kind"]
        self.refused = sent.get("refused") is True
        # What the forms read: texts, as from a page.
        # Half a pair of surrogates, which JSON lets pass and no database takes, becomes a question mark.
        texts = {name: value for name, value in sent.items() if isinstance(value, str)}
        self.values = {name: value.encode("utf-8", "replace").decode() for name, value in texts.items()}


def perform(*, sent: SentAction, by: User, device: DoorDevice) -> dict[str, Any]:
    """Do what was sent, once, and return the answer as JSON takes it."""

    def act() -> Answer:
        answer = _KINDS[sent.kind](sent, by, device)
        if sent.link is not None and answer.link != sent.link:
            discard_link(link_id=sent.link, device=device)
        return answer

    return asdict(do_once(key=sent.key, by=by, device=device, act=act))


def _add(sent: SentAction, by: User, device: DoorDevice) -> Answer:
    # The form as it was on the device: a utility that the kit has lost meanwhile is no reason to lose the customer.
    form = DoorCustomerForm(sent.values, kit=find_kit(by))
    if not form.is_valid() and "utility" in form.errors:
        form = DoorCustomerForm({**sent.values, "utility": ""}, kit=find_kit(by))
    if not form.is_valid():
        return Answer("refused", _words(form))
    at = form.cleaned_data["at"]
    return add_and_issue(customer=form.instance, by=by, device=device, link_id=sent.link, at=at)


def _issue(sent: SentAction, by: User, device: DoorDevice) -> Answer:
    customer = _customer(sent, by)
    if customer is None:
        return Answer("refused", NOT_YOURS)
    form = DoneOnceForm(sent.values)
    if not form.is_valid():
        return Answer("refused", _words(form))
    at = form.cleaned_data["at"]
    answer = issue_at_the_door(customer=customer, by=by, device=device, link_id=sent.link, at=at)
    return _with_conflict(answer, sent, customer)


def _call(sent: SentAction, by: User, device: DoorDevice) -> Answer:
    customer = _customer(sent, by)
    if customer is None:
        return Answer("refused", NOT_YOURS)
    form = DoorCallForm(sent.values)
    if not form.is_valid():
        return Answer("refused", _words(form))
    conflict = find_conflict(customer=customer, seen=sent.seen, refused_was_seen=sent.refused)
    try:
        record_door_call(customer=customer, by=by, **form.call)
    except CallRefused as refusal:
        return Answer("refused", str(refusal), customer.pk)
    return Answer("conflict" if conflict else "done", conflict, customer.pk)


_KINDS: dict[str, Callable[[SentAction, User, DoorDevice], Answer]] = {"add": _add, "issue": _issue, "call": _call}


def _customer(sent: SentAction, by: User) -> Customer | None:
    """The customer meant: by key of the row, or of the action that added it a moment before."""
    if sent.added is not None:
        return find_added_customer(key=sent.added, by=by)
    return Customer.objects.visible_to(by).filter(pk=sent.customer).first() if sent.customer else None


def _with_conflict(answer: Answer, sent: SentAction, customer: Customer) -> Answer:
    words = find_conflict(customer=customer, seen=sent.seen, refused_was_seen=sent.refused)
    return Answer("conflict", words, answer.customer, answer.link) if words and answer.status == "done" else answer


def _words(form: forms.BaseForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def whole_number(value: Any) -> int | None:
    """Return the key of a row, None for none. Raises ValueError for what no row could have."""
    if value is None:
        return None
    if not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError("The key of a link or customer is a whole number above 0.")
    return value


def _moment(value: Any) -> datetime.datetime | None:
    moment = parse_datetime(value) if value else None
    if value and (moment is None or moment.tzinfo is None):
        raise ValueError
    return moment
