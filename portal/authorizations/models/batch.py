"""Batches: what one bulk action handed out. The links it issued name it; those that were there already stand here."""

from django.conf import settings
from django.db import models


class Batch(models.Model):
    """One bulk action's links, to be found again together."""

    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    wanted = models.JSONField(
        null=True, help_text="Keys of the utilities to request; null: the campaign’s or own ones."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "batches"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class KeptLink(models.Model):
    """A live link that a batch found: it was handed out again. It `differs` if it asks for other utilities."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="kept")
    link = models.ForeignKey("authorizations.Link", on_delete=models.CASCADE, related_name="kept_by")
    differs = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "link"], name="kept_once_in_a_batch")]

    def __str__(self) -> str:
        return f"{self.link_id} in {self.batch_id}"
