"""Reminders: planned from what is new, one at a time for a customer in a campaign, stopped by a person or by a rule.

The planner reads only what came since its last look (visits, returns, events, meters, mails and decisions), each by an
index from where it stopped, and works out the next reminder of those customers. What needs no planning is looked up
right before sending (`find_reminder_obstacles`): outages, claims, refusals, proof.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    Campaign,
    CampaignState,
    Confirmation,
    Customer,
    Event,
    Link,
    Mail,
    MailState,
    Message,
    MessageKind,
    MeterMatch,
    ReminderCursor,
    Visit,
)
from portal.authorizations.models.mail import MailQuerySet
from portal.authorizations.services import reminder_rules as rules
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.closed_campaigns import hold_open
from portal.authorizations.services.messages import keep_message
from portal.authorizations.services.reminder_facts import (
    Pair,
    find_utilities,
    get_portal_zone,
    read_cases,
    read_outages,
)

#: Rows of one source in a batch, and batches of one source in a look.
BATCH: Final = 500
MOST_BATCHES: Final = 40
#: So long a row is left alone: one that a slower transaction writes must not appear behind the cursor.
SETTLES: Final = timedelta(minutes=1)
_CAMPAIGN: Final = "campaign "
#: Waiting reminders on the page of a customer or a link.
_SHOWN: Final = 10


@dataclass(frozen=True)
class Source:
    """Rows in the order of their coming: by their keys, with `by` by that moment first."""

    name: str
    rows: Callable[[], "QuerySet[Any]"]
    campaign: str
    customer: str
    moment: str
    is_by_moment: bool = False


SOURCES: Final = (
    Source("visits", Visit.objects.all, "link__campaign", "link__customer", "at"),
    Source("returns", lambda: Confirmation.objects.by_people(), "link__campaign", "link__customer", "at"),
    Source("matches", MeterMatch.objects.all, "link__campaign", "link__customer", "matched_at"),
    Source(
        "events",
        lambda: Event.objects.filter(link__isnull=False),
        "link__campaign",
        "link__customer",
        "interpreted_at",
        is_by_moment=True,
    ),
    Source(
        "mails",
        lambda: Mail.objects.filter(sent_at__isnull=False),
        "message__campaign",
        "customer",
        "sent_at",
        is_by_moment=True,
    ),
    # What a person stopped, or found to have arrived long ago.
    Source(
        "decisions",
        lambda: Mail.objects.filter(decided_at__isnull=False),
        "message__campaign",
        "customer",
        "decided_at",
        is_by_moment=True,
    ),
)


@dataclass(frozen=True)
class Outlook:
    """A reminder as people see it: why the customer is asked, and what keeps it back."""

    why: str
    silence: str = ""
    hold: rules.Hold | None = None
    hour_there: str = ""
    """When it goes or went out by the customer's own clock, if that is not the portal's: "11:45 in New York"."""


def plan_reminders(now: datetime) -> int:
    """Plan what is new since the last look, in bounded batches; return how many customers were looked at."""
    looked_at = 0
    for source in SOURCES:
        for _ in range(MOST_BATCHES):
            found, is_more = _read_on(source, now)
            looked_at += found
            if not is_more:
                break
    for name in ReminderCursor.objects.filter(source__startswith=_CAMPAIGN).values_list("source", flat=True):
        for _ in range(MOST_BATCHES):
            found, is_more = _read_campaign(name, now)
            looked_at += found
            if not is_more:
                break
    return looked_at


@transaction.atomic
def plan_pairs(pairs: Collection[Pair], now: datetime) -> None:
    """Work out the next reminder of these customers in these campaigns: make, postpone or silence what waits."""
    waiting: dict[Pair, list[Mail]] = defaultdict(list)
    for mail in _waiting_of({customer for _, customer in pairs}).select_related("message").order_by("pk"):
        waiting[mail.message.campaign_id, mail.customer_id].append(mail)
    new: list[tuple[Pair, rules.Due]] = []
    for pair, case in read_cases(pairs).items():
        mails = waiting[pair]
        current = (mails[0].message.kind, mails[0].step) if mails else None
        due = rules.find_next(case, now, waiting=current)
        for mail in mails:
            silence = rules.find_silence(case, kind=mail.message.kind, step=mail.step)
            if due and not silence and (mail.message.kind, mail.step) == (due.kind, due.step):
                _postpone(mail, due)
                due = None
            else:
                _silence(mail, silence or "Another reminder takes its place.")
        if due:
            new.append((pair, due))
    _make(new)


def find_reminder_obstacles(mails: Sequence[Mail], now: datetime) -> dict[int, tuple[str, bool, datetime | None]]:
    """Return for each mail that must not go out now: why, whether for good, and until when (None: not known).

    The mails with message and link read. An invitation is held, too, while the utility that it leads to is down.
    """
    found: dict[int, tuple[str, bool, datetime | None]] = {}
    for pk, outlook in read_outlooks([mail for mail in mails if mail.is_reminder], now).items():
        if outlook.silence:
            found[pk] = (outlook.silence, True, None)
        elif outlook.hold:
            found[pk] = (outlook.hold.reason, False, outlook.hold.until)
    invitations = [mail for mail in mails if not mail.is_reminder]
    outages = read_outages(now) if invitations else {}
    for mail in invitations if outages else ():
        down = [outages[utility.pk] for utility in find_utilities(mail.link, mail.customer) if utility.pk in outages]
        if down:
            found[mail.pk] = (rules.explain_outage(down[0], get_portal_zone()), False, None)
    return found


def read_outlooks(mails: Sequence[Mail], now: datetime) -> dict[int, Outlook]:
    """Return for each reminder, by its key, why it is sent and what keeps it back; the mails with their message read.

    Of a reminder that waits for its time, too, what is known already to hold it then; not what may be over by then.
    """
    if not mails:
        return {}
    zone = get_portal_zone()
    cases = read_cases({(mail.message.campaign_id, mail.customer_id) for mail in mails})
    outages = read_outages(now)
    found = {}
    for mail in mails:
        case = cases.get((mail.message.campaign_id, mail.customer_id))
        if case is None:
            continue
        kind, link = mail.message.kind, mail.link_id
        is_due = mail.due_at <= now or mail.hold_reason != ""
        found[mail.pk] = Outlook(
            why=rules.explain(case, kind=kind, step=mail.step, link=link, zone=zone),
            silence=rules.find_silence(case, kind=kind, step=mail.step),
            hold=rules.Hold(reason=case.held_by_campaign)
            if is_due and case.held_by_campaign
            else rules.find_hold(
                case, link=link, now=now if is_due else mail.due_at, zone=zone, outages=outages if is_due else {}
            ),
            hour_there=rules.name_hour_there(case, mail.sent_at or mail.due_at, zone),
        )
    return found


def find_waiting(mails: "QuerySet[Mail]") -> list[Mail]:
    """Return the reminders among these mails that wait, the next one first, each with its `outlook`: for one's page."""
    waiting = mails.filter(is_reminder=True, state=MailState.WAITING).select_related("message__campaign__flow", "link")
    found = list(waiting.order_by("due_at", "pk")[:_SHOWN])
    outlooks = read_outlooks(found, timezone.now())
    for mail in found:
        mail.outlook = outlooks.get(mail.pk)  # type: ignore[attr-defined]
    return found


