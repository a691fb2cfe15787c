"""The form that starts a sync of meters."""

from django import forms


class MeterSyncForm(forms.Form):
    full = forms.BooleanField(
        label="Read everything, not only what changed",
        help_text="Also finds the meters of links that were issued or imported after Leap had them.",
        required=False,
    )
