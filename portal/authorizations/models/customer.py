"""Customers. One row is one site: company and email group the sites of one customer."""

import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Lower

from portal.accounts.models import User
from portal.authorizations.models.expressions import IsUnreserved
from portal.authorizations.models.search import SearchableQuerySet
from portal.authorizations.models.utility import Utility
from portal.leap import reference_ids
from portal.leap import utilities as leap

if TYPE_CHECKING:
    from portal.authorizations.models.link import Link


class CustomerType(models.TextChoices):
    RESIDENTIAL = leap.CustomerType.RESIDENTIAL.value, "Residential"
    COMMERCIAL = leap.CustomerType.COMMERCIAL.value, "Commercial"


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SPANISH = "es", "Spanish"


class CustomerQuerySet(SearchableQuerySet["Customer"]):
    WALKING_ORDER = (Case(When(door_order="", then=1), default=0), "door_order", "name", "pk")

    def visible_to(self, user: User) -> Self:
        """Everyone's for those with the permission; a field rep's own: assigned to or added by the rep."""
        if user.has_perm("authorizations.view_every_customer"):
            return self
        return self.of_rep(user)

    def of_rep(self, rep: User) -> Self:
        """A person's own, whatever else the person may see: assigned to or added by."""
        return self.filter(Q(assigned_rep=rep) | Q(added_by=rep))

    def listed_for(self, user: User) -> Self:
        """What `visible_to` shows, for a list: a rep's own from the index of words, with which a search begins, too."""
        customers = self.visible_to(user)
        if user.has_perm("authorizations.view_every_customer"):
            return customers
        return customers.marked(f"r{user.pk}")

    def contactable(self) -> Self:
        """Those who may be asked again: neither refused at the door nor erased."""
        return self.filter(refused_at__isnull=True, erased_at__isnull=True)

    def open_doors(self) -> Self:
        """Those whom it makes sense to call on: neither refused nor authorized as Leap says."""
        from portal.authorizations.models.link import PROVEN, Link

        proven = Link.objects.filter(customer=models.OuterRef("pk"), status__in=PROVEN)
        return self.contactable().filter(~models.Exists(proven))

    def due_first(self, today: datetime.date) -> Self:
        """In walking order, those with whom a rep agreed to come back by `today` before all others."""
        due = Case(When(come_back_on__lte=today, then=0), default=1)
        return self.order_by(due, *self.WALKING_ORDER)

    def in_walking_order(self) -> Self:
        """Town, postal code, street, house number as a number; those without an address last."""
        return self.order_by(*self.WALKING_ORDER)

    def with_list_columns(self) -> Self:
        """All that a row of a list or an export shows: one query, and one more for `newest_link`."""
        from portal.authorizations.models.link import Link

        shown = ("customer", "status", "code", "reference_id", "voided_at", "failed_at", "replaced_by")
        links = Link.objects.only(*shown)
        newest_first = models.Prefetch("links", queryset=links.order_by("-pk"), to_attr="links_newest_first")
        return self.select_related("utility", "assigned_rep").prefetch_related(newest_first)

    def other_sites_of(self, customer: "Customer") -> Self:
        """Other rows of the same customer: those with the same email or company. One row is one site."""
        same = Q()
        if customer.email:
            same |= Q(email__iexact=customer.email)
        if customer.company:
            same |= Q(company=customer.company)
        return self.filter(same).exclude(pk=customer.pk) if same else self.none()


class Customer(models.Model):
    """A site that may take part, and whom to ask."""

    external_id = models.CharField(
        "external ID",
        max_length=100,
        null=True,
        blank=True,
        unique=True,
        help_text="Your own id of this customer. Imports match rows by it.",
    )
    reference_id = models.CharField(
        "own reference id",
        max_length=reference_ids.MAX_LENGTH,
        null=True,
        blank=True,
        unique=True,
        help_text="Your own reference id for this customer's first link. Empty: one is generated.",
    )
    name = models.CharField(max_length=200, blank=True)
    company = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=50, blank=True)
    postal_code = models.CharField("postal code", max_length=20, blank=True)
    customer_type = models.CharField(max_length=12, choices=CustomerType.choices, blank=True)
    utility = models.ForeignKey(
        Utility, null=True, blank=True, on_delete=models.PROTECT, related_name="customers", db_index=False
    )
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    assigned_rep = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_customers",
        db_index=False,
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="added_customers",
    )
    # Written by the services and the importer (services/door_order.py), never by hand.
    door_order = models.CharField(max_length=255, blank=True, default="", db_default="", db_index=True, editable=False)
    # What the calls at the door come to (services/door_calls.py).
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    come_back_on = models.DateField(null=True, blank=True, editable=False)
    # Unsubscribed, bounced or complained, whatever the campaign (services/mail_stops.py).
    mail_stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    # A person decided: no reminders any more, whatever the campaign; invitations still go out (services/reminders.py).
    reminders_stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The personal data is gone, the row stays to be counted (services/erasure.py).
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Kept by triggers on links (migration 0028), whoever writes them.
    has_had_link = models.BooleanField(default=False, db_default=False, editable=False)
    has_live_link = models.BooleanField(default=False, db_default=False, editable=False)
    notes = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("view_every_customer", "Can view customers of every rep"),
            ("assign_customer", "Can assign customers to a rep"),
            ("import_customer", "Can import customers"),
            ("export_customer", "Can export customers"),
            ("erase_customer", "Can erase customers"),
        ]
        indexes = [
            models.Index(Lower("email"), name="customer_email"),
            # The list's orders and filters, each with the key: a page comes in its order without sorting.
            models.Index(fields=["name", "id"], name="customer_by_name"),
            models.Index(fields=["utility", "id"], name="customer_by_utility"),
            models.Index(fields=["assigned_rep", "id"], name="customer_by_rep"),
            models.Index(fields=["customer_type", "id"], name="customer_by_type"),
            models.Index(fields=["id"], condition=Q(language="es"), name="customer_in_spanish"),
            models.Index(fields=["id"], condition=Q(has_live_link=True), name="customer_with_live_link"),
            models.Index(fields=["id"], condition=Q(has_live_link=False), name="customer_without_live_link"),
            models.Index(fields=["id"], condition=Q(has_had_link=False), name="customer_without_link"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") | ~Q(company=""),
                name="customer_has_a_name",
                violation_error_message="A customer needs a name or a company.",
            ),
            models.CheckConstraint(
                condition=Q(reference_id__isnull=True)
                | Q(IsUnreserved("reference_id", minimum=reference_ids.MIN_LENGTH, maximum=reference_ids.MAX_LENGTH)),
                name="customer_reference_id_characters",
                violation_error_message="A reference id has 3 to 50 characters of A–Z a–z 0–9 - . _ ~.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.company

    @property
    def newest_link(self) -> "Link | None":
        """The link issued last, live or not, of a customer read `with_list_columns`."""
        links: list[Link] = self.links_newest_first  # type: ignore[attr-defined]
        return links[0] if links else None

    @property
    def address(self) -> str:
        """One line: 112 Maple St, Fresno, CA 93722."""
        place = f"{self.state} {self.postal_code}".strip()
        return ", ".join(part for part in (self.street, self.city, place) if part)
