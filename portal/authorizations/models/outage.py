"""Outages: while a utility is down nobody is reminded to go there."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from portal.authorizations.models.utility import Utility


class OutageQuerySet(models.QuerySet["Outage"]):
    def at(self, moment: datetime) -> Self:
        """Begun and not over at that moment."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=moment), began_at__lte=moment)


class Outage(models.Model):
    """A utility whose sign-in is down: marked by hand, or read from the outage feed."""

    utility = models.ForeignKey(Utility, on_delete=models.CASCADE, related_name="outages")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    is_from_feed = models.BooleanField(default=False, editable=False)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="outage_ends_after_it_begins",
                violation_error_message="The outage ends before it begins.",
            ),
            models.UniqueConstraint(
                fields=["utility"], condition=Q(ended_at__isnull=True), name="one_open_outage_of_a_utility"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.utility} down since {self.began_at:%Y-%m-%d %H:%M}"

    @property
    def is_withdrawn(self) -> bool:
        """It was announced, and taken back before it began."""
        return self.ended_at == self.began_at

    @property
    def is_announced(self) -> bool:
        """It has not begun yet."""
        return self.began_at > timezone.now() and not self.is_withdrawn

    @property
    def is_over(self) -> bool:
        return self.is_withdrawn or (self.ended_at is not None and self.ended_at <= timezone.now())


class OutageFeed(models.Model):
    """When the outage feed was last read, and what was wrong with it. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    read_at = models.DateTimeField(null=True, blank=True, help_text="The last time that it could be read.")
    problem = models.CharField(max_length=300, blank=True, help_text="Why the last attempt failed; the state stays.")
    problem_at = models.DateTimeField(null=True, blank=True)
    strangers = models.CharField(max_length=300, blank=True, help_text="Utilities it names that the portal lacks.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="outage_feed_is_one_row")]

    def __str__(self) -> str:
        return self.problem or "the outage feed"
