"""Events: Leap's webhook calls, as received, and the connections that they tell of."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from portal.accounts.models import User
from portal.authorizations.models.link import Link
from portal.authorizations.models.search import SearchableQuerySet


class EventQuerySet(SearchableQuerySet["Event"]):
    def visible_to(self, user: User) -> Self:
        return self if user.has_perm("authorizations.view_event") else self.none()

    def with_links(self) -> Self:
        return self.select_related("link__customer", "link__flow", "link__campaign")

    def waiting(self) -> Self:
        """Stored, not yet interpreted; the oldest first."""
        return self.filter(interpreted_at__isnull=True).order_by("pk")

    def count_odd(self, *, since: datetime) -> dict[str, int]:
        """How many wait, and how many received since then are of an unknown type or name a reference id of no link."""
        recent = self.filter(received_at__gte=since)
        strangers = recent.filter(link__isnull=True, interpreted_at__isnull=False).exclude(reference_id="")
        return {
            "waiting": self.waiting().count(),
            "unknown": recent.filter(is_known=False).count(),
            "strangers": strangers.count(),
        }


class Event(models.Model):
    """One webhook call from Leap, as received, matched or not. Append-only but for what its interpretation found.

    Leap's events carry no time and no order of their own: `received_at` is when the portal took it.
    """

    webhook_event_id = models.CharField("event ID", max_length=100, unique=True)
    event_type = models.CharField("type", max_length=100)
    received_at = models.DateTimeField()
    payload = models.JSONField(help_text="As Leap sent it, with fields and values that the portal does not know.")
    interpreted_at = models.DateTimeField(null=True, blank=True)
    is_known = models.BooleanField(default=True, help_text="The portal knows what this type means.")
    problem = models.CharField(max_length=300, blank=True, help_text="Why it could not be interpreted.")
    link = models.ForeignKey(Link, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    reference_id = models.CharField("partner_reference", max_length=256, blank=True)
    utility_name = models.CharField("utility, as Leap writes it", max_length=60, blank=True)
    event_status = models.CharField("status", max_length=60, blank=True)
    meter_id = models.CharField("meter ID", max_length=60, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("manage_webhook", "Can manage the portal's webhook at Leap")]
        indexes = [
            # The list's filters, each page in the key's order.
            models.Index(fields=["event_type", "-id"], name="event_type"),
            models.Index(fields=["received_at", "id"], name="event_by_day"),
            models.Index(Upper("event_status"), "id", name="event_by_status"),
            models.Index(Upper("utility_name"), "id", name="event_by_utility"),
            models.Index(fields=["id"], condition=Q(link__isnull=False), name="event_of_link"),
            models.Index(
                fields=["id"],
                condition=Q(link__isnull=True, interpreted_at__isnull=False) & ~Q(reference_id=""),
                name="event_of_stranger",
            ),
            models.Index(fields=["id"], condition=Q(reference_id=""), name="event_of_nobody"),
            models.Index(fields=["id"], condition=Q(is_known=False), name="event_of_unknown_type"),
            models.Index(fields=["id"], condition=~Q(problem=""), name="event_problem"),
            models.Index(fields=["id"], condition=Q(interpreted_at__isnull=True), name="event_waiting"),
            # Whom to remind (services/reminders.py).
            models.Index(fields=["interpreted_at", "id"], condition=Q(link__isnull=False), name="event_interpreted"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} at {self.received_at:%Y-%m-%d %H:%M}"


class ConnectionState(models.TextChoices):
    """What Leap's events say of a session or of one utility in it."""

    STARTED = "started", "started"
    FAILED = "failed", "failed"
    COMPLETED = "completed", "completed"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def failed_at_utility(self) -> Self:
        """Failed at a utility and never authorized there. Who left a session early failed nowhere."""
        return self.filter(failed_at__isnull=False, completed_at__isnull=True).exclude(utility_name="")


class Connection(models.Model):
    """What became of one link at one utility; with an empty `utility_name`, of its Connect session as a whole.

    Each time is the arrival of the first event of its kind, so that repeated and reordered events end in the same
    state. Events name no session: a customer's two tabs are one connection.
    """

    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="connections")
    utility_name = models.CharField("utility, as Leap writes it", max_length=60, blank=True)
    started_at = models.DateTimeField(
        null=True, blank=True, help_text="Session opened, or the utility's sign-in reached."
    )
    completed_at = models.DateTimeField(null=True, blank=True, help_text="Final step reached, or authorized.")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="Left early, or failed at the utility.")
    last_event_at = models.DateTimeField()

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["link_id", "utility_name"]
        constraints = [
            models.UniqueConstraint(fields=["link", "utility_name"], name="one_connection_per_utility"),
        ]

    def __str__(self) -> str:
        return f"{self.utility_name or 'session'}: {self.state}"

    @property
    def state(self) -> ConnectionState:
        """The furthest that any event told: what was once completed stays so, whatever comes after."""
        if self.completed_at:
            return ConnectionState.COMPLETED
        return ConnectionState.FAILED if self.failed_at else ConnectionState.STARTED
