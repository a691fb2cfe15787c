"""One customer's way through Connect or Legacy, step by step, with Leap's events about it (Leap, Connect Events)."""

import uuid
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from urllib.parse import urlencode, urlsplit

from django.db import transaction

from portal.sandbox import clock, webhooks
from portal.sandbox.addresses import Opening
from portal.sandbox.households import ServiceAccount
from portal.sandbox.meters import connect_meters
from portal.sandbox.models import (
    Authorization,
    AuthorizationStatus,
    BrandColour,
    Flow,
    Journey,
    Session,
    SessionStatus,
    Turn,
)
from portal.sandbox.utilities import CUSTOMER_TYPES, Utility, find_utility, utilities_of

#: After so long without a step a session is no longer this one (Leap, Connect Events).
IDLE = timedelta(hours=24)
DEFAULT_TERMS = "Demand Response Agreement"
THANKS = "/leap/thanks"


def find_flow(*, org_name: str, title: str) -> Flow:
    """Return what is configured under the two names; what nobody configured is, at its first visit.

    The defaults name the confirmation page of the portal itself, wherever it is reached: PUBLIC_URL may change.
    """
    flow, _ = Flow.objects.get_or_create(
        org_name=org_name,
        title=title,
        defaults={
            "brand_name": _brand(org_name),
            "brand_colour": BrandColour.values[zlib.crc32(org_name.encode()) % len(BrandColour.values)],
            "regions": ["CAISO", "NYISO"],
            "customer_types": list(CUSTOMER_TYPES),
            "terms": DEFAULT_TERMS,
            "final_redirect_url": THANKS,
            "created_at": clock.now(),
        },
    )
    return flow


@transaction.atomic
def open_session(*, opening: Opening, case: str = "") -> Session:
    """Begin a session: a link was opened. What the link or the flow leaves no choice of is chosen."""
    flow = find_flow(org_name=opening.org_name, title=opening.title)
    now = clock.now()
    session = Session.objects.create(
        flow=flow,
        journey=opening.journey,
        reference_id=opening.reference_id,
        requested_utilities=list(opening.requested_utilities),
        extra_query=[list(pair) for pair in opening.extra_query],
        region=opening.region or _only(flow.regions),
        # Legacy is for homes (Leap, Direct to Utility).
        customer_type="RESIDENTIAL"
        if opening.journey == Journey.LEGACY
        else opening.customer_type or _only(flow.customer_types),
        program=opening.program,
        agreements_only=opening.agreements_only,
        case=case,
        started_at=now,
        updated_at=now,
    )
    _tell_session(session)
    if utility := find_utility(opening.utility_id):
        # Legacy goes straight to the utility.
        start_authorization(session=session, utility=utility)
    return session


@transaction.atomic
def open_without_reference(session: Session) -> Session:
    """Begin another session with the same link, but for its refId; one that had none is returned itself."""
    if not session.reference_id:
        return session
    started = session.authorizations.order_by("id").first() if session.journey == Journey.LEGACY else None
    opening = Opening(
        journey=session.journey,
        org_name=session.flow.org_name,
        title=session.flow.title,
        utility_id=started.utility_id if started else "",
        requested_utilities=tuple(session.requested_utilities),
        region=session.region,
        customer_type=session.customer_type,
        program=session.program,
        agreements_only=session.agreements_only,
        extra_query=tuple((name, value) for name, value in session.extra_query),
    )
    return open_session(opening=opening, case=session.case)


def is_idle(session: Session) -> bool:
    """Whether Leap would begin another session."""
    return clock.now() - session.updated_at > IDLE


def advance(session: Session, *fields: str) -> None:
    """Keep the session's changed fields, and tell that the customer took a step."""
    _move(session, SessionStatus.UPDATED, *fields)


def sign_terms(session: Session) -> None:
    """The customer agreed to the terms."""
    session.terms_signed_at = clock.now()
    advance(session, "terms_signed_at")


def close_session(session: Session) -> None:
    """The customer left early. What was closed or completed stays so."""
    if not session.is_over:
        _move(session, SessionStatus.CLOSED)


def complete_session(session: Session) -> None:
    """The customer did the final step."""
    if not session.is_over:
        _move(session, SessionStatus.COMPLETED)


def needs_terms(session: Session) -> bool:
    """Whether there is something to sign that is not signed. Legacy cannot carry terms (R5)."""
    return bool(session.journey != Journey.LEGACY and session.flow.term_names and not session.terms_signed_at)


