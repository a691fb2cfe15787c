"""The form of a person."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField

from portal.accounts.models import User
from portal.accounts.roles import Role

_ROLES = [
    (Role.ADMIN.value, "Admin: configures flows, utilities and people, and does all below"),
    (Role.PROGRAM_MANAGER.value, "Program manager: customers, campaigns, links and confirmations of everybody"),
    (Role.FIELD_REP.value, "Field rep: own customers and links"),
]


class PersonForm(forms.ModelForm[User]):
    """Names, addresses and one role; never a password."""

    role = forms.ChoiceField(choices=_ROLES, widget=forms.RadioSelect, initial=Role.FIELD_REP.value)

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "phone"]
        # Normalizes letters as the sign-in form does: else “ｍａｙａ” could never sign in.
        field_classes = {"username": UsernameField}
        labels = {"username": "Sign-in name", "email": "Email", "phone": "Phone"}
        help_texts = {"username": "Letters, digits and @ . + - _ only. Capital letters do not count at sign-in."}
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.role:
            self.initial["role"] = self.instance.role.value

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        same = User.objects.filter(username__iexact=username).exclude(pk=self.instance.pk).first()
        if same is not None:
            raise forms.ValidationError(
                f"“{username}” is taken by {same}: capital letters do not count in a sign-in name."
            )
        return username

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    @property
    def person(self) -> dict[str, str]:
        """The values that the services take beside the role."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
