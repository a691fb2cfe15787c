"""What became of the links that each rep handed out: per rep, day and town, each source in a column of its own."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Count, Expression, F, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import Confirmation, DoorCall, DoorOutcome, Link, Visit

#: What rows can be made of, in the order of their columns.
DIMENSIONS = ("rep", "day", "town")
#: A report is about so many days at most.
MOST_DAYS = 366


@dataclass(slots=True)
class ReportRow:
    """The counts of one rep, day and town; None where the report is not made of it."""

    COUNTS: ClassVar[tuple[str, ...]] = ("handed_out", "visits", "returns", "authorized", "calls", "refused")

    rep: str | None
    day: datetime.date | None
    town: str | None
    handed_out: int = 0
    visits: int = 0
    returns: int = 0
    authorized: int = 0
    calls: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class _Source:
    """Rows to count, and where they say who, where and when."""

    name: str
    rows: QuerySet[Any]
    person: str
    town: str
    moment: str


def list_reps_to_report_on() -> QuerySet[User]:
    """Return the field reps, also those who may not sign in any more."""
    return User.objects.filter(groups__name=Role.FIELD_REP.value).order_by("first_name", "last_name", "pk")


def report_on_reps(
    *, by: Sequence[str], since: datetime.date, until: datetime.date, rep: User | None = None
) -> list[ReportRow]:
    """Count what happened from `since` to `until`, both included, in a row for each combination of `by` (DIMENSIONS).

    Visits, returns and Leap's word count for the rep who issued the link, on the day they came; calls for who called.
    Towns are those of the customers, whatever capitals they are written in.
    """
    reps = {person.pk: str(person) for person in list_reps_to_report_on() if rep in (None, person)}
    rows: dict[tuple[Any, ...], ReportRow] = {}
    for source in _list_sources():
        groups: dict[str, F | Expression] = {"of_rep": F(source.person)}
        if "day" in by:
            groups["on_day"] = TruncDate(source.moment)
        if "town" in by:
            groups["in_town"] = F(source.town)
        chosen = source.rows.filter(**{f"{source.person}__in": list(reps), **_within(source.moment, since, until)})
        for group in chosen.order_by().values(**groups).annotate(n=Count("pk")):
            name = reps[group["of_rep"]] if "rep" in by else None
            town = (group["in_town"] or "").strip() if "town" in by else None
            key = (group["of_rep"] if "rep" in by else None, group.get("on_day"), town and town.casefold())
            row = rows.setdefault(key, ReportRow(name, group.get("on_day"), town))
            setattr(row, source.name, getattr(row, source.name) + group["n"])
    return sorted(rows.values(), key=_place)


def _list_sources() -> Iterator[_Source]:
    links, calls = Link.objects.handed_out(), DoorCall.objects.exclude(outcome=DoorOutcome.ASK_AGAIN)
    yield _Source("handed_out", links, "issued_by", "customer__city", "issued_at")
    yield _Source("visits", Visit.objects.all(), "link__issued_by", "link__customer__city", "at")
    yield _Source("returns", Confirmation.objects.by_people(), "link__issued_by", "link__customer__city", "at")
    yield _Source("authorized", links, "issued_by", "customer__city", "authorized_at")
    yield _Source("calls", calls, "by", "customer__city", "at")
    yield _Source("refused", calls.filter(outcome=DoorOutcome.REFUSED), "by", "customer__city", "at")


def _within(moment: str, since: datetime.date, until: datetime.date) -> dict[str, datetime.datetime]:
    """The moments from the first day's midnight to that after the last day: an index finds them."""
    midnight = datetime.time.min
    return {
        f"{moment}__gte": timezone.make_aware(datetime.datetime.combine(since, midnight)),
        f"{moment}__lt": timezone.make_aware(datetime.datetime.combine(until + datetime.timedelta(days=1), midnight)),
    }


def _place(row: ReportRow) -> tuple[Any, ...]:
    """By rep, the newest day first, then town."""
    return (row.rep or "").casefold(), -(row.day.toordinal() if row.day else 0), (row.town or "").casefold()
