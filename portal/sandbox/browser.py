"""A customer's browser without a window: opens a short link, and the partner's confirmation page at the end."""

from types import TracebackType
from typing import Self

import httpx

#: A browser's name, not a program's: the portal keeps what robots do apart.
USER_AGENT = "Mozilla/5.0 (Linux; Android 14; Sandbox) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36"
TIMEOUT = 10.0


class Browser:
    """One browser for a run of many customers, who share nothing in it. `unreached` counts what did not answer."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self.unreached = 0
        self._client = httpx.Client(
            transport=transport, timeout=TIMEOUT, headers={"User-Agent": USER_AGENT}, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def open(self, url: str) -> bool:
        """Open a page; return whether it showed."""
        return self._get(url) is not None

    def follow(self, url: str) -> str:
        """Open a short link; return where it leads, or nothing."""
        response = self._get(url)
        return response.headers.get("Location", "") if response is not None else ""

    def _get(self, url: str) -> httpx.Response | None:
        try:
            response = self._client.get(url)
        except (httpx.HTTPError, httpx.InvalidURL):
            response = None
        self._client.cookies.clear()
        if response is None or response.is_error:
            self.unreached += 1
            return None
        return response
