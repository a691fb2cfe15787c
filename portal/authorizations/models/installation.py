"""What holds for the whole installation."""

import time
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models

DEFAULT_COLOUR = "#0b6e4f"
DEFAULT_MAILS_PER_MINUTE = 60


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

    def read(self) -> "Installation":
        """Return the row as it stands now: where somebody acts on what another process may just have saved."""
        self.forget()
        return self.current()

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
    brand_colour = models.CharField(
        "colour",
        max_length=7,
        default=DEFAULT_COLOUR,
        validators=[RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", "Write the colour as # and six digits, such as #0b6e4f.")],
        help_text="Of the buttons in mails and in what you embed elsewhere. Their words become black or white to fit.",
    )
    postal_address = models.TextField(
        "postal address",
        max_length=300,
        blank=True,
        help_text="The sender's, at the foot of every invitation: mail of this kind must carry one.",
    )
    mails_per_minute = models.PositiveSmallIntegerField(
        "mails a minute",
        default=DEFAULT_MAILS_PER_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(6000)],
        help_text="How fast invitations and reminders go out: what your mail server and its reputation can take.",
    )
    outage_feed_url = models.CharField(
        "outage feed",
        max_length=300,
        validators=[URLValidator(schemes=["https"], message="Write an address that begins with https://.")],
        blank=True,
        help_text="Where the portal reads which utilities are down. Empty: outages are marked by hand.",
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

    @property
    def ink_on_brand_colour(self) -> str:
        """Black or white, whichever stands out more from the brand's colour (relative luminance as WCAG 2 defines it).

        The better of the two has a contrast of 4.5:1 or more with every colour.
        """
        channels = [int(self.brand_colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"
