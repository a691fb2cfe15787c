"""The meter services: details (v2) and enrollments (v2)."""

from typing import Any

from django.db.models import QuerySet

from portal.sandbox import clock
from portal.sandbox.api.endpoints import Body, endpoint
from portal.sandbox.api.errors import Refusal, meter_refusal
from portal.sandbox.api.records import detail_record, enrollment_record, for_details, for_enrollments
from portal.sandbox.api.search import search_meters
from portal.sandbox.api.search_request import parse_uuid
from portal.sandbox.meters import settle
from portal.sandbox.models import Meter


def _search_details(body: Body) -> Body:
    settle()
    meters, token = search_meters(body, for_details())
    return _page([detail_record(meter) for meter in meters], token)


def _search_enrollments(body: Body) -> Body:
    settle()
    meters, token = search_meters(body, for_enrollments())
    return _page([enrollment_record(meter) for meter in meters], token)


def _details(_: Body, meter_id: str) -> Body:
    return detail_record(_one(meter_id, for_details()))


def _enrollments(_: Body, meter_id: str) -> Body:
    return enrollment_record(_one(meter_id, for_enrollments()))


def _page(records: list[dict[str, Any]], token: str | None) -> Body:
    # The token is there only if there is more.
    return {"meters": records} if token is None else {"meters": records, "next_page_token": token}


def _one(meter_id: str, meters: QuerySet[Meter]) -> Meter:
    found = parse_uuid(meter_id)
    if found is None:
        raise Refusal(400, "Meter id is not a UUID", {"meter_id": meter_id[:200]})
    settle()
    meter = meters.filter(meter_id=found, appears_at__lte=clock.now()).first()
    if meter is None:
        raise Refusal(404, "Meter not found", {"meter_id": str(found)})
    return meter


meter_search = endpoint(meter_refusal, POST=_search_details)
meter_details = endpoint(meter_refusal, GET=_details)
enrollment_search = endpoint(meter_refusal, POST=_search_enrollments)
meter_enrollments = endpoint(meter_refusal, GET=_enrollments)
