"""What a completed authorization leads to: meters, what happens to them later, and Leap's events about them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.sandbox import clock, webhooks
from portal.sandbox.households import ServiceAccount, details_of
from portal.sandbox.models import Authorization, EnrollmentStatus, Meter, PlannedChange, Turn
from portal.sandbox.programs import action, activated, enroll
from portal.sandbox.utilities import Utility

#: Registration with CAISO's market takes up to two weeks (Leap, Meter Configuration).
REGISTRATION = timedelta(days=14)


@transaction.atomic
def connect_meters(
    *,
    authorization: Authorization,
    utility: Utility,
    accounts: Iterable[ServiceAccount],
    appears_at: datetime,
    turns: Sequence[tuple[Turn, timedelta]] = (),
) -> list[Meter]:
    """Connect a meter to the authorization for each account: a new one, or the one that the account has already.

    `turns`: what happens to each meter, and how long after it appeared.
    """
    meters = []
    for account in accounts:
        meter = Meter.objects.filter(utility_name=utility.leap_name, service_account=account.number).first()
        if meter is None:
            meter = _create_meter(authorization=authorization, utility=utility, account=account, at=appears_at)
        else:
            _reauthorize(meter=meter, reference_id=authorization.session.reference_id)
        if authorization.session.reference_id:
            meter.references.update_or_create(
                reference_id=authorization.session.reference_id, defaults={"authorization": authorization}
            )
        for turn, after in turns:
            plan_change(meter=meter, turn=turn, at=appears_at + after)
        meters.append(meter)
    settle()
    return meters


def plan_change(*, meter: Meter, turn: Turn, at: datetime) -> PlannedChange:
    """Let something happen to a meter once the clock has reached `at` (settle does it)."""
    return PlannedChange.objects.create(meter=meter, turn=turn, at=at)


def settle() -> int:
    """Let happen what is due by the sandbox's clock; return how many meters changed. Twice is once."""
    due = PlannedChange.objects.filter(done_at=None, at__lte=clock.now())
    count = 0
    for change in due.order_by("at", "id").select_related("meter"):
        with transaction.atomic():
            if PlannedChange.objects.filter(pk=change.pk, done_at=None).update(done_at=clock.now()):
                # Read again: an earlier change of this round may have been about the same meter.
                change_meter(meter=Meter.objects.get(pk=change.meter_id), turn=Turn(change.turn), at=change.at)
                count += 1
    return count


def change_meter(*, meter: Meter, turn: Turn, at: datetime) -> None:
    """Let one thing happen to a meter, and tell of it. `at` is when it was due: the record never says earlier."""
    meter.updated_at = max(at, meter.updated_at)
    match turn:
        case Turn.ARCHIVE:
            meter.is_archived = True
        case Turn.ACTIVATE:
            if meter.is_archived or meter.global_enrollment_status != EnrollmentStatus.ELIGIBLE:
                return
            _activate(meter)
        case Turn.REAUTHORIZE:
            _require(meter, "IS_AUTHORIZED")
        case Turn.CONFLICT:
            meter.global_enrollment_status = EnrollmentStatus.INELIGIBLE
            meter.program_enrollment = [
                {**entry, "enrollment_status": "INELIGIBLE"} for entry in meter.program_enrollment
            ]
            _tell_status(meter)
            _require(meter, "NOT_ENROLLED_IN_CONFLICTING_PROGRAM")
    _note_actions(meter)
    meter.save()


def change_status(*, meter: Meter, status: EnrollmentStatus, at: datetime) -> None:
    """Let a meter have another status, in its programs too, and tell of it."""
    meter.updated_at = max(at, meter.updated_at)
    meter.global_enrollment_status = status
    meter.program_enrollment = [{**entry, "enrollment_status": status.value} for entry in meter.program_enrollment]
    _tell_status(meter)
    meter.save(update_fields=["updated_at", "global_enrollment_status", "program_enrollment"])


def resolve_actions(*, meter: Meter, at: datetime) -> None:
    """Let everything be done that was required of the partner; the last event says so with an empty object."""
    if not meter.required_actions["partner"]:
        return
    meter.updated_at = max(at, meter.updated_at)
    meter.required_actions = {**meter.required_actions, "partner": []}
    _note_actions(meter)
    _tell_actions(meter)
    meter.save(update_fields=["updated_at", "required_actions", "action_types", "partner_action_required"])


