"""What every address of the API has in common: the key, the faults, JSON in and out, no session and no form."""

import functools
import hmac
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from portal.sandbox import faults
from portal.sandbox.api.errors import Refusal
from portal.sandbox.models import FaultKind

#: The key while LEAP_API_KEY is unset.
SANDBOX_KEY = "sandbox-key"
UNAUTHORIZED = Refusal(401, "Unauthorized")
FORBIDDEN = Refusal(403, "You do not have the necessary permissions for this operation")
BROKEN = Refusal(500, "An error happened whilst processing your request")
TOO_MANY = Refusal(429, "Too many requests")

Body = dict[str, Any]
"""The JSON object that a request carries, or that an answer is."""
Endpoint = Callable[..., Body]
Words = Callable[[Refusal], HttpResponse]


def endpoint(words: Words, **methods: Endpoint) -> Callable[..., HttpResponseBase]:
    """Return the view of one address: for each HTTP method a function from body and path values to an answer.

    `words` puts a refusal into the shape of the service. A function is called as function(body, **path_values).
    """
    first = next(iter(methods.values()))

    @functools.wraps(first)
    def view(request: HttpRequest, **values: str) -> HttpResponseBase:
        path = request.path_info.removeprefix("/sandbox")
        found = faults.begin(path)
        try:
            _check_key(request)
            _refuse_as_asked(found)
            function = methods.get(request.method or "")
            if function is None:
                raise Refusal(405, "Method not allowed", {"method": request.method})
            body = _body(request)
            if "page_token" in body and faults.take(FaultKind.STALE_TOKEN, path):
                raise Refusal(400, "Page token is no longer valid", {"page_token": body["page_token"]})
            answer = faults.alter(function(body, **values), path)
            response: HttpResponse = JsonResponse(answer)
        except Refusal as refusal:
            response = words(refusal)
        if FaultKind.TOO_MANY_RETRY_AFTER in found and response.status_code == 429:
            response.headers["Retry-After"] = str(round(found[FaultKind.TOO_MANY_RETRY_AFTER]))
        response.headers["Cache-Control"] = "no-store"
        return faults.dropped(response) if FaultKind.DROPPED in found else response

    return csrf_exempt(login_not_required(view))


def _check_key(request: HttpRequest) -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise UNAUTHORIZED
    wanted = settings.LEAP_API_KEY or SANDBOX_KEY
    # Leap answers 403 to a key that it does not know, as to one of its other environment.
    if not hmac.compare_digest(key.strip().encode(), wanted.encode()):
        raise FORBIDDEN


def _refuse_as_asked(found: dict[str, float]) -> None:
    refusals = {
        FaultKind.UNAUTHORIZED: UNAUTHORIZED,
        FaultKind.FORBIDDEN: FORBIDDEN,
        FaultKind.SERVER_ERROR: BROKEN,
        FaultKind.TOO_MANY: TOO_MANY,
        FaultKind.TOO_MANY_RETRY_AFTER: TOO_MANY,
    }
    for kind, refusal in refusals.items():
        if kind in found:
            raise refusal


def _body(request: HttpRequest) -> Body:
    """Return the request's JSON object; nothing at all is an empty one, as the body is optional."""
    if not request.body.strip():
        return {}
    try:
        body = json.loads(request.body)
        # Half a surrogate pair passes for JSON, and for no database.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "Request body is not JSON", {"error": str(error)[:200]}) from error
    if not isinstance(body, dict):
        raise Refusal(400, "Request body is not a JSON object")
    return body
