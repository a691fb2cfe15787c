"""What needs a person, the most urgent first: each line with how many, why, and the list of exactly these rows.

No line counts further than a list does (COUNTED_UP_TO), and each count finds its rows by an index.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode

from portal.accounts.models import User
from portal.authorizations.filters.reauthorizations import NEAR_DAYS
from portal.authorizations.models import (
    Campaign,
    CampaignState,
    Confirmation,
    Connection,
    CustomerImport,
    Enrollment,
    EnrollmentDeadline,
    Event,
    Figures,
    Flow,
    FlowState,
    ImportState,
    Link,
    Mail,
    MailState,
    Outage,
    Party,
    Reauthorization,
    RequiredAction,
    SyncRun,
    SyncState,
    Utility,
)
from portal.authorizations.views.lists import COUNTED_UP_TO

#: So many days before the last day to ask, home begins to say so.
ASK_DAYS = 14
#: A draft that nobody launched for so long was perhaps forgotten.
DRAFT_DAYS = 7
#: Of imports, outages and flows so many have a line each; the rest is one line.
SHOWN = 3


@dataclass(frozen=True)
class Todo:
    """One thing that needs a person: a badge with its colour, what and why, and the way there."""

    badge: str
    source: str
    text: str
    detail: str
    action: str
    url: str


def list_todos(user: User, *, figures: Figures | None = None) -> list[Todo]:
    """What needs a person today, the most urgent first; only what the user may see.

    `figures`: what home has counted or read, for the last day to ask customers.
    """
    now = timezone.now()
    parts: list[tuple[str, Callable[[], Iterator[Todo]]]] = [
        ("authorizations.view_reauthorization", lambda: _near_losses(now)),
        ("authorizations.view_meter", lambda: _waiting_meters(now)),
        ("authorizations.view_meter", lambda: _last_days(now, figures)),
        ("authorizations.view_every_link", lambda: _failures(now)),
        ("authorizations.view_syncrun", _sync_errors),
        ("authorizations.view_event", _unread_events),
        ("authorizations.view_outage", lambda: _outages(now)),
        ("authorizations.view_confirmation", lambda: _claims(user, now)),
        ("authorizations.view_reauthorization", lambda: _later_losses(now)),
        ("authorizations.view_mail", _mails),
        ("authorizations.import_customer", lambda: _imports(now)),
        ("authorizations.view_flow", lambda: _flows(user)),
        ("authorizations.change_campaign", lambda: _over(now)),
        ("authorizations.add_campaign", lambda: _drafts(now)),
        ("authorizations.view_confirmation", lambda: _odd_returns(now)),
    ]
    return [todo for permission, find in parts if user.has_perm(permission) for todo in find()]


def count_up(rows: "QuerySet[Any]") -> int:
    """Count the keys of rows, to one more than is ever said."""
    return rows.order_by().values("pk")[: COUNTED_UP_TO + 1].count()


def say(count: int) -> str:
    """12, 1,204 or 10,000+."""
    return f"{count:,}" if count <= COUNTED_UP_TO else f"{COUNTED_UP_TO:,}+"


def _many(count: int, one: str, several: str = "") -> str:
    """Return “1 meter”, “12 meters”, “10,000+ meters”."""
    return f"{say(count)} {one if count == 1 else several or one + 's'}"


def _to(name: str, **query: Any) -> str:
    """Return the address of a list with these filters."""
    return reverse(name) + (f"?{urlencode(query)}" if query else "")


def _day(moment: datetime | date) -> str:
    return date_format(timezone.localdate(moment) if isinstance(moment, datetime) else moment, "j M Y")


def _near_losses(now: datetime) -> Iterator[Todo]:
    near = Reauthorization.objects.due_by(now + timedelta(days=NEAR_DAYS))
    count = count_up(near)
    if not count:
        return
    overdue = count_up(near.filter(deadline_at__lt=now))
    nearest = near.filter(deadline_at__gte=now).nearest_first().first()
    words = [f"{say(overdue)} overdue"] if overdue else []
    if nearest and nearest.deadline_at:
        words.append(f"the next deadline is {_day(nearest.deadline_at)}")
    yield Todo(
        "Deadline",
        "fault",
        f"{_many(count, 'lost authorization')} {'has' if count == 1 else 'have'} a deadline within {NEAR_DAYS} days",
        f"{words[0][:1].upper()}{'; '.join(words)[1:]}. Hand out a new link: one click",
        "See who",
        _to("reauthorization_list", deadline="near"),
    )


def _later_losses(now: datetime) -> Iterator[Todo]:
    soon = now + timedelta(days=NEAR_DAYS)
    later = Reauthorization.objects.open().filter(Q(deadline_at__isnull=True) | Q(deadline_at__gt=soon))
    count = count_up(later)
    if count:
        nearest = later.filter(deadline_at__gt=soon).nearest_first().first()
        if nearest and nearest.deadline_at:
            words = f"The next of Leap’s deadlines is {_day(nearest.deadline_at)}"
        else:
            words = "Leap names no deadline"
        yield Todo(
            "Lost",
            "fault",
            f"{_many(count, 'meter')} lost the authorization",
            f"{words}. The customer has to authorize again, by a new link",
            "See who",
            _to("reauthorization_list", deadline="later"),
        )


def _waiting_meters(now: datetime) -> Iterator[Todo]:
    """Parts in programs that wait for the partner, with a deadline that is near: as the plan filters them."""
    until = timezone.localdate(now) + timedelta(days=ASK_DAYS)
    end = timezone.make_aware(datetime.combine(until + timedelta(days=1), datetime.min.time()))
    soon = EnrollmentDeadline.objects.filter(deadline_at__gte=now, deadline_at__lt=end)
    actions = RequiredAction.objects.filter(
        Q(program=OuterRef("program")) | Q(program=""),
        Q(delivery_period=OuterRef("delivery_period")) | Q(delivery_period=""),
        meter=OuterRef("meter"),
        party=Party.PARTNER,
    )
    waiting = Enrollment.objects.filter(
        Exists(actions),
        pk__in=soon.values("enrollment"),
        meter__is_archived=False,
        meter__needs_partner=True,
    )
    count = count_up(waiting)
    if count:
        first = soon.filter(enrollment__in=waiting).aggregate(first=Min("deadline_at"))["first"]
        yield Todo(
            "Deadline",
            "leap",
            f"{_many(count, 'enrollment waits', 'enrollments wait')} for you, with a deadline within {ASK_DAYS} days",
            f"The next one is {_day(first)}. Each meter’s page says what to do" if first else "",
            "Plan",
            _to("plan_list", standing="partner", deadline_before=until.isoformat()),
        )


def _last_days(now: datetime, figures: Figures | None) -> Iterator[Todo]:
    """The nearest last day on which customers can still be asked for a program's deadline."""
    today = timezone.localdate(now)
    for ask in figures.asks if figures else []:
        ask_by, deadline = date.fromisoformat(ask["ask_by"]), date.fromisoformat(ask["deadline"])
        if today <= ask_by <= today + timedelta(days=ASK_DAYS):
            yield Todo(
                "Deadline",
                "leap",
                f"{ask['program']} closes {_day(deadline)}: ask by {_day(ask_by)}",
                f"{ask['links']:,} {ask['utility']} link{'' if ask['links'] == 1 else 's'} without a meter",
                "Plan",
                reverse("plan_list"),
            )
            return


