"""What a request carries beside Django's own attributes, and where it comes from."""

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PortalRequest(HttpRequest):
    """A request as HtmxMiddleware hands it on. Never made: requests keep Django's classes, only views name this one.

    `upload_too_large` is there only after LimitedUploadHandler has thrown an upload away.
    """

    htmx: HtmxDetails
    upload_too_large: bool


def client_address(request: HttpRequest) -> str:
    """Return the visitor's IP address. Behind https stands a proxy, which adds it last."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rsplit(",", 1)[-1]
    return address
