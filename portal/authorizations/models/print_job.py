"""Print jobs: sheets of codes, what was asked for and what came of it; and how each person's printer is corrected."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models

from portal.accounts.models import User
from portal.authorizations.models.link import Link
from portal.printing.stocks import STOCKS


class PrintState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "printing"
    DONE = "done", "proofed"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class PrintTarget(models.TextChoices):
    """Where a code leads."""

    SHORT = "short", "The short link, in capitals: the coarsest code, and visits are seen"
    DIRECT = "direct", "Leap’s URL directly: no redirect, and visits are not seen"


class CodeLevel(models.TextChoices):
    """How much of a code may be lost."""

    L = "L", "L: 7 %"
    M = "M", "M: 15 %"
    Q = "Q", "Q: 25 % (usual)"
    H = "H", "H: 30 % (dirt, wear, a logo)"


class PrintLanguage(models.TextChoices):
    """The language of the call to action."""

    CUSTOMER = "customer", "Each customer’s own"
    ENGLISH = "en", "English"
    SPANISH = "es", "Spanish"


class PrintLine(models.TextChoices):
    """What may stand beside a code."""

    NAME = "name", "Name"
    ADDRESS = "address", "Address"
    CAMPAIGN = "campaign", "Campaign"


class PrintJobQuerySet(models.QuerySet["PrintJob"]):
    def visible_to(self, user: User) -> Self:
        """Everyone's for those who see every link; a field rep's own."""
        return self if user.has_perm("authorizations.view_every_link") else self.filter(created_by=user)


def name_left_out(*, void: int, replaced: int, anonymous: int, refused: int) -> str:
    """Return how many of the chosen links are not printed and why: “2 void, 1 replaced”; empty if none."""
    named = (
        (void, "void"),
        (replaced, "replaced"),
        (anonymous, "without a reference id"),
        (refused, "refused at the door"),
    )
    return ", ".join(f"{count:,} {why}" for count, why in named if count)


class PrintJob(models.Model):
    """Labels printed in one go. Its labels and options are all that it takes to print the same again."""

    #: What describes the paper and how it is filled: another job with the same values prints the same.
    OPTIONS: ClassVar[tuple[str, ...]] = (
        "stock",
        "start_at",
        "target",
        "level",
        "language",
        "lines",
        "partner",
        "offset_x_mm",
        "offset_y_mm",
        "left_margin_mm",
        "top_margin_mm",
    )

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True, help_text="It ends after the page that it is at.")
    finished_at = models.DateTimeField(null=True, blank=True)
    chosen = models.CharField(max_length=300, help_text="How the links were chosen, in words.")
    again = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="The job printed again."
    )
    stock = models.CharField(max_length=30)
    start_at = models.PositiveSmallIntegerField(default=1)
    target = models.CharField(max_length=10, choices=PrintTarget.choices, default=PrintTarget.SHORT)
    level = models.CharField(max_length=1, choices=CodeLevel.choices, default=CodeLevel.Q)
    language = models.CharField(max_length=10, choices=PrintLanguage.choices, default=PrintLanguage.CUSTOMER)
    lines = models.JSONField(default=list)
    partner = models.CharField(max_length=100, blank=True)
    offset_x_mm = models.FloatField(default=0)
    offset_y_mm = models.FloatField(default=0)
    left_margin_mm = models.FloatField(null=True, blank=True)
    top_margin_mm = models.FloatField(null=True, blank=True)
    logo = models.BinaryField(default=bytes, blank=True)
    # Of the chosen links, those that are not printed.
    void_count = models.PositiveIntegerField(default=0)
    replaced_count = models.PositiveIntegerField(default=0)
    anonymous_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    label_count = models.PositiveIntegerField(default=0)
    page_count = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=PrintState.choices, default=PrintState.WAITING)
    error = models.TextField(blank=True)
    proof = models.JSONField(default=dict, blank=True)
    file = models.FileField(upload_to="prints/", blank=True)

    objects = PrintJobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Print job {self.pk}"

    @property
    def stock_title(self) -> str:
        return STOCKS[self.stock].title if self.stock in STOCKS else self.stock

    @property
    def is_under_way(self) -> bool:
        return self.state in (PrintState.WAITING, PrintState.RUNNING)

    @property
    def left_out_count(self) -> int:
        return self.void_count + self.replaced_count + self.anonymous_count + self.refused_count

    @property
    def left_out_words(self) -> str:
        return name_left_out(
            void=self.void_count,
            replaced=self.replaced_count,
            anonymous=self.anonymous_count,
            refused=self.refused_count,
        )

    @property
    def options(self) -> dict[str, Any]:
        """OPTIONS as they are here, and the logo."""
        return {name: getattr(self, name) for name in (*self.OPTIONS, "logo")}


class PrintLabel(models.Model):
    """A link on a sheet; `number` is its turn, from 1."""

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="labels")
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="print_labels")
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_label_of_a_number")]

    def __str__(self) -> str:
        return f"{self.number} of {self.job_id}"


class PrinterSettings(models.Model):
    """How one person's printer is corrected for one stock, in mm. No margin: the stock's own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="printers")
    stock = models.CharField(max_length=30)
    offset_x_mm = models.FloatField(default=0)
    offset_y_mm = models.FloatField(default=0)
    left_margin_mm = models.FloatField(null=True, blank=True)
    top_margin_mm = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "printer settings"
        constraints = [models.UniqueConstraint(fields=["user", "stock"], name="one_correction_for_a_stock")]

    def __str__(self) -> str:
        return f"{self.stock} of {self.user_id}"

    @property
    def correction(self) -> dict[str, Any]:
        """What `Stock.placed` takes."""
        names = ("offset_x_mm", "offset_y_mm", "left_margin_mm", "top_margin_mm")
        return {name: getattr(self, name) for name in names}

    @property
    def is_moved(self) -> bool:
        return any(value is not None and value != 0 for value in self.correction.values())
