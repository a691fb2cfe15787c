"""Forms of reminders and outages."""

import re
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils import timezone

from portal.authorizations.models import Campaign, Outage, Utility
from portal.authorizations.services.reminder_rules import read_days

MOST_REMINDERS: Final = 10
MOST_DAYS: Final = 365


class CampaignRemindersForm(forms.Form):
    """Whom a campaign reminds, and when."""

    reminds_abandoned = forms.BooleanField(
        required=False,
        label="Remind who began and left",
        help_text="Within the hour, after a day and after three days, as Leap advises; by day only.",
    )
    no_visit_days = forms.CharField(
        required=False,
        max_length=60,
        label="Remind who never came, days after the invitation",
        help_text="Numbers of days, such as 7, 21. Empty: nobody.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "7, 21"}),
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        days = ", ".join(str(day) for day in read_days(campaign.no_visit_days))
        super().__init__(*args, **kwargs)
        self.initial = {"reminds_abandoned": campaign.reminds_abandoned, "no_visit_days": days}

    def clean_no_visit_days(self) -> list[int]:
        words = [word for word in re.split(r"[,;\s]+", self.cleaned_data["no_visit_days"]) if word]
        wrong = [word for word in words if not re.fullmatch(r"[0-9]{1,3}\Z", word) or not 0 < int(word) <= MOST_DAYS]
        if wrong:
            raise forms.ValidationError(f"“{wrong[0]}” is no number of days from 1 to {MOST_DAYS}. Write 7, 21.")
        days = list(read_days([int(word) for word in words]))
        if len(days) > MOST_REMINDERS:
            raise forms.ValidationError(f"These are {len(days)} reminders: {MOST_REMINDERS} are the most.")
        return days


class StopRemindersForm(forms.Form):
    """What of a customer's reminders is stopped."""

    ONE, ALL = "one", "all"
    scope = forms.ChoiceField(
        choices=[
            (ONE, "Only the chosen: what is to come after them is planned as the campaign says"),
            (ALL, "All reminders to these customers, in every campaign, from now on"),
        ],
        initial=ONE,
        label="What to stop",
        widget=forms.RadioSelect,
    )


class OutageForm(forms.ModelForm[Outage]):
    """A utility that is down."""

    began_at = forms.DateTimeField(
        label="Down since",
        help_text="In the portal’s own time zone. A time to come is an outage that was announced.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    class Meta:
        model = Outage
        fields = ["utility", "began_at", "note"]
        help_texts = {"note": "What your colleagues should know: sign-in shows an error page."}
        widgets = {"note": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        down = Outage.objects.filter(ended_at__isnull=True)
        self.fields["utility"].queryset = Utility.objects.exclude(outages__in=down)  # type: ignore[attr-defined]
        self.fields["utility"].empty_label = "Choose one"  # type: ignore[attr-defined]
        self.initial.setdefault("began_at", timezone.localtime().replace(second=0, microsecond=0))

    @property
    def wanted_utility(self) -> Utility:
        utility = self.cleaned_data["utility"]
        assert isinstance(utility, Utility)
        return utility

    @property
    def wanted_beginning(self) -> datetime:
        moment = self.cleaned_data["began_at"]
        assert isinstance(moment, datetime)
        return moment
