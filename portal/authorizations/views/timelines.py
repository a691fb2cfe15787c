"""What the three sources say of one link, in words, each in a column of its own. Never merged."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from portal.authorizations.models import Link, Visit

#: How many of the latest visits and confirmations are shown one by one.
SHOWN = 20


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: what happened, when and by whom."""

    text: str
    detail: str = ""
    fault: bool = False


def what_we_saw(link: Link) -> list[Entry]:
    """Issued, visited, replaced, void: the portal's own record, the oldest first."""
    visits = list(link.visits.select_related("via")[: SHOWN + 1])
    entries = [Entry("Issued", _when(link.issued_at, link.issued_by))]
    if len(visits) > SHOWN:
        entries.append(Entry(f"{link.visits.count() - SHOWN} earlier visits"))
    entries += [Entry(_visited(visit), _when(visit.at)) for visit in reversed(visits[:SHOWN])]
    if link.voided_at:
        entries.append(Entry(f"Void: {link.void_reason}", _when(link.voided_at, link.voided_by), fault=True))
    return entries


def what_a_browser_claims(link: Link) -> list[Entry]:
    """Hits on the confirmation page with this reference id. Claims, each of them."""
    confirmations = list(link.confirmations.by_people()[: SHOWN + 1])
    entries = []
    if len(confirmations) > SHOWN:
        entries.append(Entry(f"{link.confirmations.by_people().count() - SHOWN} earlier returns"))
    for confirmation in reversed(confirmations[:SHOWN]):
        detail = _when(confirmation.at)
        if confirmation.authorization_id:
            detail += f" · authorization {_shortened(confirmation.authorization_id)}, unproven"
        entries.append(
            Entry("Came back again" if confirmation.repeated else "Came back to the confirmation page", detail)
        )
    return entries


def what_leap_says(link: Link) -> list[Entry]:
    """Proof: the milestones that only Leap's API and webhooks set."""
    steps = (("Authorized", link.authorized_at), ("Metered", link.metered_at), ("Enrolled", link.enrolled_at))
    return [Entry(text, _when(moment)) for text, moment in steps if moment]


def _visited(visit: Visit) -> str:
    agent = visit.user_agent
    device = "a phone" if "Mobile" in agent or "iPhone" in agent else "a computer"
    if "iPad" in agent or "Tablet" in agent:
        device = "a tablet"
    return f"Visited from {device}" + (", through the replaced link" if visit.via_id else "")


def _when(moment: datetime, person: object = None) -> str:
    text = date_format(timezone.localtime(moment), "j M Y, H:i")
    return f"{text} · {person}" if person else text


def _shortened(text: str) -> str:
    return text if len(text) <= 12 else f"{text[:8]}…"
