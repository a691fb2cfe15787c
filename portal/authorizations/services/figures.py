"""What home, the plan and the list of campaigns show, counted live while that is quick, else read from the last count.

Up to SMALL links, and meters in as many programs, everything is counted as it is now. Above, no page counts: the worker
does, every few minutes and after bulk actions, and the pages say when. `count_figures` counts, `read_figures` reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.authorizations.models import Campaign, Enrollment, Figures, Link
from portal.authorizations.models.link import count_of_each_step
from portal.authorizations.services.plan import PlanSummary, summarize_plan

#: Up to so many of each, counting takes some hundredths of a second: nobody sees a stale number.
SMALL = 10_000
#: The funnel shows links issued in so many days.
FUNNEL_DAYS = 90
#: Each milestone whose moments are counted by day: its key, its words, whose word it is, and its column.
MOMENTS = (
    ("issued", "Issued", "saw", "issued_at"),
    ("visited", "Visited", "saw", "first_visited_at"),
    ("returned", "Returned", "claims", "first_returned_at"),
    ("authorized", "Authorized", "leap", "authorized_at"),
    ("metered", "Metered", "leap", "metered_at"),
    ("enrolled", "Enrolled", "leap", "enrolled_at"),
)
STEPS = ("issued", "visited", "returned", "at_utility", "authorized", "metered", "enrolled", "claimed_only")


@dataclass(frozen=True)
class WeekLine:
    """One milestone: how often it was reached on each day of this week and the last, Monday first."""

    key: str
    label: str
    source: str
    this: tuple[int, ...]
    last: tuple[int, ...]
    #: Of the last week, up to the same weekday and time of day: this week is not over.
    last_by_now: int

    @property
    def total(self) -> int:
        return sum(self.this)

    @property
    def last_total(self) -> int:
        return sum(self.last)

    @property
    def difference(self) -> int:
        return self.total - self.last_by_now

    @property
    def fewer(self) -> int:
        return -self.difference


@dataclass(frozen=True)
class Weeks:
    """This week, up to when it was counted, against the last. Of links that belong to a customer."""

    monday: date
    lines: tuple[WeekLine, ...]
    #: How many of its days have begun.
    begun: int

    @property
    def days(self) -> list[date]:
        return [self.monday + timedelta(days=day) for day in range(7)]


def is_small() -> bool:
    """Whether there is so little that everything is counted live: counts of keys that end at SMALL."""
    tables = (Link.objects.all(), Enrollment.objects.all())
    return all(rows.order_by().values("pk")[: SMALL + 1].count() <= SMALL for rows in tables)


def count_figures(*, now: datetime) -> Figures:
    """Count what home shows of all customers' links. Not saved."""
    # Links without a customer have counts instead of steps; the funnel's own page shows them.
    links = Link.objects.filter(customer__isnull=False)
    steps = links.filter(issued_at__gte=now - timedelta(days=FUNNEL_DAYS)).count_steps()
    plan = summarize_plan(now=now)
    asks = [
        {
            "program": ask.program,
            "utility": ask.utility.short_name,
            "deadline": ask.deadline.isoformat(),
            "ask_by": ask.ask_by.isoformat(),
            "links": ask.links,
        }
        for ask in plan.asks
        if not ask.late and ask.links
    ]
    return Figures(
        campaign=None,
        counted_at=now,
        this_week=links.filter(issued_at__gte=now - timedelta(days=7)).count(),
        weeks=_count_weeks(links, now),
        asks=sorted(asks, key=lambda ask: str(ask["ask_by"])),
        plan=plan.to_json(),
        **{name: steps[name] for name in STEPS},
    )


def read_figures(*, now: datetime) -> Figures | None:
    """Return what home shows: counted now, or as the worker counted it last; None: it has not yet."""
    return count_figures(now=now) if is_small() else Figures.objects.filter(campaign__isnull=True).first()


