"""The funnel: how many links got how far, how many days each step took, and the same for each part (R18).

What browsers claim stands beside it: a return is no step of the proof.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Max, Min, Q, QuerySet, TextChoices, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Campaign, CustomerType, Flow, PaperAuthorization, Region, Utility
from portal.authorizations.models.expressions import TenthsOfDays
from portal.authorizations.models.link import LinkQuerySet

#: Each step: its key in Link.count_steps, its words, whose word it is, and the milestone with its moment.
STEPS = (
    ("issued", "Issued", "saw", "issued_at"),
    ("visited", "Visited", "saw", "first_visited_at"),
    ("at_utility", "At the utility", "leap", "at_utility_at"),
    ("authorized", "Authorized", "leap", "authorized_at"),
    ("metered", "Metered", "leap", "metered_at"),
    ("enrolled", "Enrolled", "leap", "enrolled_at"),
)
PAPER_STEPS = (
    ("issued", "Recorded", "saw", "recorded_at"),
    ("metered", "Metered", "leap", "metered_at"),
    ("enrolled", "Enrolled", "leap", "enrolled_at"),
)
Steps = tuple[tuple[str, str, str, str], ...]


class Breakdown(TextChoices):
    """What the funnel can be cut by."""

    FLOW = "flow", "flow"
    CAMPAIGN = "campaign", "campaign"
    UTILITY = "utility", "utility"
    REGION = "region", "region"
    CUSTOMER_TYPE = "customer_type", "customer type"
    REP = "rep", "rep"
    WEEK = "week", "week of issue"


#: The value that a link counts under. One that requests several utilities counts under each of them, once.
KEYS: dict[Breakdown, Any] = {
    Breakdown.FLOW: F("flow"),
    Breakdown.CAMPAIGN: F("campaign"),
    Breakdown.UTILITY: Coalesce("utility", "requested_utilities", "customer__utility"),
    Breakdown.REGION: Coalesce(
        "utility__region", "requested_utilities__region", "customer__utility__region", NullIf("flow__region", Value(""))
    ),
    Breakdown.CUSTOMER_TYPE: NullIf("customer__customer_type", Value("")),
    Breakdown.REP: Coalesce("customer__assigned_rep", "issued_by"),
}
NAMELESS = {
    Breakdown.CAMPAIGN: "no campaign",
    Breakdown.REP: "nobody",
}


@dataclass(frozen=True)
class Stage:
    """One step: its share of the first and of the step before in whole percent, and the median days since that one.

    `rate` is None where there is no step before, or where it was passed by: more were at the utility than we saw visit.
    """

    key: str
    label: str
    count: int
    percent: int
    rate: int | None
    source: str
    days: float | None = None


@dataclass(frozen=True)
class Part:
    """The funnel of one part of the links: a flow's, a week's."""

    key: Any
    label: str
    stages: list[Stage]
    returned: int = 0
    claimed_only: int = 0
    #: The Monday of a week.
    day: date | None = None

    @property
    def returned_percent(self) -> int:
        issued = self.stages[0].count
        return round(self.returned * 100 / issued) if issued else 0


@dataclass(frozen=True)
class Funnel:
    """The whole, and its parts in the order to show them."""

    total: Part
    parts: list[Part] = field(default_factory=list)


def read_funnel(*, links: LinkQuerySet, by: Breakdown | None = None) -> Funnel:
    """Return the funnel of these links, cut by one thing. A dozen queries, however many links there are."""
    [total] = _read_parts(steps=STEPS, counts=[{"key": None, **links.count_steps()}], rows=links, key=Value(0))
    if by is None or not total.stages[0].count:
        return Funnel(total)
    key = _find_week(links) if by is Breakdown.WEEK else KEYS[by]
    # Two utilities of one region are one region.
    counts = links.count_steps_by(key, distinct=by is Breakdown.REGION)
    return Funnel(total, _read_parts(steps=STEPS, counts=counts, rows=links, key=key, by=by))


def read_paper_funnel(*, paper: "QuerySet[PaperAuthorization]") -> Part:
    """Return how far paper authorizations got: recorded, metered, enrolled. None of it is a browser's claim."""
    counts = paper.aggregate(
        issued=Count("pk"),
        metered=Count("pk", filter=Q(metered_at__isnull=False) | Q(enrolled_at__isnull=False)),
        enrolled=Count("pk", filter=Q(enrolled_at__isnull=False)),
    )
    [part] = _read_parts(steps=PAPER_STEPS, counts=[{"key": None, **counts}], rows=paper, key=Value(0))
    return part


def make_stages(counts: dict[str, int], *, days: dict[str, float] | None = None, steps: Steps = STEPS) -> list[Stage]:
    """Return the steps of the proof as bars. Being back on the confirmation page is no step of it."""
    stages: list[Stage] = []
    for key, label, source, _ in steps:
        count, first = counts[key], counts["issued"]
        before = stages[-1].count if stages else 0
        stages.append(
            Stage(
                key=key,
                label=label,
                count=count,
                percent=round(count * 100 / first) if first else 0,
                rate=round(count * 100 / before) if before >= count and before else None,
                source=source,
                days=(days or {}).get(key),
            )
        )
    return stages


