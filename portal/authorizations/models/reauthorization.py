"""Re-authorizations: a meter whose authorization is lost, and what is done about it."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from portal.authorizations.models.customer import Customer
from portal.authorizations.models.link import Link
from portal.authorizations.models.meter import Meter, MeterMatch


class ReauthorizationEnd(models.TextChoices):
    """How a re-authorization ended: by Leap's word, or by a person's."""

    AUTHORIZED = "authorized", "authorized again"
    ARCHIVED = "archived", "meter archived"
    DISMISSED = "dismissed", "dismissed"


class ReauthorizationQuerySet(models.QuerySet["Reauthorization"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def nearest_first(self) -> Self:
        """By deadline; those without one last."""
        return self.order_by(F("deadline_at").asc(nulls_last=True), "pk")

    def due_by(self, moment: datetime) -> Self:
        """Whose deadline is over or comes until then."""
        return self.open().filter(deadline_at__lte=moment)

    def of_link(self, link: Link) -> Self:
        """Tasks of the meters that belong to a link, and those that it was handed out for."""
        return self.filter(Q(link=link) | Q(meter__in=MeterMatch.objects.filter(link=link).values("meter")))

    def of_customer(self, customer: Customer) -> Self:
        """Tasks of the meters that belong to a customer, by link or on paper."""
        own = MeterMatch.objects.filter(Q(link__customer=customer) | Q(paper__customer=customer))
        return self.filter(meter__in=own.values("meter"))

    def with_people(self) -> Self:
        """All that a row of a list shows: whose meter it is, and the new link."""
        return self.select_related("meter__utility", "link", "closed_by").prefetch_related(
            "meter__matches__link__customer", "meter__matches__paper__customer"
        )


class Reauthorization(models.Model):
    """A task: the customer of this meter has to authorize again, by a new link, before the deadline.

    One for each time that Leap says the authorization is lost: dismissed, it is not opened again until Leap has said
    that the authorization stands, and then that it is lost once more.
    """

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="reauthorizations")
    code = models.CharField(max_length=30, blank=True, help_text="Leap's action code or reason: AUTH_0001.")
    deadline_at = models.DateTimeField(null=True, blank=True, db_index=True)
    opened_at = models.DateTimeField()
    link = models.ForeignKey(
        Link,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reauthorizations",
        help_text="The new link handed out for it.",
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_as = models.CharField(max_length=12, choices=ReauthorizationEnd.choices, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was dismissed.")
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When Leap said no more that the authorization is lost."
    )

    objects = ReauthorizationQuerySet.as_manager()

    class Meta:
        ordering = ["deadline_at", "id"]
        indexes = [
            models.Index(
                fields=["deadline_at", "id"], condition=Q(closed_at__isnull=True), name="reauthorization_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["meter"], condition=Q(ended_at__isnull=True), name="one_reauthorization_of_a_loss"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_as="") | (Q(closed_at__isnull=False) & ~Q(closed_as="")),
                name="reauthorization_ends_somehow",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(closed_at__isnull=False), name="reauthorization_ended_is_closed"
            ),
            models.CheckConstraint(
                condition=~Q(closed_as="dismissed") | ~Q(reason=""), name="reauthorization_dismissed_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"re-authorization of {self.meter_id}"

    @property
    def is_overdue(self) -> bool:
        return self.closed_at is None and self.deadline_at is not None and self.deadline_at < timezone.now()

    @property
    def owner(self) -> "MeterMatch | None":
        """The match that says whose meter it is: the newest link of a customer, else a paper, else a shared link."""
        matches = sorted(self.meter.matches.all(), key=lambda match: match.link_id or 0, reverse=True)
        of_customers = [match for match in matches if match.link is not None and match.link.customer_id is not None]
        on_paper = [match for match in matches if match.paper is not None]
        return next(iter([*of_customers, *on_paper, *matches]), None)

    @property
    def customer(self) -> Customer | None:
        """Who has to authorize again; None: the portal does not know."""
        if self.owner is None:
            return None
        return self.owner.link.customer if self.owner.link else self.owner.paper.customer if self.owner.paper else None

    @property
    def can_have_a_link(self) -> bool:
        """A new link is one click: the customer is known, and by which link the customer was asked before."""
        return self.owner is not None and self.owner.link is not None and self.owner.link.customer_id is not None
