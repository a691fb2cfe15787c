"""Forms that add, change and assign customers."""

from typing import Any

from django import forms

from portal.accounts.models import User
from portal.authorizations.forms.links import clean_reference_id
from portal.authorizations.models import Customer, CustomerType, Link, PaperAuthorization, Utility
from portal.authorizations.services.customers import (
    find_who_has_external_id,
    find_who_has_reference_id,
    list_reps,
)
from portal.authorizations.services.erased import digests_of, explain_erased, find_erased
from portal.leap.characters import quote

#: Somebody else's data: the browser must not offer the rep's own.
OFF = {"autocomplete": "off"}
NOBODY = "nobody"
RECORDS = ("language", "external_id", "reference_id", "notes")


class UtilityField(forms.ModelChoiceField["Utility"]):
    """A customer's utility, by the name people use."""

    def label_from_instance(self, obj: Utility) -> str:
        return f"{obj.short_name} · {obj.get_region_display()}"


class CustomerForm(forms.ModelForm[Customer]):
    """One site and whom to ask. A name or a company is all that is needed.

    `user` is who fills it in: without the permission to assign, there is no choice of a rep, and what is wrong with an
    id never tells of customers whom this user may not see.

    The page holds beside each field what it showed. Changed is what differs from that: what somebody else changed
    meanwhile stays, and a field that both changed is an error that shows the other's value.
    """

    utility = UtilityField(
        Utility.objects.order_by("region", "id"),
        required=False,
        empty_label="Not known",
        help_text="The link asks for it, unless you choose another.",
    )

    class Meta:
        model = Customer
        fields = [
            "name",
            "company",
            "phone",
            "email",
            "street",
            "city",
            "state",
            "postal_code",
            "utility",
            "customer_type",
            "language",
            "assigned_rep",
            "external_id",
            "reference_id",
            "notes",
        ]
        labels = {
            "state": "State",
            "customer_type": "Customer type",
            "assigned_rep": "Rep",
            "external_id": "External ID",
            "reference_id": "Own reference id",
        }
        help_texts = {
            "external_id": "Your own id of this customer, from your CRM. Imports match rows by it.",
            "reference_id": "For this customer’s first link. Empty: one is generated, without personal data.",
            "language": "For letters and emails. The customer’s browser decides on the confirmation page.",
        }
        error_messages = {"email": {"invalid": "“%(value)s” is not an email address: rosa@example.com is one."}}
        widgets = {
            "name": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "company": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "phone": forms.TextInput(attrs={**OFF, "type": "tel"}),
            "email": forms.EmailInput(attrs={**OFF, "autocapitalize": "none"}),
            "street": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "city": forms.TextInput(attrs={**OFF, "autocapitalize": "words"}),
            "state": forms.TextInput(attrs={**OFF, "autocapitalize": "characters"}),
            "postal_code": forms.TextInput(attrs=OFF),
            "external_id": forms.TextInput(attrs={**OFF, "autocapitalize": "none", "spellcheck": "false"}),
            "reference_id": forms.TextInput(attrs={**OFF, "autocapitalize": "none", "spellcheck": "false"}),
            "notes": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self._remember_what_was_shown()
        self.fields["customer_type"].choices = [("", "Not known"), *CustomerType.choices]  # type: ignore[attr-defined]
        if not user.has_perm("authorizations.assign_customer"):
            del self.fields["assigned_rep"]
            return
        reps = list_reps()
        if self.instance.assigned_rep_id:
            # Whoever has the customer now stays in the list, a rep or not.
            reps = User.objects.filter(pk__in=[*reps.values_list("pk", flat=True), self.instance.assigned_rep_id])
        self.fields["assigned_rep"].queryset = reps  # type: ignore[attr-defined]
        self.fields["assigned_rep"].empty_label = "Nobody"  # type: ignore[attr-defined]

    @property
    def shows_records(self) -> bool:
        """Whether the fields for the partner's own records stand open: for those who assign, or if one is wrong."""
        return "assigned_rep" in self.fields or any(name in self.errors for name in RECORDS)

    def clean_external_id(self) -> str | None:
        external_id: str | None = self.cleaned_data["external_id"]
        if external_id:
            self._refuse_taken(external_id, find_who_has_external_id(external_id=external_id, besides=self.instance))
        return external_id

    def clean_reference_id(self) -> str | None:
        reference_id: str | None = self.cleaned_data["reference_id"]
        if reference_id:
            clean_reference_id(reference_id)
            other = find_who_has_reference_id(reference_id=reference_id, besides=self.instance)
            self._refuse_taken(reference_id, other)
        return reference_id

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        # An imported one may be "n/a": whoever changes something else is not asked about it.
        if phone and "phone" in self.changed_data and not any(character.isdecimal() for character in phone):
            raise forms.ValidationError(f"{quote(phone)} has no digit: 559 555 0100 is a phone number.")
        return phone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._meet_other_changes(cleaned)
        if "name" in cleaned and "company" in cleaned and not cleaned["name"] and not cleaned["company"]:
            self.add_error("name", "A customer needs a name or a company: fill in one of the two.")
        if self.instance.pk is None:
            self._refuse_erased(cleaned)
        return cleaned

    def _remember_what_was_shown(self) -> None:
        """Only where the page says what it showed: a program that posts the fields alone changes what differs now."""
        if self.instance.pk and (not self.is_bound or any(name.startswith("initial-") for name in self.data)):
            for field in self.fields.values():
                field.show_hidden_initial = True

    def _meet_other_changes(self, cleaned: dict[str, Any]) -> None:
        """Keep what others changed since the page was opened, and refuse what would overwrite it unseen."""
        for name, field in self.fields.items():
            if not field.show_hidden_initial:
                return
            if name not in self.changed_data:
                cleaned[name] = getattr(self.instance, name)
                continue
            bound, now = self[name], _one_line_end(self.get_initial_for_field(field, name))
            shown, mine = (_one_line_end(self.data.get(key)) for key in (bound.html_initial_name, bound.html_name))
            if self.has_error(name) or not (field.has_changed(now, shown) and field.has_changed(now, mine)):
                continue
            theirs = _say(getattr(self.instance, name))
            self.add_error(name, f"Somebody changed this meanwhile, to {theirs}. Save again to keep yours.")
            # Shown from now on: whoever saves again overwrites it knowingly.
            self.data = {**dict(self.data.items()), bound.html_initial_name: field.prepare_value(now)}

    def _refuse_erased(self, cleaned: dict[str, Any]) -> None:
        """A person at the door who gives the address again has changed her mind: she is asked, a list is not."""
        for name in ("external_id", "email"):
            for erasure in find_erased(digests_of(**{name: cleaned.get(name)})).values():
                self.add_error(name, explain_erased(erasure))

    def _refuse_taken(self, value: str, other: Customer | Link | PaperAuthorization | None) -> None:
        """Refuse an id that is another's; name the other only to those who may see it."""
        if other is None:
            return
        if type(other).objects.visible_to(self.user).filter(pk=other.pk).exists():
            name = f"{other}" if isinstance(other, Customer) else quote(f"{other}")
            whose = f"{other._meta.verbose_name} {name}"
            raise forms.ValidationError(f"{quote(value)} is taken already, by the {whose}.", code="taken")
        raise forms.ValidationError(f"{quote(value)} is taken already.", code="taken")


def _one_line_end(value: Any) -> Any:
    """Browsers send every line end of a text as CR LF."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _say(value: Any) -> str:
    return quote(f"{value}") if value else "nothing"


class AssignForm(forms.Form):
    """To whom the chosen customers shall belong. Nobody is a choice that one has to make, too."""

    rep = forms.ChoiceField(
        label="Rep",
        error_messages={"required": "Choose a rep, or “Nobody” to take the customers off every rep’s list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reps = {str(rep.pk): rep for rep in list_reps()}
        self.fields["rep"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a rep"),
            *((pk, _with_username(rep)) for pk, rep in self.reps.items()),
            (NOBODY, "Nobody"),
        ]

    @property
    def chosen_rep(self) -> User | None:
        """The rep, or None for nobody; of a valid form."""
        return self.reps.get(self.cleaned_data["rep"])


def _with_username(rep: User) -> str:
    """Two reps may have one name."""
    return f"{rep} ({rep.username})" if str(rep) != rep.username else rep.username
