"""What a rep's device asks for and sends: docs/door.md describes it. JSON, by session, each answer bounded."""

import json
import time
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.generic import View

from portal.authorizations.forms.doors import DoorCallForm, DoorCustomerForm
from portal.authorizations.models import DoorDevice
from portal.authorizations.services.door_data import describe_device, draw_codes
from portal.authorizations.services.door_devices import explain_missing_kit, fill_reserve, find_kit, open_device
from portal.authorizations.views.door_sent import SentAction, perform, whole_number
from portal.authorizations.views.lists import user_of

PERMISSIONS = ("authorizations.add_doorcall", "authorizations.add_customer", "authorizations.add_link")
#: The session's key of its device.
SESSION_DEVICE = "door_device"
#: Somebody else was quicker, or the database is busy: the device sends it again, and what comes after it.
_LATER = {"status": "later"}
MOST_BYTES, MOST_ACTIONS, MOST_CODES, MOST_A_MINUTE = 64 * 1024, 20, 100, 120


class DoorAppView(PermissionRequiredMixin, View):
    """The page that a device keeps: no customer, no name, nothing of who is signed in."""

    permission_required = PERMISSIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        kit = find_kit(user_of(request))
        context = {
            "customer_form": DoorCustomerForm(kit=kit, auto_id="add_%s"),
            "call_form": DoorCallForm(auto_id="call_%s"),
        }
        return render(request, "authorizations/door_app.html", context)


class DoorWorkerView(PermissionRequiredMixin, View):
    """The service worker. It stands below /door/ and looks after every page, so that `/` opens without a signal."""

    permission_required = PERMISSIONS

    def get(self, request: HttpRequest) -> FileResponse:
        path = finders.find("js/door_worker.js")
        response = FileResponse(open(str(path), "rb"), content_type="text/javascript")  # noqa: PTH123, SIM115
        response.headers["Service-Worker-Allowed"] = "/"
        response.headers["Cache-Control"] = "no-cache"
        return response


class DoorEndpoint(PermissionRequiredMixin, View):
    """Asked by a device. Whoever may not (any more) is told to wipe; who is not signed in gets the sign-in page."""

    permission_required = PERMISSIONS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission():
            return JsonResponse({"wipe": True}, status=403)
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            return _refuse(f"Too long: send {MOST_BYTES} bytes at most.", 413)
        if _asks_too_often(request):
            return _refuse("Too many requests: wait a minute.", 429)
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    def device_of(self, request: HttpRequest) -> DoorDevice:
        device = open_device(rep=user_of(request), device_id=request.session.get(SESSION_DEVICE))
        if request.session.get(SESSION_DEVICE) != device.pk:
            request.session[SESSION_DEVICE] = device.pk
        return device

    def read(self, request: HttpRequest, name: str, most: int) -> list[Any]:
        """Return the list `name` of the body. Raises ValueError in words."""
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise ValueError("The body is not JSON.") from error
        items = body.get(name) if isinstance(body, dict) else None
        if not isinstance(items, list) or len(items) > most:
            raise ValueError(f"Send an object with “{name}”, a list of {most} at most.")
        return items


class DoorDataView(DoorEndpoint):
    """The rep's own list and the links in reserve, filled up."""

    def get(self, request: HttpRequest) -> JsonResponse:
        rep = user_of(request)
        device = self.device_of(request)
        kit = find_kit(rep)
        reserve = fill_reserve(device=device, kit=kit)
        problem = "" if kit else explain_missing_kit(rep)
        data = describe_device(device=device, rep=rep, kit=kit, reserve=reserve, problem=problem)
        return JsonResponse({**data, "csrf": get_token(request)})


class DoorCodesView(DoorEndpoint):
    """How the codes of links look, for those that the device has not drawn yet."""

    def post(self, request: HttpRequest) -> JsonResponse:
        try:
            ids = [whole_number(each) for each in self.read(request, "links", MOST_CODES)]
        except ValueError as error:
            return _refuse(str(error), 400)
        return JsonResponse(
            {
                "codes": draw_codes(
                    rep=user_of(request), device=self.device_of(request), link_ids=[each for each in ids if each]
                )
            }
        )


class DoorActionsView(DoorEndpoint):
    """What was done without a signal, in the order in which it was done. Each answer stands beside its action's key.

    GET says what a device needs before it sends: whose it is, and the token against forged requests.
    """

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"rep": user_of(request).pk, "csrf": get_token(request)})

    def post(self, request: HttpRequest) -> JsonResponse:
        try:
            sent = [SentAction(each) for each in self.read(request, "actions", MOST_ACTIONS)]
        except ValueError as error:
            return _refuse(str(error), 400)
        device = self.device_of(request)
        answers: list[dict[str, Any]] = []
        for each in sent:
            waits = bool(answers) and answers[-1]["status"] == "later"
            answers.append({"key": str(each.key), **(_LATER if waits else self._perform(request, device, each))})
        return JsonResponse({"answers": answers})

    def _perform(self, request: HttpRequest, device: DoorDevice, sent: SentAction) -> dict[str, Any]:
        try:
            return perform(sent=sent, by=user_of(request), device=device)
        except DatabaseError:
            return _LATER


def _asks_too_often(request: HttpRequest) -> bool:
    key = f"door:{request.user.pk}:{int(time.time() // 60)}"
    count = cache.get(key, 0) + 1
    cache.set(key, count, 60)
    return bool(count > MOST_A_MINUTE)


def _refuse(words: str, status: int) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
