"""Every view that answers without sign-in. Nothing can be learnt from them about any customer (R16)."""

import json
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
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.authorizations.models import Installation
from portal.authorizations.requests import client_address
from portal.authorizations.services.confirmations import KEPT, Return, record_confirmation
from portal.authorizations.services.doors import impatience
from portal.authorizations.services.events import SECRET_HEADER, store_event
from portal.authorizations.services.spool import write_to_spool
from portal.authorizations.services.visitors import Visitor, is_bot, shorten_ip
from portal.authorizations.services.visits import Arrival, Destination, find_destination, record_visit
from portal.authorizations.tasks import interpret_events_task
from portal.leap.events import parse_event

logger = logging.getLogger(__name__)

LANGUAGES = dict(settings.LANGUAGES)
#: An event of Leap's has a few hundred bytes.
MOST_EVENT_BYTES = 1_000_000


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
    if request.method == "GET" and not is_bot(request.META):
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


@csrf_exempt  # Leap's servers call it, without a browser: the header is what proves who they are
@login_not_required
@require_POST
def leap_events(request: HttpRequest) -> HttpResponse:
    """Leap's webhook: keep an event and answer; what it means is found out later. Leap repeats what gets no 2xx."""
    secret = settings.LEAP_WEBHOOK_SECRET
    if not secret or not constant_time_compare(request.headers.get(SECRET_HEADER, ""), secret):
        return _answer(401, f"The header {SECRET_HEADER} is missing or wrong.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_EVENT_BYTES:
        return _answer(413, f"An event has at most {MOST_EVENT_BYTES} bytes.")
    try:
        event = parse_event(_read_json(request.body))
        stored = store_event(event=event, at=timezone.now())
    except ValueError as error:
        return _answer(400, f"This is no event of Leap's: {error}.")
    except Error:
        logger.exception("An event of Leap's cannot be stored: Leap is told to send it again")
        return _answer(503, "The database cannot be written at the moment: send it again.")
    if stored.interpreted_at is None:
        _interpret_soon()
    return _answer(200, "ok")


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


def _answer(status: int, words: str) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})


def _read_json(body: bytes) -> object:
    """Decode a body. Raises ValueError, without its words: they would repeat what was sent."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None


def _interpret_soon() -> None:
    """Ask the worker to interpret what waits; when even that cannot be written, it looks by itself before long."""
    try:
        with impatience():
            interpret_events_task.enqueue()
    except Error as error:
        logger.warning("An event waits for the worker's next look: %s", str(error).strip())


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
        "is_bot": is_bot(request.META),
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
    user_agent = request.META.get("HTTP_USER_AGENT", "")[:300].replace("\x00", "\ufffd")
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
def _render_public_page(template: str, language: str, partner_name: str, support_email: str) -> bytes:
    installation = Installation(partner_name=partner_name, support_email=support_email)
    context = {"installation": installation, "portal": installation, "languages": LANGUAGES, "language": language}
    with translation.override(language):
        return render_to_string(template, context).encode()


__all__ = ["healthz", "leap_events", "readyz", "short_redirect", "thanks"]