def switch_reminders(*, campaign: Campaign, reminds_abandoned: bool, no_visit_days: Iterable[int]) -> None:
    """Say whom a campaign reminds and when; who came or was invited before is looked at anew in the background.

    Raises CampaignClosed.
    """
    with transaction.atomic():
        hold_open(campaign)
        campaign.reminds_abandoned = reminds_abandoned
        campaign.no_visit_days = list(rules.read_days(list(no_visit_days)))
        campaign.save(update_fields=["reminds_abandoned", "no_visit_days"])
        record(
            action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, fields=["reminds_abandoned", "no_visit_days"]
        )
        # Its links are read anew, from the first.
        ReminderCursor.objects.update_or_create(source=f"{_CAMPAIGN}{campaign.pk}", defaults={"last_id": 0})


def stop_reminders(*, mails: "QuerySet[Mail]", by: User) -> int:
    """Stop the reminders among these mails that wait; the next one of the same customer stays to be planned."""
    now = timezone.now()
    wanted = Mail.objects.waiting().filter(is_reminder=True, pk__in=mails.order_by().values("pk"))
    with transaction.atomic():
        some = list(wanted.values_list("message__campaign", "customer")[: BATCH + 1])
        record_rows(action=AuditAction.CHANGED, noun="mail", rows=wanted, by=by, state="stopped")
        stopped = _stop(wanted, by=by, at=now, reason="Stopped by a person.")
        # Of more, the planner takes care.
        if len(some) <= BATCH:
            plan_pairs(some, now)
    return stopped


