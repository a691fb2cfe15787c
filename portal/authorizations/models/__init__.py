"""The domain's tables."""

from portal.authorizations.models.audit import AuditAction, AuditEntry
from portal.authorizations.models.batch import Batch, KeptLink
from portal.authorizations.models.campaign import AudienceKind, Campaign, CampaignState, Channel
from portal.authorizations.models.confirmation import Confirmation, Outcome
from portal.authorizations.models.customer import Customer, CustomerType, Language
from portal.authorizations.models.customer_import import CustomerImport, ImportState
from portal.authorizations.models.door_call import DoorCall, DoorOutcome
from portal.authorizations.models.door_device import DoorAction, DoorDevice, DoorKit, ReservedLink
from portal.authorizations.models.erasure import ErasedIdentity, Erasure, ErasureReason
from portal.authorizations.models.event import Connection, ConnectionState, Event
from portal.authorizations.models.figures import Figures
from portal.authorizations.models.flow import Address, CustomerTypes, Flow, FlowState, Journey, Variant
from portal.authorizations.models.installation import Installation
from portal.authorizations.models.job import Job, JobRow, JobState
from portal.authorizations.models.landing_page import LandingPage, LinkRequest, LinkRequestState
from portal.authorizations.models.link import DEFAULT_EXPECTED_DAYS, PROVEN, Link, LinkStatus
from portal.authorizations.models.mail import Mail, MailState, MailStop, Message, MessageKind, StopReason
from portal.authorizations.models.meter import (
    Enrollment,
    EnrollmentDeadline,
    EnrollmentStatus,
    MatchedBy,
    Meter,
    MeterMatch,
    Party,
    RequiredAction,
    Standing,
    SyncPhase,
    SyncRun,
    SyncState,
)
from portal.authorizations.models.outage import Outage, OutageFeed
from portal.authorizations.models.paper import PaperAuthorization, PaperForm, PaperStatus
from portal.authorizations.models.print_job import (
    CodeLevel,
    PrinterSettings,
    PrintJob,
    PrintLabel,
    PrintLanguage,
    PrintLine,
    PrintState,
    PrintTarget,
)
from portal.authorizations.models.reauthorization import Reauthorization, ReauthorizationEnd
from portal.authorizations.models.reminder import ReminderCursor
from portal.authorizations.models.utility import Region, Utility
from portal.authorizations.models.visit import Visit

__all__ = [
    "DEFAULT_EXPECTED_DAYS",
    "PROVEN",
    "Address",
    "AudienceKind",
    "AuditAction",
    "AuditEntry",
    "Batch",
    "Campaign",
    "CampaignState",
    "Channel",
    "CodeLevel",
    "Confirmation",
    "Connection",
    "ConnectionState",
    "Customer",
    "CustomerImport",
    "CustomerType",
    "CustomerTypes",
    "DoorAction",
    "DoorCall",
    "DoorDevice",
    "DoorKit",
    "DoorOutcome",
    "Enrollment",
    "EnrollmentDeadline",
    "EnrollmentStatus",
    "ErasedIdentity",
    "Erasure",
    "ErasureReason",
    "Event",
    "Figures",
    "Flow",
    "FlowState",
    "ImportState",
    "Installation",
    "Job",
    "JobRow",
    "JobState",
    "Journey",
    "KeptLink",
    "LandingPage",
    "Language",
    "Link",
    "LinkRequest",
    "LinkRequestState",
    "LinkStatus",
    "Mail",
    "MailState",
    "MailStop",
    "MatchedBy",
    "Message",
    "MessageKind",
    "Meter",
    "MeterMatch",
    "Outage",
    "OutageFeed",
    "Outcome",
    "PaperAuthorization",
    "PaperForm",
    "PaperStatus",
    "Party",
    "PrintJob",
    "PrintLabel",
    "PrintLanguage",
    "PrintLine",
    "PrintState",
    "PrintTarget",
    "PrinterSettings",
    "Reauthorization",
    "ReauthorizationEnd",
    "Region",
    "ReminderCursor",
    "RequiredAction",
    "ReservedLink",
    "Standing",
    "StopReason",
    "SyncPhase",
    "SyncRun",
    "SyncState",
    "Utility",
    "Variant",
    "Visit",
]
