"""The confirmation page's record: claims, matched to links but never taken for proof (R16)."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl

from portal.authorizations.models import Confirmation, Link, Outcome
from portal.authorizations.services.doors import insert_impatiently, select_one
from portal.authorizations.services.visitors import Visitor
from portal.leap import reference_ids

#: What is kept of a query string, in characters.
KEPT = 2000
_COLUMNS = ("pk", "voided_at", "first_returned_at", "campaign_id")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a hit on the confirmation page says of itself."""

    reference_id: str
    authorization_id: str
    outcome: Outcome | None
    """MISSING or MALFORMED; None while only the database can tell."""


class Return(Visitor):
    """A hit as `record_confirmation` takes it and the spool keeps it, but for its time."""

    query_string: str
    is_bot: bool


def read_claim(query_string: str) -> Claim:
    """Read authorizationId and refId from a percent-encoded query string; never raises, whatever it is sent."""
    pairs = parse_qsl(query_string, keep_blank_values=True, errors="replace", max_num_fields=None)
    references = [value for key, value in pairs if key == "refId"]
    authorization_id = next((value for key, value in pairs if key == "authorizationId"), "")
    reference_id = references[0] if references else ""
    outcome: Outcome | None = None
    if not reference_id and len(references) <= 1:
        outcome = Outcome.MISSING
    elif len(references) > 1 or not reference_ids.is_valid(reference_id):
        outcome = Outcome.MALFORMED
    return Claim(_storable(reference_id), _storable(authorization_id), outcome)


def record_confirmation(
    *,
    query_string: str,
    at: datetime,
    ip: str,
    user_agent: str,
    is_bot: bool,
    receipt: uuid.UUID | None = None,
) -> None:
    """Keep one hit on the confirmation page and, the first time for its link, the milestone, in one statement.

    A bot's hit is kept, marked, and moves nothing. Raises DatabaseError (django.db) when the database cannot be
    written within moments; nothing is kept then.
    """
    claim = read_claim(query_string)
    outcome = claim.outcome or Outcome.UNKNOWN
    link_id, first_returned_at, campaign_id = None, None, None
    if claim.outcome is None and (row := select_one(Link, _COLUMNS, by="reference_id", value=claim.reference_id)):
        link_id, voided_at, first_returned_at, campaign_id = row
        outcome = Outcome.MATCHED if voided_at is None else Outcome.VOID
        if voided_at is not None and Link.objects.filter(pk=link_id, customer__erased_at__isnull=False).exists():
            # Whoever it is wanted to be forgotten: that somebody came back is all that is kept.
            ip = user_agent = query_string = ""
            claim = replace(claim, authorization_id="")
    insert_impatiently(
        Confirmation,
        {
            "link_id": link_id,
            "at": at,
            "outcome": outcome.value,
            # Of two that come at once neither sees the other: the database marks the second.
            "repeated": not is_bot and first_returned_at is not None,
            "is_bot": is_bot,
            "reference_id": claim.reference_id,
            "authorization_id": claim.authorization_id,
            "query_string": _storable(query_string, KEPT),
            "ip": ip,
            "user_agent": _storable(user_agent, 300),
            # Beside the link, for the list of a campaign's. A trigger follows the link's, should that ever change.
            "campaign_id": campaign_id,
            "receipt": receipt,
        },
    )


def _storable(text: str, length: int = 200) -> str:
    """Cut a text and replace the NUL that PostgreSQL cannot store."""
    return text[:length].replace("\x00", "\ufffd")
