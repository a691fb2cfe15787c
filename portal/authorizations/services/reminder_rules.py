"""When a reminder is due, what holds it and what silences it: plain values in, words and moments out. No database.

Leap's advice, for who began and left: within the hour, within a day, within three days, then back to normal. For who
never came, the campaign says after how many days. Decided here:

- Reminders go out from 8:00 to 21:00 by the clock where the customer lives (services/time_zones.py), the one within the
  hour too: one left at night comes at 8:00.
- The clock starts at the last activity: a visit, a session's event, a return. A new session postpones what waits; a
  step that went out, was stopped or silenced is never taken again, and neither is one before it.
- What is more than a day late when it is first planned is not made up for; of two that are due the later one goes out.
  One that was held in time is not lost by it.
- Between two reminders to one customer lie twenty hours at least, whatever the campaigns; or to one address, which may
  stand for several sites. One that is being sent counts, and one of unknown fate.
- Leap's events give no reason and no refusal: a session closed early, or a sign-in that failed, is one that was left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from portal.authorizations.services.time_zones import name_place

ABANDONED: Final = "abandoned"
NO_VISIT: Final = "no_visit"

#: After the last activity: within the hour, after a day, after three days.
ABANDONED_AFTER: Final[tuple[timedelta, ...]] = (timedelta(minutes=45), timedelta(days=1), timedelta(days=3))
MOST_LATE: Final = timedelta(days=1)
BETWEEN_REMINDERS: Final = timedelta(hours=20)
DAY_BEGINS, DAY_ENDS = time(8), time(21)
ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What is known of one link of the customer in the campaign."""

    pk: int
    is_live: bool = True
    visited_at: datetime | None = None
    """The last visit."""
    at_leap_at: datetime | None = None
    """The last event of a session or of a utility's sign-in."""
    is_failed: bool = False
    """Failed at a utility, as Leap says."""
    returned_at: datetime | None = None
    """The first return: a claim."""
    completed_at: datetime | None = None
    """Leap says that the session came to its last step; which proves no authorization."""
    expected_days: int = 7
    utilities: frozenset[int] = frozenset()
    """Those that the customer would sign in at; empty: not known."""

    @property
    def active_at(self) -> datetime | None:
        """The last activity, None: never came."""
        moments = [moment for moment in (self.visited_at, self.at_leap_at, self.returned_at) if moment]
        return max(moments, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A utility that is down."""

    name: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReminder:
    """The last reminder of a customer or address; it is not sure while it is sent, or if its fate is unknown."""

    at: datetime
    is_sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One customer in one campaign."""

    zone: ZoneInfo
    """By its clock it is day or night for the customer."""
    links: tuple[LinkFacts, ...] = ()
    reminds_abandoned: bool = True
    no_visit_days: tuple[int, ...] = ()
    is_over: bool = False
    """The campaign is closed, or was never launched."""
    held_by_campaign: str = ""
    """Why the campaign sends none of its mails today; empty: it does."""
    invited_at: datetime | None = None
    """When the invitation of the campaign was sent."""
    last_taken: dict[str, int]
    """The highest step of each kind that was sent, stopped or silenced."""
    last_reminder: LastReminder | None = None
    """In any campaign, under this row or another with the same address."""
    proof: str = ""
    """What Leap says of the site: this link's, another one's, a paper's; empty: nothing."""
    unwanted: str = ""
    """Why the customer is not reminded, whatever the campaign; empty: may be."""
    paper_signed_on: date | None = None
    """A signed form is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A reminder to come."""

    kind: str
    step: int
    link: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a reminder that is due waits; `until` where it is known."""

    reason: str
    until: datetime | None = None


def into_daytime(moment: datetime, zone: tzinfo) -> datetime:
    """Return the moment, or the next 8:00 if it lies in the night."""
    local = moment.astimezone(zone)
    if local.time() < DAY_BEGINS:
        day = local.date()
    elif local.time() >= DAY_ENDS:
        day = local.date() + timedelta(days=1)
    else:
        return moment
    return datetime.combine(day, DAY_BEGINS, tzinfo=zone)


def is_night(moment: datetime, zone: tzinfo) -> bool:
    return into_daytime(moment, zone) != moment


def read_days(days: object) -> tuple[int, ...]:
    """Return the campaign's days as they count: whole, positive, each once, in order. Anything else is left out."""
    found = days if isinstance(days, list | tuple) else ()
    return tuple(sorted({day for day in found if isinstance(day, int) and not isinstance(day, bool) and day > 0}))


def find_next(case: Case, now: datetime, *, waiting: tuple[str, int] | None = None) -> Due | None:
    """Return the next reminder of a customer in a campaign, None: there is none to come.

    `waiting`: kind and step of the one that waits already. It keeps its turn however late it has become.
    """
    if case.is_over or case.proof or case.unwanted:
        return None
    live = [link for link in case.links if link.is_live]
    active = [(link.active_at, link.pk, link) for link in live if link.active_at]
    if active:
        if not case.reminds_abandoned:
            return None
        anchor, _, link = max(active, key=lambda found: found[:2])
        kind, delays = ABANDONED, ABANDONED_AFTER
    elif live and case.invited_at:
        anchor, link = case.invited_at, max(live, key=lambda link: link.pk)
        kind, delays = NO_VISIT, tuple(timedelta(days=days) for days in case.no_visit_days)
    else:
        return None
    done = case.last_taken.get(kind, -1)
    zone = case.zone
    times = [
        (step, into_daytime(_after(anchor, delay, zone), zone)) for step, delay in enumerate(delays) if step > done
    ]
    kept = [(step, at) for step, at in times if (kind, step) == waiting]
    found = kept[0] if kept else _choose(times, now)
    if found is None:
        return None
    step, at = found
    if case.last_reminder:
        at = into_daytime(max(at, case.last_reminder.at + BETWEEN_REMINDERS), zone)
    return Due(kind=kind, step=step, link=link.pk, at=at)


def _after(anchor: datetime, delay: timedelta, zone: tzinfo) -> datetime:
    """Days later it is the same hour by the wall, though the clocks have changed in between."""
    return anchor + delay if delay < timedelta(days=1) else anchor.astimezone(zone) + delay


def _choose(times: Sequence[tuple[int, datetime]], now: datetime) -> tuple[int, datetime] | None:
    due = [(step, at) for step, at in times if now - MOST_LATE <= at <= now]
    if due:
        return due[-1]
    return next(((step, at) for step, at in times if at > now), None)


def find_silence(case: Case, *, kind: str, step: int) -> str:
    """Return why a reminder is no longer needed, "": it still is."""
    if case.is_over:
        return "The campaign is closed."
    if case.proof or case.unwanted:
        return case.proof or case.unwanted
    live = [facts for facts in case.links if facts.is_live]
    if not live:
        return "The link is void."
    if kind == ABANDONED and not case.reminds_abandoned:
        return "The campaign no longer reminds who began and left."
    if kind == NO_VISIT and any(facts.active_at for facts in live):
        return "The customer has come since."
    if kind == NO_VISIT and step >= len(case.no_visit_days):
        return "The campaign no longer sends this reminder."
    return ""


def find_hold(
    case: Case, *, link: int, now: datetime, zone: ZoneInfo, outages: dict[int, Outage] | None = None
) -> Hold | None:
    """Return why a reminder that is due has to wait, None: it may go out now. `outages`: by utility, those of now.

    In words that name moments by the clock of `zone`, which is the portal's.
    """
    facts = _facts_of(case, link)
    down = [outages[pk] for pk in sorted(facts.utilities) if pk in outages] if outages and facts else []
    if down:
        return Hold(reason=explain_outage(down[0], zone))
    if case.paper_signed_on:
        return Hold(reason=f"A paper form, signed on {_day(case.paper_signed_on)}, is on its way.")
    claims = [_of_claim(facts, now, zone) for facts in case.links if facts.is_live]
    found = [hold for hold in claims if hold]
    if found:
        return max(found, key=lambda hold: hold.until or now)
    last = case.last_reminder
    if last and last.at + BETWEEN_REMINDERS > now:
        reminded = "Reminded" if last.is_sure else "Perhaps reminded"
        until = into_daytime(last.at + BETWEEN_REMINDERS, case.zone)
        return Hold(reason=f"{reminded} on {_moment(last.at, zone)}: not twice in a day.", until=until)
    if is_night(now, case.zone):
        until = into_daytime(now, case.zone)
        return Hold(reason=_explain_night(until, case.zone, zone), until=until)
    return None


def _explain_night(morning: datetime, there: ZoneInfo, here: ZoneInfo) -> str:
    rule = "Nobody is reminded between 21:00 and 8:00"
    if there.key == here.key:
        return f"{rule}."
    return f"{rule} by the clock of {name_place(there)}: 8:00 there is {_hour(morning, here)} here."


def name_hour_there(case: Case, moment: datetime, here: ZoneInfo) -> str:
    """Return what the clock shows where the customer lives: "11:45 in New York"; "" if it is that of `here`."""
    return "" if case.zone.key == here.key else f"{_hour(moment, case.zone)} in {name_place(case.zone)}"


def explain_outage(outage: Outage, zone: tzinfo) -> str:
    return f"{outage.name} is down since {_moment(outage.since, zone)}."


def _of_claim(facts: LinkFacts, now: datetime, zone: tzinfo) -> Hold | None:
    """While a meter may still come, whoever says to have finished is left alone."""
    finished = max((moment for moment in (facts.returned_at, facts.completed_at) if moment), default=None)
    if finished is None:
        return None
    until = finished + timedelta(days=facts.expected_days)
    if until <= now:
        return None
    who = "Leap says that the session ended" if finished == facts.completed_at else "Came back"
    days = f"{facts.expected_days} day{'' if facts.expected_days == 1 else 's'}"
    return Hold(reason=f"{who} on {_moment(finished, zone)}: a meter may take {days}.", until=until)


def explain(case: Case, *, kind: str, step: int, link: int, zone: tzinfo) -> str:
    """Return in words why the customer is asked: what happened, and which reminder of how many it is."""
    which = ORDINALS[step] if step < len(ORDINALS) else f"{step + 1}th"
    if kind == NO_VISIT:
        days = case.no_visit_days[step] if step < len(case.no_visit_days) else 0
        invited = f"invited on {_moment(case.invited_at, zone)}" if case.invited_at else "invited"
        after = f", after {days} day{'' if days == 1 else 's'}" if days else ""
        return f"{invited} and has not come; {which} reminder{after}"
    facts = _facts_of(case, link)
    if facts is None or facts.active_at is None:
        return f"began and left; {which} reminder"
    when = _moment(facts.active_at, zone)
    if facts.active_at == facts.returned_at:
        happened = f"came back on {when}, and Leap shows no authorization"
    elif facts.is_failed:
        happened = f"failed at a utility; last there on {when}"
    elif facts.active_at == facts.at_leap_at:
        happened = f"was at Leap or a utility on {when} and did not finish"
    else:
        happened = f"visited on {when} and did not finish"
    return f"{happened}; {which} reminder"


def _facts_of(case: Case, link: int) -> LinkFacts | None:
    """The link's facts; of one that was replaced, those of the live one that is used now."""
    live = [facts for facts in case.links if facts.is_live]
    same = [facts for facts in live if facts.pk == link]
    return same[0] if same else max(live, key=lambda facts: facts.pk, default=None)


def _moment(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def _hour(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.hour}:{local:%M}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
