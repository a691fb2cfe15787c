"""Forms of a paper authorization: record it with its scan, note that it was sent, withdraw it."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from portal.authorizations.forms.links import clean_reference_id
from portal.authorizations.models import Customer, PaperForm, Utility
from portal.authorizations.services.paper import PaperRefused, check_day
from portal.authorizations.services.scans import EXTENSIONS, MAX_BYTES

_TOO_LARGE = (
    f"The file is much larger than {MAX_BYTES // 1024**2} MB, so it was not kept. Scan it in grey at 200 or 300 dpi."
)


def _day_field(label: str, required: str, **kwargs: Any) -> forms.DateField:
    """A day that the browser helps to choose."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": required, "invalid": "Give the day as 2025-07-31."},
        **kwargs,
    )


class UtilityField(forms.ModelChoiceField):
    """A utility under the name people use, with its region."""

    def clean(self, value: Any) -> Any:
        # Longer numbers are no key of any row, and SQLite cannot even ask for them.
        return super().clean(value if len(str(value or "")) <= 18 else "0")

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.short_name} · {obj.get_region_display()}"


class PaperCreateForm(forms.Form):
    """A signed form of one customer. `too_large`: the upload handler threw the scan away while it arrived."""

    utility = UtilityField(
        Utility.objects.all(), empty_label="Choose the utility", error_messages={"required": "Choose the utility."}
    )
    form = forms.ChoiceField(label="Form", choices=PaperForm.choices, initial=PaperForm.CISR_DRP)
    signed_on = _day_field("Signed on", "Give the day that stands beside the signature.")
    scan = forms.FileField(
        help_text=f"All pages in one PDF, or a photo as JPEG or PNG. {MAX_BYTES // 1024**2} MB at most.",
        widget=forms.FileInput(attrs={"accept": ",".join([*EXTENSIONS, *(f".{end}" for end in EXTENSIONS.values())])}),
        error_messages={
            "required": "Choose the scan of the signed form.",
            "empty": "The file is empty: scan or photograph the form again.",
        },
    )
    reference_id = forms.CharField(
        required=False,
        label="Own reference id",
        max_length=200,
        help_text="Empty: one is generated, random and without personal data. Own ones: 3 to 50 of A–Z a–z 0–9 - . _ ~",
    )

    def __init__(self, *args: Any, customer: Customer, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["utility"].initial = customer.utility_id
        self.fields["signed_on"].widget.attrs["max"] = timezone.localdate().isoformat()
        if too_large:
            self.fields["scan"].error_messages["required"] = _TOO_LARGE

    def clean_signed_on(self) -> date:
        day: date = self.cleaned_data["signed_on"]
        try:
            check_day(day, field="signed_on")
        except PaperRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return day

    def clean_reference_id(self) -> str:
        return clean_reference_id(self.cleaned_data["reference_id"])

    def clean(self) -> dict[str, Any]:
        """All that is wrong at once: with each error the browser forgets the scan that was chosen."""
        cleaned = super().clean() or self.cleaned_data
        if "form" in cleaned:
            cleaned["form"] = PaperForm(cleaned["form"])
            if "utility" in cleaned and (problem := cleaned["form"].refuse(cleaned["utility"])) is not None:
                self.add_error("utility", problem)
        return cleaned


class PaperSentForm(forms.Form):
    """The day on which Leap was sent the form."""

    sent_on = _day_field("Sent to Leap on", "Give the day on which you sent it.")


class PaperWithdrawForm(forms.Form):
    """Why an authorization is withdrawn; everybody who asks later reads it."""

    reason = forms.CharField(
        max_length=200,
        help_text="It stands on the authorization for good: the customer took it back, wrong customer, moved away.",
        error_messages={"required": "Say why the authorization is withdrawn."},
    )