def stop_reminders_to(*, customers: "QuerySet[Customer]", by: User) -> int:
    """Stop all reminders to these customers, of every campaign, from now on; return to how many. Invitations go on."""
    now = timezone.now()
    with transaction.atomic():
        wanted = list(customers.order_by().filter(reminders_stopped_at=None).values_list("pk", flat=True))
        record_rows(action=AuditAction.CHANGED, noun="customer", rows=wanted, by=by, fields=["reminders_stopped_at"])
        for start in range(0, len(wanted), BATCH):
            chunk = wanted[start : start + BATCH]
            Customer.objects.filter(pk__in=chunk).update(reminders_stopped_at=now)
            _stop(_waiting_of(chunk), by=by, at=now, reason="All reminders to this customer were stopped.")
    return len(wanted)


def allow_reminders_to(*, customer: Customer) -> None:
    """Remind a customer again, from the next reminder on: what was stopped stays so."""
    with transaction.atomic():
        customer.reminders_stopped_at = None
        customer.save(update_fields=["reminders_stopped_at"])
        record(action=AuditAction.CHANGED, noun="customer", row=customer.pk, fields=["reminders_stopped_at"])
        campaigns = customer.links.filter(campaign__isnull=False).values_list("campaign", flat=True)
        plan_pairs(_reminded({(campaign, customer.pk) for campaign in campaigns}), timezone.now())


def _read_on(source: Source, now: datetime) -> tuple[int, bool]:
    """Plan one batch of a source; return how many customers, and whether there is more to read."""
    with transaction.atomic():
        ReminderCursor.objects.get_or_create(source=source.name)
        # Two workers: one reads, the other leaves it alone.
        cursor = ReminderCursor.objects.select_for_update(skip_locked=True).filter(source=source.name).first()
        if cursor is None:
            return 0, False
        rows = list(_rows_after(source, cursor, now))
        if not rows:
            return 0, False
        cursor.last_id, cursor.last_at = rows[-1][0], rows[-1][1]
        cursor.save(update_fields=["last_id", "last_at"])
        pairs = _concerned((campaign, customer) for _, _, campaign, customer in rows)
        plan_pairs(pairs, now)
    return len(pairs), len(rows) == BATCH


def _rows_after(source: Source, cursor: ReminderCursor, now: datetime) -> Iterator[tuple[int, datetime, int, int]]:
    """Rows behind the cursor that have settled: key, moment, campaign, customer."""
    rows = source.rows()
    if source.is_by_moment:
        rows = rows.filter(**{f"{source.moment}__lte": now - SETTLES}).order_by(source.moment, "pk")
        if cursor.last_at:
            later = Q(**{f"{source.moment}__gt": cursor.last_at}) | Q(pk__gt=cursor.last_id)
            rows = rows.filter(later, **{f"{source.moment}__gte": cursor.last_at})
    else:
        rows = rows.filter(pk__gt=cursor.last_id).order_by("pk")
    for row in rows.values_list("pk", source.moment, source.campaign, source.customer)[:BATCH]:
        if row[1] > now - SETTLES:
            return
        yield row


