"""What a rep's device keeps: the own list, no more of each customer than a door needs, and how codes look."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, DoorDevice, DoorKit, Link, ReservedLink
from portal.authorizations.services.door_calls import Door, add_links_and_calls, order_todays_doors
from portal.printing.qr import qr_matrix

#: The most customers that a device keeps: today's doors first.
MOST_CUSTOMERS = 500
#: As on the page that shows a code.
_LEVEL = "Q"


def list_doors_for_device(rep: User) -> list[Door]:
    """Return today's doors in their order, then the rep's other customers, so far as a device keeps them."""
    today = list(order_todays_doors(rep).select_related("utility")[:MOST_CUSTOMERS])
    others = Customer.objects.of_rep(rep).filter(erased_at__isnull=True)
    others = others.exclude(pk__in=[customer.pk for customer in today])
    rest = others.in_walking_order().select_related("utility")[: MOST_CUSTOMERS - len(today)]
    return add_links_and_calls([*today, *rest])


def describe_door(door: Door, *, is_open: bool) -> dict[str, Any]:
    """Return what a device keeps of a customer."""
    customer = door.customer
    return {
        "id": customer.pk,
        "name": str(customer),
        "street": customer.street,
        "city": customer.city,
        "postal_code": customer.postal_code,
        "utility": customer.utility.short_name if customer.utility else "",
        "badge": list(door.badge),
        "open": is_open,
        "refused": customer.refused_at is not None,
        "note": door.call.note if door.call else "",
        "changed": customer.updated_at.isoformat(),
        "link": describe_link(door.link) if door.link else None,
    }


def describe_link(link: Link) -> dict[str, Any]:
    """Return what a device keeps of a link: which code to show, and how to read it aloud."""
    return {"id": link.pk, "text": link.code_in_groups}


def describe_device(
    *, device: DoorDevice, rep: User, kit: DoorKit | None, reserve: list[Link], problem: str
) -> dict[str, Any]:
    """Return all that a device keeps, but for the drawings of the codes."""
    doors = list_doors_for_device(rep)
    open_ids = set(order_todays_doors(rep).values_list("pk", flat=True)[:MOST_CUSTOMERS])
    return {
        "device": device.pk,
        "rep": rep.pk,
        "read_at": timezone.now().isoformat(),
        "flow": kit.flow.name if kit else "",
        "problem": problem,
        "customers": [describe_door(door, is_open=door.customer.pk in open_ids) for door in doors],
        "reserve": [describe_link(link) for link in reserve],
    }


def draw_codes(*, rep: User, device: DoorDevice, link_ids: list[int]) -> dict[str, str]:
    """Return the QR codes of the rep's own live links and of the device's reserve: rows in hexadecimal, by key."""
    own = Q(customer__in=Customer.objects.of_rep(rep).order_by().values("pk"))
    reserved = Q(pk__in=ReservedLink.objects.filter(device=device).values("link"))
    links = Link.objects.live().filter(own | reserved, pk__in=link_ids)
    return {str(link.pk): _draw(link) for link in links}


def _draw(link: Link) -> str:
    rows = qr_matrix(link.short_url_for_codes, error_correction=_LEVEL).rows()
    return ",".join(f"{int(row, 2):x}" for row in rows)
