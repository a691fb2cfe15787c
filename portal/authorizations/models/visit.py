"""Visits: hits on the short redirect, as received."""

from django.db import models
from django.db.models import Q

from portal.authorizations.models.link import Link


class Visit(models.Model):
    """One hit on the short redirect by a person's browser. Append-only."""

    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="visits")
    via = models.ForeignKey(
        Link,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="forwarded_visits",
        help_text="The replaced link whose code was followed; its short link forwards to this one.",
    )
    at = models.DateTimeField()
    ip = models.CharField("IP address, shortened", max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    receipt = models.UUIDField(null=True, blank=True, editable=False, help_text="Set when it came through the spool.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["via"], condition=Q(via__isnull=False), name="visit_via")]
        constraints = [
            models.UniqueConstraint(fields=["receipt"], condition=Q(receipt__isnull=False), name="visit_spooled_once"),
        ]

    def __str__(self) -> str:
        return f"{self.link_id} at {self.at:%Y-%m-%d %H:%M}"
