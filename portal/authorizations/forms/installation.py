"""The form of the installation."""

from typing import Any

from django import forms

from portal.authorizations.models import Installation
from portal.authorizations.models.installation import DEFAULT_COLOUR, DEFAULT_MAILS_PER_MINUTE


class InstallationForm(forms.ModelForm[Installation]):
    class Meta:
        model = Installation
        fields = [
            "partner_name",
            "support_email",
            "brand_colour",
            "postal_address",
            "mails_per_minute",
            "outage_feed_url",
            "partner_success_email",
        ]
        widgets = {
            "brand_colour": forms.TextInput(attrs={"type": "color"}),
            "postal_address": forms.Textarea(attrs={"rows": 3}),
            "outage_feed_url": forms.URLInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever writes to the form without a browser may leave it out.
        self.fields["brand_colour"].required = self.fields["mails_per_minute"].required = False

    def clean_partner_name(self) -> str:
        # It stands in the subject of mails, where a line break would end the header.
        return " ".join(str(self.cleaned_data["partner_name"]).split())

    def clean_mails_per_minute(self) -> int:
        rate: int | None = self.cleaned_data["mails_per_minute"]
        return DEFAULT_MAILS_PER_MINUTE if rate is None else rate

    def clean_brand_colour(self) -> str:
        return str(self.cleaned_data["brand_colour"]).lower() or DEFAULT_COLOUR
