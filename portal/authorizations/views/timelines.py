"""What the three sources say of one link, in words, each in a column of its own. Never merged."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.models import (
    Connection,
    EnrollmentStatus,
    Link,
    Meter,
    MeterMatch,
    PaperAuthorization,
    Utility,
    Visit,
)
from portal.leap.events import AUTHORIZATION_UPDATED, SESSION_UPDATED

#: How many of the latest visits and confirmations are shown one by one.
SHOWN = 20


#: A failure at a utility where the customer succeeded before or after.
MENDED = "Failed, but authorized all the same"
#: A milestone that was reached stays; that the customer has to authorize again stands with the meter.
LOST = ": the customer has to authorize again"
#: The group of what Leap told of the customer's visits to Leap Connect as a whole.
SESSION = "Leap Connect"
#: What Leap's statuses are called where a poster's are counted.
COUNTED = {
    "CREATED": "opened",
    "CLOSED": "left early",
    "INITIATED": "at the sign-in",
    "FAILED": "failed",
    "COMPLETED": "completed",
}
#: How a poster's lines are worded, where one person's would say more than is known.
FIRST = {MENDED: "Failed"}
ENROLLMENT = dict(EnrollmentStatus.choices)


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: what happened, when and by whom."""

    text: str
    detail: str = ""
    fault: bool = False


@dataclass(frozen=True)
class Group:
    """Entries about one thing. Without a title: about the link as a whole."""

    title: str
    entries: list[Entry]


def what_we_saw(link: Link) -> list[Entry]:
    """Issued, visited, replaced, void: the portal's own record, the oldest first."""
    visits = list(link.visits.select_related("via")[: SHOWN + 1])
    entries = [Entry("Issued", _when(link.issued_at, link.issued_by))]
    printed = [Entry("Printed", _when(link.printed_at))] if link.printed_at else []
    printed_first = link.printed_at and link.first_visited_at and link.printed_at <= link.first_visited_at
    if printed_first:
        entries += printed
    if len(visits) > SHOWN:
        entries.append(Entry(f"{link.visits.count() - SHOWN} earlier visits"))
    entries += [Entry(_visited(visit), _when(visit.at)) for visit in reversed(visits[:SHOWN])]
    if not printed_first:
        entries += printed
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


def what_leap_says(link: Link) -> list[Group]:
    """Proof: the milestones that only Leap's API and webhooks set, then what Leap told of each utility."""
    steps = (("Authorized", link.authorized_at), ("Metered", link.metered_at), ("Enrolled", link.enrolled_at))
    groups = [Group("", [Entry(text, _when(moment)) for text, moment in steps if moment])]
    names = dict(Utility.objects.exclude(leap_name="").values_list("leap_name", "short_name"))
    told: dict[str, list[Entry]] = {}
    for connection in link.connections.order_by("utility_name"):
        title = _utility_title(connection.utility_name, names) if connection.utility_name else SESSION
        entries = _session(connection) if title == SESSION else _at_utility(connection)
        if link.is_shared:
            # Of many people: that one failed says nothing of another who was authorized.
            entries = [replace(entry, text=FIRST.get(entry.text, entry.text), fault=False) for entry in entries]
        told.setdefault(title, []).extend(entries)
    if link.is_shared:
        _add_counts(link, told, names)
    matches = list(link.meter_matches.select_related("meter").order_by("-pk")[: SHOWN + 1])
    for match in reversed(matches[:SHOWN]):
        told.setdefault(_utility_title(match.meter.utility_name, names), []).append(_meter(match))
    groups += [Group(title, entries) for title, entries in told.items()]
    if len(matches) > SHOWN:
        groups.append(Group("More meters", [Entry(f"{link.meter_matches.count() - SHOWN} earlier meters")]))
    return [group for group in groups if group.entries]


def _utility_title(leap_name: str, names: dict[str, str]) -> str:
    """The portal's short name of a utility, or Leap's own for one that the catalogue lacks."""
    return names.get(leap_name) or leap_name or "Utility not named"


def _session(connection: Connection) -> list[Entry]:
    left = connection.failed_at if not connection.completed_at else None
    return _entries(
        ("Opened", connection.started_at, False),
        ("Left early", left, True),
        ("Reached the last step", connection.completed_at, False),
    )


def _at_utility(connection: Connection) -> list[Entry]:
    """A failure that was mended is told, but it is no fault any more."""
    mended = connection.completed_at is not None
    return _entries(
        ("At the utility’s sign-in", connection.started_at, False),
        (MENDED if mended else "Failed", connection.failed_at, not mended),
        ("Authorized", connection.completed_at, False),
    )


def _entries(*steps: tuple[str, datetime | None, bool]) -> list[Entry]:
    return [Entry(text, _when(moment), fault) for text, moment, fault in steps if moment]


def _add_counts(link: Link, told: dict[str, list[Entry]], names: dict[str, str]) -> None:
    """Of a poster, many people's events: how often Leap told each thing."""
    counted = link.events.filter(event_type__in=(SESSION_UPDATED, AUTHORIZATION_UPDATED), problem="").order_by()
    rows = counted.values_list("utility_name", "event_status").annotate(n=Count("pk"))
    counts: dict[str, dict[str, int]] = {}
    for utility_name, status, n in rows:
        title = _utility_title(utility_name, names) if utility_name else SESSION
        counts.setdefault(title, {})[status] = n
    for title, by_status in counts.items():
        words = ", ".join(f"{by_status[status]} {word}" for status, word in COUNTED.items() if status in by_status)
        if words:
            told.setdefault(title, []).append(Entry("In all", words))


def _meter(match: MeterMatch) -> Entry:
    meter = match.meter
    status = ENROLLMENT.get(meter.enrollment_status, meter.enrollment_status) or "no enrollment status yet"
    is_lost = _is_lost(meter)
    return Entry(
        f"Meter {str(meter.meter_id)[:8]}…" + (", archived" if meter.is_archived else "") + (LOST if is_lost else ""),
        f"{status} · by {match.get_matched_by_display()} · {_when(match.matched_at)}",
        fault=is_lost,
    )


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
        entries += [Entry(_metered(match), _how(match), fault=_is_lost(match.meter)) for match in found[:SHOWN]]
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
    return ", ".join(word for word in words if word) + (LOST if _is_lost(meter) else "")


def _is_lost(meter: Meter) -> bool:
    return meter.needs_authorization and not meter.is_archived


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
