"""The form that erases a customer: a reason, and the customer's number typed out."""

from typing import Any

from django import forms

from portal.authorizations.models import Customer, ErasureReason


class EraseForm(forms.Form):
    """It cannot be taken back, so it asks for what nobody types by accident."""

    reason = forms.ChoiceField(choices=[("", "Choose why"), *ErasureReason.choices], label="Why")
    number = forms.CharField(
        label="Customer number",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer
        self.fields["number"].help_text = f"Type {customer.pk} to show that you mean this customer."

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].strip()
        if number != str(self.customer.pk):
            raise forms.ValidationError(f"That is not {self.customer.pk}, the number of this customer.")
        return number
