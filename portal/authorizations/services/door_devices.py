"""What a rep carries: the kit, the devices, and the links that each keeps in reserve.

A reserved link is issued like any other, so its code leads to Leap at once; it belongs to nobody until it is attached.
"""

import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    PROVEN,
    AuditAction,
    Customer,
    DoorDevice,
    DoorKit,
    Flow,
    Journey,
    Link,
    ReservedLink,
)
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.bulk_links import UrlBuilder
from portal.authorizations.services.links import WAS_ERASED, FlowRules, IssueRefused, find_live_link, hold_customers
from portal.authorizations.services.retention import SHOWN_CODES_WORK
from portal.leap import reference_ids

#: A rep who signs in with one more device ends the one that was seen least lately.
MOST_DEVICES = 5
_LABEL = "in reserve on a device"


class AttachRefused(Exception):  # noqa: N818
    """A reserved link cannot be attached; `str()` says why. `customer_is_done`: there is nothing left to ask for."""

    def __init__(self, reason: str, *, customer_is_done: bool = False) -> None:
        super().__init__(reason)
        self.customer_is_done = customer_is_done


def list_flows_for_doors() -> list[Flow]:
    """Return the flows that links can be reserved from: live, and the same URL for whoever is met at the door."""
    flows = Flow.objects.live().with_utilities().order_by("name")
    return [flow for flow in flows if flow.journey != Journey.LEGACY or len(flow.utilities.all()) == 1]


def find_kit(rep: User) -> DoorKit | None:
    """Return the rep's kit if its flow is live; without one, a kit of the only flow that there is."""
    kit = DoorKit.objects.select_related("flow").filter(rep=rep).first()
    if kit is not None:
        return kit if kit.flow.is_live else None
    flows = list_flows_for_doors()
    return DoorKit(rep=rep, flow=flows[0]) if len(flows) == 1 else None


def list_kits(reps: QuerySet[User]) -> list[tuple[User, DoorKit | None]]:
    """Return each rep with the kit that was chosen, live or not, or that goes without choosing."""
    kits = {kit.rep_id: kit for kit in DoorKit.objects.select_related("flow").filter(rep__in=reps.values("pk"))}
    flows = list_flows_for_doors()
    only = flows[0] if len(flows) == 1 else None
    return [(rep, kits.get(rep.pk) or (DoorKit(rep=rep, flow=only) if only else None)) for rep in reps]


def explain_missing_kit(rep: User) -> str:
    """Say why a rep cannot hand out links at the door, and what to do."""
    if DoorKit.objects.filter(rep=rep).exists():
        return "The flow of your links is not live any more: ask your program manager to choose another one for you."
    return "No flow is chosen for your links yet: ask your program manager to choose one for you, under Reps."


@transaction.atomic
def save_kit(*, rep: User, flow: Flow, reserve: int, chosen_by: User) -> DoorKit:
    """Choose the flow of a rep's links, and how many each device keeps in reserve."""
    kit, _ = DoorKit.objects.update_or_create(
        rep=rep, defaults={"flow": flow, "reserve": reserve, "chosen_by": chosen_by}
    )
    record(action=AuditAction.CHANGED, noun="door kit", row=rep.pk, by=chosen_by, flow=flow.pk)
    return kit


@transaction.atomic
def open_device(*, rep: User, device_id: int | None) -> DoorDevice:
    """Return the device of a session, a new one if it has none that lasts."""
    now = timezone.now()
    lasting = DoorDevice.objects.filter(rep=rep, ended_at__isnull=True)
    device = lasting.filter(pk=device_id).first() if device_id else None
    if device is not None:
        DoorDevice.objects.filter(pk=device.pk).update(seen_at=now)
        return device
    # Of two sign-ins at once, one waits: both would find the same devices.
    User.objects.select_for_update(no_key=True).get(pk=rep.pk)
    for old in lasting.order_by("-seen_at", "-pk")[MOST_DEVICES - 1 :]:
        end_device(device=old)
    return DoorDevice.objects.create(rep=rep, seen_at=now)


@transaction.atomic
def end_device(*, device: DoorDevice) -> None:
    """A device signed out: it sees nothing from now on.

    What it kept in reserve may have been shown, and not sent before: its codes work for SHOWN_CODES_WORK still.
    """
    DoorDevice.objects.filter(pk=device.pk, ended_at__isnull=True).update(ended_at=timezone.now())


def end_unreachable_devices() -> int:
    """End the devices of whoever may not hand out links any more, or whose session has run out; return how many."""
    expired_before = timezone.now() - datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    count = 0
    for device in DoorDevice.objects.filter(ended_at__isnull=True).select_related("rep"):
        # A disabled person has no permission.
        if device.seen_at < expired_before or not device.rep.has_perm("authorizations.add_doorcall"):
            end_device(device=device)
            count += 1
    return count


@transaction.atomic
def void_old_reserves() -> int:
    """Void what devices kept in reserve and nobody followed, SHOWN_CODES_WORK after their end; return how many."""
    ended = ReservedLink.objects.filter(device__ended_at__lt=timezone.now() - SHOWN_CODES_WORK)
    unused = Link.objects.live().filter(pk__in=ended.values("link"), first_visited_at__isnull=True)
    return _void(unused, f"nobody followed it within {SHOWN_CODES_WORK.days} days of its device's end")


