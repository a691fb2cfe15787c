"""The form of a campaign."""

from typing import Any

from django import forms
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.forms.links import UtilityChoiceField, narrow_by_flow
from portal.authorizations.models import Campaign, Channel, Flow, Utility
from portal.authorizations.services.campaigns import find_problems


class FlowChoiceField(forms.ModelChoiceField["Flow"]):
    """A flow with its journey and what it offers, so that nobody has to look it up."""

    def label_from_instance(self, obj: Flow) -> str:
        offered = ", ".join(utility.short_name for utility in obj.utilities.all())
        state = "" if obj.is_live else f" ({obj.get_state_display()})"
        return f"{obj.name}{state} · {obj.get_journey_display()} · {offered}"


class CampaignForm(forms.ModelForm[Campaign]):
    """A named batch of links from one live flow. `user` is its owner unless another is chosen."""

    flow = FlowChoiceField(
        Flow.objects.none(),
        empty_label="Choose a flow",
        error_messages={
            "invalid_choice": "This flow cannot be chosen: a campaign needs a live one, which Leap has configured."
        },
    )
    requested_utilities = UtilityChoiceField(
        Utility.objects.none(),
        required=False,
        label="Requested utilities",
        help_text="Asked for in every new link of the campaign. None ticked: each customer’s own utility. "
        "Links issued before keep what they ask for.",
    )

    class Meta:
        model = Campaign
        fields = ["name", "flow", "channel", "requested_utilities", "starts_on", "ends_on", "owner"]
        labels = {"starts_on": "Begins", "ends_on": "Ends"}
        help_texts = {"name": "What your colleagues call it: Summer DR, doors in Fresno."}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        error_messages = {"name": {"unique": "Another campaign has this name: choose one that tells them apart."}}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flows = Flow.objects.live()
        owners = User.objects.filter(is_active=True)
        if self.instance.pk is None:
            self.initial.setdefault("owner", user.pk)
        else:
            # What the campaign has stays choosable, though it is retired or has left.
            flows = flows | Flow.objects.filter(pk=self.instance.flow_id)
            owners = owners | User.objects.filter(pk=self.instance.owner_id)
        self.fields["flow"].queryset = flows.with_utilities().order_by("name")  # type: ignore[attr-defined]
        self.fields["channel"].choices = [("", "Choose a channel"), *Channel.choices]  # type: ignore[attr-defined]
        self.fields["owner"].queryset = owners.order_by("first_name", "username")  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = None  # type: ignore[attr-defined]
        narrow_by_flow(self, "requested_utilities")
        self.fields["requested_utilities"].queryset = Utility.objects.order_by("region", "id")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        flow, utilities = cleaned.get("flow"), cleaned.get("requested_utilities")
        if flow is not None and utilities is not None:
            for problem in find_problems(campaign=self.instance, flow=flow, utilities=list(utilities)):
                self.add_error(problem.field, problem.reason)
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error(
                "ends_on",
                f"The campaign would end on {date_format(ends_on)}, before it begins on {date_format(starts_on)}.",
            )
        return cleaned
