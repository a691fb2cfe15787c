"""The audit: who saw, exported, changed, voided or erased what. Apart from the rows it tells of, and append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class AuditAction(models.TextChoices):
    SIGNED_IN = "signed_in", "signed in"
    SIGNED_OUT = "signed_out", "signed out"
    KEPT_OUT = "kept_out", "sign-in failed"
    SAW = "saw", "saw"
    EXPORTED = "exported", "exported"
    ADDED = "added", "added"
    CHANGED = "changed", "changed"
    ISSUED = "issued", "issued"
    PRINTED = "printed", "printed"
    SENT = "sent", "sent"
    STARTED = "started", "started"
    VOIDED = "voided", "voided"
    ERASED = "erased", "erased"


#: Where rows of a noun have a page of their own.
PAGES = {
    "campaign": "campaign_detail",
    "customer": "customer_detail",
    "customer import": "customer_import_detail",
    "event": "event_detail",
    "flow": "flow_update",
    "job": "job_detail",
    "link": "link_detail",
    "mail": "mail_detail",
    "meter": "meter_detail",
    "paper authorization": "paper_detail",
    "person": "user_update",
    "print job": "print_detail",
    "utility": "utility_update",
}


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
    receipt = models.UUIDField(null=True, blank=True, editable=False, help_text="Set when it came through the spool.")

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["noun", "row", "-id"], name="audit_row"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["receipt"], condition=Q(receipt__isnull=False), name="audit_spooled_once"),
        ]

    @property
    def who(self) -> str:
        """The person, or what acted when nobody was signed in: the worker, somebody's command, a visitor."""
        return str(self.by) if self.by else str(self.details.get("actor", ""))

    @property
    def page(self) -> str:
        """The URL name of the row's own page; empty: it has none, or it is not about one row."""
        return PAGES.get(self.noun, "") if self.row else ""

    @property
    def said(self) -> list[tuple[str, str]]:
        """The details in words: name and value."""
        return [
            (name, ", ".join(str(each) for each in value) if isinstance(value, list) else str(value))
            for name, value in self.details.items()
            if name != "actor"
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.noun} {self.row or ''}".strip()
