"""Where the planner of reminders stands: what it has read, so that it never reads everything again."""

from django.db import models


class ReminderCursor(models.Model):
    """How far one source has been read: visits, events, mails, matches, or the links of a campaign (`campaign 7`)."""

    source = models.CharField(max_length=30, unique=True)
    last_id = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source"]

    def __str__(self) -> str:
        return self.source
