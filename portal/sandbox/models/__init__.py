"""What the sandbox remembers. Every time in it is the sandbox's own (clock.now())."""

from portal.sandbox.models.clock import Clock
from portal.sandbox.models.faults import Fault, FaultKind
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
from portal.sandbox.models.webhooks import (
    Attempt,
    Delivery,
    DeliveryOptions,
    DeliveryState,
    EventType,
    Webhook,
)

__all__ = [
    "Attempt",
    "Authorization",
    "AuthorizationStatus",
    "BrandColour",
    "Clock",
    "ConnectionReference",
    "Delivery",
    "DeliveryOptions",
    "DeliveryState",
    "EnrollmentStatus",
    "EventType",
    "Fault",
    "FaultKind",
    "Flow",
    "Journey",
    "Meter",
    "PlannedChange",
    "Session",
    "SessionStatus",
    "Stage",
    "Turn",
    "Webhook",
]
