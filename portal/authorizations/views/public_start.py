"""The hosted pages, where a web visitor asks for a link. No sign-in, and nothing to learn about any customer (R16).

Known and unknown addresses are treated alike until the worker has them: the same look-ups, the same rows, the same
answer. The link only ever comes by mail.
"""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from portal.authorizations.forms.link_requests import LinkRequestForm
from portal.authorizations.models import Installation, LandingPage
from portal.authorizations.requests import client_address
from portal.authorizations.services.landing_pages import explain_stamp, find_landing_page, make_stamp
from portal.authorizations.services.link_requests import keep_link_request
from portal.authorizations.services.request_limit import may_mail, may_use, minutes_for_network, minutes_for_page
from portal.authorizations.services.visitors import shorten_ip
from portal.authorizations.tasks import answer_link_requests_task

logger = logging.getLogger(__name__)

LANGUAGES = dict(settings.LANGUAGES)


@sensitive_post_parameters()
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """A flow's hosted page: asks for an email address, to which the link is mailed. In the browser's language."""
    language = _language(request, language)
    with translation.override(language):
        try:
            page = find_landing_page(slug)
            if page is None:
                return _show(request, "start_closed", language, status=404)
            if request.method != "POST":
                form = LinkRequestForm(page=page, initial={"stamp": make_stamp(page)})
                return _show(request, "start", language, page=page, form=form)
            return _ask(request, page, language)
        except Error:
            # Not with the traceback: a database's words may repeat what was typed.
            logger.error("A hosted page cannot use the database")
            return _show(request, "unavailable", language, status=503)


@login_not_required
@require_safe
def start_sent(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """What follows, whoever asked and whatever comes of it. It says the same of every slug."""
    language = _language(request, language)
    with translation.override(language):
        return _show(request, "start_sent", language, slug=slug)


def _ask(request: HttpRequest, page: LandingPage, language: str) -> HttpResponse:
    """Take what was typed, unless a program or a flood sends it."""
    if minutes := minutes_for_network(shorten_ip(client_address(request))):
        return _show(request, "start_wait", language, status=429, minutes=minutes)
    form = LinkRequestForm(request.POST, page=page)
    stamp = request.POST.get("stamp", "")
    problem = explain_stamp(stamp, page)
    is_valid = form.is_valid()
    if is_valid and not problem and not may_use(stamp):
        problem = "stale"
    if problem or not is_valid:
        if problem == "stale":
            form.data = {**request.POST.dict(), "stamp": make_stamp(page)}
        return _show(request, "start", language, status=422, page=page, form=form, again=problem if is_valid else "")
    is_trapped = bool(form.cleaned_data["trap"])
    if not is_trapped and (minutes := minutes_for_page(page.slug)):
        return _show(request, "start_wait", language, status=429, minutes=minutes)
    # A filled trap, or an address that got its mails: the answer is the same.
    if not is_trapped and may_mail(form.cleaned_data["email"]):
        keep_link_request(page=page, language=language, **form.wanted)
        answer_link_requests_task.enqueue()
    return redirect("start_sent", page.slug, language)


def _language(request: HttpRequest, wanted: str) -> str:
    return wanted if wanted in LANGUAGES else translation.get_language_from_request(request)


def _show(request: HttpRequest, name: str, language: str, *, status: int = 200, **context: Any) -> HttpResponse:
    try:
        installation = Installation.objects.current()
    except Error:
        installation = Installation()
    page: LandingPage | None = context.get("page")
    context |= {
        "installation": installation,
        "languages": LANGUAGES,
        "language": language,
        "headline": page.headline_in(language) if page else "",
    }
    response = render(request, f"public/{name}.html", context, status=status)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept-Language"])
    if minutes := context.get("minutes"):
        response.headers["Retry-After"] = str(minutes * 60)
    return response


__all__ = ["start", "start_sent"]
