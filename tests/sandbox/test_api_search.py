"""Both searches: every filter and limit that Leap publishes, and paging that stays right."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from portal.sandbox import clock
from portal.sandbox.models import Meter
from tests.sandbox.api_client import ApiClient
from tests.sandbox.contract.meters import SEARCH
from tests.sandbox.contract.operations import errors
from tests.sandbox.meters import make_meter

pytestmark = pytest.mark.django_db
SEARCHES = ("searchMeterDetails", "searchMeterEnrollments")
ACTION = {
    "program_identifier": "CCA",
    "delivery_period": "CCA_2026_AUG",
    "enrollment_deadline_date_time": "2026-07-15T00:00:00Z",
    "action_type": "IS_AUTHORIZED",
    "action_description": "End customer must re-authorize meter",
    "action_code": "AUTH_0001",
}


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


def ids(records: list[dict[str, Any]]) -> set[str]:
    return {record["meter_id"] for record in records}


def some_uuids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number)) for number in range(count)]


def text_numbers(count: int) -> list[str]:
    return [f"ref-{number}" for number in range(count)]


LIMITS: list[dict[str, Any]] = [
    {},
    {"page_size": 1},
    {"page_size": 500},
    {"page_size": 0},
    {"page_size": 501},
    {"page_size": "5"},
    {"page_size": True},
    {"page_size": 2.5},
    {"page_size": None},
    {"page_token": 7},
    {"transmission_region": "WECC_PC"},
    {"transmission_region": "caiso"},
    {"transmission_region": ["CAISO"]},
    {"customer_classification": "RESIDENTIAL"},
    {"customer_classification": "INDUSTRIAL"},
    {"meter_ids": []},
    {"meter_ids": some_uuids(1000)},
    {"meter_ids": some_uuids(1001)},
    {"meter_ids": ["abcdef"]},
    {"meter_ids": some_uuids(1) * 2},
    {"meter_ids": "x"},
    {"partner_references": text_numbers(1000)},
    {"partner_references": text_numbers(1001)},
    {"partner_references": []},
    {"partner_references": ["ab"]},
    {"partner_references": ["a/b/c"]},
    {"partner_references": ["x" * 256]},
    {"partner_references": ["x" * 257]},
    {"connection_reference_ids": text_numbers(100)},
    {"connection_reference_ids": text_numbers(101)},
    {"connection_reference_ids": []},
    {"connection_reference_ids": ["twice", "twice"]},
    {"connection_reference_ids": [None]},
    {"global_enrollment_statuses": ["ACTIVE", "ELIGIBLE", "INELIGIBLE", "NOT_PARTICIPATING", "PENDING"]},
    {"global_enrollment_statuses": ["ACTIVE", "ACTIVE"]},
    {"global_enrollment_statuses": ["Active"]},
    {"global_enrollment_statuses": []},
    {"meter_types": ["UTILITY_METER", "SUBMETER", "DEVICE"]},
    {"meter_types": ["METER"]},
    {"load_types": ["HVAC", "OTHER"]},
    {"load_types": ["hvac"]},
    {"load_types": []},
    {"customer_groups": text_numbers(20)},
    {"customer_groups": text_numbers(21)},
    {"tags": text_numbers(20)},
    {"tags": text_numbers(21)},
    {"tags": [1]},
    {"last_modified_date_time": "2026-01-31T00:00:00Z"},
    {"last_modified_date_time": "2026-01-31T00:00:00.123456+02:00"},
    {"last_modified_date_time": "2026-01-31T00:00:00"},
    {"last_modified_date_time": "2026-01-31"},
    {"last_modified_date_time": "2026-02-30T00:00:00Z"},
    {"last_modified_date_time": 1769817600},
    {"created_after_date_time": "yesterday"},
    {"created_before_date_time": "2026-01-31T25:00:00Z"},
    {"partner_action_required": False},
    {"partner_action_required": "false"},
    {"exclude_archived": True},
    {"exclude_archived": 1},
    {"action_type": ["IS_AUTHORIZED", "ADDRESS"]},
    {"action_type": ["AUTH_0001"]},
    {"action_type": "IS_AUTHORIZED"},
    {"of_tomorrow": True},
]


@pytest.mark.parametrize("operation", SEARCHES)
@pytest.mark.parametrize("body", LIMITS, ids=lambda body: str(body)[:60])
def test_a_search_is_refused_exactly_when_leaps_schema_refuses_it(api: ApiClient, operation: str, body: Any) -> None:
    response = api.call(operation, body)
    if errors(body, SEARCH):
        assert response.status_code == 400
        (name,) = body
        assert name in response.data["title"]
        assert list(response.data["details"]) == [name]
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "[" * 20000, b"\xff\xfe", '{"tags": ["\\ud800"]}'])
def test_a_body_that_is_no_json_object_is_refused(api: ApiClient, body: str | bytes) -> None:
    response = api.call("searchMeterDetails", body)
    assert response.status_code == 400
    assert "Request body" in response.data["title"]


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity", "9" * 5000])
def test_a_number_that_is_none_is_refused_in_json(api: ApiClient, number: str) -> None:
    response = api.call("searchMeterDetails", f'{{"page_size": {number}}}')
    assert response.status_code == 400


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_date_beyond_the_ends_of_time_is_refused(api: ApiClient, moment: str) -> None:
    assert api.call("searchMeterDetails", {"last_modified_date_time": moment}).status_code == 400


def test_no_body_asks_for_everything(api: ApiClient) -> None:
    meter = make_meter()
    assert ids(api.call("searchMeterDetails").data["meters"]) == {str(meter.meter_id)}


def test_a_text_with_a_nul_is_refused_on_every_database(api: ApiClient) -> None:
    assert api.call("searchMeterDetails", {"tags": ["a\0b"]}).status_code == 400


MATCHES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"transmission_region": "NYISO"}, {"transmission_region": "NYISO"}),
    ({"customer_classification": "COMMERCIAL"}, {"customer_classification": "COMMERCIAL"}),
    ({"partner_references": ["Ref-1"]}, {"partner_reference": "Ref-1"}),
    ({"connection_reference_ids": ["Conn-2"]}, {"references": ("Conn-1", "Conn-2")}),
    ({"global_enrollment_statuses": ["ACTIVE", "ELIGIBLE"]}, {"global_enrollment_status": "ACTIVE"}),
    ({"meter_types": ["DEVICE", "SUBMETER"]}, {"meter_type": "DEVICE"}),
    ({"load_types": ["LIGHTING", "PUMPING"]}, {"load_types": ["HVAC", "PUMPING"]}),
    ({"customer_groups": ["North"]}, {"customer_group": "North"}),
    ({"tags": ["summer"]}, {"tags": ["winter", "summer"]}),
    ({"tags": ["été @ école"]}, {"tags": ["été @ école"]}),
    ({"exclude_archived": False, "tags": ["archived"]}, {"tags": ["archived"], "is_archived": True}),
    (
        {"partner_action_required": True},
        {
            "partner_action_required": True,
            "required_actions": {"partner": [ACTION]},
            "action_types": ",IS_AUTHORIZED,",
        },
    ),
    (
        {"action_type": ["ADDRESS", "IS_AUTHORIZED"]},
        {"required_actions": {"partner": [ACTION]}, "action_types": ",HAS_AMI,IS_AUTHORIZED,"},
    ),
]


@pytest.mark.parametrize("operation", SEARCHES)
@pytest.mark.parametrize(("filters", "values"), MATCHES, ids=lambda value: str(value)[:50])
def test_each_filter_finds_what_it_asks_for_and_nothing_else(
    api: ApiClient, operation: str, filters: dict[str, Any], values: dict[str, Any]
) -> None:
    wanted = make_meter(**values)
    make_meter(partner_reference="ref-1", references=("conn-2",), tags=["Summertime", 'a "summer'])
    assert ids(api.search(operation, **filters)) == {str(wanted.meter_id)}


def test_a_part_of_a_tag_is_no_tag(api: ApiClient) -> None:
    make_meter(tags=['say "summer"', "x, summer"])
    assert api.search(tags=["summer"]) == []


def test_meter_ids_find_those_and_an_empty_list_finds_none(api: ApiClient) -> None:
    one, _ = make_meter(), make_meter()
    assert ids(api.search(meter_ids=[str(one.meter_id), str(uuid.uuid4())])) == {str(one.meter_id)}
    assert api.search(meter_ids=[]) == []


def test_a_meter_under_several_reference_ids_is_found_by_each_and_once_by_both(api: ApiClient) -> None:
    meter = make_meter(references=("first", "second"))
    (record,) = api.search(connection_reference_ids=["first", "second"])
    assert record["meter_id"] == str(meter.meter_id)
    assert record["connection_references"] == ["first", "second"]


def test_archived_meters_are_there_unless_they_are_excluded(api: ApiClient) -> None:
    live, archived = make_meter(), make_meter(is_archived=True)
    assert ids(api.search()) == {str(live.meter_id), str(archived.meter_id)}
    assert ids(api.search(exclude_archived=True)) == {str(live.meter_id)}


def test_partner_action_required_false_asks_for_all(api: ApiClient) -> None:
    make_meter(), make_meter(partner_action_required=True)
    assert len(api.search(partner_action_required=False)) == 2


def test_dates_are_exclusive(api: ApiClient) -> None:
    noon = (clock.now() - timedelta(days=3)).replace(microsecond=0)
    meter = make_meter(at=noon)
    written, later = noon.isoformat(), (noon + timedelta(seconds=1)).isoformat()
    earlier = (noon - timedelta(seconds=1)).isoformat()
    for name in ("last_modified_date_time", "created_after_date_time"):
        assert ids(api.search(**{name: earlier})) == {str(meter.meter_id)}
        assert api.search(**{name: written}) == []
    assert ids(api.search(created_before_date_time=later)) == {str(meter.meter_id)}
    assert api.search(created_before_date_time=written) == []


def test_a_late_meter_is_not_there_before_its_day(api: ApiClient) -> None:
    moment = clock.now() + timedelta(days=2)
    meter = make_meter(at=moment)
    assert api.search() == []
    assert api.call("getMeterDetails", meter_id=str(meter.meter_id)).status_code == 404
    clock.move(by=timedelta(days=2, minutes=1))
    assert ids(api.search()) == {str(meter.meter_id)}
    assert api.call("getMeterDetails", meter_id=str(meter.meter_id)).status_code == 200


@pytest.mark.parametrize("operation", SEARCHES)
def test_pages_hold_every_meter_once_while_meters_are_added(api: ApiClient, operation: str) -> None:
    first = [make_meter() for _ in range(7)]
    seen, token = [], None
    for _ in range(10):
        response = api.call(operation, {"page_size": 3} | ({"page_token": token} if token else {}))
        assert len(response.data["meters"]) <= 3
        seen += [record["meter_id"] for record in response.data["meters"]]
        token = response.data.get("next_page_token")
        if token is None:
            break
        make_meter() if len(seen) < 7 else None
        Meter.objects.filter(pk=first[0].pk).update(updated_at=clock.now())  # a change moves nothing
    assert len(seen) == len(set(seen)) == Meter.objects.count() == 9


def test_the_last_page_that_is_just_full_has_no_token(api: ApiClient) -> None:
    for _ in range(3):
        make_meter()
    assert "next_page_token" not in api.call("searchMeterDetails", {"page_size": 3}).data


def test_500_is_the_page_when_none_is_asked_for(api: ApiClient) -> None:
    moment = clock.now()
    Meter.objects.bulk_create(
        Meter(
            transmission_region="CAISO",
            customer_classification="RESIDENTIAL",
            utility_name="PGE",
            service_account=str(number),
            load_types=["HVAC"],
            details=make_meter().details if number == 0 else {"customer": make_customer()},
            created_at=moment,
            updated_at=moment,
            appears_at=moment,
        )
        for number in range(500)
    )
    response = api.call("searchMeterDetails", {})
    assert len(response.data["meters"]) == 500
    assert len(api.search()) == 501


def make_customer() -> dict[str, str]:
    return {
        "street_1": "1 A Street",
        "city": "Fresno",
        "postal_code": "93701",
        "state_or_province_code": "CA",
        "country_code": "US",
    }


@pytest.mark.parametrize("token", ["", "x", "1", "999999:abc", "1.0000000000000000:forged"])
def test_a_token_that_was_not_handed_out_is_refused(api: ApiClient, token: str) -> None:
    response = api.call("searchMeterDetails", {"page_token": token})
    assert response.status_code == 400
    assert response.data["title"] == "Page token is not valid"


def test_a_token_belongs_to_the_search_that_it_came_from(api: ApiClient) -> None:
    make_meter(), make_meter()
    token = api.call("searchMeterDetails", {"page_size": 1, "transmission_region": "CAISO"}).data["next_page_token"]
    again = {"page_token": token, "transmission_region": "CAISO"}
    assert api.call("searchMeterDetails", again).status_code == 200
    assert api.call("searchMeterDetails", {"page_token": token}).status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_page(api: ApiClient, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        make_meter(references=(f"ref-{number}", f"other-{number}"))
    for operation in SEARCHES:
        with django_assert_max_num_queries(14):
            assert len(api.call(operation, {}).data["meters"]) == 12
