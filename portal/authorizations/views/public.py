"""Every view that answers without sign-in. Nothing can be learnt from them about any customer (R16)."""

import logging
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.authorizations.models import Installation
from portal.authorizations.requests import client_address
from portal.authorizations.services.confirmations import KEPT, Return, record_confirmation
from portal.authorizations.services.spool import write_to_spool
from portal.authorizations.services.visitors import Visitor, is_bot, shorten_ip
from portal.authorizations.services.visits import Arrival, Destination, find_destination, record_visit

logger = logging.getLogger(__name__)

LANGUAGES = dict(settings.LANGUAGES)


@csrf_exempt  # only reads and notes: whatever else is tried is a 405, not a 403
@login_not_required
@require_safe
def short_redirect(request: HttpRequest, code: str) -> HttpResponse:
    """Send a visitor on to the link's URL, and note the visit; a void or unknown code gets a friendly page."""
    try:
        destination = find_destination(code)
    except Error:
        logger.exception("The short redirect cannot read the database")
        return _public_page(request, "public/unavailable.html", status=503)
    if destination is None:
        return _public_page(request, "public/no_such_link.html", status=404)
    if request.method == "GET" and not is_bot(request.headers):
        _keep_visit(request, destination)
    # An address that the portal itself issued, in ASCII: nothing of it has to be looked at again.
    headers = {"Location": destination.url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HttpResponse(status=302, headers=headers)


@csrf_exempt  # only reads and notes: whatever else is tried is a 405, not a 403
@login_not_required
@require_safe
def thanks(request: HttpRequest, language: str = "") -> HttpResponse:
    """The confirmation page: keeps the claim, and shows the same to everybody, whatever the query says.

    With a language in the address (the page's own switch) nothing is kept: nobody has come back again.
    """
    if request.method == "GET" and not language:
        _keep_confirmation(request)
    return _public_page(request, "public/thanks.html", language=language)


@csrf_exempt  # only reads and notes: whatever else is tried is a 405, not a 403
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-store"})


@csrf_exempt  # only reads and notes: whatever else is tried is a 405, not a 403
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database is reachable and has all migrations."""
    try:
        executor = MigrationExecutor(connection)
        ready = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        reason = "ok" if ready else "migrations are missing: run migrate"
    except Error:
        ready, reason = False, "the database is not reachable"
    return HttpResponse(
        reason, content_type="text/plain", status=200 if ready else 503, headers={"Cache-Control": "no-store"}
    )


def _keep_visit(request: HttpRequest, destination: Destination) -> None:
    """Note a visit; when the database cannot be written, in the spool: the visitor is sent on all the same."""
    values: Arrival = {
        "link_id": destination.link_id,
        "via_id": destination.via_id,
        **_visitor(request),
    }
    at = timezone.now()
    try:
        record_visit(**values, at=at)
    except Error:
        _spool("visit", values, at)


def _keep_confirmation(request: HttpRequest) -> None:
    """Keep a claim; when the database cannot be written, in the spool: the page shows all the same."""
    values: Return = {
        "query_string": request.META.get("QUERY_STRING", "")[: KEPT * 2],
        "is_bot": is_bot(request.headers),
        **_visitor(request),
    }
    at = timezone.now()
    try:
        record_confirmation(**values, at=at)
    except Error:
        _spool("confirmation", values, at)


def _spool(kind: str, values: Arrival | Return, at: datetime) -> None:
    receipt = write_to_spool(kind=kind, record={**values, "at": at.isoformat()})
    logger.warning("The database cannot be written: a %s waits in the spool as %s", kind, receipt)


def _visitor(request: HttpRequest) -> Visitor:
    """The shortened address and the browser."""
    user_agent = request.headers.get("User-Agent", "")[:300].replace("\x00", "\ufffd")
    return {"ip": shorten_ip(client_address(request)), "user_agent": user_agent}


def _public_page(request: HttpRequest, template: str, *, status: int = 200, language: str = "") -> HttpResponse:
    """Answer with a page for customers in the browser's language, or the one of the page's switch.

    Its context is the installation's alone: what was sent cannot change a word of it, so it is rendered once for each
    language and installation and kept.
    """
    if language not in LANGUAGES:
        language = translation.get_language_from_request(request)
    try:
        installation = Installation.objects.current()
    except Error:
        installation = Installation()
    html = _render_public_page(template, language, installation.partner_name, installation.support_email)
    return HttpResponse(
        html,
        status=status,
        headers={
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


@lru_cache(maxsize=32)
def _render_public_page(template: str, language: str, partner_name: str, support_email: str) -> str:
    installation = Installation(partner_name=partner_name, support_email=support_email)
    context = {"installation": installation, "portal": installation, "languages": LANGUAGES, "language": language}
    with translation.override(language):
        return render_to_string(template, context)


__all__ = ["healthz", "readyz", "short_redirect", "thanks"]
