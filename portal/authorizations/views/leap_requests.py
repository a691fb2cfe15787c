"""The messages to Leap's Partner Success representative: for a flow, and for the confirmation page."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from portal.authorizations.models import Flow, FlowState, Installation
from portal.authorizations.services.flow_rules import find_problems
from portal.authorizations.services.flows import mark_requested
from portal.authorizations.services.leap_requests import (
    compose_confirmation_request,
    compose_flow_request,
    confirmation_page_url,
)
from portal.authorizations.views.lists import user_of


class FlowRequestView(PermissionRequiredMixin, View):
    """What to send to Leap so that it configures a flow (R7); a post remembers that it was sent."""

    permission_required = "authorizations.change_flow"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = get_object_or_404(Flow.objects.with_utilities(), pk=pk)
        message = compose_flow_request(flow=flow, installation=Installation.objects.current(), by=user_of(request))
        problems = find_problems(flow=flow, utilities=list(flow.utilities.all()))
        context = {"flow": flow, "message": message, "problems": problems, "is_public": _is_public()}
        return render(request, "authorizations/flow_request.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = mark_requested(flow=get_object_or_404(Flow, pk=pk))
        messages.success(request, f"Noted: the request for “{flow}” was sent today. Set it live when Leap says so.")
        return redirect("flow_list")


class ConfirmationRequestView(PermissionRequiredMixin, View):
    """What to send to Leap so that customers come back to this portal's confirmation page (R15, R17)."""

    permission_required = "authorizations.change_flow"

    def get(self, request: HttpRequest) -> HttpResponse:
        flows = Flow.objects.exclude(state=FlowState.RETIRED)
        organizations = sorted(set(flows.values_list("org_name", flat=True)))
        message = compose_confirmation_request(
            organizations=organizations, installation=Installation.objects.current(), by=user_of(request)
        )
        context = {
            "message": message,
            "url": confirmation_page_url(),
            "is_public": _is_public(),
        }
        return render(request, "authorizations/confirmation_request.html", context)


def _is_public() -> bool:
    return str(settings.PUBLIC_URL).startswith("https://")
