"""The sandbox's clock: how far it is ahead of the real one."""

from datetime import timedelta

from django.db import models


class Clock(models.Model):
    """One row: the tester's hand on the time."""

    ahead = models.DurationField(default=timedelta)

    class Meta:
        verbose_name_plural = "clock"
        permissions = [("run_sandbox", "Can change the sandbox: its clock, meters, faults, webhooks and flows")]

    def __str__(self) -> str:
        return f"ahead by {self.ahead}"