def _read_campaign(name: str, now: datetime) -> tuple[int, bool]:
    """Plan one batch of a campaign's links, whose rules have changed."""
    campaign = int(name.removeprefix(_CAMPAIGN))
    with transaction.atomic():
        cursor = ReminderCursor.objects.select_for_update(skip_locked=True).filter(source=name).first()
        if cursor is None:
            return 0, False
        links = Link.objects.filter(campaign=campaign, customer__isnull=False, pk__gt=cursor.last_id).order_by("pk")
        rows = list(links.values_list("pk", "customer")[:BATCH])
        if not rows:
            cursor.delete()
            return 0, False
        cursor.last_id = rows[-1][0]
        cursor.save(update_fields=["last_id"])
        pairs = {(campaign, customer) for _, customer in rows}
        plan_pairs(pairs, now)
    return len(pairs), True


def _concerned(pairs: Iterable[tuple[int | None, int | None]]) -> set[Pair]:
    """Those to plan: in campaigns that remind, and wherever a reminder to the same customer waits."""
    known = list(pairs)
    found = _reminded({(campaign, customer) for campaign, customer in known if campaign and customer})
    waiting = _waiting_of({customer for _, customer in known if customer})
    return found | set(waiting.values_list("message__campaign", "customer"))


def _reminded(pairs: set[Pair]) -> set[Pair]:
    """Those of campaigns that remind, and are under way or paused."""
    under_way = Campaign.objects.filter(state__in=[CampaignState.RUNNING, CampaignState.PAUSED])
    reminds = {
        pk
        for pk, abandoned, days in under_way.filter(pk__in={campaign for campaign, _ in pairs}).values_list(
            "pk", "reminds_abandoned", "no_visit_days"
        )
        if abandoned or rules.read_days(days)
    }
    return {pair for pair in pairs if pair[0] in reminds}


def _waiting_of(customers: Collection[int]) -> "MailQuerySet":
    return Mail.objects.waiting().filter(is_reminder=True, customer__in=customers)


def _postpone(mail: Mail, due: rules.Due) -> None:
    """A reminder never comes earlier than it was to: what was put off stays put off."""
    values: dict[str, Any] = {"link_id": due.link} if mail.link_id != due.link else {}
    if due.at > mail.due_at:
        values |= {"due_at": due.at, "hold_reason": ""}
    if values:
        Mail.objects.waiting().filter(pk=mail.pk).update(**values)


def _stop(mails: "QuerySet[Mail]", *, by: User, at: datetime, reason: str) -> int:
    """Their marks go: an attempt that the server put off reached nobody."""
    values: dict[str, Any] = {
        "decided_by": by,
        "decided_at": at,
        "hold_reason": "",
        "reason": reason,
        "marked_at": None,
    }
    return mails.update(state=MailState.STOPPED, **values)


def _silence(mail: Mail, reason: str) -> None:
    Mail.objects.waiting().filter(pk=mail.pk).update(state=MailState.SILENCED, reason=reason[:200], hold_reason="")


def _make(new: Sequence[tuple[Pair, rules.Due]]) -> None:
    messages: dict[tuple[int, str], Message] = {}
    mails = []
    for (campaign, customer), due in new:
        key = (campaign, due.kind)
        if key not in messages:
            # Without words of its own: then the portal's are sent.
            messages[key] = keep_message(Campaign(pk=campaign), MessageKind(due.kind))
        mails.append(
            Mail(
                message=messages[key],
                customer_id=customer,
                link_id=due.link,
                step=due.step,
                is_reminder=True,
                due_at=due.at,
            )
        )
    # Another worker that is as far has made the same: never twice, which a constraint holds.
    Mail.objects.bulk_create(mails, ignore_conflicts=True)
