"""What the three sources say of one link, in words, each in a column of its own. Never merged."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.models import Link, MeterMatch, PaperAuthorization, Visit

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


def what_was_done_with_paper(paper: PaperAuthorization) -> list[Entry]:
    """Signed, recorded, sent, withdrawn: the portal's own record."""
    entries = [
        Entry("Signed", _day(paper.signed_on)),
        Entry("Recorded with its scan", _when(paper.recorded_at, paper.recorded_by)),
    ]
    if paper.sent_on:
        entries.append(Entry("Sent to Leap", _day(paper.sent_on)))
    if paper.withdrawn_at:
        entries.append(Entry(f"Withdrawn: {paper.withdrawal_reason}", _when(paper.withdrawn_at), fault=True))
    return entries


def what_leap_says_of_paper(paper: PaperAuthorization, user: User) -> list[Entry]:
    """Proof: the milestones, and for those who see meters the meters that carry the reference id, one by one."""
    entries = [Entry("Metered", _when(paper.metered_at))] if paper.metered_at else []
    if user.has_perm("authorizations.view_meter"):
        matches = paper.meter_matches.select_related("meter__utility")
        found = list(matches[: SHOWN + 1])
        entries += [Entry(_metered(match), _how(match)) for match in found[:SHOWN]]
        if len(found) > SHOWN:
            entries.append(Entry(f"{matches.count() - SHOWN} further meters"))
    if paper.enrolled_at:
        entries.append(Entry("Enrolled", _when(paper.enrolled_at)))
    return entries


def _metered(match: MeterMatch) -> str:
    meter = match.meter
    utility = meter.utility.short_name if meter.utility else meter.utility_name
    status = meter.enrollment_status.replace("_", " ").lower()
    words = [f"Meter {meter}", utility, status, "archived" if meter.is_archived else ""]
    return ", ".join(word for word in words if word)


def _how(match: MeterMatch) -> str:
    return f"{_when(match.matched_at)} · by {match.get_matched_by_display()}"


def _day(day: date) -> str:
    return date_format(day, "j M Y")


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
