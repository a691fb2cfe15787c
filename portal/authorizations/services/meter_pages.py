"""Writing one page of Leap's meters, or of their enrollments. Twice gives the same rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import CharField

from portal.authorizations.models import (
    Enrollment,
    EnrollmentDeadline,
    Erasure,
    Meter,
    MeterMatch,
    Party,
    RequiredAction,
    Utility,
)
from portal.authorizations.services.meter_matching import match_meters, note_proof
from portal.authorizations.services.reauthorizations import settle_reauthorizations
from portal.leap import meters as leap
from portal.leap.meters import EnrollmentRecord, MeterRecord, parse_enrollment, parse_meter
from portal.leap.required_actions import REAUTHORIZE, REAUTHORIZE_TYPE

_DETAILS = [
    "partner_reference",
    "connection_references",
    "region",
    "utility_name",
    "utility_id",
    "classification",
    "meter_type",
    "load_types",
    "is_archived",
    "created_at",
    "updated_at",
    "record",
]
_SAVED = [name.removesuffix("_id") for name in _DETAILS] + ["last_seen_at"]


@dataclass(slots=True)
class PageResult:
    """What became of one page's records."""

    created: int = 0
    changed: int = 0
    same: int = 0
    unmatched: int = 0
    malformed: list[str] = field(default_factory=list)
    """Why, in words, for each record that could not be read."""


def save_meters(*, records: Iterable[object], at: datetime) -> PageResult:
    """Write a page of the meters search, match the meters, and note what they prove. Call it in a transaction."""
    result = PageResult()
    parsed: dict[UUID, MeterRecord] = {}
    for received in records:
        try:
            record = parse_meter(received)
            parsed[record.meter_id] = record
        except ValueError as error:
            result.malformed.append(_words(received, error))
    utilities = dict(Utility.objects.exclude(leap_name="").values_list("leap_name", "pk"))
    known = Meter.objects.in_bulk(list(parsed), field_name="meter_id")
    nobodys = _find_nobodys(known.values())
    saved: list[Meter] = []
    same: list[Meter] = []
    for meter_id, record in parsed.items():
        before = known.get(meter_id)
        meter = _meter(record, before, utilities, at)
        if before is not None and before.pk in nobodys:
            meter.record = {}
        if before is None:
            result.created += 1
            saved.append(meter)
        elif any(getattr(before, name) != getattr(meter, name) for name in _DETAILS):
            result.changed += 1
            saved.append(meter)
        else:
            result.same += 1
            same.append(before)
    # New and changed ones in one statement; what the enrollments say is not in it and stays.
    Meter.objects.bulk_create(saved, update_conflicts=True, unique_fields=["meter_id"], update_fields=_SAVED)
    if same:
        Meter.objects.filter(pk__in=[meter.pk for meter in same]).update(last_seen_at=at)
    Enrollment.objects.filter(meter__in=[meter.pk for meter in saved]).settle(at)
    result.unmatched = match_meters(meters=[*saved, *same], at=at)
    # A new one may have turned out to be an erased customer's, which the match alone knows.
    new = [meter for meter in saved if meter.meter_id not in known]
    Meter.objects.filter(pk__in=_find_nobodys(new)).update(record={}, enrollment_record={})
    archived = {before.meter_id for before in known.values() if before.is_archived}
    moved = [meter.pk for meter in saved if meter.is_archived != (meter.meter_id in archived)]
    if moved:
        settle_reauthorizations(meter_ids=moved, at=at)
    return result


def save_enrollments(*, records: Iterable[object], at: datetime, run_started_at: datetime) -> PageResult:
    """Write a page of the enrollments search and note who is enrolled. Call it in a transaction.

    A meter that the meters search did not show yet is left to the next sync, which asks for it again. Counts as
    changed what changed of meters that are not new in this run.
    """
    result = PageResult()
    parsed: dict[UUID, EnrollmentRecord] = {}
    for record in records:
        try:
            enrollment = parse_enrollment(record)
            parsed[enrollment.meter_id] = enrollment
        except ValueError as error:
            result.malformed.append(_words(record, error))
    known = Meter.objects.in_bulk(list(parsed), field_name="meter_id")
    nobodys = _find_nobodys(known.values())
    # Of theirs no record says whether it is the same: they are written again, without one.
    changed = [
        meter
        for meter in known.values()
        if meter.pk in nobodys or meter.enrollment_record != parsed[meter.meter_id].record
    ]
    for meter in changed:
        _enroll(meter, parsed[meter.meter_id])
        if meter.pk in nobodys:
            meter.enrollment_record = {}
    Meter.objects.bulk_update(
        changed,
        ["enrollment_status", "needs_partner", "needs_authorization", "in_program", "enrollment_record"],
        batch_size=100,
    )
    _replace_programs(changed, parsed)
    Enrollment.objects.filter(meter__in=changed).settle(at)
    note_proof(meters=list(known.values()), at=at)
    settle_reauthorizations(meter_ids=[meter.pk for meter in known.values()], at=at)
    result.changed = sum(meter.first_seen_at < run_started_at for meter in changed if meter.pk not in nobodys)
    return result


