"""Calls at the door, and the list of doors that a rep walks."""

import datetime
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.models import PROVEN, AuditAction, Customer, DoorCall, DoorOutcome, Link, LinkStatus
from portal.authorizations.services.audit import record
from portal.authorizations.services.links import hold_customers

#: A call is noted within these days (a phone may have been without a signal), and one comes back within those.
NOTED_WITHIN, COMES_BACK_WITHIN = datetime.timedelta(days=60), datetime.timedelta(days=366)
ONE_DAY = datetime.timedelta(days=1)
#: How many doors one screen shows.
DOORS_SHOWN = 50


class CallRefused(Exception):  # noqa: N818
    """A call cannot be noted so; `str()` says why in words, `field` names the input that is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


class Badge(NamedTuple):
    """How a door stands, in words, and whose word it is (the colour)."""

    label: str
    source: str


@dataclass(frozen=True, slots=True)
class Door:
    """One customer of a rep's list, with the live link and the last call if there are any."""

    customer: Customer
    link: Link | None
    call: DoorCall | None

    @property
    def badge(self) -> Badge:
        """Leap's word before a refusal, a refusal before a plan, what came of the last call, else the link's status."""
        link, customer = self.link, self.customer
        if link is not None and link.status in PROVEN:
            return Badge(link.badge.label, "leap")
        if customer.refused_at is not None:
            return Badge("refused", "fault")
        if customer.come_back_on is not None:
            return Badge(f"come back {name_day(customer.come_back_on)}", "")
        if link is not None and link.failed_at is not None:
            return Badge("failed", "fault")
        if link is not None and link.status != LinkStatus.ISSUED:
            return Badge(link.badge.label, link.badge.source)
        if self.call is not None and self.call.outcome in (DoorOutcome.NOT_HOME, DoorOutcome.LEFT_CARD):
            return Badge(self.call.get_outcome_display(), "")
        return Badge("issued", "saw") if link is not None else Badge("not asked", "")


def name_day(day: datetime.date) -> str:
    """Return a day as one says it: today, tomorrow, a weekday within the week, else the date."""
    ahead = (day - timezone.localdate()).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    return date_format(day, "D") if 1 < ahead < 7 else date_format(day, "j M")


@transaction.atomic
def record_door_call(
    *,
    customer: Customer,
    outcome: str,
    by: User,
    at: datetime.datetime,
    note: str = "",
    come_back_on: datetime.date | None = None,
) -> DoorCall:
    """Note a call at a customer's door, and what it means for the customer.

    `at` is by the clock of who called; one that runs ahead is taken for now. Raises CallRefused.
    """
    now = timezone.now()
    at = min(at, now)
    if at < now - NOTED_WITHIN:
        raise CallRefused(f"This call is more than {NOTED_WITHIN.days} days old: write it into the customer’s notes.")
    if (outcome == DoorOutcome.COME_BACK) != (come_back_on is not None):
        raise CallRefused("Say on which day you come back.", "come_back_on")
    if come_back_on is not None:
        called_on = timezone.localdate(at)
        # A phone's own day may be one before or after the portal's.
        if not called_on - ONE_DAY <= come_back_on <= called_on + COMES_BACK_WITHIN:
            raise CallRefused("Choose a day between that of the call and a year from then.", "come_back_on")
    # Two calls at once: the customer's row says what both come to. A phone may tell of one days later.
    if hold_customers([customer.pk]):
        raise CallRefused("This customer was erased since: no call is noted any more.")
    call = DoorCall.objects.create(
        customer=customer, outcome=outcome, come_back_on=come_back_on, note=note.strip(), by=by, at=at
    )
    _settle(customer)
    record(action=AuditAction.CHANGED, noun="customer", row=customer.pk, by=by, fields=["call"], state=outcome)
    return call


def _settle(customer: Customer) -> None:
    """Write on the customer's row what the calls come to, in the order in which they took place.

    A refusal stays until it is taken back, whoever calls afterwards. `updated_at` stays: the customer has not changed.
    """
    calls = DoorCall.objects.filter(customer=customer).order_by("-at", "-pk")
    word = calls.filter(outcome__in=[DoorOutcome.REFUSED, DoorOutcome.ASK_AGAIN]).first()
    last = calls.first()
    customer.refused_at = word.at if word is not None and word.outcome == DoorOutcome.REFUSED else None
    customer.come_back_on = last.come_back_on if last is not None and customer.refused_at is None else None
    customer.save(update_fields=["refused_at", "come_back_on"])


def list_doors(*, rep: User, text: str = "", limit: int = DOORS_SHOWN) -> tuple[list[Door], bool]:
    """Return today's doors of a rep (with a text: all of the rep's customers that match), and whether there are more.

    Today's are the open ones: whom the rep agreed to come back to first, then in walking order.
    """
    customers = Customer.objects.of_rep(rep)
    chosen = customers.search(text).in_walking_order() if text else order_todays_doors(rep)
    found = list(chosen.select_related("utility")[: limit + 1])
    return add_links_and_calls(found[:limit]), len(found) > limit


def order_todays_doors(rep: User) -> QuerySet[Customer]:
    """Return today's doors of a rep, in the order in which to call on them."""
    return Customer.objects.of_rep(rep).open_doors().due_first(timezone.localdate())


def add_links_and_calls(customers: list[Customer]) -> list[Door]:
    """Return each customer with the live link that was issued last, and the last call."""
    ids = [customer.pk for customer in customers]
    links = {link.customer_id: link for link in Link.objects.live().filter(customer__in=ids).order_by("issued_at")}
    calls = {call.customer_id: call for call in DoorCall.objects.filter(customer__in=ids).order_by("at", "pk")}
    return [Door(customer, links.get(customer.pk), calls.get(customer.pk)) for customer in customers]


def find_next_doors(*, link: Link, rep: User) -> tuple[Link | None, Link | None]:
    """Return the links of the doors before and after this one on a rep's list of today, of those that have a link."""
    with_link = order_todays_doors(rep).filter(links__in=Link.objects.live()).values_list("pk", flat=True)
    ids = list(dict.fromkeys(with_link))
    if link.customer_id not in ids:
        return None, None
    place = ids.index(link.customer_id)
    near = [ids[i] for i in (place - 1, place + 1) if 0 <= i < len(ids)]
    links = {found.customer_id: found for found in Link.objects.live().filter(customer__in=near).order_by("issued_at")}
    before = links.get(ids[place - 1]) if place else None
    after = links.get(ids[place + 1]) if place + 1 < len(ids) else None
    return before, after


def find_town(rep: User) -> dict[str, str]:
    """Return city and postal code of where a rep probably is: of the customer added last today, else the first door."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    added = Customer.objects.filter(added_by=rep, created_at__gte=today).exclude(city="").order_by("-pk").first()
    near = added or order_todays_doors(rep).exclude(city="").first()
    return {"city": near.city, "postal_code": near.postal_code} if near else {}
