"""Webhooks: what partners subscribed to, and each attempt to tell them."""

import uuid

from django.db import models
from django.db.models import Q


class EventType(models.TextChoices):
    METER_CREATED = "meter.created", "meter.created"
    SESSION = "connect_session.updated", "connect_session.updated"
    AUTHORIZATION = "connect_session.authorization_updated", "connect_session.authorization_updated"
    GLOBAL_STATUS = "meter.enrollment.global-status.updated", "meter.enrollment.global-status.updated"
    PARTICIPATION = "meter.enrollment.participation-status.updated", "meter.enrollment.participation-status.updated"
    REQUIRED_ACTIONS = "meter.enrollment.required-actions.updated", "meter.enrollment.required-actions.updated"
    GROUP = "meter.enrollment.group.updated", "meter.enrollment.group.updated"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "waiting"
    DELIVERED = "delivered", "delivered"
    GIVEN_UP = "given up", "given up"


class DeliveryOptions(models.Model):
    """One row: how the tester wants deliveries to behave."""

    #: What each pause of the retry ladder is multiplied by: 1 as at Leap, 0.01 makes an hour 36 seconds.
    pace = models.FloatField(default=1)
    sends_twice = models.BooleanField(default=False)
    swaps_order = models.BooleanField(default=False)
    #: Real time for which the worker is already asked, so that a thousand events do not ask a thousand times.
    woken_for = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "delivery options"
        constraints = [
            models.CheckConstraint(
                name="sandbox_pace_is_positive",
                condition=Q(pace__gt=0, pace__lte=1),
                violation_error_message="The pace is more than 0 and at most 1, which is Leap's own.",
            )
        ]

    def __str__(self) -> str:
        return "delivery options"

    @classmethod
    def current(cls) -> "DeliveryOptions":
        """Return the one row."""
        return cls.objects.get_or_create(pk=1)[0]


class Webhook(models.Model):
    """One subscription: where, what for, and with which static headers."""

    webhook_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    receiver_url = models.TextField()
    event_types = models.JSONField(default=list)
    #: [{"name": …, "value": …}]: the partner's own secret is among the values.
    headers = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "webhook_id"]

    def __str__(self) -> str:
        return self.receiver_url


class Delivery(models.Model):
    """One event on its way to one webhook."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=60, choices=EventType.choices)
    #: What `payload` of the envelope carries.
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    #: Sandbox time of the next attempt.
    due_at = models.DateTimeField()
    attempts_made = models.PositiveSmallIntegerField(default=0)
    #: Held back until another event overtakes it.
    is_held = models.BooleanField(default=False)
    #: Sandbox time.
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index("due_at", "id", name="sandbox_delivery_due", condition=Q(state=DeliveryState.WAITING.value))
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class Attempt(models.Model):
    """One POST, and what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    #: Sandbox time when it was due: a tester who moves the clock by a day sees the ladder as it would have been.
    at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="sandbox_attempt_once")]

    def __str__(self) -> str:
        return f"attempt {self.number}"
