"""Connect's own pages, and the addresses that links have."""

import uuid
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from portal.sandbox import journeys
from portal.sandbox.addresses import Opening, UnreadableError, read_legacy, read_regional, read_titled
from portal.sandbox.models import AuthorizationStatus, Journey, Session, SessionStatus
from portal.sandbox.utilities import CUSTOMER_TYPES, REGIONS, find_utility
from portal.sandbox.views.pages import find_session, lock_session, onwards, page


@login_not_required
@require_safe
def titled(request: HttpRequest, org_name: str, title: str) -> HttpResponse:
    """A Connect link under a title."""
    return _open(request, lambda: read_titled(org_name, title, _pairs(request.GET)))


@login_not_required
@require_safe
def legacy(request: HttpRequest, org_name: str, utility_id: str) -> HttpResponse:
    """A Legacy link: straight to the utility."""
    return _open(request, lambda: read_legacy(org_name, utility_id, _pairs(request.GET)))


def regional(request: HttpRequest) -> HttpResponse:
    """A link of Connect's newer address (home.home asks)."""
    return _open(request, lambda: read_regional(_pairs(request.GET)))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def session(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """The page of Connect that a session stands at, and the step that its customer takes there."""
    if request.method == "POST":
        with transaction.atomic():
            found = lock_session(str(token))
            if not found.is_over and not journeys.is_idle(found):
                return _take_step(request, found, request.POST.get("step", ""))
    return _show_step(request, find_session(str(token)), request.GET.get("show", ""))


@login_not_required
@require_GET
def session_end(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """The end: the partner's confirmation page, or Leap's generic thank-you page."""
    found = find_session(str(token))
    if found.status != SessionStatus.COMPLETED:
        return redirect("sandbox:session", token)
    if url := journeys.final_url(found):
        return onwards(request, url)
    return page(request, "sandbox/session_thanks.html", {}, session=found)


def _open(request: HttpRequest, read: Callable[[], Opening]) -> HttpResponse:
    """Begin a session and lead to its first page, so that a reload begins no other one. HEAD begins none."""
    try:
        opening = read()
    except UnreadableError as reason:
        return page(request, "sandbox/error.html", {"reason": str(reason)}, status=404)
    if request.method == "HEAD":
        return HttpResponse()
    return _first_page(journeys.open_session(opening=opening))


def _first_page(found: Session) -> HttpResponse:
    if found.journey == Journey.LEGACY and (started := found.authorizations.first()):
        return redirect("sandbox:utility", found.token, started.authorization_id)
    return redirect("sandbox:session", found.token)


def _show_step(request: HttpRequest, found: Session, show: str) -> HttpResponse:
    """Answer with the page that comes next; `show` asks for one that the customer may also turn to."""
    if found.status == SessionStatus.COMPLETED:
        return redirect("sandbox:session_end", found.token)
    if found.is_over or journeys.is_idle(found):
        return page(request, "sandbox/session_over.html", {"is_idle": not found.is_over}, session=found)
    authorizations = list(found.authorizations.all())
    connected = [entry for entry in authorizations if entry.status == AuthorizationStatus.COMPLETED]
    if found.journey == Journey.LEGACY:
        return page(
            request,
            "sandbox/legacy_failed.html",
            {"utility": find_utility(authorizations[0].utility_id)},
            session=found,
        )
    if not found.region:
        return _ask(request, found, "region", {name: REGIONS[name] for name in found.flow.regions})
    if not found.customer_type:
        return _ask(request, found, "customer_type", {name: CUSTOMER_TYPES[name] for name in found.flow.customer_types})
    waits = found.flow.terms_after_utility and not found.agreements_only
    if journeys.needs_terms(found) and (not waits or (connected and show == "terms")):
        return page(request, "sandbox/session_terms.html", {}, session=found)
    if connected and show != "utilities":
        context = {"connected": [_name(entry.utility_id) for entry in connected], "missing": _missing(found)}
        return page(request, "sandbox/session_connected.html", context, session=found)
    failed = authorizations[-1] if authorizations and authorizations[-1].status == AuthorizationStatus.FAILED else None
    return page(
        request,
        "sandbox/session_utilities.html",
        {"failed": _name(failed.utility_id) if failed else "", **_offer(found)},
        session=found,
    )


def _ask(request: HttpRequest, found: Session, step: str, choices: dict[str, str]) -> HttpResponse:
    return page(request, "sandbox/session_choice.html", {"step": step, "choices": choices.items()}, session=found)


def _offer(found: Session) -> dict[str, object]:
    """Requested utilities are required of a business; a home sees them first, the rest on demand (R8)."""
    requested = journeys.requested_utilities(found)
    offered = journeys.offered_utilities(found)
    done = {entry.utility_id for entry in found.authorizations.all() if entry.status == AuthorizationStatus.COMPLETED}
    is_commercial = found.customer_type == "COMMERCIAL"
    first = [utility for utility in offered if utility in requested] if requested else offered
    return {
        "first": first,
        "rest": [utility for utility in offered if utility not in first],
        "are_required": bool(requested) and is_commercial,
        "is_commercial": is_commercial,
        "done": done,
    }


def _missing(found: Session) -> list[str]:
    """The required utilities that are not connected: of a business only."""
    if found.customer_type != "COMMERCIAL":
        return []
    done = {entry.utility_id for entry in found.authorizations.all() if entry.status == AuthorizationStatus.COMPLETED}
    return [utility.name for utility in journeys.requested_utilities(found) if utility.utility_id not in done]


def _take_step(request: HttpRequest, found: Session, step: str) -> HttpResponse:
    value = request.POST.get("value", "")
    match step:
        case "region" if value in found.flow.regions and not found.region:
            found.region = value
            journeys.advance(found, "region")
        case "customer_type" if value in found.flow.customer_types and not found.customer_type:
            found.customer_type = value
            journeys.advance(found, "customer_type")
        case "agree" if "agreed" in request.POST and journeys.needs_terms(found):
            journeys.sign_terms(found)
            if found.agreements_only or found.authorizations.filter(status=AuthorizationStatus.COMPLETED).exists():
                return _finish(found)
        case "leave":
            journeys.close_session(found)
        case "utility":
            return _to_utility(found, value)
        case "finish":
            return _finish(found)
    return redirect("sandbox:session", found.token)


def _to_utility(found: Session, utility_id: str) -> HttpResponse:
    """Lead to the utility's own pages, where it is one that is offered and nothing has to be answered before."""
    if found.journey == Journey.LEGACY:
        offered = [find_utility(entry.utility_id) for entry in found.authorizations.all()[:1]]
    else:
        offered = [*journeys.offered_utilities(found)] if found.region and found.customer_type else []
        if journeys.needs_terms(found) and not found.flow.terms_after_utility:
            offered = []
    utility = next((utility for utility in offered if utility and utility.utility_id == utility_id), None)
    if utility is None:
        return redirect("sandbox:session", found.token)
    authorization = journeys.start_authorization(session=found, utility=utility)
    return redirect("sandbox:utility", found.token, authorization.authorization_id)


def _finish(found: Session) -> HttpResponse:
    """Complete the session, once something was authorized and everything is signed."""
    if journeys.needs_terms(found):
        return redirect(reverse("sandbox:session", args=[found.token], query={"show": "terms"}))
    if not found.agreements_only and not found.authorizations.filter(status=AuthorizationStatus.COMPLETED).exists():
        return redirect("sandbox:session", found.token)
    journeys.complete_session(found)
    return redirect("sandbox:session_end", found.token)


def _name(utility_id: str) -> str:
    utility = find_utility(utility_id)
    return utility.name if utility else utility_id


def _pairs(query: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in query.lists() for value in values]
