"""What a rep carries: the flow of the links, the devices, the links in reserve; and what was done with it."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from portal.authorizations.models.flow import Flow
from portal.authorizations.models.link import Link


class DoorKit(models.Model):
    """The flow from which a rep hands out links at the door, and how many each device keeps in reserve."""

    RESERVE, MOST = 30, 200

    rep = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="door_kit"
    )
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="door_kits")
    reserve = models.PositiveSmallIntegerField(
        "links in reserve",
        default=RESERVE,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text="For each device: so many customers can be added without a signal.",
    )
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserve__gte=1, reserve__lte=200), name="door_kit_reserve_in_bounds")
        ]

    def __str__(self) -> str:
        return f"{self.flow} for {self.rep}"


class DoorDevice(models.Model):
    """A browser that keeps a rep's list for work without a signal: one sign-in. It ends with it."""

    rep = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="door_devices")
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"device {self.pk}"


class ReservedLink(models.Model):
    """A link that a device keeps in reserve: its code works, but it has not been handed out.

    Attaching it to a customer removes this row: whoever removes it, and nobody else, has attached the link.
    """

    link = models.OneToOneField(Link, primary_key=True, on_delete=models.CASCADE, related_name="reservation")
    device = models.ForeignKey(DoorDevice, on_delete=models.PROTECT, related_name="reserved_links")
    reserved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.link_id} for {self.device_id}"


class DoorAction(models.Model):
    """One thing done at the door, by the key that the page or device made for it: sent twice, it is done once."""

    key = models.UUIDField(primary_key=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(DoorDevice, null=True, on_delete=models.PROTECT, related_name="actions")
    received_at = models.DateTimeField(auto_now_add=True)
    answer = models.JSONField(default=dict, help_text="What came of it: keys of rows and words, nothing personal.")

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return str(self.key)
