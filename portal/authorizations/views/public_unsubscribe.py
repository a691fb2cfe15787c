"""No more mails: for whoever reads one. No sign-in, no cookie, and nothing to learn: any token gets the same answer.

But for one: who takes it back, with a token that holds, reads that a bounce or a complaint still stops the mails.

GET only asks, since programs follow every address in a mail. A POST does it: the page's button, or a mail program's
one click (RFC 8058), which sends no cookie and knows of no form of ours.
"""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.authorizations.models import Installation
from portal.authorizations.services.unsubscribing import take_back, unsubscribe_reader

logger = logging.getLogger(__name__)

LANGUAGES = dict(settings.LANGUAGES)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, stop the mails to whoever was written to, or take that back. In the browser's language, or `?language=`."""
    wanted = request.GET.get("language", "")
    language = wanted if wanted in LANGUAGES else translation.get_language_from_request(request)
    with translation.override(language):
        try:
            if request.method != "POST":
                return _show(request, language, step="ask")
            if request.POST.get("do") == "take-back":
                is_stopped = take_back(token)
                return _show(request, language, step="kept" if is_stopped else "taken_back")
            unsubscribe_reader(token)
            return _show(request, language, step="done")
        except Error:
            # Not with the traceback: the address of the page says whose mail it was.
            logger.error("An unsubscribe page cannot use the database")
            return _show(request, language, step="unavailable", status=503)


def _show(request: HttpRequest, language: str, *, step: str, status: int = 200) -> HttpResponse:
    try:
        installation = Installation.objects.current()
    except Error:
        installation = Installation()
    context = {"installation": installation, "languages": LANGUAGES, "language": language, "step": step}
    response = render(request, "public/unsubscribe.html", context, status=status)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    patch_vary_headers(response, ["Accept-Language"])
    return response


__all__ = ["unsubscribe"]
