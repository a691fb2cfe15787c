"""The form of the installation."""

from django import forms

from portal.authorizations.models import Installation


class InstallationForm(forms.ModelForm[Installation]):
    class Meta:
        model = Installation
        fields = ["partner_name", "support_email", "partner_success_email"]

    def clean_partner_name(self) -> str:
        # It stands in the subject of mails, where a line break would end the header.
        return " ".join(str(self.cleaned_data["partner_name"]).split())
