"""Jobs: bulk actions over many rows that run in the background."""

from typing import Any, Self

from django.conf import settings
from django.db import models

from portal.accounts.models import User


class JobState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> Self:
        """Everyone's for those with the permission; else a person's own."""
        return self if user.has_perm("authorizations.view_job") else self.filter(created_by=user)


class Job(models.Model):
    """One bulk action: what is done (`kind`, services/jobs.py), with what, to which rows, and what came of it."""

    kind = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict, help_text="How it is done. Whom it is about stands in its rows.")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    total = models.PositiveIntegerField(default=0, help_text="How many rows were chosen.")
    done = models.PositiveIntegerField(default=0, help_text="How many of them have been dealt with.")
    position = models.BigIntegerField(default=0, help_text="The key of the last JobRow that has been dealt with.")
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="Counts who took it up: whoever was believed dead and is not finds another number."
    )
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True, help_text="It ends between two batches.")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (JobState.WAITING, JobState.RUNNING)

    @property
    def refusals(self) -> list[dict[str, Any]]:
        """The first rows that were refused: their key and why."""
        found: list[dict[str, Any]] = self.result.get("refused", [])
        return found

    def left_out_keys(self, why: str) -> list[int]:
        """The first rows that were left out for one reason: their keys."""
        found: list[int] = self.result.get("left_out_keys", {}).get(why, [])
        return found


class JobRow(models.Model):
    """A row that a job was asked to deal with, frozen when it was: what comes to match later is not touched.

    A key alone, so that a job keeps nothing personal. They go when the job is done.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="rows")
    row = models.BigIntegerField(help_text="The key of a customer or a link, as the job's kind says.")

    def __str__(self) -> str:
        return f"{self.row} of {self.job_id}"
