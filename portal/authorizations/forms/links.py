"""Forms that issue, replace and void links."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse

from portal.authorizations.models import Campaign, Customer, Flow, Journey, Link, Utility
from portal.leap import reference_ids


class UtilityChoiceField(forms.ModelMultipleChoiceField):
    """Utilities as checkboxes, labelled with the names people use."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> Any:
        # Longer numbers are no key of any row, and SQLite cannot even ask for them.
        for pk in value or ():
            if len(str(pk)) > 18:
                code = "invalid_choice"
                raise forms.ValidationError(self.error_messages[code], code, params={"value": f"{str(pk)[:18]}…"})
        return super().clean(value)

    def label_from_instance(self, obj: Utility) -> str:
        return f"{obj.short_name} · {obj.region}"


def narrow_by_flow(form: forms.BaseForm, name: str) -> None:
    """Let htmx narrow the utilities in field `name` to those of the chosen flow, at once and whenever it changes.

    Without scripts all stand there, and the form says which of them the flow does not offer.
    """
    attributes = {
        "hx-get": f"{reverse('flow_utilities')}?field={name}",
        "hx-trigger": "change" if form.is_bound else "load, change",
        "hx-target": f"#id_{name}",
        "hx-swap": "outerHTML",
        "hx-include": f"[name='flow'], [name='{name}']",
    }
    form.fields["flow"].widget.attrs.update(attributes)


class FlowUtilitiesForm(forms.Form):
    """The part of a form that depends on its flow: the utilities, drawn again as a field called `name`."""

    def __init__(self, data: QueryDict, *, flow: Flow, name: str) -> None:
        offered = flow.utilities.all()
        chosen = [pk for pk in data.getlist(name) if pk in {str(utility.pk) for utility in offered}]
        super().__init__(initial={name: chosen})
        self.fields[name] = UtilityChoiceField(offered, required=False)


