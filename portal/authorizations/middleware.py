"""What Django 5.2 does not do by itself: one header, and public doors that need no session."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.utils.cache import add_never_cache_headers


class ContentSecurityPolicyMiddleware:
    """Nothing inline, nothing from another host. Django 6 brings this; until then it is these lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        return response


class PublicDoorsMiddleware:
    """Answer the public doors at once: they know no session, no user, no messages and no form of the portal's.

    What stands above in MIDDLEWARE (security headers, the policy, frames) holds for them, too. Only views that say
    `login_not_required` are answered here: an address below a door that is not one goes on its way.
    """

    DOORS = ("/go/", "/GO/", "/leap/thanks", "/leap/events", "/unsubscribe/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(self.DOORS):
            match = resolve(request.path_info)
            if not getattr(match.func, "login_required", True):
                request.resolver_match = match
                response: HttpResponse = match.func(request, *match.args, **match.kwargs)
                response.headers.setdefault("Content-Length", str(len(response.content)))
                return response
        return self.get_response(request)


class PrivateByDefaultMiddleware(LoginRequiredMiddleware):
    """Sign-in for every view but those marked `login_not_required`, which are not even asked who comes.

    Django's own asks first, and so needs the database for a public page whenever the browser sends a session cookie.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Let no browser or proxy keep a page with personal data, as in Django's admin, unless its view says how.

        Nor the part of a page that htmx asked for, to be shown in place of the page when somebody goes back.
        """
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response
