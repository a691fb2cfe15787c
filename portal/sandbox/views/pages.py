"""What every page of the sandbox is rendered with."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render

from portal.sandbox.cases import DAYS, Case
from portal.sandbox.models import Session

View = Callable[..., HttpResponse]


def tester_only(view: View) -> View:
    """Let in who may run the sandbox, and nobody else: what is changed there changes it for all."""
    return login_required(permission_required("sandbox.run_sandbox", raise_exception=True)(view))


class Onwards(HttpResponseRedirect):
    """A 302 to wherever a flow leads: the portal's own confirmation page, or one elsewhere."""

    allowed_schemes = ["http", "https"]


def find_session(token: str) -> Session:
    """Return the session of a page's address, or answer 404."""
    return get_object_or_404(Session.objects.select_related("flow"), token=token)


def lock_session(token: str) -> Session:
    """Return the session of a page's address, held until the transaction ends: two presses of one button are one."""
    return get_object_or_404(Session.objects.select_for_update(of=("self",)).select_related("flow"), token=token)


def onwards(request: HttpRequest, url: str) -> Onwards:
    """Lead a browser on; to the portal's own page under the scheme and host that it asked."""
    return Onwards(request.build_absolute_uri(url))


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, session: Session | None = None, status: int = 200
) -> HttpResponse:
    """Render a page of a journey: branded for its flow, and with the menu of cases until a utility was reached.

    A browser asks the policy once more where a form's answer leads: the partner's confirmation page is allowed, too.
    """
    if session is not None:
        context = {**context, "session": session, "flow": session.flow}
        context["cases"] = _menu(session) if _may_run_case(session) else []
    response = render(request, template, context, status=status)
    response.headers["Cache-Control"] = "no-store"
    if session is not None and (target := urlsplit(session.flow.final_redirect_url)).netloc:
        response.headers["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY.replace(
            "form-action 'self'", f"form-action 'self' {target.scheme}://{target.netloc}"
        )
    return response


def _may_run_case(session: Session) -> bool:
    """Only a fresh session takes a case: one that has met no utility, or Legacy at the first sight of it."""
    met = list(session.authorizations.all())
    if session.is_over or session.case or len(met) > 1:
        return False
    return not met or (session.journey == "legacy" and met[0].status == "INITIATED" and met[0].stage == "sign_in")


def _menu(session: Session) -> list[dict[str, Any]]:
    days = {case.value: number for case, number in DAYS.items()}
    return [{"value": value, "label": label, "days": days.get(value)} for value, label in Case.choices]