def _failures(now: datetime) -> Iterator[Todo]:
    failing = Link.objects.failing().handed_out()
    count = count_up(failing)
    if not count:
        return
    # Where they are more than are counted, they are not counted by utility either.
    some = failing.order_by().values("pk")[: COUNTED_UP_TO if count <= COUNTED_UP_TO else 0]
    rows = Connection.objects.failed_at_utility().filter(link__in=some).order_by().values("utility_name")
    names = dict(Utility.objects.exclude(leap_name="").values_list("leap_name", "short_name"))
    by_utility = sorted(
        ((row["number"], row["utility_name"]) for row in rows.annotate(number=Count("link", distinct=True))),
        reverse=True,
    )
    down = set(Outage.objects.at(now).values_list("utility__leap_name", flat=True))
    where = ", ".join(
        f"{names.get(name, name)} {number:,}{' (has an outage: wait)' if name in down else ''}"
        for number, name in by_utility[:SHOWN]
    )
    if others := sum(number for number, _ in by_utility[SHOWN:]):
        where += f", others {others:,}"
    yield Todo(
        "Failed",
        "fault",
        f"{_many(count, 'customer')} failed at the utility’s sign-in and nothing is proven since",
        f"{where}. Ask what stopped them, then send the same link again" if where else "Send the same link again",
        "See who",
        _to("link_list", mark="failing"),
    )


