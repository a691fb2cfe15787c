"""What came of campaigns, side by side: links step by step, mails, codes on paper. Claims and proof stay apart.

A handful of queries, however many campaigns and links there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q

from portal.authorizations.models import Campaign, Mail, MailState, MailStop, StopReason
from portal.authorizations.models.link import LinkQuerySet
from portal.authorizations.services.campaign_review import LEFT_OUT

#: What is counted of a campaign's mails: name → words.
MAILS = {
    "sent": "Mails taken by the mail server",
    "waiting": "Mails waiting",
    "unknown": "Mails whose fate is unknown",
    "mails_failed": "Mails not taken",
    "not_sent": "Mails stopped or no longer needed",
    "bounced": "Mails that came back",
    "complained": "Complaints",
    "unsubscribed": "Customers who unsubscribed after a mail",
}

#: Those of them that came of mails which were sent, and are a share of these.
OF_SENT = ("bounced", "complained", "unsubscribed")


@dataclass(frozen=True, slots=True)
class Results:
    """The numbers of one campaign, by their names in MEASURES."""

    campaign: Campaign
    counts: dict[str, int] = field(default_factory=dict)

    def percent(self, name: str, of: str) -> int | None:
        """Whole percent of another count; None where that is 0."""
        whole = self.counts.get(of, 0)
        return round(self.counts.get(name, 0) * 100 / whole) if whole else None


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the comparison: a count, whose word it is (saw, claims, leap or none), and what it is a share of."""

    name: str
    label: str
    source: str = ""
    of: str = ""


MEASURES = (
    Measure("issued", "Links issued", "saw"),
    Measure("visited", "We saw: visited", "saw", "issued"),
    Measure("returned", "Browsers claim: returned", "claims", "issued"),
    Measure("claimed_only", "…of them not proven by Leap", "claims", "returned"),
    Measure("at_utility", "Leap says: at the utility", "leap", "issued"),
    Measure("authorized", "Leap says: authorized", "leap", "issued"),
    Measure("metered", "Leap says: metered", "leap", "issued"),
    Measure("enrolled", "Leap says: enrolled", "leap", "issued"),
    Measure("failed", "Failed at a utility", "fault", "issued"),
    Measure("printed", "Printed", "", "issued"),
    Measure("void", "Void", "", "issued"),
    Measure("replaced", "Replaced", "", "issued"),
    Measure("shared", "Without a customer", "", "issued"),
    *(Measure(name, words, "", "sent" if name in OF_SENT else "") for name, words in MAILS.items()),
    Measure("refused_count", "Refused by the flow at the launch"),
    Measure("left_out", "Left out at the launch"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    count: int
    percent: int | None


@dataclass(frozen=True, slots=True)
class Row:
    measure: Measure
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class MailCounts:
    """What became of a campaign's invitations, and how many of its reminders wait."""

    sent: int = 0
    waiting: int = 0
    not_sent: int = 0
    reminders_waiting: int = 0
    last_due_at: datetime | None = None
    """Of the invitations that wait."""

    @property
    def queued(self) -> int:
        return self.sent + self.waiting + self.not_sent

    @property
    def held(self) -> int:
        """All that wait, invitations and reminders: what dates or a pause keep back."""
        return self.waiting + self.reminders_waiting


def count_mails(campaign: Campaign) -> MailCounts:
    """Count a campaign's mails, its invitations apart from its reminders, in one query."""
    waiting = Q(state__in=(MailState.WAITING, MailState.SENDING))
    invitations = Q(is_reminder=False)
    return MailCounts(
        **Mail.objects.filter(message__campaign=campaign).aggregate(
            sent=Count("pk", filter=invitations & Q(state=MailState.SENT)),
            waiting=Count("pk", filter=invitations & waiting),
            not_sent=Count("pk", filter=invitations & ~waiting & ~Q(state=MailState.SENT)),
            reminders_waiting=Count("pk", filter=~invitations & waiting),
            last_due_at=Max("due_at", filter=invitations & waiting),
        )
    )


def read_results(*, campaigns: Sequence[Campaign], links: LinkQuerySet) -> list[Results]:
    """Return the numbers of these campaigns over `links`: those that the person may see."""
    keys = [campaign.pk for campaign in campaigns]
    found: dict[int, dict[str, int]] = {key: dict.fromkeys((m.name for m in MEASURES), 0) for key in keys}
    for row in links.filter(campaign__in=keys).count_steps_by(F("campaign")):
        found[row.pop("key")] |= row
    for row in _count_marks(links.filter(campaign__in=keys)):
        found[row.pop("campaign")] |= row
    for row in _count_mails(keys):
        found[row.pop("message__campaign")] |= row
    for row in _count_unsubscribed(keys):
        found[row["customer__mails__message__campaign"]]["unsubscribed"] = row["n"]
    for campaign in campaigns:
        if campaign.launch_job:
            result = campaign.launch_job.result
            found[campaign.pk]["refused_count"] = result.get("refused_count", 0)
            found[campaign.pk]["left_out"] = sum(result.get(f"left_out_{why}", 0) for why in LEFT_OUT)
    return [Results(campaign, found[campaign.pk]) for campaign in campaigns]


def compare(results: Sequence[Results], *, with_empty: bool = True) -> list[Row]:
    """Return the measures as rows, a cell for each campaign; unless `with_empty` without those that are 0 in each."""
    rows = []
    for measure in MEASURES:
        cells = [
            Cell(each.counts[measure.name], each.percent(measure.name, measure.of) if measure.of else None)
            for each in results
        ]
        if with_empty or any(cell.count for cell in cells):
            rows.append(Row(measure, cells))
    return rows


def _count_marks(links: LinkQuerySet) -> Iterable[Any]:
    return (
        links.order_by()
        .values("campaign")
        .annotate(
            failed=Count("pk", filter=Q(failed_at__isnull=False)),
            printed=Count("pk", filter=Q(printed_at__isnull=False)),
            void=Count("pk", filter=Q(voided_at__isnull=False)),
            replaced=Count("pk", filter=Q(replaced_by__isnull=False)),
            shared=Count("pk", filter=Q(customer__isnull=True)),
        )
    )


def _count_mails(campaigns: Sequence[int]) -> Iterable[Any]:
    def of(*states: MailState) -> Count:
        return Count("pk", filter=Q(state__in=states))

    return (
        Mail.objects.filter(message__campaign__in=campaigns)
        .order_by()
        .values("message__campaign")
        .annotate(
            sent=of(MailState.SENT),
            waiting=of(MailState.WAITING, MailState.SENDING),
            unknown=of(MailState.UNKNOWN),
            mails_failed=of(MailState.FAILED),
            not_sent=of(MailState.STOPPED, MailState.SILENCED),
            bounced=Count("pk", filter=Q(bounced_at__isnull=False)),
            complained=Count("pk", filter=Q(complained_at__isnull=False)),
        )
    )


def _count_unsubscribed(campaigns: Sequence[int]) -> Iterable[Any]:
    stops = MailStop.objects.filter(
        reason=StopReason.UNSUBSCRIBED,
        customer__mails__message__campaign__in=campaigns,
        customer__mails__sent_at__lte=F("at"),
    )
    return stops.order_by().values("customer__mails__message__campaign").annotate(n=Count("customer", distinct=True))
