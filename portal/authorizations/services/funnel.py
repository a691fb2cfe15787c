"""The funnel: how many links got how far, how many days each step took, and the same for each part (R18).

What browsers claim stands beside it: a return is no step of the proof.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Count, F, Q, QuerySet, TextChoices, Value
from django.db.models.functions import Coalesce, NullIf, TruncWeek
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Campaign, CustomerType, Flow, PaperAuthorization, Region, Utility
from portal.authorizations.models.expressions import HoursBetween
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
    Breakdown.WEEK: TruncWeek("issued_at"),
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
    if by is None:
        return Funnel(total)
    # Two utilities of one region are one region.
    counts = links.count_steps_by(KEYS[by], distinct=by is Breakdown.REGION)
    return Funnel(total, _read_parts(steps=STEPS, counts=counts, rows=links, key=KEYS[by], by=by))


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


def find_median(hours: "Counter[int]") -> float | None:
    """Return the median of counted hours, in days with one decimal; of an even number the middle of the middle two."""
    total = sum(hours.values())
    if not total:
        return None
    middle = ((total - 1) // 2, total // 2)
    found: list[int] = []
    passed = 0
    for value in sorted(hours):
        passed += hours[value]
        while len(found) < 2 and middle[len(found)] < passed:
            found.append(value)
    return round(sum(found) / 2 / 24, 1)


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
        parts.append(
            Part(row["key"], labels[row["key"]], stages, row.get("returned", 0), row.get("claimed_only", 0)),
        )
    if by is Breakdown.WEEK:
        return sorted(parts, key=lambda part: part.key, reverse=True)
    return sorted(parts, key=lambda part: (part.key is None, -part.stages[0].count, part.label))


def _read_medians(rows: Any, *, key: Any, earlier: str, later: str) -> dict[Any, float]:
    """Return the median days between two milestones for each key, from counts by whole hours: a query, not a row each.

    Of those that have both, in this order: who was visited only after the authorization took no such step.
    """
    counted = (
        rows.order_by()
        .filter(**{f"{earlier}__isnull": False, f"{later}__gte": F(earlier)})
        .annotate(key=key, hours=HoursBetween(F(earlier), F(later)))
        .values("key", "hours")
        .annotate(number=Count("pk", distinct=True))
    )
    hours: dict[Any, Counter[int]] = {}
    for row in counted.values_list("key", "hours", "number"):
        hours.setdefault(row[0] or 0, Counter())[row[1]] += row[2]
    return {value: median for value, counter in hours.items() if (median := find_median(counter)) is not None}


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
    return {key: nameless if key is None else names.get(key) or _write_key(key) for key in keys}


def _write_key(key: Any) -> str:
    return f"{timezone.localtime(key):%Y-%m-%d}" if isinstance(key, datetime) else str(key)
