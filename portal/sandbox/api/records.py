"""A meter as the API answers it (MeterDetailsResponse, MeterEnrollmentResponse)."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from portal.sandbox.models import Meter


def for_details() -> QuerySet[Meter]:
    """Meters with what `detail_record` reads."""
    return Meter.objects.defer("program_enrollment", "participation_preferences", "required_actions").prefetch_related(
        "references"
    )


def for_enrollments() -> QuerySet[Meter]:
    """Meters with what `enrollment_record` reads."""
    return Meter.objects.defer("details").prefetch_related("references")


def detail_record(meter: Meter) -> dict[str, Any]:
    """Return a meter's details, with the blocks that it has."""
    return {**_identifiers(meter), **meter.details, "audit": _audit(meter)}


def enrollment_record(meter: Meter) -> dict[str, Any]:
    """Return how far a meter is in the programs."""
    return {
        **_identifiers(meter),
        # Both are required here, and a list of load types has one at least.
        "load_types": meter.load_types or ["OTHER"],
        "tags": meter.tags,
        "audit": _audit(meter),
        "global_enrollment_status": meter.global_enrollment_status,
        "participation_preferences": meter.participation_preferences,
        "program_enrollment": meter.program_enrollment,
        "required_actions": meter.required_actions,
    }


def _identifiers(meter: Meter) -> dict[str, Any]:
    record = {
        "meter_id": str(meter.meter_id),
        "partner_reference": meter.partner_reference,
        "transmission_region": meter.transmission_region,
        "customer_classification": meter.customer_classification,
        "load_types": meter.load_types,
        "meter_type": meter.meter_type,
        "connection_references": meter.connection_references,
        "customer_group": meter.customer_group,
        "tags": meter.tags,
        "is_archived": meter.is_archived,
    }
    # What a meter does not have is absent, not empty: a partner_reference has three characters at least.
    return {name: value for name, value in record.items() if value not in ("", [])}


def _audit(meter: Meter) -> dict[str, str]:
    return {
        "created_by": meter.created_by,
        "created_at": in_utc(meter.created_at),
        "updated_at": in_utc(meter.updated_at),
    }


def in_utc(moment: datetime) -> str:
    """Return a moment as Leap writes it: 2026-01-31T12:00:00.000+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
