"""The sandbox's clock: how far it is ahead of the real one."""

from datetime import timedelta

from django.db import models


class Clock(models.Model):
    """One row: the tester's hand on the time."""

    ahead = models.DurationField(default=timedelta)

    class Meta:
        verbose_name_plural = "clock"

    def __str__(self) -> str:
        return f"ahead by {self.ahead}"
