"""Signing in and out, on a device that may keep a rep's list: whoever is signed out leaves nothing behind."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from portal.authorizations.models import DoorDevice
from portal.authorizations.services.door_devices import end_device
from portal.authorizations.views.door_device import SESSION_DEVICE

#: Storage of scripts, the service worker and its cache. static/js/door_wipe.js does the same where a browser does not.
WIPE = '"cache", "storage"'


class SignInView(LoginView):
    """Whoever sees this page is not signed in: the session ended, or the person was disabled."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"storage"'
        return response


class SignOutView(LogoutView):
    """Sign-out ends the session's device, too."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        device_id = request.session.get(SESSION_DEVICE)
        response = super().post(request, *args, **kwargs)
        device = DoorDevice.objects.filter(pk=device_id).first() if device_id else None
        if device is not None:
            end_device(device=device)
        response.headers["Clear-Site-Data"] = WIPE
        return response
