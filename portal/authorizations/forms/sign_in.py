"""Signing in, with a limit on guessing: at the portal's own door and at that of Django's admin."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from portal.accounts.services.sign_in_limit import minutes_to_wait, note_failure, note_success
from portal.authorizations.requests import client_address
from portal.authorizations.services.visitors import shorten_ip


class SignInForm(AuthenticationForm):
    """Name and password. `minutes_to_wait` is above 0 after too many failures: then neither is even looked at."""

    minutes_to_wait = 0

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username", "")
        address = shorten_ip(client_address(self.request)) if self.request else ""
        self.minutes_to_wait = minutes_to_wait(username=username, address=address)
        if self.minutes_to_wait:
            minutes = f"{self.minutes_to_wait} minute{'' if self.minutes_to_wait == 1 else 's'}"
            raise ValidationError(f"Too many sign-ins have failed. Wait {minutes}, then try again.", code="wait")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            note_failure(username=username, address=address)
            raise
        if self.user_cache is not None:
            note_success(username=username, address=address)
        return cleaned


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """The same for Django's admin, which takes staff only."""
