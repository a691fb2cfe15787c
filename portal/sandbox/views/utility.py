"""The utility's own pages: sign-in, a code, and what the customer agrees to share. All made up, and labelled so."""

import uuid
from datetime import date, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from portal.sandbox import clock, journeys
from portal.sandbox.households import accounts_of, household_of
from portal.sandbox.models import Authorization, AuthorizationStatus, Journey, Session, Stage
from portal.sandbox.utilities import Utility, find_utility
from portal.sandbox.views.pages import find_session, lock_session, page

# What a tester types to reach a page by hand; the pages say so.
WRONG_PASSWORD = "wrong"  # noqa: S105
WRONG_CODE = "000000"
ASKS_FOR_CODE = "code"
IS_DOWN = "down"
#: Years that a customer can choose; none: until revoked.
DURATIONS = {"3": "3 years", "1": "1 year", "": "Until I revoke it"}

REASONS = {
    "password": "wrong password",
    "code": "wrong code",
    "down": "the utility is out of service",
    "cancel": "cancelled by the customer",
}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def utility(request: HttpRequest, token: uuid.UUID, authorization_id: uuid.UUID) -> HttpResponse:
    """The page of the utility that an authorization stands at, and what the customer does there."""
    with transaction.atomic():
        session = (lock_session if request.method == "POST" else find_session)(str(token))
        authorization = get_object_or_404(session.authorizations, authorization_id=authorization_id)
        authorization.session = session
        at = find_utility(authorization.utility_id)
        is_done = session.is_over or authorization.status == AuthorizationStatus.COMPLETED
        if at is None or is_done or journeys.is_idle(session):
            return redirect("sandbox:session", token)
        if request.method == "POST":
            return _act(request, authorization, at)
        return _show(request, authorization, at)


def _act(request: HttpRequest, authorization: Authorization, at: Utility) -> HttpResponse:
    """Do what was pressed. Whoever failed and tries again begins another authorization."""
    session, act = authorization.session, request.POST.get("act", "")
    if act == "cancel":
        if authorization.status == AuthorizationStatus.INITIATED:
            journeys.fail_authorization(authorization=authorization, reason=REASONS["cancel"])
        return redirect("sandbox:session", session.token)
    if authorization.status == AuthorizationStatus.FAILED:
        if act not in {"sign_in", "guest"}:
            return _there(authorization)
        authorization = journeys.start_authorization(session=session, utility=at)
    if act in {"sign_in", "guest"}:
        _sign_in(request, authorization, is_guest=act == "guest" and at.guest_access)
    elif act == "code" and authorization.stage == Stage.CODE:
        if request.POST.get("code", "").strip() == WRONG_CODE:
            journeys.fail_authorization(authorization=authorization, reason=REASONS["code"])
        else:
            _to_stage(authorization, Stage.CONSENT)
    elif act == "consent" and authorization.stage == Stage.CONSENT:
        return _consent(request, authorization, at)
    return _there(authorization)


def _sign_in(request: HttpRequest, authorization: Authorization, *, is_guest: bool) -> None:
    """Take the sign-in; of what was typed only a digest of the name is kept."""
    name = request.POST.get("account_number" if is_guest else "username", "").strip()[:200]
    secret = request.POST.get("phone" if is_guest else "password", "").strip()
    if name.casefold() == IS_DOWN:
        journeys.fail_authorization(authorization=authorization, reason=REASONS["down"])
    elif not name or not secret or secret.casefold() == WRONG_PASSWORD:
        journeys.fail_authorization(authorization=authorization, reason=REASONS["password"])
    else:
        authorization.household = household_of(name)
        asks = authorization.session.flow.asks_second_factor or name.casefold() == ASKS_FOR_CODE
        _to_stage(authorization, Stage.CODE if asks else Stage.CONSENT)


def _consent(request: HttpRequest, authorization: Authorization, at: Utility) -> HttpResponse:
    ticked = set(request.POST.getlist("accounts"))
    accounts = [account for account in accounts_of(at, authorization.household) if account.number in ticked]
    years = request.POST.get("years", "")
    if not accounts or years not in DURATIONS:
        return _show(request, authorization, at, error="Tick one account at least.")
    ends_on: date | None = (clock.now() + timedelta(days=365 * int(years))).date() if years else None
    journeys.complete_authorization(authorization=authorization, utility=at, accounts=accounts, ends_on=ends_on)
    return _leave(authorization.session)


def _leave(session: Session) -> HttpResponse:
    """Back to Connect; Legacy ends here."""
    if session.journey == Journey.LEGACY:
        journeys.complete_session(session)
        return redirect("sandbox:session_end", session.token)
    journeys.advance(session)
    return redirect("sandbox:session", session.token)


def _to_stage(authorization: Authorization, stage: Stage) -> None:
    authorization.stage = stage
    authorization.updated_at = clock.now()
    authorization.save(update_fields=["stage", "household", "updated_at"])


def _there(authorization: Authorization) -> HttpResponse:
    return redirect("sandbox:utility", authorization.session.token, authorization.authorization_id)


def _show(request: HttpRequest, authorization: Authorization, at: Utility, *, error: str = "") -> HttpResponse:
    context = {"utility": at, "authorization": authorization, "error": error}
    session = authorization.session
    if authorization.status == AuthorizationStatus.FAILED:
        if authorization.reason == REASONS["down"]:
            return page(request, "sandbox/utility_down.html", context, session=session)
        if authorization.reason == REASONS["cancel"]:
            return redirect("sandbox:session", session.token)
        context["error"] = (
            "That code is wrong. Sign in again."
            if authorization.reason == REASONS["code"]
            else ("The username or password is wrong. Try again.")
        )
        return page(request, "sandbox/utility_sign_in.html", context, session=session)
    if authorization.stage == Stage.CODE:
        return page(request, "sandbox/utility_code.html", context, session=session)
    if authorization.stage == Stage.CONSENT:
        context |= {"accounts": accounts_of(at, authorization.household), "durations": DURATIONS.items()}
        return page(request, "sandbox/utility_consent.html", context, session=session)
    return page(request, "sandbox/utility_sign_in.html", context, session=session)
