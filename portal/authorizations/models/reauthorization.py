"""Re-authorizations: a meter whose authorization is lost, and what is done about it."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.authorizations.models.link import Link
from portal.authorizations.models.meter import Meter


class ReauthorizationEnd(models.TextChoices):
    """How a re-authorization ended."""

    AUTHORIZED = "authorized", "authorized again"
    DISMISSED = "dismissed", "dismissed"


class ReauthorizationQuerySet(models.QuerySet["Reauthorization"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)


class Reauthorization(models.Model):
    """A task: the customer of this meter has to authorize again, by a new link, before the deadline."""

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

    objects = ReauthorizationQuerySet.as_manager()

    class Meta:
        ordering = ["deadline_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["meter"], condition=Q(closed_at__isnull=True), name="one_open_reauthorization_of_a_meter"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_as="") | (Q(closed_at__isnull=False) & ~Q(closed_as="")),
                name="reauthorization_ends_somehow",
            ),
        ]

    def __str__(self) -> str:
        return f"re-authorization of {self.meter_id}"
