"""Leap's API over HTTP: meters, enrollments and webhooks, with time limits, retries and one family of errors.

Leap's meter details, meter enrollment and webhooks OpenAPI. Leap publishes no request limit and no Retry-After; both
are obeyed all the same. The API key is only ever in the header of a request: not in a repr, a log or an error.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpx
import tenacity

from portal.leap.payloads import Fields

PAGE_SIZE = 500
"""Meters in one page, Leap's maximum."""
ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""Seconds between two attempts at most, whatever Retry-After says."""
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_RETRIED = frozenset({429, 500, 502, 503, 504})

logger = logging.getLogger(__name__)


class LeapError(Exception):
    """Leap could not be asked, or refused. Its text is one sentence for a manager."""

    text = "Leap refused the request."

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)


class LeapUnauthorized(LeapError):  # noqa: N818
    text = "Leap does not accept the API key: set LEAP_API_KEY to a valid key of Leap's Partner Portal and restart."


class LeapForbidden(LeapError):  # noqa: N818
    text = (
        "Leap refuses the API key: it is a key of another environment, or without permission. Set LEAP_API_KEY to a "
        "key of the environment in LEAP_ENVIRONMENT that may read meters and manage webhooks."
    )


class LeapNotFound(LeapError):  # noqa: N818
    text = "Leap does not know it: it was removed there, or belongs to another account."


class LeapRefused(LeapError):  # noqa: N818
    """Leap finds a request wrong (400 and the like)."""


class LeapStalePage(LeapError):  # noqa: N818
    text = "Leap does not know the page any more where reading was to go on: it starts again."


class LeapUnavailable(LeapError):  # noqa: N818
    text = "Leap does not answer now, after several attempts. The next sync tries again."

    def __init__(self, text: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds that Leap asked to wait."""


class LeapAnswerUnreadable(LeapError):  # noqa: N818
    text = "Leap's answer cannot be read: it is not what Leap publishes. If it stays so, ask Leap's API team."


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: the records as they came, so that one malformed record does not take the others down."""

    records: list[object]
    next_page_token: str
    """"" on the last page."""
    answered_at: datetime | None
    """When Leap answered, by its own clock; None if it did not say."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One of the account's webhooks at Leap."""

    webhook_id: str
    receiver_url: str
    event_types: tuple[str, ...]
    headers: dict[str, str] = field(repr=False)
    """Names in small letters; one of them holds the secret."""


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """What came of a test event that Leap sent to a webhook."""

    is_successful: bool
    status_code: int | None
    response_time_ms: int | None
    error: str


