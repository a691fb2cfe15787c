"""What a report on reps is about."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.services.rep_report import DIMENSIONS, MOST_DAYS, list_reps_to_report_on

#: A report without dates is about so many days.
USUAL_DAYS = 30


class ReportForm(forms.Form):
    """All of it stands in the address; whatever is missing or wrong is as usual."""

    by = forms.MultipleChoiceField(
        label="A row for each",
        choices=[(name, name) for name in DIMENSIONS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    rep = forms.ModelChoiceField(queryset=User.objects.none(), label="Rep", required=False, empty_label="All reps")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rep"].queryset = list_reps_to_report_on()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        until = cleaned.get("until") or timezone.localdate()
        since = cleaned.get("since") or until - datetime.timedelta(days=USUAL_DAYS - 1)
        if since > until:
            self.add_error("since", "The first day is after the last one: change one of the two.")
        elif (until - since).days >= MOST_DAYS:
            self.add_error("since", f"A report is about {MOST_DAYS} days at most: choose a later first day.")
        return {**cleaned, "since": since, "until": until, "by": cleaned.get("by") or ["rep"]}
