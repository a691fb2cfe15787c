"""Which schema each answer of the API has: by operation and status. And the validator that knows Leap's formats."""

import re
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.sandbox.contract import Schema, meters, webhooks

_METER_ERRORS = {**dict.fromkeys((400, 401, 403, 404, 429), meters.ERROR), 500: meters.BARE_TEXT}
_WEBHOOK_ERRORS = dict.fromkeys((401, 403, 429, 500), webhooks.ERROR)
#: Leap's webhook service publishes no 400: the sandbox refuses in the same shape.
_WEBHOOK_BODY = {**_WEBHOOK_ERRORS, 400: webhooks.ERROR}
_WEBHOOK_PATH = {**_WEBHOOK_BODY, 404: webhooks.ERROR}

#: operationId → status → schema. 429 is not published; it comes in the shape of the service's other errors.
ANSWERS: dict[str, dict[int, Schema]] = {
    "searchMeterDetails": {200: meters.DETAILS_PAGE, **_METER_ERRORS},
    "getMeterDetails": {200: meters.DETAILS, **_METER_ERRORS},
    "searchMeterEnrollments": {200: meters.ENROLLMENT_PAGE, **_METER_ERRORS},
    "getMeterEnrollment": {200: meters.ENROLLMENT, **_METER_ERRORS},
    "listWebhooks": {200: webhooks.LIST, **_WEBHOOK_ERRORS},
    "createWebhook": {200: webhooks.SAVED, **_WEBHOOK_BODY},
    "updateWebhook": {200: webhooks.SAVED, **_WEBHOOK_PATH},
    "deleteWebhook": {200: webhooks.DONE, **_WEBHOOK_PATH},
    "testWebhook": {200: webhooks.TESTED, **_WEBHOOK_PATH},
}
#: operationId → method and path, as published.
OPERATIONS = {
    "searchMeterDetails": ("POST", "/v2/meters/search"),
    "getMeterDetails": ("GET", "/v2/meters/{meter_id}"),
    "searchMeterEnrollments": ("POST", "/v2/meters/enrollments/search"),
    "getMeterEnrollment": ("GET", "/v2/meters/{meter_id}/enrollments"),
    "listWebhooks": ("GET", "/v1.1/webhooks"),
    "createWebhook": ("POST", "/v1.1/webhooks"),
    "updateWebhook": ("PUT", "/v1.1/webhooks/{webhook_id}"),
    "deleteWebhook": ("DELETE", "/v1.1/webhooks/{webhook_id}"),
    "testWebhook": ("POST", "/v1.1/webhooks/{webhook_id}/test"),
}

#: Published, and no case can be made for it: a search finds nothing and says so with an empty list.
IMPOSSIBLE = {("searchMeterDetails", 404), ("searchMeterEnrollments", 404)}

FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def is_date_time(value: Any) -> bool:
    """RFC 3339: jsonschema alone lets every text pass for one."""
    if not isinstance(value, str):
        return True
    if not re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


def errors(value: Any, schema: Schema) -> list[str]:
    """Return what is wrong with a value, each with its place; empty: nothing."""
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]
