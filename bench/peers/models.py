from django.db import models


class Hit(models.Model):
    """The row of the bare view: when, from where, with what."""

    at = models.DateTimeField()
    ip = models.CharField(max_length=45)
    user_agent = models.CharField(max_length=300)

    def __str__(self) -> str:
        return f"{self.ip} at {self.at:%Y-%m-%d %H:%M}"
