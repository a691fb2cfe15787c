"""One meter: its details, its enrollment, and what is refused."""

import uuid
from typing import Any

import pytest
from django.test import Client

from tests.sandbox.api_client import ApiClient, validate
from tests.sandbox.contract.operations import OPERATIONS
from tests.sandbox.meters import CUSTOMER, make_meter

pytestmark = pytest.mark.django_db
#: One path for each operation.
PATH = {"meter_id": str(uuid.UUID(int=1)), "webhook_id": str(uuid.UUID(int=2))}


def test_the_details_carry_identifiers_blocks_and_audit() -> None:
    meter = make_meter(references=("Ref-1",), partner_reference="Ref-1", tags=["summer"], customer_group="North")
    record = ApiClient().call("getMeterDetails", meter_id=str(meter.meter_id)).data
    assert record["partner_reference"] == "Ref-1"
    assert record["connection_references"] == ["Ref-1"]
    assert record["customer"] == CUSTOMER
    assert record["utility"]["utility_name"] == "PGE"
    assert record["audit"]["created_by"] == "UTILITY"
    assert record["audit"]["updated_at"].endswith("+00:00")
    assert (record["tags"], record["customer_group"], record["is_archived"]) == (["summer"], "North", False)


def test_what_a_meter_lacks_is_absent() -> None:
    meter = make_meter()
    record = ApiClient().call("getMeterDetails", meter_id=str(meter.meter_id)).data
    assert {"partner_reference", "connection_references", "customer_group", "tags"} & set(record) == set()


def test_the_enrollment_carries_no_personal_data() -> None:
    meter = make_meter(global_enrollment_status="ELIGIBLE")
    record = ApiClient().call("getMeterEnrollment", meter_id=str(meter.meter_id)).data
    assert record["global_enrollment_status"] == "ELIGIBLE"
    assert (record["tags"], record["program_enrollment"], record["required_actions"]) == (
        [],
        [],
        {"partner": [], "leap": []},
    )
    assert "customer" not in record


@pytest.mark.parametrize("operation", ["getMeterDetails", "getMeterEnrollment"])
def test_a_meter_that_is_not_there(operation: str) -> None:
    unknown = str(uuid.uuid4())
    response = ApiClient().call(operation, meter_id=unknown)
    assert (response.status_code, response.data) == (
        404,
        {"title": "Meter not found", "status": 404, "details": {"meter_id": unknown}},
    )


@pytest.mark.parametrize("operation", ["getMeterDetails", "getMeterEnrollment"])
@pytest.mark.parametrize("text", ["abcdef", "11111111111111111111111111111111", "{%7D", "1" * 300])
def test_an_id_that_is_no_uuid(operation: str, text: str) -> None:
    response = ApiClient().call(operation, meter_id=text)
    assert (response.status_code, response.data["title"]) == (400, "Meter id is not a UUID")


@pytest.mark.parametrize("operation", OPERATIONS)
class TestKey:
    """Who may ask."""

    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic c2FuZGJveA==", "sandbox-key"])
    def test_without_a_bearer_key_it_is_401(self, operation: str, header: str | None) -> None:
        method, path = OPERATIONS[operation]
        headers = {} if header is None else {"Authorization": header}
        response = Client().generic(method, "/sandbox" + path.format(**PATH), headers=headers)
        assert response.status_code == 401
        validate(operation, 401, response.json())
        if "webhooks" in path:
            assert response.json() == {"error": "Unauthorized", "message": "Auth token is invalid"}
        else:
            assert response.json() == {"title": "Unauthorized", "status": 401, "details": {}}

    @pytest.mark.parametrize("key", ["wrong", "sandbox-key-", "SANDBOX-KEY", "clé"])
    def test_a_wrong_key_is_403_as_for_the_wrong_environment(self, operation: str, key: str) -> None:
        response = ApiClient().call(operation, {}, key=key, **PATH)
        assert response.status_code == 403
        message = response.data.get("title") or response.data["message"]
        assert message.startswith(("You do not have the necessary permissions", "You do not have permission"))

    def test_the_key_of_the_settings_is_the_only_one(self, operation: str, settings: Any) -> None:
        settings.LEAP_API_KEY = "0f:9a"
        assert ApiClient().call(operation, {}, key="0f:9a", **PATH).status_code not in {401, 403}
        assert ApiClient().call(operation, {}, key="sandbox-key", **PATH).status_code == 403


def test_another_method_is_405() -> None:
    response = Client().get("/sandbox/v2/meters/search", headers={"Authorization": "Bearer sandbox-key"})
    assert response.status_code == 405
    assert response.json()["status"] == 405


def test_no_session_no_cookie_and_no_form_token() -> None:
    response = ApiClient().call("searchMeterDetails", {})
    assert response.cookies == {}
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("sandbox_is_off")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_off_it_is_not_there(operation: str) -> None:
    method, path = OPERATIONS[operation]
    response = Client().generic(
        method, "/sandbox" + path.format(**PATH), headers={"Authorization": "Bearer sandbox-key"}
    )
    assert response.status_code == 404
