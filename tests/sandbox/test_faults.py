"""Faults on demand: each as the client would meet it, for so many calls, at the addresses asked for."""

import socket
import subprocess
import sys
import uuid
from typing import Any

import httpx
import pytest

from portal.sandbox import faults
from portal.sandbox.faults import add_fault, clear_faults
from portal.sandbox.models import Fault
from tests.sandbox.api_client import ApiClient
from tests.sandbox.contract.meters import DETAILS_PAGE, ENROLLMENT_PAGE
from tests.sandbox.contract.operations import OPERATIONS, errors
from tests.sandbox.meters import make_meter

pytestmark = pytest.mark.django_db
METERS = "searchMeterDetails"


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


@pytest.mark.parametrize(
    ("kind", "status", "meters", "webhooks"),
    [
        ("401", 401, {"title": "Unauthorized", "status": 401, "details": {}}, "Auth token is invalid"),
        ("403", 403, None, "You do not have permission to perform this action"),
        ("500", 500, "An error happened whilst processing your request", "An unexpected error occurred"),
        ("429", 429, None, "Too many requests"),
    ],
)
def test_an_error_for_the_next_call_and_no_further(
    api: ApiClient, kind: str, status: int, meters: Any, webhooks: str
) -> None:
    add_fault(kind=kind, calls=2)
    response = api.call(METERS, {})
    assert response.status_code == status
    assert meters is None or response.data == meters
    assert "Retry-After" not in response.headers
    response = api.call("listWebhooks")
    assert (response.status_code, response.data["message"]) == (status, webhooks)
    assert api.call(METERS, {}).status_code == 200
    assert not Fault.objects.exists()


@pytest.mark.parametrize("kind", ["401", "403", "429", "500"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_fails_in_the_shape_of_its_service(api: ApiClient, operation: str, kind: str) -> None:
    add_fault(kind=kind, calls=1)
    path = {"meter_id": str(uuid.UUID(int=1)), "webhook_id": str(uuid.UUID(int=2))}
    assert api.call(operation, {}, **path).status_code == int(kind)


def test_429_says_when_to_come_back(api: ApiClient) -> None:
    add_fault(kind="429-retry-after", calls=1, seconds=7)
    response = api.call(METERS, {})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_until_it_is_cleared(api: ApiClient) -> None:
    add_fault(kind="500")
    assert [api.call(METERS, {}).status_code for _ in range(4)] == [500] * 4
    assert clear_faults() == 1
    assert api.call(METERS, {}).status_code == 200


def test_only_the_paths_that_were_asked_for(api: ApiClient) -> None:
    add_fault(kind="500", path="/v2/meters/enrollments")
    assert api.call(METERS, {}).status_code == 200
    assert api.call("searchMeterEnrollments", {}).status_code == 500
    assert api.call("listWebhooks").status_code == 200


def test_the_oldest_of_two_comes_first(api: ApiClient) -> None:
    add_fault(kind="429-retry-after", calls=1, seconds=1)
    add_fault(kind="429-retry-after", calls=1, seconds=2)
    assert [api.call(METERS, {}).headers.get("Retry-After") for _ in range(3)] == ["1", "2", None]


def test_slow_is_as_slow_as_asked_and_still_right(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(faults.time, "sleep", pauses.append)
    add_fault(kind="slow", calls=1, seconds=12.5)
    assert [api.call(METERS, {}).status_code for _ in range(2)] == [200, 200]
    assert pauses == [12.5]


def test_a_page_token_gone_stale(api: ApiClient) -> None:
    make_meter(), make_meter()
    token = api.call(METERS, {"page_size": 1}).data["next_page_token"]
    add_fault(kind="stale-token", calls=1)
    # A first page has no token that could be stale, and takes none of the calls.
    assert api.call(METERS, {"page_size": 1}).status_code == 200
    response = api.call(METERS, {"page_size": 1, "page_token": token})
    assert (response.status_code, response.data["title"]) == (400, "Page token is no longer valid")
    assert api.call(METERS, {"page_size": 1, "page_token": token}).status_code == 200


@pytest.mark.parametrize(("operation", "schema"), [(METERS, DETAILS_PAGE), ("searchMeterEnrollments", ENROLLMENT_PAGE)])
def test_unknown_enum_values_and_nothing_else_breaks_the_schema(api: ApiClient, operation: str, schema: Any) -> None:
    make_meter(references=("Ref-1",))
    add_fault(kind="unknown-enum", calls=1)
    found = errors(api.call(operation, {}, published=False).data, schema)
    assert found
    assert all("OF_TOMORROW' is not one of" in error for error in found)
    assert api.call(operation, {}).status_code == 200


@pytest.mark.parametrize("operation", [METERS, "searchMeterEnrollments"])
def test_extra_fields_at_every_depth_which_the_schema_allows(api: ApiClient, operation: str) -> None:
    make_meter()
    add_fault(kind="extra-fields", calls=1)
    data = api.call(operation, {}).data
    assert data["of_tomorrow"] == data["meters"][0]["of_tomorrow"] == data["meters"][0]["audit"]["of_tomorrow"]
    assert "of_tomorrow" not in api.call(operation, {}).data


def test_a_connection_dropped_in_the_middle_of_the_answer(api: ApiClient) -> None:
    make_meter()
    whole = api.call(METERS, {})
    add_fault(kind="dropped", calls=1)
    response = api.call(METERS, {})
    assert response.headers["Content-Length"] == str(len(whole.content))
    parts = iter(response.streaming_content)
    assert next(parts) == whole.content[: len(whole.content) // 2]
    with pytest.raises(ConnectionResetError):
        next(parts)
    assert api.call(METERS, {}).status_code == 200


def test_gunicorn_closes_a_dropped_connection_without_a_word() -> None:
    """As a client meets it, under the server that serves the portal. (Django's own server leaves it open.)"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "tests.sandbox.dropping:application", "--bind"),
                *(f"fd://{listener.fileno()}", "--threads", "2", "--no-control-socket", "--log-level", "error"),
            ],
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
        )
        try:
            # Who connects before gunicorn is up waits in the listener's queue.
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/", trust_env=False, timeout=30)
        finally:
            server.terminate()
            _, log = server.communicate(timeout=30)
    assert log == b""


@pytest.mark.parametrize(
    "wrong", [{"kind": "418"}, {"calls": 0}, {"calls": -1}, {"seconds": -1}, {"seconds": 121}], ids=str
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        add_fault(**{"kind": "500", **wrong})
    assert not Fault.objects.exists()
