"""Refusals, in the two shapes that Leap's services publish."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse

#: Of the webhook service, by status (webhooks-openapi, responses).
_WEBHOOK_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class Refusal(Exception):  # noqa: N818
    """What is wrong with a call: HTTP status, a sentence, and the values it is about."""

    def __init__(self, status: int, title: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.details = dict(details or {})


def meter_refusal(refusal: Refusal) -> HttpResponse:
    """Word a refusal as the meter services do; their 500 is a bare JSON string."""
    if refusal.status == 500:
        return JsonResponse("An error happened whilst processing your request", status=500, safe=False)
    body = {"title": refusal.title, "status": refusal.status, "details": refusal.details}
    return JsonResponse(body, status=refusal.status)


def webhook_refusal(refusal: Refusal) -> HttpResponse:
    """Word a refusal as the webhook service does."""
    published = {
        401: "Auth token is invalid",
        403: "You do not have permission to perform this action",
        404: "The specified resource was not found",
        500: "An unexpected error occurred",
    }
    body = {
        "error": _WEBHOOK_ERRORS.get(refusal.status, "Error"),
        "message": published.get(refusal.status, refusal.title),
    }
    return JsonResponse(body, status=refusal.status)
