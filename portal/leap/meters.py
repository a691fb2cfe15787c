"""What Leap's API says of a meter: its details, and its enrollment in programs.

Leap's meter details OpenAPI (v2), schema MeterDetailsResponse, and meter enrollment OpenAPI (2.0.0), schema
MeterEnrollmentResponse. Only ``meter_id`` is indispensable: a record that lacks anything else is still a meter. What
has a wrong type is a ValueError that names the field.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.leap.payloads import Fields, storable

#: The status that makes a meter count as enrolled: it takes part in a program now.
ACTIVE = "ACTIVE"

_PERSONAL = frozenset({"customer", "billing"})
_PERSONAL_BEGINNINGS = ("end_customer_", "bill_", "partner_customer_")
_PERSONAL_PARTS = ("account_number", "agreement_number", "serial_number", "email", "phone")


@dataclass(frozen=True, slots=True)
class MeterRecord:
    """One meter. Texts are "" when Leap says nothing, and stay as Leap wrote them when a value is new."""

    meter_id: UUID
    partner_reference: str
    """The refId that the meter came with. A partner may change it afterwards."""
    connection_references: tuple[str, ...]
    """The refIds of every completed authorization of this meter."""
    transmission_region: str
    customer_classification: str
    utility_name: str
    """As Leap's API names it: PGE, CECONY."""
    meter_type: str
    load_types: tuple[str, ...]
    is_archived: bool
    created_at: datetime | None
    updated_at: datetime | None
    record: dict[str, Any]
    """Leap's record as received, without its customer, account numbers and serial numbers."""


@dataclass(frozen=True, slots=True)
class EnrollmentDeadline:
    """All actions done by ``deadline``: active at ``activation``."""

    deadline: datetime | None
    activation: datetime | None


@dataclass(frozen=True, slots=True)
class ProgramEnrollment:
    """A meter in one delivery period of one program."""

    program_identifier: str
    delivery_period: str
    delivery_period_start: datetime | None
    delivery_period_end: datetime | None
    enrollment_status: str
    deadlines: tuple[EnrollmentDeadline, ...]
    market_group_id: str
    market_group_name: str


@dataclass(frozen=True, slots=True)
class RequiredAction:
    """What has to be done before a meter can be enrolled in a program."""

    program_identifier: str
    delivery_period: str
    deadline: datetime | None
    action_type: str
    action_code: str
    description: str

    @classmethod
    def read(cls, fields: Fields) -> "RequiredAction":
        return cls(
            program_identifier=fields.text("program_identifier"),
            delivery_period=fields.text("delivery_period"),
            deadline=fields.moment("enrollment_deadline_date_time"),
            action_type=fields.text("action_type"),
            action_code=fields.text("action_code"),
            description=fields.text("action_description", limit=10_000),
        )


@dataclass(frozen=True, slots=True)
class ParticipationPreference:
    """PARTICIPATE, IDLE or DISENROLL for a span of time."""

    preference: str
    start: datetime | None
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class EnrollmentRecord:
    """One meter's enrollments, and what is missing for more."""

    meter_id: UUID
    global_enrollment_status: str
    programs: tuple[ProgramEnrollment, ...]
    partner_actions: tuple[RequiredAction, ...]
    """What the partner has to do."""
    leap_actions: tuple[RequiredAction, ...]
    """What Leap has to do."""
    participation: tuple[ParticipationPreference, ...]
    updated_at: datetime | None
    record: dict[str, Any]
    """Leap's record as received."""


def parse_meter(record: object) -> MeterRecord:
    """Return one element of ``meters`` in an answer of the meters search. Raises ValueError, naming the field."""
    fields = Fields(record)
    audit = fields.fields("audit")
    return MeterRecord(
        meter_id=fields.uuid("meter_id"),
        partner_reference=fields.text("partner_reference"),
        connection_references=fields.texts("connection_references"),
        transmission_region=fields.text("transmission_region"),
        customer_classification=fields.text("customer_classification"),
        utility_name=fields.fields("utility").text("utility_name"),
        meter_type=fields.text("meter_type"),
        load_types=fields.texts("load_types"),
        is_archived=fields.flag("is_archived"),
        created_at=audit.moment("created_at"),
        updated_at=audit.moment("updated_at"),
        record=storable(record, leave_out=is_personal),
    )


def parse_enrollment(record: object) -> EnrollmentRecord:
    """Return one element of ``meters`` in an answer of the enrollments search. Raises ValueError, naming the field."""
    fields = Fields(record)
    actions = fields.fields("required_actions")
    return EnrollmentRecord(
        meter_id=fields.uuid("meter_id"),
        global_enrollment_status=fields.text("global_enrollment_status"),
        programs=tuple(_program(row) for row in fields.rows("program_enrollment")),
        partner_actions=tuple(RequiredAction.read(row) for row in actions.rows("partner")),
        leap_actions=tuple(RequiredAction.read(row) for row in actions.rows("leap")),
        participation=tuple(_preference(row) for row in fields.rows("participation_preferences")),
        updated_at=fields.fields("audit").moment("updated_at"),
        record=storable(record, leave_out=is_personal),
    )


def is_personal(name: str) -> bool:
    """Return whether a field of Leap's record, by its name, says who the customer is: it is not kept."""
    name = name.lower()
    return name in _PERSONAL or name.startswith(_PERSONAL_BEGINNINGS) or any(part in name for part in _PERSONAL_PARTS)


def _program(fields: Fields) -> ProgramEnrollment:
    return ProgramEnrollment(
        program_identifier=fields.text("program_identifier"),
        delivery_period=fields.text("delivery_period"),
        delivery_period_start=fields.moment("delivery_period_start_date_time"),
        delivery_period_end=fields.moment("delivery_period_end_date_time"),
        enrollment_status=fields.text("enrollment_status"),
        deadlines=tuple(
            EnrollmentDeadline(row.moment("enrollment_deadline_date_time"), row.moment("activation_date_time"))
            for row in fields.rows("enrollment_deadlines")
        ),
        market_group_id=fields.text("market_group_id"),
        market_group_name=fields.text("market_group_name"),
    )


def _preference(fields: Fields) -> ParticipationPreference:
    return ParticipationPreference(
        preference=fields.text("participation_preference"),
        start=fields.moment("start_time"),
        end=fields.moment("end_time"),
        reason=fields.text("reason", limit=10_000),
    )
