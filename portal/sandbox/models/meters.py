"""The meters that the API answers with."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from portal.sandbox.models.journeys import Authorization


class EnrollmentStatus(models.TextChoices):
    """`global_enrollment_status` and `enrollment_status` (Leap's enrollment OpenAPI, EnrollmentStatus)."""

    ACTIVE = "ACTIVE"
    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    NOT_PARTICIPATING = "NOT_PARTICIPATING"
    PENDING = "PENDING"


class Turn(models.TextChoices):
    """What can happen to a meter after it appeared."""

    REAUTHORIZE = "reauthorize", "needs another authorization (AUTH_0001)"
    ARCHIVE = "archive", "is archived"
    CONFLICT = "conflict", "is in a conflicting program"
    ACTIVATE = "activate", "becomes active"


class MeterQuerySet(models.QuerySet["Meter"]):
    def appeared(self, at: datetime) -> Self:
        """Meters that the API knows at that time: a late one does not exist before its day."""
        return self.filter(appears_at__lte=at)


class Meter(models.Model):
    """One meter: what search filters by stands in columns, the rest of Leap's record as it is answered, in JSON.

    Its references are rows of their own (ConnectionReference). `created_at` is never before `appears_at`.
    """

    meter_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    #: Absent from the record while empty.
    partner_reference = models.CharField(max_length=256, blank=True, db_index=True)
    transmission_region = models.CharField(max_length=20, db_index=True)
    customer_classification = models.CharField(max_length=12, db_index=True)
    utility_name = models.CharField(max_length=40, db_index=True)
    #: electric_service_account_number: whoever authorizes the same one again gets the same meter.
    service_account = models.CharField(max_length=64)
    meter_type = models.CharField(max_length=20, default="UTILITY_METER")
    load_types = models.JSONField(default=list)
    customer_group = models.CharField(max_length=128, blank=True, db_index=True)
    tags = models.JSONField(default=list, blank=True)
    is_archived = models.BooleanField(default=False)
    #: Blocks of the detail record, by their names: customer, utility, site, caiso, nyiso …
    details = models.JSONField(default=dict)
    created_by = models.CharField(max_length=10, default="UTILITY")
    created_at = models.DateTimeField(db_index=True)
    updated_at = models.DateTimeField(db_index=True)
    appears_at = models.DateTimeField(db_index=True)
    # Enrollment.
    global_enrollment_status = models.CharField(
        max_length=20, choices=EnrollmentStatus.choices, default=EnrollmentStatus.PENDING, db_index=True
    )
    participation_preferences = models.JSONField(default=list)
    program_enrollment = models.JSONField(default=list)
    #: {"partner": [...], "leap": [...]}.
    required_actions = models.JSONField(default=dict)
    #: The action types in required_actions, partner's and Leap's, between commas: ",IS_AUTHORIZED,".
    action_types = models.CharField(max_length=400, blank=True)
    partner_action_required = models.BooleanField(default=False, db_index=True)

    objects = MeterQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["utility_name", "service_account"], name="sandbox_meter_once"),
            models.CheckConstraint(
                condition=Q(created_at__gte=models.F("appears_at")), name="sandbox_meter_created_when_it_appears"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.utility_name} {self.service_account}"

    @property
    def connection_references(self) -> list[str]:
        """The refIds of completed authorizations, oldest first. Prefetch `references` for many meters."""
        return [reference.reference_id for reference in self.references.all()]


class ConnectionReference(models.Model):
    """One refId under which a meter was authorized, with the last authorization that did."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="references")
    reference_id = models.CharField(max_length=256, db_index=True)
    authorization = models.ForeignKey(Authorization, null=True, on_delete=models.SET_NULL, related_name="references")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["meter", "reference_id"], name="sandbox_reference_once_per_meter")
        ]

    def __str__(self) -> str:
        return self.reference_id


class PlannedChange(models.Model):
    """What will happen to a meter once the sandbox's clock has reached `at`."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="changes")
    turn = models.CharField(max_length=12, choices=Turn.choices)
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "id"]
        # Every call of the API asks what is due; what is done only grows.
        indexes = [models.Index("at", "id", name="sandbox_change_due", condition=Q(done_at=None))]

    def __str__(self) -> str:
        return f"{self.meter} {self.turn}"
