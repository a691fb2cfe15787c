"""What holds for the whole installation."""

import time
from typing import ClassVar

from django.db import models


class InstallationManager(models.Manager["Installation"]):
    #: Seconds for which a process may show an old name after another one changed it.
    MEMORY = 5.0
    _remembered: ClassVar[tuple[float, "Installation"] | None] = None

    def current(self) -> "Installation":
        """Return the one row, or an unsaved one with the defaults. Every page asks, so it is remembered for moments."""
        remembered = type(self)._remembered
        if remembered and time.monotonic() - remembered[0] < self.MEMORY:
            return remembered[1]
        installation = self.first() or Installation()
        type(self)._remembered = (time.monotonic(), installation)
        return installation

    def forget(self) -> None:
        """Read it anew at the next call."""
        type(self)._remembered = None


class Installation(models.Model):
    """The partner's name and addresses, and which of Leap's environments this database belongs to. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    leap_environment = models.CharField(
        "Leap environment",
        max_length=20,
        editable=False,
        help_text="Set at first use: production, staging or sandbox. Links of one make no sense in another.",
    )
    partner_name = models.CharField(
        "partner name", max_length=100, default="Your company", help_text="Customers see it on every page."
    )
    support_email = models.EmailField(
        "support email", blank=True, help_text="Where customers with a question write to. Shown on the public pages."
    )
    partner_success_email = models.EmailField(
        "Partner Success representative",
        default="support@leap.ac",
        help_text="Leap's contact: requests for flows and for the confirmation page are addressed to them.",
    )

    objects = InstallationManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one_row")]

    def __str__(self) -> str:
        return self.partner_name
