"""The enrollment plan: what stands before each deadline, and until when a customer can still be asked (R18)."""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.authorizations.models import Enrollment, EnrollmentDeadline, Link, Meter, Region, Standing, Utility

#: After a meter is there, the market still has to register it: up to two weeks in CAISO (Leap, Meter Configuration).
REGISTRATION_DAYS = {Region.CAISO.value: 14}


@dataclass
class ProgramDeadline:
    """The meters of one program whose next deadline is on that day, by what they wait for."""

    program: str
    deadline: date
    active_from: date | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Standing.values, 0))

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class AskBy:
    """Until when customers of a utility have to be asked for a program's deadline; `late`: that day is over."""

    program: str
    utility: Utility
    deadline: date
    active_from: date | None
    ask_by: date
    late: bool
    links: int
    #: The first later deadline that can still be made, with its last day; only where this one is too late.
    following: "AskBy | None" = None

    def to_json(self) -> dict[str, Any]:
        return {
            "program": self.program,
            "utility": self.utility.pk,
            "deadline": self.deadline.isoformat(),
            "active_from": _text(self.active_from),
            "ask_by": self.ask_by.isoformat(),
            "late": self.late,
            "links": self.links,
            "following": self.following.to_json() if self.following else None,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], utilities: dict[int, Utility]) -> "AskBy":
        return cls(
            program=kept["program"],
            utility=utilities[kept["utility"]],
            deadline=date.fromisoformat(kept["deadline"]),
            active_from=_day(kept["active_from"]),
            ask_by=date.fromisoformat(kept["ask_by"]),
            late=kept["late"],
            links=kept["links"],
            following=cls.from_json(kept["following"], utilities) if kept["following"] else None,
        )


@dataclass(frozen=True)
class PlanSummary:
    """All that stands above the list of the plan."""

    deadlines: list[ProgramDeadline]
    asks: list[AskBy]
    without_program: int
    without_deadline: int

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the figures: days as texts, utilities as keys."""
        return {
            "deadlines": [
                {**asdict(line), "deadline": line.deadline.isoformat(), "active_from": _text(line.active_from)}
                for line in self.deadlines
            ],
            "asks": [ask.to_json() for ask in self.asks],
            "without_program": self.without_program,
            "without_deadline": self.without_deadline,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "PlanSummary":
        utilities = Utility.objects.in_bulk()
        return cls(
            deadlines=[
                ProgramDeadline(
                    **{
                        **line,
                        "deadline": date.fromisoformat(line["deadline"]),
                        "active_from": _day(line["active_from"]),
                    }
                )
                for line in kept["deadlines"]
            ],
            asks=[AskBy.from_json(ask, utilities) for ask in kept["asks"]],
            without_program=kept["without_program"],
            without_deadline=kept["without_deadline"],
        )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def find_ask_by(deadline: datetime, utility: Utility) -> date:
    """Return the last day to ask: the deadline less the utility's expected days, and CAISO's market registration."""
    days = utility.expected_days + REGISTRATION_DAYS.get(utility.region, 0)
    return timezone.localdate(deadline) - timedelta(days=days)


def summarize_plan(*, now: datetime) -> PlanSummary:
    """Return the summary in five queries, however many meters there are."""
    planned = Enrollment.objects.in_plan()
    return PlanSummary(
        deadlines=_read_deadlines(),
        asks=list_asks(now=now),
        without_program=Meter.objects.filter(is_archived=False, in_program=False).count(),
        without_deadline=planned.filter(next_deadline__isnull=True).count(),
    )


def settle_deadlines(*, now: datetime) -> None:
    """Move on where the next deadline is over: the worker's regular look."""
    Enrollment.objects.filter(next_deadline__lt=now).settle(now)


def _read_deadlines() -> list[ProgramDeadline]:
    rows = (
        Enrollment.objects.in_plan()
        .filter(next_deadline__isnull=False)
        .order_by()
        .values("program", "next_deadline", "active_from", "standing")
        .annotate(number=Count("pk"))
    )
    found: dict[tuple[str, date], ProgramDeadline] = {}
    for row in rows:
        day = timezone.localdate(row["next_deadline"])
        line = found.setdefault((row["program"], day), ProgramDeadline(row["program"], day))
        line.counts[row["standing"]] += row["number"]
        if row["active_from"]:
            active = timezone.localdate(row["active_from"])
            line.active_from = min(line.active_from or active, active)
    return sorted(found.values(), key=lambda line: (line.deadline, line.program))


def list_asks(*, now: datetime) -> list[AskBy]:
    """Return for each program and utility that meters show together the next deadline, the nearest first."""
    rows = (
        EnrollmentDeadline.objects.filter(
            deadline_at__gte=now, enrollment__meter__is_archived=False, enrollment__meter__utility__isnull=False
        )
        .order_by("deadline_at")
        .values("enrollment__program", "enrollment__meter__utility", "deadline_at")
        .annotate(active=Min("active_from"))
    )
    utilities = Utility.objects.in_bulk()
    waiting = _count_links_without_a_meter()
    today = timezone.localdate(now)
    lines: dict[tuple[str, int], list[AskBy]] = defaultdict(list)
    for row in rows:
        utility = utilities[row["enrollment__meter__utility"]]
        ask_by = find_ask_by(row["deadline_at"], utility)
        lines[row["enrollment__program"], utility.pk].append(
            AskBy(
                program=row["enrollment__program"],
                utility=utility,
                deadline=timezone.localdate(row["deadline_at"]),
                active_from=timezone.localdate(row["active"]) if row["active"] else None,
                ask_by=ask_by,
                late=ask_by < today,
                links=waiting.get(utility.pk, 0),
            )
        )
    asks = [_with_following(line) for line in lines.values()]
    return sorted(asks, key=lambda ask: (ask.deadline, ask.program, ask.utility.pk))


def _with_following(line: list[AskBy]) -> AskBy:
    first, *later = line
    if not first.late:
        return first
    following = next((ask for ask in later if not ask.late), None)
    return AskBy(**{**first.__dict__, "following": following})


def _count_links_without_a_meter() -> dict[int, int]:
    """Return how many customers' live links ask for each utility and have no meter; who asks for two counts in both."""
    links = Link.objects.live().filter(Q(metered_at__isnull=True, enrolled_at__isnull=True), customer__isnull=False)
    counted = (
        links.order_by()
        .annotate(asked=Coalesce("utility", "requested_utilities", "customer__utility"))
        .values_list("asked")
        .annotate(number=Count("pk"))
    )
    return {utility: number for utility, number in counted if utility is not None}
