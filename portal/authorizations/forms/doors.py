"""Forms that a rep fills in at the door, on a page or on a device without a signal."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.authorizations.models import DoorCall, DoorOutcome

#: What a rep may say of a call.
AT_THE_DOOR = (DoorOutcome.LEFT_CARD, DoorOutcome.NOT_HOME, DoorOutcome.COME_BACK, DoorOutcome.REFUSED)


class DoorCallForm(forms.ModelForm[DoorCall]):
    """What came of a call, with the day for “come back”. A device without a signal says when (`at`)."""

    at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = DoorCall
        fields = ["outcome", "come_back_on", "note"]
        labels = {"outcome": "What came of it", "come_back_on": "Come back on", "note": "Note"}
        help_texts = {"outcome": "Whoever refused is not reminded any more.", "note": "For you and your colleagues."}
        widgets = {
            "outcome": forms.RadioSelect,
            "come_back_on": forms.DateInput(attrs={"type": "date"}),
            "note": forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, may_ask_again: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcomes = (*AT_THE_DOOR, DoorOutcome.ASK_AGAIN) if may_ask_again else AT_THE_DOOR
        self.fields["outcome"].choices = [(each.value, each.label.capitalize()) for each in outcomes]  # type: ignore[attr-defined]
        self.fields["outcome"].error_messages["required"] = "Choose what came of the call."
        today = timezone.localdate()
        self.fields["come_back_on"].initial = today + datetime.timedelta(days=1)
        self.fields["come_back_on"].widget.attrs["min"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        """A day that stands there by default means nothing for the other outcomes."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("outcome") and cleaned["outcome"] != DoorOutcome.COME_BACK:
            cleaned["come_back_on"] = None
        elif cleaned.get("outcome") and not cleaned.get("come_back_on"):
            self.add_error("come_back_on", "Say on which day you come back.")
        cleaned["at"] = cleaned.get("at") or timezone.now()
        return cleaned
