"""What a request carries beside Django's own attributes, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PortalRequest(HttpRequest):
    """A request as HtmxMiddleware hands it on. Never made: requests keep Django's classes, only views name this one.

    `upload_too_large` is there only after LimitedUploadHandler has thrown an upload away.
    """

    htmx: HtmxDetails
    upload_too_large: bool
