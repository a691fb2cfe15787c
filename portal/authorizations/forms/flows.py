"""One form for the three kinds of flow: Legacy, Connect titled, Connect regional."""

from typing import Any

from django import forms

from portal.authorizations.forms.links import UtilityChoiceField
from portal.authorizations.models import Address, Flow, Journey, Utility
from portal.authorizations.services.flow_rules import find_problems
from portal.authorizations.services.flows import URL_FIELDS, count_links
from portal.leap.utilities import PROGRAMS


class OfferedUtilityField(UtilityChoiceField):
    """The catalogue as checkboxes: each utility with its id, its region and what it lacks."""

    default_error_messages = {
        "invalid_choice": "“%(value)s” is not a utility of the catalogue: an admin adds it under Utilities.",
        "invalid_pk_value": "“%(pk)s” is not a utility of the catalogue: an admin adds it under Utilities.",
    }

    def label_from_instance(self, obj: Utility) -> str:
        only = "" if obj.supports_legacy else " · Connect only"
        only = only if obj.supports_connect else " · Legacy only"
        return f"{obj.short_name} · {obj.utility_id} · {obj.get_region_display()}{only}"


class FlowForm(forms.ModelForm[Flow]):
    """Its errors name the value and the rule (services/flow_rules.py). `link_count` is how many links the flow has."""

    utilities = OfferedUtilityField(
        Utility.objects.order_by("region", "id"),
        required=False,  # `find_problems` asks for one, and knows whether the region has any
        label="Utilities offered",
        help_text="What Leap configured for this flow. Customers of another utility are refused, with the reason.",
    )
    url_change_known = forms.BooleanField(required=False, label="Yes, change it: links handed out keep their old URL")

    class Meta:
        model = Flow
        fields = [
            "name",
            "journey",
            "org_name",
            "address",
            "title",
            "region",
            "variant",
            "program",
            "customer_types",
            "utilities",
            "terms",
        ]
        error_messages = {"name": {"unique": "Another flow has this name: choose one that tells them apart."}}
        widgets = {
            "journey": forms.RadioSelect,
            "address": forms.RadioSelect,
            "customer_types": forms.RadioSelect,
            "program": forms.TextInput(attrs={"list": "programs", "autocomplete": "off", "placeholder": PROGRAMS[0]}),
            "terms": forms.Textarea(attrs={"rows": 3, "placeholder": "Demand response agreement"}),
            # The placeholders also tell the style sheet whether something stands in a field (static/css/flows.css).
            "org_name": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "title": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "summer-dr"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link_count = count_links(self.instance)
        self.before = {name: getattr(self.instance, name) for name in ("journey", *URL_FIELDS)}
        self.programs = PROGRAMS
        # Shapes are chosen, not left open; Legacy has none and then the choice says nothing.
        address = self.fields["address"]
        address.choices = Address.choices  # type: ignore[attr-defined]
        address.label = "Shape of the Connect URL"
        if not self.initial.get("address"):
            self.initial["address"] = Address.TITLED
        self.fields["region"].choices = [("", "Choose one"), *self.fields["region"].choices[1:]]  # type: ignore[attr-defined]
        self.fields["variant"].choices = [  # type: ignore[attr-defined]
            ("", "None: Leap’s default, its residential journey"),
            *self.fields["variant"].choices[1:],  # type: ignore[attr-defined]
        ]
        if not self.link_count:
            del self.fields["url_change_known"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("journey") == Journey.LEGACY:
            cleaned["address"] = ""
        malformed = set(self.errors)
        flow, utilities = self.draft()
        for problem in find_problems(flow=flow, utilities=utilities):
            if problem.field not in malformed:
                self.add_error(problem.field, problem.reason)
        if self.link_count and "journey" not in malformed:
            self._check_change(cleaned)
        return cleaned

    def _check_change(self, cleaned: dict[str, Any]) -> None:
        """Links that were handed out never change: the journey stays, and a new URL is asked for twice."""
        links = "1 link was" if self.link_count == 1 else f"{self.link_count:,} links were"
        if cleaned.get("journey") != self.before["journey"]:
            self.add_error(
                "journey",
                f"{links} issued from this flow as {Journey(self.before['journey']).label}: its journey cannot "
                "change. Retire it, and make a new flow.",
            )
            return
        changed = [name for name in URL_FIELDS if name in cleaned and cleaned[name] != self.before[name]]
        if changed and not cleaned.get("url_change_known"):
            names = ", ".join(str(self.fields[name].label) for name in changed)
            self.add_error(
                "url_change_known",
                f"You change the URL ({names}), but {links} handed out: those keep the old one, in mails and on paper. "
                "Tick this to change it for new links.",
            )

    def draft(self) -> tuple[Flow, list[Utility]]:
        """Return the flow that stands in the form, never saved, and its utilities: also while parts are wrong."""
        values = {name: self._value(name) for name in ("name", "journey", "customer_types", "terms", *URL_FIELDS)}
        if values["journey"] == Journey.LEGACY:
            values["address"] = ""
        return Flow(**values), self._utilities()

    def _value(self, name: str) -> str:
        cleaned = getattr(self, "cleaned_data", {})
        if name in cleaned:
            return str(cleaned[name])
        value = self[name].value()
        choices = getattr(self.fields[name], "choices", None)
        if not isinstance(value, str) or (choices and value not in dict(choices)):
            return ""
        return value.strip()

    def _utilities(self) -> list[Utility]:
        cleaned = getattr(self, "cleaned_data", {})
        if "utilities" in cleaned:
            return list(cleaned["utilities"])
        chosen = self["utilities"].value() or []
        ids = {str(getattr(value, "pk", value)) for value in chosen}
        return [utility for utility in Utility.objects.order_by("region", "id") if str(utility.pk) in ids]


class PasteForm(forms.Form):
    """The URL that Leap's Partner Portal shows (R19). Judged by `read_pasted_url`, part by part."""

    url = forms.CharField(
        label="Paste the URL that Leap’s Partner Portal shows",
        required=False,
        strip=False,
        help_text="There: Meters, Add a Meter, choose the flow. The fields below then fill themselves.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )
