"""The form of a hosted page, in the visitor's language."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.authorizations.models import CustomerType, CustomerTypes, Journey, LandingPage, Utility


class UtilityNameField(forms.ModelChoiceField["Utility"]):
    """A utility by the name on the bill."""

    def label_from_instance(self, obj: Utility) -> str:
        return obj.name


class LinkRequestForm(forms.Form):
    """An email address is all that is needed; the rest only where the flow leaves a choice.

    `trap` is empty unless a program has filled it: people do not see it.
    """

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        error_messages={"invalid": _("Write the whole address, such as rosa@example.com.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
    )
    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    utility = UtilityNameField(Utility.objects.none(), label=_("Utility"), required=False, empty_label=_("Not sure"))
    customer_type = forms.ChoiceField(
        label=_("This is for"),
        choices=[
            ("", _("Not sure")),
            (CustomerType.RESIDENTIAL, _("A home")),
            (CustomerType.COMMERCIAL, _("A business")),
        ],
        required=False,
    )
    stamp = forms.CharField(max_length=400, required=False, widget=forms.HiddenInput)
    trap = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"})
    )

    def __init__(self, *args: Any, page: LandingPage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flow = page.flow
        self.offered = list(self.flow.utilities.order_by("region", "id"))
        utility = self.fields["utility"]
        utility.queryset = self.flow.utilities.order_by("region", "id")  # type: ignore[attr-defined]
        if self.flow.journey == Journey.LEGACY:
            # A Legacy link leads to one utility: without it there is no link.
            utility.required = True
            utility.empty_label = _("Choose one")  # type: ignore[attr-defined]
        if len(self.offered) == 1:
            del self.fields["utility"]
        if self.flow.customer_types != CustomerTypes.BOTH:
            del self.fields["customer_type"]

    @property
    def shown(self) -> list[forms.BoundField]:
        """The fields that people see."""
        return [field for field in self if field.name not in {"stamp", "trap"}]

    @property
    def wanted(self) -> dict[str, Any]:
        """What `keep_link_request` takes, of a valid form; what the flow leaves no choice of is filled in."""
        cleaned = self.cleaned_data
        types = self.flow.customer_types
        return {
            "email": cleaned["email"],
            "name": " ".join(cleaned["name"].split()),
            "utility": self.offered[0] if len(self.offered) == 1 else cleaned["utility"],
            "customer_type": cleaned["customer_type"] if types == CustomerTypes.BOTH else types,
        }