def _find_nobodys(meters: Collection[Meter]) -> set[int]:
    """Keys of the meters whose every customer was erased: of them ids, status and days are kept, and no record."""
    if not meters or not Erasure.objects.exists():
        return set()
    matches = MeterMatch.objects.filter(meter__in=[meter.pk for meter in meters])
    of_links = matches.filter(link__customer__isnull=False).values_list("meter__pk", "link__customer__erased_at")
    of_papers = matches.filter(paper__isnull=False).values_list("meter__pk", "paper__customer__erased_at")
    found = [*of_links, *of_papers]
    return {meter for meter, erased_at in found if erased_at} - {meter for meter, erased_at in found if not erased_at}


def _meter(record: MeterRecord, before: Meter | None, utilities: dict[str, int], at: datetime) -> Meter:
    meter = Meter(
        meter_id=record.meter_id,
        partner_reference=record.partner_reference,
        connection_references=list(record.connection_references),
        region=_fit("region", record.transmission_region),
        utility_name=_fit("utility_name", record.utility_name),
        utility_id=utilities.get(record.utility_name),
        classification=_fit("classification", record.customer_classification),
        meter_type=_fit("meter_type", record.meter_type),
        load_types=list(record.load_types),
        is_archived=record.is_archived,
        created_at=record.created_at or (before.created_at if before else at),
        updated_at=record.updated_at,
        first_seen_at=before.first_seen_at if before else at,
        last_seen_at=at,
        record=record.record,
    )
    if before:
        # Without these the match would not see that the meter is enrolled already.
        meter.enrollment_status = before.enrollment_status
    return meter


def _enroll(meter: Meter, record: EnrollmentRecord) -> None:
    meter.enrollment_status = _fit("enrollment_status", record.global_enrollment_status)
    meter.needs_partner = bool(record.partner_actions)
    meter.needs_authorization = any(
        action.action_code == REAUTHORIZE or action.action_type == REAUTHORIZE_TYPE for action in record.partner_actions
    )
    meter.in_program = bool(record.programs)
    meter.enrollment_record = record.record


def _replace_programs(meters: list[Meter], parsed: dict[UUID, EnrollmentRecord]) -> None:
    pks = [meter.pk for meter in meters]
    EnrollmentDeadline.objects.filter(enrollment__meter__in=pks).delete()
    Enrollment.objects.filter(meter__in=pks).delete()
    RequiredAction.objects.filter(meter__in=pks).delete()
    pairs = [(meter, program) for meter in meters for program in parsed[meter.meter_id].programs]
    enrollments = Enrollment.objects.bulk_create(
        [
            Enrollment(
                meter=meter,
                program=program.program_identifier[:60],
                delivery_period=program.delivery_period[:100],
                starts_at=program.delivery_period_start,
                ends_at=program.delivery_period_end,
                status=program.enrollment_status[:40],
                market_group=program.market_group_name[:200],
            )
            for meter, program in pairs
        ]
    )
    EnrollmentDeadline.objects.bulk_create(
        EnrollmentDeadline(enrollment=enrollment, deadline_at=row.deadline, active_from=row.activation)
        for enrollment, (_, program) in zip(enrollments, pairs, strict=True)
        for row in program.deadlines
        if row.deadline is not None
    )
    RequiredAction.objects.bulk_create(
        [
            _action(meter, party, action)
            for meter in meters
            for party, actions in (
                (Party.PARTNER, parsed[meter.meter_id].partner_actions),
                (Party.LEAP, parsed[meter.meter_id].leap_actions),
            )
            for action in actions
        ]
    )


def _action(meter: Meter, party: Party, action: leap.RequiredAction) -> RequiredAction:
    return RequiredAction(
        meter=meter,
        party=party,
        program=action.program_identifier[:60],
        delivery_period=action.delivery_period[:100],
        action_type=action.action_type[:60],
        action_code=action.action_code[:30],
        description=action.description[:500],
        deadline_at=action.deadline,
    )


def _fit(name: str, text: str) -> str:
    """A value that Leap may add one day must not be too long for its column; the record keeps it whole."""
    column = cast("CharField[str, str]", Meter._meta.get_field(name))
    return text[: column.max_length]


def _words(record: object, error: ValueError) -> str:
    """What is wrong with a record, with its meter id if it has one: nothing else of it, as it may be personal."""
    meter_id: Any = record.get("meter_id") if isinstance(record, dict) else None
    try:
        return f"Meter {UUID(meter_id)}: {error}"
    except (TypeError, ValueError, AttributeError):
        return f"A meter without a readable id: {error}"
