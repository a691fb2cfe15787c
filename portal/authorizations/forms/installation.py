"""The form of the installation."""

from django import forms

from portal.authorizations.models import Installation


class InstallationForm(forms.ModelForm[Installation]):
    class Meta:
        model = Installation
        fields = ["partner_name", "support_email", "partner_success_email"]
