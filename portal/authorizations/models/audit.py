"""The audit: who saw, exported, changed, voided or erased what. Apart from the rows it tells of, and append-only."""

from django.conf import settings
from django.db import models


class AuditAction(models.TextChoices):
    SIGNED_IN = "signed_in", "signed in"
    SAW = "saw", "saw"
    EXPORTED = "exported", "exported"
    ADDED = "added", "added"
    CHANGED = "changed", "changed"
    ISSUED = "issued", "issued"
    PRINTED = "printed", "printed"
    SENT = "sent", "sent"
    VOIDED = "voided", "voided"
    ERASED = "erased", "erased"


class AuditEntry(models.Model):
    """One act. It carries keys, counts and the names of fields, never personal data: erasure cannot reach it.

    A trigger in the database refuses to change or delete it.
    """

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=12, choices=AuditAction.choices)
    noun = models.CharField(max_length=40, help_text="What kind of row: customer, link, campaign.")
    row = models.BigIntegerField(null=True, blank=True, help_text="The one row's key; empty: several, or none.")
    count = models.PositiveIntegerField(default=1)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["noun", "row", "-id"], name="audit_row"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.noun} {self.row or ''}".strip()