class LeapClient:
    """Leap's API under ``base_url``. Close it, or use it in a ``with`` statement.

    ``transport`` and ``sleep`` are for tests; ``sleep`` is also how a caller notices that an attempt is repeated.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._base_url = base_url
        self._sleep = sleep
        self._attempts = attempts
        if not api_key.strip():
            raise LeapUnauthorized("There is no API key for Leap: set LEAP_API_KEY to a key of Leap's Partner Portal.")
        if not api_key.isascii() or not api_key.strip().isprintable():
            api_key = ""  # not for a traceback's list of variables
            raise LeapUnauthorized(
                "LEAP_API_KEY has a character that no key has: copy it anew from Leap's Partner Portal."
            )
        self._http = httpx.Client(
            base_url=base_url,
            # httpx hides this one wherever it shows its headers.
            headers={"Authorization": f"Bearer {api_key.strip()}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            transport=transport,
            # A redirect could carry the key to another host, and a proxy of the environment could read it.
            follow_redirects=False,
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"LeapClient({self._base_url!r})"

    def __enter__(self) -> "LeapClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- Meters --------------------------------------------------------------------------------------------------

    def search_meter_details(
        self, *, last_modified: datetime | None = None, page_token: str = "", page_size: int = PAGE_SIZE, **filters: Any
    ) -> Iterator[Page]:
        """Yield the pages of the meters search, from ``page_token`` on; archived meters included.

        ``last_modified``: only what changed since. ``filters``: further fields of Leap's MeterFilterRequest. Raises
        LeapStalePage if Leap does not know ``page_token`` any more.
        """
        return self._search("/v2/meters/search", last_modified, page_token, page_size, filters)

    def search_meter_enrollments(
        self, *, last_modified: datetime | None = None, page_token: str = "", page_size: int = PAGE_SIZE, **filters: Any
    ) -> Iterator[Page]:
        """Yield the pages of the enrollments search, as `search_meter_details` does."""
        return self._search("/v2/meters/enrollments/search", last_modified, page_token, page_size, filters)

    def get_meter(self, meter_id: UUID) -> object:
        """Return one meter's record as it came, for `parse_meter`."""
        return self._call("GET", f"/v2/meters/{meter_id}")[0]

    def get_meter_enrollments(self, meter_id: UUID) -> object:
        """Return one meter's enrollment record as it came, for `parse_enrollment`."""
        return self._call("GET", f"/v2/meters/{meter_id}/enrollments")[0]

    def _search(
        self, path: str, last_modified: datetime | None, page_token: str, page_size: int, filters: dict[str, Any]
    ) -> Iterator[Page]:
        body: dict[str, Any] = {**filters, "page_size": page_size}
        if last_modified is not None:
            body["last_modified_date_time"] = last_modified.astimezone(UTC).isoformat().replace("+00:00", "Z")
        while True:
            try:
                answer, answered_at = self._call(
                    "POST", path, {**body, "page_token": page_token} if page_token else body
                )
            except (LeapRefused, LeapNotFound) as error:
                # The same request without a token was taken before, so that it is the token that is wrong.
                raise (LeapStalePage() if page_token else error) from None
            fields = _readable(answer)
            meters = fields.values.get("meters")
            if not isinstance(meters, list):
                raise LeapAnswerUnreadable
            try:
                following = fields.text("next_page_token", limit=100_000)
            except ValueError:
                raise LeapAnswerUnreadable from None
            if following and following == page_token:
                raise LeapAnswerUnreadable("Leap's answer names itself as its next page: reading it would never end.")
            yield Page(meters, following, answered_at)
            if not following:
                return
            page_token = following

    # --- Webhooks ------------------------------------------------------------------------------------------------

    def list_webhooks(self) -> list[Webhook]:
        """Return the account's webhooks."""
        try:
            return [_webhook(row) for row in _readable(self._call("GET", "/v1.1/webhooks")[0]).rows("webhooks")]
        except ValueError:
            raise LeapAnswerUnreadable from None

    def create_webhook(self, *, receiver_url: str, event_types: Sequence[str], headers: dict[str, str]) -> str:
        """Create a webhook and return its id. Not repeated when the answer is lost: a second one might be created."""
        body = _webhook_body(receiver_url, event_types, headers)
        return self._webhook_id(self._call("POST", "/v1.1/webhooks", body, retry=False)[0])

    def update_webhook(
        self, webhook_id: str, *, receiver_url: str, event_types: Sequence[str], headers: dict[str, str]
    ) -> str:
        """Overwrite everything of a webhook and return its id."""
        body = _webhook_body(receiver_url, event_types, headers)
        return self._webhook_id(self._call("PUT", f"/v1.1/webhooks/{_path_id(webhook_id)}", body)[0])

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook. Raises LeapNotFound if there is none."""
        self._call("DELETE", f"/v1.1/webhooks/{_path_id(webhook_id)}")

    def test_webhook(self, webhook_id: str, payload: dict[str, Any]) -> WebhookTest:
        """Let Leap send ``payload`` (what stands inside an envelope) to a webhook, and return what came of it."""
        answer, _ = self._call("POST", f"/v1.1/webhooks/{_path_id(webhook_id)}/test", payload, retry=False)
        fields = _readable(answer)
        status, took = fields.values.get("status_code"), fields.values.get("response_time_ms")
        try:
            return WebhookTest(
                is_successful=fields.flag("is_successful"),
                status_code=status if isinstance(status, int) else None,
                response_time_ms=round(took) if isinstance(took, int | float) else None,
                error=fields.text("error", limit=100_000),
            )
        except ValueError:
            raise LeapAnswerUnreadable from None

    def _webhook_id(self, answer: object) -> str:
        try:
            return _readable(answer).text("webhook_id", required=True)
        except ValueError:
            raise LeapAnswerUnreadable from None

    # --- HTTP ----------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: object = None, *, retry: bool = True) -> tuple[Any, datetime | None]:
        """Return the decoded answer, and when Leap gave it. Attempts that may be repeated are, a few times."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(LeapUnavailable),
            stop=tenacity.stop_after_attempt(self._attempts if retry else 1),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._attempt, method, path, body)

    def _attempt(self, method: str, path: str, body: object) -> tuple[Any, datetime | None]:
        try:
            response = (
                self._http.request(method, path, json=body) if body is not None else self._http.request(method, path)
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # Its own words may repeat the request; its class says enough, and its request holds the key.
            logger.warning("Leap: %s %s failed (%s)", method, path, type(error).__name__)
            raise LeapUnavailable from None
        answered_at = _http_date(response.headers.get("Date", ""))
        if response.status_code in _RETRIED:
            logger.warning("Leap: %s %s answered %d", method, path, response.status_code)
            raise LeapUnavailable(retry_after=_retry_after(response.headers.get("Retry-After", ""), answered_at))
        if not response.is_success:
            raise _refusal(response)
        try:
            return json.loads(response.content) if response.content else None, answered_at
        except (ValueError, RecursionError):
            raise LeapAnswerUnreadable from None


_BACK_OFF = tenacity.wait_exponential_jitter(initial=1, max=30, jitter=1)


def _wait(state: tenacity.RetryCallState) -> float:
    """Back off exponentially with jitter; as long as Leap asks if that is longer, but never beyond reason."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, LeapUnavailable) else None
    return min(LONGEST_WAIT, max(float(_BACK_OFF(state)), asked or 0.0))


def _retry_after(value: str, answered_at: datetime | None) -> float | None:
    """Return the seconds in a Retry-After header, which holds them or a date (RFC 9110, section 10.2.3)."""
    if value.strip().isdecimal():
        return float(value)
    until = _http_date(value)
    # Counted from the answer's own Date: our clock may differ from Leap's.
    return max(0.0, (until - answered_at).total_seconds()) if until and answered_at else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _refusal(response: httpx.Response) -> LeapError:
    if response.status_code == 401:
        return LeapUnauthorized()
    if response.status_code == 403:
        return LeapForbidden()
    if response.status_code == 404:
        return LeapNotFound()
    if response.status_code < 400 or response.status_code >= 500:
        return LeapAnswerUnreadable()
    # Leap's own title is not repeated: what it says of a request may repeat what was in it.
    return LeapRefused(f"Leap finds the request wrong (HTTP {response.status_code}).")


def _readable(answer: object) -> Fields:
    try:
        return Fields(answer)
    except ValueError:
        raise LeapAnswerUnreadable from None


def _webhook(fields: Fields) -> Webhook:
    return Webhook(
        webhook_id=fields.text("webhook_id", required=True),
        receiver_url=fields.text("receiver_url", limit=10_000),
        event_types=fields.texts("event_types"),
        headers={
            row.text("name", required=True).lower(): row.text("value", limit=10_000) for row in fields.rows("headers")
        },
    )


def _webhook_body(receiver_url: str, event_types: Sequence[str], headers: dict[str, str]) -> dict[str, Any]:
    return {
        "receiver_url": receiver_url,
        "event_types": list(event_types),
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
    }


def _path_id(webhook_id: str) -> str:
    """Return an id as a part of a path. Raises LeapNotFound for what is none: it could name another path."""
    try:
        return str(UUID(webhook_id))
    except ValueError:
        raise LeapNotFound from None
