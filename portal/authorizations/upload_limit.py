"""An upload that is too large is dropped while it arrives, not after it has filled the disk."""

from typing import Any, cast

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from portal.authorizations.requests import PortalRequest


class LimitedUploadHandler(FileUploadHandler):
    """Count what arrives; past the limit, throw the rest away and mark the request.

    The form sees no file, and `request.upload_too_large` tells it why.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > settings.MAX_UPLOAD_BYTES:
            if self.request is not None:
                cast(PortalRequest, self.request).upload_too_large = True
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
