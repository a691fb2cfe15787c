"""The forms of a campaign: what it is called and how it reaches people, its flow, and what it prints."""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.forms.links import UtilityChoiceField
from portal.authorizations.forms.printing import PrintForm
from portal.authorizations.models import AudienceKind, Campaign, Channel, Flow, FlowState, Utility
from portal.authorizations.services.campaigns import find_problems


class CampaignForm(forms.ModelForm[Campaign]):
    """Name, channel, dates and owner. `user` owns a new one unless another is chosen."""

    class Meta:
        model = Campaign
        fields = ["name", "channel", "owner", "starts_on", "ends_on"]
        labels = {"starts_on": "Begins", "ends_on": "Ends"}
        help_texts = {
            "name": "What your colleagues call it: Summer DR, doors in Fresno.",
            "starts_on": "Empty: at the launch. Mails wait for that day.",
            "ends_on": "Mails and reminders stop after it; links keep working.",
        }
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        error_messages = {"name": {"unique": "Another campaign has this name: choose one that tells them apart."}}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = User.objects.filter(is_active=True)
        if self.instance.pk is None:
            self.initial.setdefault("owner", user.pk)
        else:
            # Who has it stays choosable, even after leaving.
            owners = owners | User.objects.filter(pk=self.instance.owner_id)
        self.fields["channel"].choices = [("", "Choose a channel"), *Channel.choices]  # type: ignore[attr-defined]
        if self.instance.pk is not None and not self.instance.is_draft:
            self.fields["channel"].disabled = True
            self.fields["channel"].help_text = "It cannot change after the launch."
        self.fields["owner"].queryset = owners.order_by("first_name", "username")  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = None  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error(
                "ends_on",
                f"The campaign would end on {date_format(ends_on)}, before it begins on {date_format(starts_on)}.",
            )
        elif ends_on and self._is_before_the_launch and ends_on < timezone.localdate():
            self.add_error("ends_on", f"{date_format(ends_on)} is past: choose today or a later day.")
        return cleaned

    @property
    def _is_before_the_launch(self) -> bool:
        return self.instance.pk is None or self.instance.is_draft


class NewCampaignForm(CampaignForm):
    """A new campaign says as well whom it asks; `is_chosen`: the customers come along from a list."""

    audience = forms.ChoiceField(
        label="Whom it asks",
        required=False,
        widget=forms.RadioSelect,
        choices=[(kind.value, kind.label) for kind in AudienceKind if kind is not AudienceKind.SELECTION],
        initial=AudienceKind.FILTER,
    )

    def __init__(self, *args: Any, is_chosen: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_chosen:
            del self.fields["audience"]


class FlowChoiceField(forms.ModelChoiceField["Flow"]):
    """A flow with its journey and what it offers, so that nobody has to look it up."""

    def label_from_instance(self, obj: Flow) -> str:
        state = "" if obj.is_live else f" ({obj.get_state_display()})"
        return f"{obj.name}{state}"


class CampaignFlowForm(forms.Form):
    """The flow that the links come from, and the utilities that they ask for."""

    flow = FlowChoiceField(
        Flow.objects.none(),
        empty_label=None,
        error_messages={
            "required": "Choose the flow that the links come from.",
            "invalid_choice": "This flow cannot be chosen: a campaign needs a live one, which Leap has configured.",
        },
    )
    requested_utilities = UtilityChoiceField(
        Utility.objects.none(),
        required=False,
        label="Requested utilities",
        help_text="Asked for in every new link of the campaign. None ticked: each customer’s own utility. "
        "Links issued before keep what they ask for.",
    )

    def __init__(self, data: QueryDict | None = None, *, campaign: Campaign, flow: int | None = None) -> None:
        """`flow` is chosen at first where the campaign has none."""
        chosen = list(campaign.requested_utilities.all())
        super().__init__(data, initial={"flow": campaign.flow_id or flow, "requested_utilities": chosen})
        self.campaign = campaign
        # What the campaign has stays choosable, though it is retired.
        flows = Flow.objects.filter(Q(state=FlowState.LIVE) | Q(pk=campaign.flow_id or 0))
        self.flows = flows.with_utilities().order_by("name")
        self.fields["flow"].queryset = self.flows  # type: ignore[attr-defined]
        self.fields["requested_utilities"].queryset = Utility.objects.order_by("region", "id")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        flow, utilities = cleaned.get("flow"), cleaned.get("requested_utilities")
        if flow is not None and utilities is not None:
            for problem in find_problems(campaign=self.campaign, flow=flow, utilities=list(utilities)):
                self.add_error(problem.field, problem.reason)
        return cleaned


class CampaignPrintForm(PrintForm):
    """What a campaign prints at its launch. A logo is for the print screen: drafts keep no files."""

    logo = None  # type: ignore[assignment]