@transaction.atomic
def fill_reserve(*, device: DoorDevice, kit: DoorKit | None) -> list[Link]:
    """Return the live links that a device keeps in reserve, after issuing those that are missing.

    Links of another flow than the kit's lead nowhere from now on, but for those that somebody has followed already.
    """
    DoorDevice.objects.select_for_update(no_key=True).get(pk=device.pk)
    unused = _reserved(device).filter(first_visited_at__isnull=True)
    if kit is None:
        _void(unused, "never handed out: its rep has no live flow")
        return []
    _void(unused.exclude(flow=kit.flow), "never handed out: the rep has another flow")
    missing = kit.reserve - unused.filter(flow=kit.flow).count()
    if missing > 0:
        _issue_reserve(device=device, flow=kit.flow, count=missing)
    return list(_reserved(device).filter(first_visited_at__isnull=True).order_by("pk"))


def discard_link(*, link_id: int, device: DoorDevice) -> None:
    """A reserved code was shown to somebody who could not be given it: it is not shown to anybody else.

    Whoever has followed it already may go on; it is out of the list that a device reads either way.
    """
    shown = _shown(link_id, device).filter(first_visited_at__isnull=True)
    _void(shown, "shown to somebody who could not be given it")


def _reserved(device: DoorDevice) -> QuerySet[Link]:
    return Link.objects.live().filter(pk__in=ReservedLink.objects.filter(device=device).values("link"))


def _within_reach(device: DoorDevice) -> Q:
    """Reservations that a device may use up: its own, and those of the rep's ended ones, shown but not sent in time."""
    return Q(device=device) | Q(device__rep=device.rep_id, device__ended_at__isnull=False)


def _shown(link_id: int, device: DoorDevice) -> QuerySet[Link]:
    reserved = ReservedLink.objects.filter(_within_reach(device), pk=link_id)
    return Link.objects.live().filter(pk__in=reserved.values("pk"))


def _void(links: QuerySet[Link], reason: str) -> int:
    record_rows(action=AuditAction.VOIDED, noun="link", rows=links)
    return links.update(voided_at=timezone.now(), void_reason=reason)


def _issue_reserve(*, device: DoorDevice, flow: Flow, count: int) -> None:
    rules = FlowRules(flow=flow)
    # All that the flow offers: nobody knows yet which utility the customer has.
    request = rules.request_for(None, list(rules.offered.values()))
    urls = UrlBuilder(flow)
    now = timezone.now()
    links = Link.objects.bulk_create(
        Link(
            flow=flow,
            utility=request.utility,
            label=_LABEL,
            reference_id=reference_id,
            url=urls.build(request, reference_id),
            code=reference_ids.to_code(reference_id),
            issued_by_id=device.rep_id,
            issued_at=now,
        )
        for reference_id in reference_ids.generate_many(count)
    )
    through = Link.requested_utilities.through
    through.objects.bulk_create(
        through(link_id=link.pk, utility_id=utility.pk) for link in links for utility in request.requested
    )
    ReservedLink.objects.bulk_create(ReservedLink(link=link, device=device, reserved_at=now) for link in links)
    record(action=AuditAction.ISSUED, noun="link", count=count, flow=flow.pk, rep=device.rep_id)


def attach_link(*, link_id: int, device: DoorDevice, customer: Customer, at: datetime.datetime) -> Link:
    """Hand a reserved link to a customer: from now on it is the customer's, issued by the device's rep at `at`.

    A live link that the customer was handed meanwhile forwards to it, since this one is the code that was shown.
    Raises AttachRefused; IssueRefused (services/links.py) if the flow does not take the customer.
    """
    try:
        with transaction.atomic():
            return _attach(link_id=link_id, device=device, customer=customer, at=at)
    except AttachRefused as refusal:
        if refusal.customer_is_done:
            _void(_shown(link_id, device), "the customer had authorized already")
        raise


def _attach(*, link_id: int, device: DoorDevice, customer: Customer, at: datetime.datetime) -> Link:
    reserved = ReservedLink.objects.select_for_update(of=("self",)).select_related("link__flow")
    row = reserved.filter(_within_reach(device), pk=link_id).first()
    if row is None:
        raise AttachRefused("The code that was shown belongs to another customer or device.")
    link = row.link
    if not link.is_live:
        raise AttachRefused(f"The code that was shown is void ({link.void_reason or 'replaced'}).")
    request = FlowRules(flow=link.flow).request_for(customer, [link.utility] if link.utility else None)
    if hold_customers([customer.pk]):
        raise IssueRefused(WAS_ERASED, "customer")
    before = find_live_link(customer=customer, flow=link.flow, campaign=None, utility=request.utility)
    if before is not None and before.status in PROVEN:
        raise AttachRefused("The customer has authorized meanwhile.", customer_is_done=True)
    if before is not None:
        Link.objects.filter(pk=before.pk).update(replaced_by=link)
    if not ReservedLink.objects.filter(pk=row.pk).delete()[0]:
        raise AttachRefused("The code that was shown has been handed out already.")
    link.customer, link.label = customer, ""
    link.issued_at = min(max(at, row.reserved_at), timezone.now())
    link.save(update_fields=["customer", "label", "issued_at"])
    record(action=AuditAction.ISSUED, noun="link", row=link.pk, customer=customer.pk, flow=link.flow_id)
    return link
