"""The portal's webhook at Leap: what is registered, and register, test and remove it. For admins."""

from collections.abc import Callable
from typing import ClassVar

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from portal.authorizations.models import Event
from portal.authorizations.services.events import SECRET_HEADER
from portal.authorizations.services.webhooks import (
    WebhookRefused,
    find_obstacle,
    get_receiver_url,
    list_registrations,
    register_webhook,
    remove_webhook,
    try_webhook,
)
from portal.leap.client import LeapError
from portal.leap.events import EVENT_TYPES


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
        act = self.ACTIONS.get(request.POST.get("action", ""))
        if act is not None:
            try:
                level, words = act()
            except (LeapError, WebhookRefused) as error:
                level, words = messages.ERROR, str(error)
            messages.add_message(request, level, words)
        return redirect("webhook")

    @staticmethod
    def register() -> tuple[int, str]:
        is_new = register_webhook()
        return messages.SUCCESS, "Registered at Leap." if is_new else "Leap has the current settings now."

    @staticmethod
    def test() -> tuple[int, str]:
        test = try_webhook()
        if test.is_successful:
            return messages.SUCCESS, "The test event arrived: it is the newest of Leap’s events."
        return messages.ERROR, f"Leap’s test event was not taken: {describe_failure(test.status_code, test.error)}"

    @staticmethod
    def remove() -> tuple[int, str]:
        if remove_webhook():
            return messages.SUCCESS, "Removed from Leap: no events come any more."
        return messages.WARNING, "Leap had no webhook for this portal: nothing was removed."

    ACTIONS: ClassVar[dict[str, Callable[[], tuple[int, str]]]] = {
        "register": register,
        "test": test,
        "remove": remove,
    }
