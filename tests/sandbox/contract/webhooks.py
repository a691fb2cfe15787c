"""Leap's webhook subscription service (v1.1), and the events that it delivers."""

from tests.sandbox.contract import FLAG, MOMENT, TEXT, UUID, Schema, lists, obj, words
from tests.sandbox.contract.meters import ACTION
from tests.sandbox.contract.values import METER_TYPE, PREFERENCE, REFERENCE, REGION, STATUS, UTILITY

EVENT_TYPE = words(
    "meter.created",
    "connect_session.updated",
    "connect_session.authorization_updated",
    "meter.enrollment.global-status.updated",
    "meter.enrollment.participation-status.updated",
    "meter.enrollment.required-actions.updated",
    "meter.enrollment.group.updated",
)
_INTEGER = {"type": "integer"}
_HEADER = obj(["name", "value"], name=TEXT, value=TEXT)

REQUEST: Schema = obj(
    ["event_types", "receiver_url"], headers=lists(_HEADER), event_types=lists(EVENT_TYPE), receiver_url=TEXT
)
WEBHOOK: Schema = obj(
    ["webhook_id", "event_types", "headers", "receiver_url"],
    webhook_id=UUID,
    event_types=lists(EVENT_TYPE),
    headers=lists(_HEADER),
    receiver_url=TEXT,
)
LIST: Schema = obj(["webhooks"], webhooks=lists(WEBHOOK))
SAVED: Schema = obj(["webhook_id"], webhook_id=UUID)
DONE: Schema = obj(["message"], message=TEXT)
TESTED: Schema = obj(["is_successful"], is_successful=FLAG, error=TEXT, status_code=_INTEGER, response_time_ms=_INTEGER)
ERROR: Schema = obj(error=TEXT, message=TEXT)

_METER = {
    "webhook_event_type": EVENT_TYPE,
    "meter_id": UUID,
    "partner_reference": REFERENCE,
    "transmission_region": REGION,
    "meter_type": METER_TYPE,
}
_METER_NEEDS = ("webhook_event_type", "meter_id", "transmission_region")

#: `payload` of the envelope, by event type.
EVENTS: dict[str, Schema] = {
    "meter.created": obj(_METER_NEEDS, **_METER),
    "meter.enrollment.global-status.updated": obj(
        (*_METER_NEEDS, "global_enrollment_status"), **_METER, global_enrollment_status=STATUS
    ),
    "meter.enrollment.participation-status.updated": obj(
        (*_METER_NEEDS, "participation_preference", "start_time"),
        **_METER,
        participation_preference=PREFERENCE,
        start_time=MOMENT,
        end_time=MOMENT,
    ),
    "meter.enrollment.required-actions.updated": obj(
        (*_METER_NEEDS, "global_enrollment_status", "required_actions"),
        **_METER,
        required_actions=obj(partner=lists(ACTION)),
        global_enrollment_status=STATUS,
    ),
    "meter.enrollment.group.updated": obj(
        ("webhook_event_type", "market_group_id", "market_group_name", "start_date_time", "end_date_time", "meter_ids"),
        webhook_event_type=EVENT_TYPE,
        market_group_id=UUID,
        market_group_name=TEXT,
        start_date_time=MOMENT,
        end_date_time=MOMENT,
        meter_ids=lists(UUID),
    ),
    "connect_session.updated": obj(
        ("webhook_event_type", "partner_reference", "status"),
        webhook_event_type=EVENT_TYPE,
        partner_reference=REFERENCE,
        status=words("CREATED", "UPDATED", "CLOSED", "COMPLETED"),
    ),
    "connect_session.authorization_updated": obj(
        ("webhook_event_type", "partner_reference", "status", "utility_name"),
        webhook_event_type=EVENT_TYPE,
        partner_reference=REFERENCE,
        utility_name=UTILITY,
        status=words("INITIATED", "COMPLETED", "FAILED"),
    ),
}