def _create_meter(*, authorization: Authorization, utility: Utility, account: ServiceAccount, at: datetime) -> Meter:
    session = authorization.session
    enrollment = enroll(utility=utility, at=at, status="ELIGIBLE", program=session.program)
    is_commercial = session.customer_type == "COMMERCIAL"
    meter = Meter(
        partner_reference=session.reference_id,
        transmission_region=utility.region,
        customer_classification=session.customer_type,
        utility_name=utility.leap_name,
        service_account=account.number,
        load_types=["HVAC"],
        details=details_of(utility, account, reference_id=session.reference_id, is_commercial=is_commercial),
        created_at=at,
        updated_at=at,
        appears_at=at,
        global_enrollment_status=EnrollmentStatus.ELIGIBLE,
        # By default every meter takes part (Leap, Meter Configuration).
        participation_preferences=[
            {"participation_preference": "PARTICIPATE", "start_time": _written(at), "end_time": "9000-01-01T00:00:00Z"}
        ],
        program_enrollment=enrollment,
        required_actions={"partner": [], "leap": [action(enrollment, "HAS_MARKET_REGISTRATION", at)]},
    )
    _note_actions(meter)
    meter.save()
    webhooks.emit("meter.created", _identity(meter), at=at)
    _tell_status(meter, at=at)
    participation = {"participation_preference": "PARTICIPATE", "start_time": _written(at), **_identity(meter)}
    webhooks.emit("meter.enrollment.participation-status.updated", participation, at=at)
    plan_change(meter=meter, turn=Turn.ACTIVATE, at=at + REGISTRATION)
    return meter


def _reauthorize(*, meter: Meter, reference_id: str) -> None:
    """The account was authorized once more: the meter stays, and what it lacked an authorization for is resolved."""
    partner = [entry for entry in meter.required_actions["partner"] if entry["action_type"] != "IS_AUTHORIZED"]
    resolved = len(partner) < len(meter.required_actions["partner"])
    meter.changes.filter(turn=Turn.REAUTHORIZE, done_at=None).update(done_at=clock.now())
    meter.required_actions = {**meter.required_actions, "partner": partner}
    meter.partner_reference = meter.partner_reference or reference_id
    # A late meter is authorized once more before it appears: it is not modified before it exists.
    meter.updated_at = max(clock.now(), meter.appears_at)
    _note_actions(meter)
    meter.save()
    if resolved:
        _tell_actions(meter)


def _activate(meter: Meter) -> None:
    meter.global_enrollment_status = EnrollmentStatus.ACTIVE
    group_name = f"{meter.utility_name}_SANDBOX_1"
    meter.program_enrollment = activated(meter.program_enrollment, group_name=group_name)
    left = [entry for entry in meter.required_actions["leap"] if entry["action_type"] != "HAS_MARKET_REGISTRATION"]
    meter.required_actions = {**meter.required_actions, "leap": left}
    _tell_status(meter)
    period = meter.program_enrollment[0]
    group = {
        "market_group_id": period["market_group_id"],
        "market_group_name": group_name,
        "start_date_time": period["delivery_period_start_date_time"],
        "end_date_time": period["delivery_period_end_date_time"],
        "meter_ids": [str(meter.meter_id)],
    }
    webhooks.emit("meter.enrollment.group.updated", group)


def _require(meter: Meter, action_type: str) -> None:
    partner = [entry for entry in meter.required_actions["partner"] if entry["action_type"] != action_type]
    partner.append(action(meter.program_enrollment, action_type, meter.updated_at))
    meter.required_actions = {**meter.required_actions, "partner": partner}
    _tell_actions(meter)


def _note_actions(meter: Meter) -> None:
    """Keep what searches filter by in step with the actions."""
    entries = [*meter.required_actions["partner"], *meter.required_actions["leap"]]
    types = sorted({entry["action_type"] for entry in entries})
    meter.action_types = f",{','.join(types)}," if types else ""
    meter.partner_action_required = bool(meter.required_actions["partner"])


def _tell_status(meter: Meter, *, at: datetime | None = None) -> None:
    payload = {"global_enrollment_status": meter.global_enrollment_status, **_identity(meter)}
    webhooks.emit("meter.enrollment.global-status.updated", payload, at=at)


def _tell_actions(meter: Meter) -> None:
    """Tell the partner's actions; once all are resolved, the last event carries an empty object."""
    partner = meter.required_actions["partner"]
    payload = {
        **_identity(meter),
        "global_enrollment_status": meter.global_enrollment_status,
        "required_actions": {"partner": partner} if partner else {},
    }
    webhooks.emit("meter.enrollment.required-actions.updated", payload)


def _identity(meter: Meter) -> dict[str, Any]:
    """Return what every event about a meter says; without a refId there is no partner_reference in it."""
    identity = {"meter_id": str(meter.meter_id), "partner_reference": meter.partner_reference}
    rest = {"transmission_region": meter.transmission_region, "meter_type": meter.meter_type}
    return {name: value for name, value in {**identity, **rest}.items() if value}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
