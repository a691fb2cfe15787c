"""What the sandbox remembers. Every time in it is the sandbox's own (clock.now())."""

from portal.sandbox.models.journeys import (
    Authorization,
    AuthorizationStatus,
    BrandColour,
    Flow,
    Journey,
    Session,
    SessionStatus,
    Stage,
)
from portal.sandbox.models.meters import ConnectionReference, EnrollmentStatus, Meter, PlannedChange, Turn

__all__ = [
    "Authorization",
    "AuthorizationStatus",
    "BrandColour",
    "ConnectionReference",
    "EnrollmentStatus",
    "Flow",
    "Journey",
    "Meter",
    "PlannedChange",
    "Session",
    "SessionStatus",
    "Stage",
    "Turn",
]