def _sync_errors() -> Iterator[Todo]:
    run = SyncRun.objects.exclude(state=SyncState.RUNNING).first()
    if run is None:
        return
    if run.state == SyncState.FAILED:
        ended = date_format(timezone.localtime(run.finished_at or run.started_at), "j M Y, H:i")
        yield Todo(
            "Sync",
            "fault",
            f"The last sync with Leap failed, {ended}",
            run.error.split("\n")[0][:200],
            "Sync",
            reverse("meter_sync"),
        )
    elif run.malformed:
        yield Todo(
            "Sync",
            "claims",
            f"{_many(run.malformed, 'record')} of Leap’s could not be read in the last sync",
            "What was read is kept; the reasons stand there",
            "See why",
            reverse("meter_sync"),
        )


def _unread_events() -> Iterator[Todo]:
    count = count_up(Event.objects.filter(interpreted_at__isnull=True).exclude(problem=""))
    if count:
        yield Todo(
            "Events",
            "fault",
            f"{_many(count, 'event')} of Leap’s could not be interpreted",
            "They are tried again by themselves; should they stay, the worker’s log says why",
            "See them",
            _to("event_list", state="stuck"),
        )


def _outages(now: datetime) -> Iterator[Todo]:
    outages = list(Outage.objects.at(now).select_related("utility").order_by("began_at")[: SHOWN + 1])
    for outage in outages[:SHOWN]:
        since = date_format(timezone.localtime(outage.began_at), "j M Y, H:i")
        yield Todo(
            "Outage",
            "claims",
            f"{outage.utility.short_name} is down since {since}",
            "Nobody is reminded to go there. End the outage once its sign-in works again",
            "See it",
            _to("outage_list", state="now"),
        )
    if len(outages) > SHOWN:
        yield Todo("Outage", "claims", "More utilities are down", "", "See them", _to("outage_list", state="now"))


def _claims(user: User, now: datetime) -> Iterator[Todo]:
    links = Link.objects.visible_to(user)
    # Where those that are overdue at any utility are more than are counted, nothing has to be asked of each.
    count = count_up(links.long_overdue_claims(now))
    if count <= COUNTED_UP_TO:
        count = count_up(links.overdue_claims(now))
    if count:
        yield Todo(
            "Claimed",
            "claims",
            f"{say(count)} came back, but Leap has not proven {'it' if count == 1 else 'them'} in time",
            "Longer than their utilities usually take",
            "Check",
            reverse("suspicious_list"),
        )


def _odd_returns(now: datetime) -> Iterator[Todo]:
    week = timezone.localdate(now) - timedelta(days=7)
    since = timezone.make_aware(datetime.combine(week, datetime.min.time()))
    count = count_up(Confirmation.objects.by_people().odd().filter(at__gte=since))
    if count:
        yield Todo(
            "Claimed",
            "claims",
            f"{_many(count, 'return')} of the last seven days match{'es' if count == 1 else ''} no live link",
            "Unknown, malformed or void reference ids: a typing error, or somebody trying",
            "See them",
            _to("confirmation_list", outcome="odd", received_after=week.isoformat()),
        )


