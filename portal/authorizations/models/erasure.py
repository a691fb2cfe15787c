"""Erasures: customers whose personal data is gone, what is left to remove, and whom no list brings back."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.authorizations.models.customer import Customer


class ErasureReason(models.TextChoices):
    """Why. No free text: what a person writes here could name whom it is about."""

    ASKED = "asked", "The customer asked for it (CCPA)"
    MISTAKE = "mistake", "Added by mistake"
    OVER = "over", "No longer needed"


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unfinished(self) -> Self:
        """Done in the database, but not yet everywhere else."""
        return self.filter(finished_at__isnull=True)


class Erasure(models.Model):
    """One customer erased. The row is the to-do list for what a transaction cannot remove: files and old pages."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="erasure")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=ErasureReason.choices)
    files = models.JSONField(default=list, help_text="Files and folders still to remove, below the portal's own.")
    finished_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True, help_text="From then on the person may be added again.")
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(finished_at__isnull=True), name="erasure_unfinished")]

    def __str__(self) -> str:
        return f"erasure of customer {self.customer_id}"


class ErasedIdentity(models.Model):
    """The digest of an id or address of somebody erased, so that an old list does not bring the person back."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="identities")
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        verbose_name_plural = "erased identities"

    def __str__(self) -> str:
        return f"identity of {self.erasure_id}"
