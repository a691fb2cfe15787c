"""The menu of test cases on a journey's first page, as Leap's staging environment has one."""

import uuid

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portal.sandbox.cases import Case, CaseRefusedError, Ending, Place, run_case
from portal.sandbox.views.pages import find_session, onwards, page


@login_not_required
@require_POST
def session_case(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Run a test case, and end where it leaves its customer."""
    session = find_session(str(token))
    case, days = request.POST.get("case", ""), request.POST.get("days", "")
    try:
        if case not in Case.values:
            raise CaseRefusedError("Choose a test case.")
        ending = run_case(case=Case(case), session=session, days=_number(days))
    except CaseRefusedError as refusal:
        return page(request, "sandbox/case_refused.html", {"reason": str(refusal)}, session=session, status=409)
    return _end_case(request, ending)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _end_case(request: HttpRequest, ending: Ending) -> HttpResponse:
    session = ending.session
    if ending.place == Place.PARTNER and ending.url:
        return onwards(request, ending.url)
    if ending.place == Place.PARTNER:
        return page(request, "sandbox/session_thanks.html", {}, session=session)
    if ending.place == Place.NOWHERE:
        return page(request, "sandbox/session_gone.html", {"authorization": ending.authorization}, session=session)
    if ending.place == Place.UTILITY and ending.authorization:
        return redirect("sandbox:utility", session.token, ending.authorization.authorization_id)
    return redirect("sandbox:session", session.token)