def read_plan(*, now: datetime) -> tuple[PlanSummary | None, datetime | None]:
    """Return what stands above the plan, and when it was counted if that was not now; None: it never was yet."""
    if is_small():
        return summarize_plan(now=now), None
    home = Figures.objects.filter(campaign__isnull=True).only("plan", "counted_at").first()
    return (PlanSummary.from_json(home.plan), home.counted_at) if home and home.plan else (None, None)


def read_campaigns(campaigns: "QuerySet[Campaign]", *, now: datetime) -> "QuerySet[Campaign]":
    """Add issued, visited, returned, proven and this_week, counted now or by the worker."""
    if is_small():
        week = Q(links__issued_at__gte=now - timedelta(days=7))
        counted = cast(Any, campaigns).with_counts()
        return cast("QuerySet[Campaign]", counted.annotate(this_week=Count("links", filter=week)))
    figures = cast(Any, campaigns).with_figures()
    return cast("QuerySet[Campaign]", figures.annotate(this_week=Coalesce("figures__this_week", 0)))


def find_counted_at() -> datetime | None:
    """Return when the worker counted, where pages show that; None: they count by themselves, or nobody has yet."""
    home = None if is_small() else Figures.objects.filter(campaign__isnull=True).only("counted_at").first()
    return home.counted_at if home else None


def refresh_figures() -> None:
    """Count everything anew and keep it, for when there are many links. Reads for some seconds, writes for a moment."""
    now = timezone.now()
    home = count_figures(now=now)
    week = Count("pk", filter=Q(issued_at__gte=now - timedelta(days=7)))
    rows = Link.objects.filter(campaign__isnull=False).order_by().values("campaign")
    counted: Iterable[Any] = rows.annotate(**count_of_each_step(), this_week=week)
    names = (*STEPS, "this_week")
    campaigns = [
        Figures(campaign_id=row["campaign"], counted_at=now, **{name: row[name] for name in names}) for row in counted
    ]
    values = {name: getattr(home, name) for name in ("counted_at", "weeks", "asks", "plan", *names)}
    with transaction.atomic():
        Figures.objects.update_or_create(campaign=None, defaults=values)
        Figures.objects.bulk_create(
            campaigns,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["campaign"],
            update_fields=["counted_at", *names],
        )


def refresh_if_large() -> None:
    """After a bulk action: count anew where pages show what was counted last."""
    if not is_small():
        refresh_figures()


def read_weeks(figures: Figures) -> Weeks:
    """Return this week against the last, as the figures hold them."""
    rows = figures.weeks["rows"]
    lines = tuple(
        WeekLine(
            key=key,
            label=label,
            source=source,
            this=tuple(rows[key]["days"][7:]),
            last=tuple(rows[key]["days"][:7]),
            last_by_now=rows[key]["by_now"],
        )
        for key, label, source, _ in MOMENTS
    )
    monday = date.fromisoformat(figures.weeks["monday"])
    return Weeks(monday, lines, (timezone.localdate(figures.counted_at) - monday).days + 1)


def _count_weeks(links: "QuerySet[Link]", now: datetime) -> dict[str, Any]:
    """Count each milestone on the fourteen days of the last week and this one, as the portal's own days begin and end.

    Six queries, one for each milestone. A day that a change of the clock makes longer is longer here, too.
    """
    local = timezone.localtime(now)
    monday = local.date() - timedelta(days=local.weekday())
    begins = [_midnight(monday + timedelta(days=day)) for day in range(-7, 8)]
    by_now = timezone.make_aware(local.replace(tzinfo=None, fold=0) - timedelta(days=7))
    rows = {}
    for key, _, _, column in MOMENTS:
        days = {
            f"day_{day}": Count("pk", filter=Q(**{f"{column}__gte": begins[day], f"{column}__lt": begins[day + 1]}))
            for day in range(14)
        }
        found = links.filter(**{f"{column}__gte": begins[0], f"{column}__lt": begins[14]}).aggregate(
            **days, by_now=Count("pk", filter=Q(**{f"{column}__lte": by_now}))
        )
        rows[key] = {"days": [found[f"day_{day}"] for day in range(14)], "by_now": found["by_now"]}
    return {"monday": monday.isoformat(), "rows": rows}


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
