"""Add, change and assign customers."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import AuditAction, Customer, Link, PaperAuthorization
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.door_order import make_door_order
from portal.authorizations.services.links import hold_customers
from portal.authorizations.services.mail_stops import mark_stopped

#: Sites of one email that are looked through for the same street.
MOST_SITES = 100


class ChangeRefused(Exception):  # noqa: N818
    """A customer cannot be changed; `str()` says why in words."""


def add_customer(*, customer: Customer, added_by: User) -> Customer:
    """Save a new customer. One added by somebody who assigns nobody, such as a field rep, becomes that person's own.

    Raises IntegrityError (django.db) if an external or reference id was taken in this moment.
    """
    customer.added_by = added_by
    mark_stopped([customer])
    customer.door_order = door_order_of(customer)
    if customer.assigned_rep_id is None and not added_by.has_perm("authorizations.assign_customer"):
        customer.assigned_rep = added_by
    with transaction.atomic():
        customer.save(force_insert=True)
        record(action=AuditAction.ADDED, noun="customer", row=customer.pk, by=added_by)
    return customer


def change_customer(*, customer: Customer, fields: Iterable[str]) -> Customer:
    """Save the `fields` that changed, and nothing else: what others changed meanwhile stays.

    Raises ChangeRefused if the customer was erased in this moment, and IntegrityError (django.db) if an external or
    reference id was taken.
    """
    changed = sorted(fields)
    if changed:
        customer.door_order = door_order_of(customer)
        follows = ["door_order", "updated_at"]
        if "email" in changed:
            mark_stopped([customer])
            follows.append("mail_stopped_at")
        with transaction.atomic():
            if hold_customers([customer.pk]):
                raise ChangeRefused("This customer was erased in this moment: nothing is saved.")
            customer.save(update_fields=[*changed, *follows])
            record(action=AuditAction.CHANGED, noun="customer", row=customer.pk, fields=changed)
    return customer


def door_order_of(customer: Customer) -> str:
    """Return where a customer stands on the way from door to door."""
    return make_door_order(city=customer.city, postal_code=customer.postal_code, street=customer.street)


@transaction.atomic
def assign_customers(*, customers: "QuerySet[Customer]", rep: User | None) -> int:
    """Give customers to a rep, or with None to nobody; return how many had another one before."""
    others = Q(assigned_rep__isnull=False) if rep is None else ~Q(assigned_rep=rep) | Q(assigned_rep__isnull=True)
    chosen = Customer.objects.filter(pk__in=customers.order_by().values("pk")).filter(others, erased_at__isnull=True)
    about: dict[str, Any] = {"fields": ["assigned_rep"], "rep": rep.pk if rep else None}
    record_rows(action=AuditAction.CHANGED, noun="customer", rows=chosen, **about)
    return chosen.update(assigned_rep=rep, updated_at=timezone.now())


def list_reps() -> "QuerySet[User]":
    """Return whom customers can be assigned to: the field reps who may sign in."""
    return User.objects.filter(is_active=True, groups__name=Role.FIELD_REP).order_by("first_name", "last_name", "pk")


def list_reps_with_customers() -> "QuerySet[User]":
    """Return those whose customers a list may be narrowed to: the reps, and who else has customers."""
    has_customers = Exists(Customer.objects.filter(assigned_rep=OuterRef("pk")))
    is_rep = Exists(list_reps().filter(pk=OuterRef("pk")).order_by())
    return User.objects.filter(has_customers | is_rep).order_by("first_name", "last_name", "pk")


def find_twin(*, customer: Customer, seen_by: User) -> Customer | None:
    """Return another customer whom this user may see with the same email and street: probably the same site.

    One email may have several sites, so that it alone says nothing.
    """
    street = customer.street.casefold().split()
    if not customer.email or not street:
        return None
    sites = Customer.objects.visible_to(seen_by).alias(lower_email=Lower("email"))
    same = sites.filter(lower_email=Lower(Value(customer.email)), erased_at__isnull=True).order_by("pk")
    return next((site for site in same[:MOST_SITES] if site.street.casefold().split() == street), None)


def find_who_has_external_id(*, external_id: str, besides: Customer) -> Customer | None:
    """Return another customer with this external id, whoever may see it."""
    return Customer.objects.filter(external_id=external_id).exclude(pk=besides.pk).first()


def find_who_has_reference_id(*, reference_id: str, besides: Customer) -> Customer | Link | PaperAuthorization | None:
    """Return another customer that keeps this reference id, or who carries it: somebody else's link, or any paper.

    A paper of the customer's own as well: the id is for the customer's first link, whose meters would be the paper's.
    """
    keeps = Customer.objects.filter(reference_id=reference_id).exclude(pk=besides.pk).first()
    if keeps is not None:
        return keeps
    paper = PaperAuthorization.objects.filter(reference_id=reference_id).select_related("customer").first()
    if paper is not None:
        return paper
    link = Link.objects.filter(reference_id=reference_id).select_related("customer").first()
    if link is None or (besides.pk is not None and link.customer_id == besides.pk):
        return None
    return link.customer or link