def offered_utilities(session: Session) -> list[Utility]:
    """Return the requested utilities, in the link's order, and then the others of their regions, or of the chosen."""
    requested = requested_utilities(session)
    regions = dict.fromkeys([*(utility.region for utility in requested), session.region])
    there = [utility for region in regions for utility in utilities_of(region)]
    if session.flow.utilities:
        there = [utility for utility in there if utility.utility_id in session.flow.utilities]
    return requested + [utility for utility in there if utility not in requested]


def requested_utilities(session: Session) -> list[Utility]:
    """Return the utilities that the link asks for."""
    asked = [find_utility(utility_id) for utility_id in session.requested_utilities]
    return [utility for utility in asked if utility]


@transaction.atomic
def start_authorization(*, session: Session, utility: Utility) -> Authorization:
    """The customer reached the utility's sign-in page."""
    now = clock.now()
    authorization = Authorization.objects.create(
        session=session,
        utility_id=utility.utility_id,
        utility_name=utility.leap_name,
        started_at=now,
        updated_at=now,
    )
    if session.journey != Journey.LEGACY:
        advance(session)
    _tell_authorization(authorization)
    return authorization


@transaction.atomic
def fail_authorization(*, authorization: Authorization, reason: str) -> None:
    """The utility, or the customer there, ended it without consent. Leap tells nobody the reason."""
    _end_authorization(authorization, AuthorizationStatus.FAILED, reason=reason)


@transaction.atomic
def complete_authorization(
    *,
    authorization: Authorization,
    utility: Utility,
    accounts: Sequence[ServiceAccount],
    ends_on: date | None = None,
    late_days: int | None = None,
    turns: Iterable[tuple[Turn, timedelta]] = (),
) -> None:
    """The customer agreed to share accounts: each becomes a meter, after the flow's expected days or `late_days`."""
    authorization.accounts = [account.number for account in accounts]
    authorization.ends_on = ends_on
    _end_authorization(authorization, AuthorizationStatus.COMPLETED)
    days = authorization.session.flow.expected_days if late_days is None else late_days
    connect_meters(
        authorization=authorization,
        utility=utility,
        accounts=accounts,
        appears_at=clock.now() + timedelta(days=days),
        turns=list(turns),
    )


def final_url(session: Session, *, authorization_id: uuid.UUID | None = None) -> str:
    """Return the partner's confirmation page with what this session brings back; empty: the flow has none.

    One that begins with / is the portal's own: whoever leads there knows under which address it was reached.

    `authorization_id` is the session's last completed authorization unless given. A link without a refId brings none.
    """
    target = session.flow.final_redirect_url
    if not target:
        return ""
    if authorization_id is None:
        done = session.authorizations.filter(status=AuthorizationStatus.COMPLETED).order_by("id").last()
        authorization_id = done.authorization_id if done else None
    query = [("authorizationId", str(authorization_id))] if authorization_id else []
    query += [("refId", session.reference_id)] if session.reference_id else []
    query += [(name, value) for name, value in session.extra_query]
    if not query:
        return target
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(query)}"


def _end_authorization(authorization: Authorization, status: AuthorizationStatus, *, reason: str = "") -> None:
    authorization.status = status
    authorization.reason = reason
    authorization.updated_at = clock.now()
    authorization.save(update_fields=["status", "reason", "updated_at", "accounts", "ends_on", "stage", "household"])
    _tell_authorization(authorization)


def _move(session: Session, status: SessionStatus, *fields: str) -> None:
    session.status = status
    session.updated_at = clock.now()
    with transaction.atomic():
        session.save(update_fields=["status", "updated_at", *fields])
        _tell_session(session)


def _tell_session(session: Session) -> None:
    """Legacy has no Connect session: only its authorization is told of."""
    if session.journey != Journey.LEGACY:
        webhooks.emit("connect_session.updated", {**_reference(session), "status": str(session.status)})


def _tell_authorization(authorization: Authorization) -> None:
    webhooks.emit(
        "connect_session.authorization_updated",
        {
            **_reference(authorization.session),
            "utility_name": authorization.utility_name,
            "status": str(authorization.status),
        },
    )


def _reference(session: Session) -> dict[str, str]:
    """Without a refId there is no partner_reference: none is invented."""
    return {"partner_reference": session.reference_id} if session.reference_id else {}


def _only(choices: Sequence[str]) -> str:
    return choices[0] if len(choices) == 1 else ""


def _brand(org_name: str) -> str:
    """ "acme-energy" → "Acme Energy"."""
    return " ".join(word.capitalize() for word in org_name.replace("_", "-").replace(".", "-").split("-") if word) or (
        org_name
    )
