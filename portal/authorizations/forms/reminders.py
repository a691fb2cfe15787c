"""Forms of reminders and outages."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from portal.authorizations.models import Campaign, Outage, Utility
from portal.authorizations.services.reminder_rules import read_days

MOST_REMINDERS: Final = 10
MOST_DAYS: Final = 365
#: No outage that holds anybody today began before.
LONGEST_OUTAGE: Final = timedelta(days=365)
_MOMENTS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


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
        input_formats=_MOMENTS,
    )
    ended_at = forms.DateTimeField(
        required=False,
        label="Until",
        help_text="If you know it; an announced one needs it. Empty: until somebody ends it.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=_MOMENTS,
    )

    class Meta:
        model = Outage
        fields = ["utility", "began_at", "ended_at", "note"]
        help_texts = {"note": "What your colleagues should know: sign-in shows an error page."}
        widgets = {"note": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        down = Outage.objects.filter(ended_at__isnull=True)
        self.fields["utility"].queryset = Utility.objects.exclude(outages__in=down)  # type: ignore[attr-defined]
        self.fields["utility"].empty_label = "Choose one"  # type: ignore[attr-defined]
        self.initial.setdefault("began_at", timezone.localtime().replace(second=0, microsecond=0))

    def clean_began_at(self) -> datetime:
        moment: datetime = self.cleaned_data["began_at"]
        if moment < timezone.now() - LONGEST_OUTAGE:
            raise forms.ValidationError(f"More than {LONGEST_OUTAGE.days} days ago: is the year right?")
        return moment

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        began_at, ended_at, now = cleaned.get("began_at"), cleaned.get("ended_at"), timezone.now()
        if began_at and "ended_at" in cleaned:
            if ended_at is None and began_at > now:
                # Else it would be the utility's one open outage, and nobody could mark it down before.
                self.add_error("ended_at", "An outage that was announced has an end: say until when.")
            elif ended_at is not None and ended_at <= max(began_at, now):
                self.add_error("ended_at", "It is over by then: choose a time to come, after the beginning.")
        return cleaned

    @property
    def wanted_utility(self) -> Utility:
        utility = self.cleaned_data["utility"]
        assert isinstance(utility, Utility)
        return utility

    @property
    def wanted_end(self) -> datetime | None:
        moment = self.cleaned_data["ended_at"]
        assert moment is None or isinstance(moment, datetime)
        return moment

    @property
    def wanted_beginning(self) -> datetime:
        moment = self.cleaned_data["began_at"]
        assert isinstance(moment, datetime)
        return moment
