"""The form of a hosted page, in the visitor's language."""

import re
import unicodedata
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.authorizations.models import CustomerType, CustomerTypes, Journey, LandingPage, Utility

#: What mail programs make a link of, or is an address: a scheme, "www.", an @, four numbers with dots.
_ADDRESS: Final = re.compile(
    r"://|@|\bwww\d*\.|\b(?:https?|ftp|mailto|javascript):|\b\d+\.\d+\.\d+\.\d+\b", re.IGNORECASE
)
#: What follows a dot without a space, as a domain's last part does: evil.example.
_AFTER_DOT: Final = re.compile(r"(?<=\w)[.\u3002]([^\W\d_][\w-]+)")
#: Last parts of domains that are no names of people, however their letters are written.
_ENDINGS: Final = (
    " com net org info biz edu gov mil int io co ai me tv us uk ca mx br ar cl es de fr it nl pl pt ru su cn jp kr eu "
    "at ch to cc ly gg in id ir tk ml ga gq app dev web xyz icu top vip win bid fun pro pw site online shop store live "
    "link click club work tech cloud page space website blog news email support help bank money loan casino zip mov "
)


def refuse_addresses(name: str) -> None:
    """Refuse a name that holds a web or mail address: it stands in mails, perhaps to an address of somebody else.

    "J.R. Smith", "St.John" and "M.Ed." are names. Letters that only look like others are read as mail programs do.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    if _ADDRESS.search(plain) or any(_is_ending(found[1]) for found in _AFTER_DOT.finditer(plain)):
        raise ValidationError(_("Write only a name here, without a web or mail address. Leave a space after a dot."))


def _is_ending(word: str) -> bool:
    """Whether a word after a dot may end a domain: all but one that begins like a name, with one capital."""
    is_like_name = word[0].isupper() and word[1].islower()
    return not is_like_name or f" {word.casefold()} " in _ENDINGS


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
        label=_("Name"),
        max_length=200,
        required=False,
        validators=[refuse_addresses],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
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
