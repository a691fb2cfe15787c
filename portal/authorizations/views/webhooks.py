"""The portal's webhook at Leap: what is registered, and register, test and remove it. For admins."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from portal.authorizations.models import Event
from portal.authorizations.services.events import SECRET_HEADER
from portal.authorizations.services.webhooks import (
    WebhookRefused,
    describe_test,
    find_obstacle,
    get_receiver_url,
    list_registrations,
    register_webhook,
    remove_webhook,
    try_webhook,
)
from portal.leap.client import LeapError
from portal.leap.events import EVENT_TYPES


def _register() -> tuple[int, str]:
    is_new = register_webhook()
    return messages.SUCCESS, "Registered at Leap." if is_new else "Leap has the current settings now."


def _try() -> tuple[int, str]:
    test = try_webhook()
    return messages.SUCCESS if test.is_successful else messages.ERROR, describe_test(test)


def _remove() -> tuple[int, str]:
    if remove_webhook():
        return messages.SUCCESS, "Removed from Leap: no events come any more."
    return messages.WARNING, "Leap had no webhook for this portal: nothing was removed."


ACTIONS: dict[str, Callable[[], tuple[int, str]]] = {"register": _register, "test": _try, "remove": _remove}


class WebhookView(PermissionRequiredMixin, View):
    """GET asks Leap what it has; POST does one thing at Leap and comes back."""

    permission_required = "authorizations.manage_webhook"

    def get(self, request: HttpRequest) -> HttpResponse:
        registrations, problem = [], ""
        try:
            registrations = list_registrations()
        except LeapError as error:
            problem = str(error)
        context = {
            "registrations": registrations,
            "problem": problem,
            "obstacle": find_obstacle(),
            "receiver_url": get_receiver_url(),
            "header": SECRET_HEADER,
            "event_types": EVENT_TYPES,
            "last_event": Event.objects.defer("payload").order_by("-pk").first(),
        }
        return render(request, "authorizations/webhook.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        act = ACTIONS.get(request.POST.get("action", ""))
        if act is not None:
            try:
                level, words = act()
            except (LeapError, WebhookRefused) as error:
                level, words = messages.ERROR, str(error)
            messages.add_message(request, level, words)
        return redirect("webhook")
