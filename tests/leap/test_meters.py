"""Meter and enrollment records: as published, with what Leap may add, and malformed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from portal.leap.meters import EnrollmentDeadline, parse_enrollment, parse_meter

pytestmark = pytest.mark.pure

METER_ID = "1fa85f64-5717-4562-b3fc-2c963f66afa6"
#: As in Leap's meter details OpenAPI, schema MeterDetailsResponse.
METER: dict[str, Any] = {
    "meter_id": METER_ID,
    "partner_reference": "unique-reference-id-12345",
    "transmission_region": "CAISO",
    "customer_classification": "RESIDENTIAL",
    "load_types": ["HVAC"],
    "meter_type": "UTILITY_METER",
    "connection_references": ["reference-1", "Reference-1", "reference-1"],
    "customer_group": "group",
    "tags": ["tag1"],
    "is_archived": True,
    "customer": {
        "street_1": "132 My Street",
        "end_customer_name": "Customer Name",
        "end_customer_email": "email@address.com",
        "billing": {"street_1": "132 My Billing Street"},
        "partner_customer_reference": "partner-customer-reference-1",
    },
    "device": {"device_type": "BATTERY", "device_serial_number": "SERIAL-1", "device_model": "m"},
    "site": {
        "load_zone": "zone",
        "generator_serial_number": "SERIAL-2",
        "site_devices": [{"serial_number": "SERIAL-3"}],
    },
    "utility": {
        "utility_name": "PGE",
        "load_serving_entity": "PGE",
        "electric_service_account_number": "ACCOUNT-1",
        "tariff": "tariff code",
        "utility_meter_serial_number": "SERIAL-4",
        "bill_service_agreement_number": "ACCOUNT-2",
        "bill_customer_account_number": "ACCOUNT-3",
    },
    "audit": {
        "created_by": "PARTNER",
        "created_at": "2022-10-01T08:31:53.956Z",
        "updated_at": "2024-10-12T08:31:53.956401422Z",
    },
}


def enrollment(**fields: Any) -> dict[str, Any]:
    action = {
        "program_identifier": "NYISO-SCR",
        "delivery_period": "NYISO-SCR_2024_MAY_OCT",
        "enrollment_deadline_date_time": "2024-05-01T04:00:00Z",
        "action_type": "IS_AUTHORIZED",
        "action_description": "End customer must re-authorize meter.",
        "action_code": "AUTH_0001",
    }
    return {
        "meter_id": METER_ID,
        "global_enrollment_status": "ACTIVE",
        "participation_preferences": [
            {
                "participation_preference": "PARTICIPATE",
                "start_time": "2024-04-23T19:09:58Z",
                "end_time": "9000-12-31T23:59:59.999999999Z",
            }
        ],
        "program_enrollment": [
            {
                "program_identifier": "CCA",
                "delivery_period": "CAISO-CCA_2024_OCT",
                "delivery_period_start_date_time": "2024-10-01T07:00:00Z",
                "delivery_period_end_date_time": "2024-10-31T07:00:00Z",
                "enrollment_status": "ACTIVE",
                "enrollment_deadlines": [
                    {
                        "enrollment_deadline_date_time": "2024-09-29T07:00:00Z",
                        "activation_date_time": "2024-10-01T07:00:00Z",
                    }
                ],
                "market_group_id": METER_ID,
                "market_group_name": "PGSB_1",
            }
        ],
        "required_actions": {"partner": [action], "leap": [{**action, "action_code": "LEAP_0001"}]},
        "audit": {"updated_at": "2024-10-07T13:19:45.052994Z"},
        **fields,
    }


def test_r14_a_meter_as_published() -> None:
    meter = parse_meter(METER)
    assert meter.meter_id == UUID(METER_ID)
    assert meter.partner_reference == "unique-reference-id-12345"
    assert meter.connection_references == ("reference-1", "Reference-1")
    assert (meter.transmission_region, meter.customer_classification) == ("CAISO", "RESIDENTIAL")
    assert (meter.utility_name, meter.meter_type, meter.load_types) == ("PGE", "UTILITY_METER", ("HVAC",))
    assert meter.is_archived
    assert meter.created_at == datetime(2022, 10, 1, 8, 31, 53, 956000, tzinfo=UTC)
    assert meter.updated_at == datetime(2024, 10, 12, 8, 31, 53, 956401, tzinfo=UTC)


def test_who_the_customer_is_is_not_kept() -> None:
    record = parse_meter(METER).record
    for personal in ("132 My", "Customer Name", "email@", "ACCOUNT", "SERIAL", "partner-customer"):
        assert personal not in repr(record)
    assert record["utility"] == {"utility_name": "PGE", "load_serving_entity": "PGE", "tariff": "tariff code"}
    assert record["customer_classification"] == "RESIDENTIAL"
    assert record["customer_group"] == "group"


def test_what_leap_may_add_survives() -> None:
    meter = parse_meter({**METER, "meter_type": "FUSION", "load_types": ["LASER"], "orbit": {"height_km": 400.5}})
    assert (meter.meter_type, meter.load_types) == ("FUSION", ("LASER",))
    assert meter.record["orbit"] == {"height_km": 400.5}
    found = parse_enrollment(enrollment(global_enrollment_status="DREAMING", orbit=1))
    assert (found.global_enrollment_status, found.record["orbit"]) == ("DREAMING", 1)


def test_a_meter_with_nothing_but_its_id() -> None:
    meter = parse_meter({"meter_id": METER_ID, "partner_reference": None, "audit": None, "utility": None})
    assert (meter.partner_reference, meter.connection_references, meter.created_at) == ("", (), None)
    assert not meter.is_archived
    bare = parse_enrollment({"meter_id": METER_ID})
    assert (bare.global_enrollment_status, bare.programs, bare.partner_actions) == ("", (), ())


def test_an_enrollment_as_published() -> None:
    found = parse_enrollment(enrollment())
    program = found.programs[0]
    assert (program.program_identifier, program.enrollment_status, program.market_group_name) == (
        "CCA",
        "ACTIVE",
        "PGSB_1",
    )
    assert program.deadlines == (
        EnrollmentDeadline(datetime(2024, 9, 29, 7, tzinfo=UTC), datetime(2024, 10, 1, 7, tzinfo=UTC)),
    )
    assert [action.action_code for action in found.partner_actions] == ["AUTH_0001"]
    assert [action.action_code for action in found.leap_actions] == ["LEAP_0001"]
    assert found.participation[0].end == datetime(9000, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meter_id": None}, "meter_id is missing"),
        ({"meter_id": "abcdef"}, "meter_id is not a UUID"),
        ({"meter_id": 7}, "meter_id is not a text"),
        ({"partner_reference": "x" * 257}, "partner_reference is longer than 256 characters"),
        ({"connection_references": "abc"}, "connection_references is not a list"),
        ({"connection_references": ["abc", None]}, "connection_references[1] is not a text"),
        ({"is_archived": "no"}, "is_archived is neither true nor false"),
        ({"utility": "PGE"}, "utility is not an object"),
        ({"utility": {"utility_name": 1}}, "utility.utility_name is not a text"),
        ({"audit": {"created_at": "yesterday"}}, "audit.created_at is not a date and time"),
        ({"audit": {"created_at": "0001-01-01T00:00:00+14:00"}}, "audit.created_at is not a date and time"),
    ],
)
def test_r18_a_malformed_meter_names_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_meter({**METER, **change})
    assert str(caught.value) == message


def test_r18_a_malformed_enrollment_names_the_field() -> None:
    with pytest.raises(ValueError, match=r"^program_enrollment\[0\] is not an object\Z"):
        parse_enrollment(enrollment(program_enrollment=["CCA"]))
    deadlines = [{"enrollment_deadlines": [{"enrollment_deadline_date_time": "soon"}]}]
    words = r"^program_enrollment\[0\].enrollment_deadlines\[0\].enrollment_deadline_date_time is not a date and time\Z"
    with pytest.raises(ValueError, match=words):
        parse_enrollment(enrollment(program_enrollment=deadlines))
