"""Whether a customer has, or ever had, a link: columns that the database keeps with the links, whoever writes them."""

import random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.authorizations.models import Customer, Link
from tests.factories import make_campaign, make_customer, make_link, make_shared_link

pytestmark = pytest.mark.django_db


def kept() -> list[tuple[Any, ...]]:
    return list(Customer.objects.order_by("pk").values_list("pk", "has_had_link", "has_live_link"))


def true() -> list[tuple[Any, ...]]:
    links = Link.objects.filter(customer=OuterRef("pk"))
    asked = Customer.objects.order_by("pk").annotate(had=Exists(links), live=Exists(links.live()))
    return list(asked.values_list("pk", "had", "live"))


def test_a_link_issued_void_replaced_and_gone() -> None:
    customer = make_customer()
    assert kept() == [(customer.pk, False, False)]
    link = make_link(customer=customer)
    assert kept() == [(customer.pk, True, True)]
    Link.objects.filter(pk=link.pk).update(voided_at=timezone.now(), void_reason="moved")
    assert kept() == [(customer.pk, True, False)]
    successor = make_link(customer=customer)
    assert kept() == [(customer.pk, True, True)]
    Link.objects.filter(pk=successor.pk).update(replaced_by=link)
    assert kept() == [(customer.pk, True, False)]
    Link.objects.filter(pk=successor.pk).update(replaced_by=None)
    Link.objects.filter(pk=link.pk).delete()
    assert kept() == [(customer.pk, True, True)]
    Link.objects.filter(pk=successor.pk).delete()
    assert kept() == [(customer.pk, False, False)]


def test_a_link_shown_at_the_door_that_becomes_a_customers() -> None:
    customer, other = make_customer(), make_customer()
    link = make_shared_link()
    Link.objects.filter(pk=link.pk).update(customer=customer)
    assert kept() == [(customer.pk, True, True), (other.pk, False, False)]
    Link.objects.filter(pk=link.pk).update(customer=other)
    assert kept() == [(customer.pk, False, False), (other.pk, True, True)]


def test_many_at_once_whatever_comes() -> None:
    """A hundred links in one statement, then two hundred changes by chance, as bulk jobs and repairs by hand make."""
    chance = random.Random(7)
    customers = [make_customer() for _ in range(30)]
    model = make_link(customer=customers[0])
    campaigns = [make_campaign() for _ in range(4)]
    successors = [make_link(customer=make_customer()) for _ in range(60)]
    rows = [
        Link(
            customer=chance.choice([*customers[:25], None]),
            flow=model.flow,
            campaign=campaign,
            label="poster",
            reference_id=f"row-{number}",
            url=f"{model.url}{number}",
            code=f"code{number}",
            issued_by=model.issued_by,
            issued_at=timezone.now(),
            voided_at=timezone.now(),
            void_reason="from the start",
        )
        for number, campaign in enumerate(campaigns * 25)
    ]
    Link.objects.bulk_create(rows)
    assert kept() == true()
    for _ in range(200):
        link = Link.objects.filter(pk=chance.choice(rows).pk).first()
        if link is None:
            continue
        act = chance.choice(["void", "live", "replace", "move", "delete"])
        free = not Link.objects.live().filter(customer=link.customer, campaign=link.campaign).exists()
        if act == "void":
            Link.objects.filter(pk=link.pk).update(voided_at=timezone.now(), void_reason="moved")
        elif act == "live" and free:
            Link.objects.filter(pk=link.pk).update(voided_at=None, void_reason="", replaced_by=None)
        elif act == "replace":
            Link.objects.filter(pk=link.pk).update(replaced_by=successors.pop())
        elif act == "move":
            Link.objects.filter(pk=link.pk, voided_at__isnull=False).update(customer=chance.choice(customers))
        elif act == "delete":
            Link.objects.filter(pk=link.pk).delete()
        assert kept() == true()
    assert {(had, live) for _, had, live in kept()} == {(True, True), (True, False), (False, False)}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE authorizations_link SET replaced_by_id = NULL")
        cursor.execute("DELETE FROM authorizations_link_requested_utilities")
        cursor.execute("DELETE FROM authorizations_link")
    assert kept() == true()
