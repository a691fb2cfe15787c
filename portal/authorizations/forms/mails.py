"""Forms of the mails: a campaign's words, and addresses that get no more."""

from typing import Any

from django import forms

from portal.authorizations.models import MailStop, Message, StopReason
from portal.authorizations.services.messages import PLACEHOLDERS, Words, find_unknown_placeholders, words_in

_SUBJECT = {"spellcheck": "true"}
_BODY = {"rows": 12, "spellcheck": "true"}


class MessageForm(forms.Form):
    """The words in both languages. An emptied field gets the portal's own words back."""

    subject_en = forms.CharField(
        label="Subject", max_length=150, required=False, widget=forms.TextInput(attrs={**_SUBJECT, "lang": "en"})
    )
    body_en = forms.CharField(
        label="Text", max_length=5000, required=False, widget=forms.Textarea(attrs={**_BODY, "lang": "en"})
    )
    subject_es = forms.CharField(
        label="Subject in Spanish",
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={**_SUBJECT, "lang": "es"}),
    )
    body_es = forms.CharField(
        label="Text in Spanish", max_length=5000, required=False, widget=forms.Textarea(attrs={**_BODY, "lang": "es"})
    )

    def __init__(self, data: Any = None, *, message: Message) -> None:
        self.defaults = {language: words_in(message, language) for language in ("en", "es")}
        initial = {
            f"{part}_{language}": getattr(words, part)
            for language, words in self.defaults.items()
            for part in ("subject", "body")
        }
        super().__init__(data, initial=initial)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for name in self.fields:
            for unknown in find_unknown_placeholders(str(values.get(name, ""))):
                known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
                self.add_error(name, f"{unknown} means nothing here. You may write {known}.")
        return values

    @property
    def is_unsaved(self) -> bool:
        """Whether other words stand in the fields than are saved. Browsers send every line end as CR LF."""
        return any(
            str(self.cleaned_data.get(name, "")).split() != str(initial).split()
            for name, initial in self.initial.items()
        )

    def words(self, language: str) -> Words:
        """What was written in a language; empty: the portal's own words."""
        return Words(self.cleaned_data[f"subject_{language}"], self.cleaned_data[f"body_{language}"])


class MailStopForm(forms.Form):
    """Stop mails to an address."""

    email = forms.EmailField(label="Email address", max_length=254)
    reason = forms.ChoiceField(
        label="What happened",
        choices=[
            (StopReason.UNSUBSCRIBED, "Its owner wants no more mails"),
            (StopReason.BOUNCED, "Mails to it come back"),
            (StopReason.COMPLAINED, "Its owner complained, or reported spam"),
        ],
    )


class MailStopLiftForm(forms.Form):
    """Write to an address again."""

    reason = forms.CharField(label="Why", max_length=200, help_text="Kept with the stop, with your name.")
    asked_for = forms.BooleanField(label="The owner of the address asked for it", required=False)

    def __init__(self, data: Any = None, *, stop: MailStop) -> None:
        super().__init__(data)
        if stop.reason == StopReason.BOUNCED:
            del self.fields["asked_for"]
