"""Forms that a rep fills in at the door, on a page or on a device without a signal."""

import datetime
import uuid
from typing import Any

from django import forms
from django.utils import timezone

from portal.authorizations.forms.customers import OFF, UtilityField
from portal.authorizations.models import Customer, DoorCall, DoorKit, DoorOutcome, Flow, Utility
from portal.authorizations.services.door_devices import list_flows_for_doors

#: What a rep may say of a call.
AT_THE_DOOR = (DoorOutcome.LEFT_CARD, DoorOutcome.NOT_HOME, DoorOutcome.COME_BACK, DoorOutcome.REFUSED)


class DoneOnceForm(forms.Form):
    """What every form at the door carries: a key of its own, so that it counts once, and when a device filled it in."""

    key = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)
    at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def clean_key(self) -> uuid.UUID:
        return self.cleaned_data["key"] or uuid.uuid4()

    def clean_at(self) -> datetime.datetime:
        return self.cleaned_data["at"] or timezone.now()


class DoorCallForm(DoneOnceForm, forms.ModelForm[DoorCall]):
    """What came of a call, with the day for “come back”."""

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
        return cleaned

    @property
    def call(self) -> dict[str, Any]:
        """The values that the service takes, beside the customer and who called."""
        return {name: self.cleaned_data[name] for name in ("outcome", "come_back_on", "note", "at")}


class DoorCustomerForm(DoneOnceForm, forms.ModelForm[Customer]):
    """Somebody met at the door: six fields, of which the name is enough. `kit` is the rep's."""

    utility = UtilityField(Utility.objects.none(), required=False, empty_label="Not known")

    class Meta:
        model = Customer
        fields = ["name", "street", "city", "postal_code", "utility", "phone"]
        labels = {"postal_code": "Postal code", "street": "Street and number"}
        widgets = {
            "name": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "street": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "city": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "postal_code": forms.TextInput(attrs={**OFF, "inputmode": "numeric"}),
            "phone": forms.TextInput(attrs={**OFF, "type": "tel"}),
        }

    def __init__(self, *args: Any, kit: DoorKit | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Utility.objects.filter(flows=kit.flow) if kit else Utility.objects.all()
        self.fields["utility"].queryset = offered.order_by("region", "id")  # type: ignore[attr-defined]
        self.fields["name"].required = True
        self.fields["name"].error_messages["required"] = "Write down a name: whom did you meet?"


class DoorKitForm(forms.ModelForm[DoorKit]):
    """Which flow a rep hands out links from at the door."""

    class Meta:
        model = DoorKit
        fields = ["flow", "reserve"]
        help_texts = {"flow": "Live flows whose link suits whoever is met: Connect, or Legacy with one utility."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["flow"].queryset = Flow.objects.filter(  # type: ignore[attr-defined]
            pk__in=[flow.pk for flow in list_flows_for_doors()]
        ).order_by("name")
