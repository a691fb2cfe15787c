"""The installation: the partner's name and addresses, and what the settings say."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from portal.authorizations.forms.installation import InstallationForm
from portal.authorizations.models import Installation
from portal.authorizations.services.installation import save_installation


class InstallationUpdateView(PermissionRequiredMixin, View):
    permission_required = ("authorizations.view_installation", "authorizations.change_installation")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, InstallationForm(instance=Installation.objects.first() or Installation()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = InstallationForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=422)
        save_installation(**form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("installation_update")

    def _show(self, request: HttpRequest, form: InstallationForm, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "environment": settings.LEAP_ENVIRONMENT,
            "public_url": settings.PUBLIC_URL,
            "addresses": [
                ("Leap’s API", "LEAP_API_URL", settings.LEAP_API_URL),
                ("Connect, titled", "LEAP_CONNECT_URL", settings.LEAP_CONNECT_URL),
                ("Connect, regional", "LEAP_CONNECT_NEW_URL", settings.LEAP_CONNECT_NEW_URL),
                ("Legacy ShareMyData", "LEAP_LEGACY_URL", settings.LEAP_LEGACY_URL),
            ],
            # Whether, never what: nobody reads a secret off a screen.
            "secrets": [
                ("Key for Leap’s API", "LEAP_API_KEY", bool(settings.LEAP_API_KEY)),
                ("Secret of Leap’s webhook", "LEAP_WEBHOOK_SECRET", bool(settings.LEAP_WEBHOOK_SECRET)),
            ],
        }
        return render(request, "authorizations/installation_update.html", context, status=status)