def find_median(tenths: "Counter[int]") -> float | None:
    """Return the median of counted tenths of days, in days; of an even number the middle of the middle two."""
    total = sum(tenths.values())
    if not total:
        return None
    middle = ((total - 1) // 2, total // 2)
    found: list[int] = []
    passed = 0
    for value in sorted(tenths):
        passed += tenths[value]
        while len(found) < 2 and middle[len(found)] < passed:
            found.append(value)
    return round(sum(found) / 2 / 10, 1)


def _read_parts(
    *, steps: Steps, counts: Iterable[dict[str, Any]], rows: Any, key: Any, by: Breakdown | None = None
) -> list[Part]:
    rows_of_counts = list(counts)
    medians = {
        step[0]: _read_medians(rows, key=key, earlier=before[3], later=step[3]) for before, step in pairwise(steps)
    }
    labels = _name_keys(by, [row["key"] for row in rows_of_counts])
    parts = []
    for row in rows_of_counts:
        found = {name: days[row["key"] or 0] for name, days in medians.items() if (row["key"] or 0) in days}
        stages = make_stages(row, days=found, steps=steps)
        day = date.fromordinal(row["key"]) if by is Breakdown.WEEK else None
        parts.append(
            Part(row["key"], labels[row["key"]], stages, row.get("returned", 0), row.get("claimed_only", 0), day),
        )
    if by is Breakdown.WEEK:
        return sorted(parts, key=lambda part: str(part.label), reverse=True)
    return sorted(parts, key=lambda part: (part.key is None, -part.stages[0].count, part.label))


def _read_medians(rows: Any, *, key: Any, earlier: str, later: str) -> dict[Any, float]:
    """Return the median days between two milestones for each key, from counts by tenths of a day: no row for each link.

    Of those that have both, in this order: who was visited only after the authorization took no such step.
    """
    counted = (
        rows.order_by()
        .filter(**{f"{earlier}__isnull": False, f"{later}__gte": F(earlier)})
        .annotate(key=key, tenths=TenthsOfDays(F(earlier), F(later)))
        .values("key", "tenths")
        .annotate(number=Count("pk", distinct=True))
    )
    tenths: dict[Any, Counter[int]] = {}
    for row in counted.values_list("key", "tenths", "number"):
        tenths.setdefault(row[0] or 0, Counter())[row[1]] += row[2]
    return {value: median for value, counter in tenths.items() if (median := find_median(counter)) is not None}


def _name_keys(by: Breakdown | None, keys: list[Any]) -> dict[Any, str]:
    """Return the words for each key, with one query at most."""
    nameless = NAMELESS.get(by, "not known") if by else "all"
    known = [key for key in keys if key is not None]
    names: dict[Any, str] = {}
    if by is Breakdown.FLOW:
        names = dict(Flow.objects.filter(pk__in=known).values_list("pk", "name"))
    elif by is Breakdown.CAMPAIGN:
        names = dict(Campaign.objects.filter(pk__in=known).values_list("pk", "name"))
    elif by is Breakdown.UTILITY:
        names = dict(Utility.objects.filter(pk__in=known).values_list("pk", "short_name"))
    elif by is Breakdown.REP:
        names = {user.pk: str(user) for user in User.objects.filter(pk__in=known)}
    elif by is Breakdown.REGION:
        names = dict(Region.choices)
    elif by is Breakdown.CUSTOMER_TYPE:
        names = dict(CustomerType.choices)
    elif by is Breakdown.WEEK:
        names = {key: f"{date.fromordinal(key)}" for key in known}
    return {key: nameless if key is None else names.get(key, str(key)) for key in keys}


def _find_week(links: LinkQuerySet) -> Any:
    """Return an expression for the Monday of a link's week, as an ordinal: a search that halves the weeks there are.

    Django's TruncWeek is Python in SQLite, called for each row of each query: 5 seconds at 100,000 links.
    """
    ends = links.order_by().aggregate(first=Min("issued_at"), last=Max("issued_at"))
    first, last = (timezone.localdate(ends[end]) for end in ("first", "last"))
    monday = first - timedelta(days=first.weekday())
    mondays = [monday + timedelta(weeks=week) for week in range((last - monday).days // 7 + 1)]
    return _halve(mondays)


def _halve(mondays: list[date]) -> Any:
    if len(mondays) == 1:
        return Value(mondays[0].toordinal(), output_field=IntegerField())
    middle = len(mondays) // 2
    begins = timezone.make_aware(datetime.combine(mondays[middle], time.min))
    return Case(When(issued_at__lt=begins, then=_halve(mondays[:middle])), default=_halve(mondays[middle:]))