class IssueForm(forms.Form):
    """What every way of issuing asks: the flow, perhaps a campaign, and which utilities to request.

    `customer` narrows the flows to those that take the customer. Nothing ticked: the campaign's utilities, else each
    customer's own.
    """

    flow = forms.ModelChoiceField(Flow.objects.none(), empty_label=None)
    campaign = forms.ModelChoiceField(Campaign.objects.none(), required=False, empty_label="No campaign")
    utilities = UtilityChoiceField(
        Utility.objects.none(),
        required=False,
        label="Requested utilities",
        help_text="None ticked: the campaign’s, else the customer’s own. A Legacy link leads to exactly one.",
    )

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flows = Flow.objects.live()
        if customer is not None and customer.utility_id:
            flows = flows.filter(utilities=customer.utility_id)
        if customer is not None and customer.customer_type:
            flows = flows.filter(customer_types__in=["both", customer.customer_type])
        self.fields["flow"].queryset = flows  # type: ignore[attr-defined]
        self.fields["campaign"].queryset = Campaign.objects.running().filter(flow__in=flows).select_related("flow")  # type: ignore[attr-defined]
        self.fields["utilities"].queryset = Utility.objects.filter(flows__in=flows).distinct()  # type: ignore[attr-defined]
        if customer is not None and customer.utility is not None:
            self.fields[
                "utilities"
            ].help_text = f"None ticked: the campaign’s, else the customer’s own, {customer.utility.short_name}."
        narrow_by_flow(self, "utilities")
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField):
                field.error_messages["invalid_choice"] = (
                    "This choice cannot be used: it is not live, or does not take this customer."
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        flow, campaign = cleaned.get("flow"), cleaned.get("campaign")
        if flow and campaign and campaign.flow_id != flow.pk:
            self.add_error("campaign", f"The campaign “{campaign}” belongs to the flow “{campaign.flow}”.")
        utilities = cleaned.get("utilities")
        if flow and utilities:
            offered = set(flow.utilities.values_list("pk", flat=True))
            for utility in utilities:
                if utility.pk not in offered:
                    self.add_error("utilities", f"The flow “{flow}” does not offer {utility.short_name}.")
            if flow.journey == Journey.LEGACY and len(utilities) > 1:
                self.add_error("utilities", "A Legacy link leads to one utility only: tick one.")
        return cleaned

    @property
    def wanted_utilities(self) -> list[Utility] | None:
        """What `issue_link` takes: None when nothing was ticked."""
        return list(self.cleaned_data["utilities"]) or None


class IssueOneForm(IssueForm):
    """One customer's link may also carry the partner's own reference id."""

    reference_id = forms.CharField(
        required=False,
        label="Own reference id",
        max_length=200,
        help_text="Empty: one is generated, random and without personal data. Own ones: 3 to 50 of A–Z a–z 0–9 - . _ ~",
    )

    def clean_reference_id(self) -> str:
        return clean_reference_id(self.cleaned_data["reference_id"])


class IssueSharedForm(IssueForm):
    """A link without a customer (R13)."""

    label = forms.CharField(max_length=100, help_text="Where it will hang or stand: poster, lobby; web page, footer.")
    trace = forms.ChoiceField(
        label="Reference id",
        choices=[
            ("shared", "A shared reference id: its meters trace to this link, not to a person"),
            ("none", "None: Leap’s meters cannot be traced to this link at all"),
        ],
        initial="shared",
        widget=forms.RadioSelect,
    )
    reference_id = forms.CharField(
        required=False, label="Own shared reference id", max_length=200, help_text="Empty: one is generated."
    )
    field_order = ["label", "flow", "campaign", "utilities", "trace", "reference_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "utilities"
        ].help_text = "None ticked: Connect shows all of the region. Legacy leads to exactly one."

    def clean_reference_id(self) -> str:
        return clean_reference_id(self.cleaned_data["reference_id"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("trace") == "none" and cleaned.get("reference_id"):
            self.add_error("reference_id", "You chose a link without a reference id: leave this empty.")
        return cleaned


class ReplaceForm(forms.Form):
    """Issue a link anew, with other utilities."""

    utilities = UtilityChoiceField(
        Utility.objects.none(),
        required=False,
        label="Requested utilities",
        help_text="None ticked: the campaign’s, else the customer’s own.",
    )
    reference_id = forms.CharField(
        required=False, label="Own reference id", max_length=200, help_text="Empty: a new one is generated."
    )

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flow = link.flow
        self.fields["utilities"].queryset = flow.utilities.all()  # type: ignore[attr-defined]
        if link.is_shared:
            campaigns = "the campaign’s, else " if link.campaign_id else ""
            self.fields["utilities"].help_text = f"None ticked: {campaigns}none: Connect then shows all of the region."
            self.fields["reference_id"].label = "Own shared reference id"
        if not link.is_traceable:
            # It stays what it is: one that nothing can be traced to.
            del self.fields["reference_id"]
        if not flow.takes_requested_utilities:
            del self.fields["utilities"]

    def clean_reference_id(self) -> str:
        return clean_reference_id(self.cleaned_data["reference_id"])

    @property
    def wanted_utilities(self) -> list[Utility] | None:
        return list(self.cleaned_data.get("utilities") or []) or None

    @property
    def wanted_reference_id(self) -> str:
        """Empty: one is generated, if the link has any."""
        return self.cleaned_data.get("reference_id", "")


class VoidForm(forms.Form):
    """Why links become void; everybody who asks later reads it."""

    reason = forms.CharField(
        max_length=200,
        help_text="It stands on the link for good: moved away, wrong address, asked not to be contacted.",
        error_messages={"required": "Say why the link is void."},
    )


def clean_reference_id(text: str) -> str:
    """Return a partner's own reference id, or the error that explains it (R12)."""
    if text and (problem := reference_ids.explain(text)) is not None:
        raise forms.ValidationError(problem)
    return text
