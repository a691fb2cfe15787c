"""Faults that the tester asked the API for."""

from django.db import models


class FaultKind(models.TextChoices):
    UNAUTHORIZED = "401", "401 Unauthorized"
    FORBIDDEN = "403", "403, as for a key of the wrong environment"
    SERVER_ERROR = "500", "500, a bare JSON string"
    TOO_MANY = "429", "429 without Retry-After"
    TOO_MANY_RETRY_AFTER = "429-retry-after", "429 with Retry-After"
    SLOW = "slow", "slow answer"
    STALE_TOKEN = "stale-token", "stale page token"
    UNKNOWN_ENUM = "unknown-enum", "unknown enum values in the records"
    EXTRA_FIELDS = "extra-fields", "extra fields in the records"
    DROPPED = "dropped", "connection dropped in the middle of the answer"


class Fault(models.Model):
    """One fault, for the calls whose path begins with `path`, for so many calls or until it is cleared."""

    kind = models.CharField(max_length=20, choices=FaultKind.choices)
    path = models.CharField(max_length=200, default="/")
    #: None: until it is cleared.
    calls_left = models.PositiveIntegerField(null=True, blank=True)
    #: How slow, or what Retry-After says.
    seconds = models.FloatField(default=2)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.path}"
