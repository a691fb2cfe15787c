"""The form that dismisses a re-authorization."""

from django import forms


class DismissForm(forms.Form):
    """Why nothing has to be done; everybody who asks later reads it."""

    reason = forms.CharField(
        max_length=200,
        help_text="It stays with the task: moved away, wants no more, meter given up.",
        error_messages={"required": "Say why nothing has to be done."},
    )
