"""The forms with which the tester moves the clock, asks for faults and says how webhooks behave."""

from datetime import timedelta
from typing import Any

from django import forms

from portal.sandbox.faults import LONGEST
from portal.sandbox.models import DeliveryOptions, FaultKind

#: Where a fault can be asked for: every address that begins so.
PATHS = (
    ("/", "every address"),
    ("/v2/meters", "meters and enrollments"),
    ("/v2/meters/search", "the search of meters"),
    ("/v2/meters/enrollments/search", "the search of enrollments"),
    ("/v1.1/webhooks", "webhooks"),
)


class ClockForm(forms.Form):
    """How far the clock is moved."""

    days = forms.IntegerField(min_value=0, max_value=3650, required=False)
    hours = forms.IntegerField(min_value=0, max_value=10_000, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned.get("days") or cleaned.get("hours")):
            raise forms.ValidationError("Say by how many days or hours.")
        return cleaned

    @property
    def by(self) -> timedelta:
        """The step, once the form is valid."""
        return timedelta(days=self.cleaned_data["days"] or 0, hours=self.cleaned_data["hours"] or 0)


class FaultForm(forms.Form):
    """A fault, where, and for how long."""

    kind = forms.ChoiceField(label="Fault", choices=FaultKind.choices)
    path = forms.ChoiceField(label="At", choices=PATHS)
    calls = forms.IntegerField(
        label="For the next … calls",
        min_value=1,
        max_value=10_000,
        required=False,
        initial=1,
        help_text="Empty: until it is cleared.",
    )
    seconds = forms.FloatField(
        min_value=0,
        max_value=LONGEST,
        initial=2,
        help_text="How slow a slow answer is, and what Retry-After says.",
    )


class DeliveryOptionsForm(forms.ModelForm[DeliveryOptions]):
    """How webhooks are delivered."""

    pace = forms.FloatField(
        label="Pace of retries",
        min_value=0.0001,
        max_value=1,
        help_text="1 is Leap’s own: ten attempts in eight hours. 0.01 makes an hour 36 seconds.",
    )

    class Meta:
        model = DeliveryOptions
        fields = ["pace", "sends_twice", "swaps_order"]
        labels = {
            "sends_twice": "Deliver every event twice",
            "swaps_order": "Let every second event overtake the one before",
        }
