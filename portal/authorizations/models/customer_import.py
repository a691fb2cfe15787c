"""Imports: an uploaded customer list on its way into the database."""

from django.conf import settings
from django.db import models

from portal.authorizations.models.batch import Batch
from portal.authorizations.models.campaign import Campaign
from portal.authorizations.models.customer import Customer
from portal.authorizations.models.flow import Flow


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", "uploaded"
    CHECKING = "checking", "being checked"
    CHECKED = "checked", "checked"
    APPLYING = "applying", "being applied"
    APPLIED = "applied", "applied"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class CustomerImport(models.Model):
    """One uploaded list: its columns, what the check found, and what was applied. Files hold personal data."""

    file = models.FileField(upload_to="imports/")
    file_name = models.CharField(max_length=200)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header = models.JSONField(default=list)
    columns = models.JSONField(default=dict, help_text="Column number → field of the customer.")
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.UPLOADED)
    error = models.TextField(blank=True)
    # What else the rows shall have, and what shall follow.
    flow = models.ForeignKey(Flow, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The check's results, kept beside the file until it is applied or cancelled.
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    same_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    empty_count = models.PositiveIntegerField(default=0)
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    differing_count = models.PositiveIntegerField(default=0)
    issued_count = models.PositiveIntegerField(default=0)
    customers = models.ManyToManyField(
        Customer, related_name="imports", editable=False, help_text="Whom its good rows were about, once applied."
    )
    partial = models.BooleanField(default=False, help_text="Applied without the refused rows.")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_running(self) -> bool:
        """Being checked or applied, here or by the worker."""
        return self.state in (ImportState.CHECKING, ImportState.APPLYING)

    @property
    def good_count(self) -> int:
        return self.new_count + self.changed_count + self.same_count

    @property
    def kept_count(self) -> int:
        """Rows whose customer had a live link already: asking twice issues nothing twice."""
        return self.good_count - self.issued_count

    @property
    def row_count(self) -> int:
        return self.good_count + self.refused_count
