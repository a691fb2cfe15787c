"""Calls at the door: who called on which customer, when, and what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.authorizations.models.customer import Customer


class DoorOutcome(models.TextChoices):
    """What came of a call. The last one is no rep's: it takes a refusal back."""

    LEFT_CARD = "left_card", "left a card"
    NOT_HOME = "not_home", "not home"
    COME_BACK = "come_back", "come back"
    REFUSED = "refused", "refused"
    ASK_AGAIN = "ask_again", "may be asked again"

    @property
    def source(self) -> str:
        """The colour of its badge."""
        return "fault" if self is DoorOutcome.REFUSED else ""


class DoorCall(models.Model):
    """One call at a customer's door. Append-only; what it means for the customer stands on the customer's row."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="door_calls")
    outcome = models.CharField(max_length=10, choices=DoorOutcome.choices)
    come_back_on = models.DateField("come back on", null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="door_calls")
    at = models.DateTimeField(db_index=True, help_text="When it took place, by the clock of who called.")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=DoorOutcome.values), name="door_call_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=DoorOutcome.COME_BACK, come_back_on__isnull=False)
                | (~Q(outcome=DoorOutcome.COME_BACK) & Q(come_back_on__isnull=True)),
                name="door_call_comes_back_on_a_day",
                violation_error_message="“Come back” needs a day, and nothing else has one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} at {self.at:%Y-%m-%d %H:%M}"