def _mails() -> Iterator[Todo]:
    count = count_up(Mail.objects.filter(state=MailState.UNKNOWN))
    if count:
        yield Todo(
            "Mail",
            "fault",
            f"{_many(count, 'mail')} may or may not have been sent",
            "The portal stopped in the middle. It sends none of them twice: somebody has to decide",
            "Decide",
            _to("mail_list", state="unknown"),
        )


def _imports(now: datetime) -> Iterator[Todo]:
    week = now - timedelta(days=7)
    states = [ImportState.CHECKED, ImportState.APPLIED]
    imports = CustomerImport.objects.filter(refused_count__gt=0, state__in=states, created_at__gte=week)
    found = list(imports[: SHOWN + 1])
    for item in found[:SHOWN]:
        yield Todo(
            "Import",
            "",
            f"{item.file_name}: {item.refused_count:,} of {item.row_count:,} rows refused",
            "" if item.applied_at else "Checked, not applied yet",
            "Mend",
            reverse("customer_import_detail", args=[item.pk]),
        )
    if len(found) > SHOWN:
        yield Todo(
            "Import",
            "",
            "More lists of the last seven days have refused rows",
            "",
            "See them",
            reverse("customer_import"),
        )


def _flows(user: User) -> Iterator[Todo]:
    flows = list(Flow.objects.filter(state=FlowState.REQUESTED)[: SHOWN + 1])
    may_ask = user.has_perm("authorizations.change_flow")
    for flow in flows[:SHOWN]:
        why = "Leap has to configure it first" if flow.requested_at else "The request to Leap has not been sent"
        yield Todo(
            "Flow",
            "",
            f"{flow.name} is not live yet",
            why if may_ask or flow.requested_at else f"{why}: ask an admin",
            "Request" if may_ask and not flow.requested_at else "See it",
            reverse("flow_request", args=[flow.pk]) if may_ask else _to("flow_list", state="requested"),
        )
    if len(flows) > SHOWN:
        yield Todo("Flow", "", "More flows are not live yet", "", "See them", _to("flow_list", state="requested"))


def _over(now: datetime) -> Iterator[Todo]:
    """Campaigns whose last day is past: they only seem to run."""
    campaigns = list(Campaign.objects.running().over_on(timezone.localdate(now)).order_by("ends_on")[: SHOWN + 1])
    for campaign in campaigns[:SHOWN]:
        assert campaign.ends_on is not None
        yield Todo(
            "Campaign",
            "",
            f"{campaign} is over since {_day(campaign.ends_on)} and not closed",
            "Its mails do not leave, and links are still issued in it. Close it, or give it another last day",
            "Close…",
            reverse("campaign_close", args=[campaign.pk]),
        )
    if len(campaigns) > SHOWN:
        where = _to("campaign_list", state="running", running="over")
        yield Todo("Campaign", "", "More campaigns are over and not closed", "", "See them", where)


def _drafts(now: datetime) -> Iterator[Todo]:
    before = timezone.localdate(now) - timedelta(days=DRAFT_DAYS)
    end = timezone.make_aware(datetime.combine(before, datetime.min.time()))
    count = count_up(Campaign.objects.filter(state=CampaignState.DRAFT, created_at__lt=end))
    if count:
        yield Todo(
            "Draft",
            "",
            f"{_many(count, 'draft campaign')} {'waits' if count == 1 else 'wait'} for more than {DRAFT_DAYS} days",
            "Launch them, or delete what nobody needs",
            "See them",
            _to("campaign_list", state="draft", created_before=(before - timedelta(days=1)).isoformat()),
        )
