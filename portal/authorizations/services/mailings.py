"""Invitations and reminders: queued for a campaign's links, and sent at a set rate by whoever works (R2).

Never twice to one customer for one message, which a constraint holds, nor to one address: its sites share a mail. A
mail is marked before the mail server is spoken to; what a crash leaves open is shown to a person and not sent again.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from portal.authorizations.models import (
    Campaign,
    CampaignState,
    Customer,
    Installation,
    Link,
    Mail,
    Message,
    MessageKind,
)
from portal.authorizations.services.mail_claims import (
    Claim,
    RateUsedUp,
    claim_mail,
    give_back,
    note_lost_mails,
    note_obstacles,
    settle_claim,
)
from portal.authorizations.services.mail_composer import (
    OutgoingMail,
    compose_letter,
    make_unsubscribe_url,
    sender_address,
)
from portal.authorizations.services.mail_obstacles import explain_unmailable, find_obstacles, look_at_campaigns
from portal.authorizations.services.mail_server import Answer, Fate, MailServer, ServerAway
from portal.authorizations.services.mail_stops import digest_address, find_stopped
from portal.authorizations.services.messages import keep_message

logger = logging.getLogger(__name__)

_BATCH: Final = 1000
_SETTLE_TRIES: Final = 5
#: So many due mails are looked through at once.
_SIFTED: Final = 200
#: So many that are held end a look: held, they make way for the others at the next one.
_MOST_HELD: Final = 4000
_AWAY: Final = "mail-server-away"
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)


@dataclass
class QueueResult:
    """How many invitations were queued, and how many customers got none, by the reason."""

    queued: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def queue_invitations(*, campaign: Campaign, link_ids: Iterable[int], due_at: datetime) -> QueueResult:
    """Queue the campaign's invitation for the customers of these links of it. Twice is once: who has one keeps it."""
    message = keep_message(campaign, MessageKind.INVITATION)
    result = QueueResult()
    keys = iter(link_ids)
    while chunk := list(islice(keys, _BATCH)):
        links = Link.objects.filter(pk__in=chunk, campaign=campaign, customer__isnull=False).order_by("pk")
        rows = list(links.select_related("customer"))
        for _ in range(len(set(chunk)) - len(rows)):
            result.skip("No link of a customer in this campaign.")
        with transaction.atomic():
            # One after the other: what is known below is then all there is.
            Message.objects.select_for_update().get(pk=message.pk)
            _queue_chunk(rows, message_id=message.pk, due_at=due_at, result=result)
    return result


def _queue_chunk(links: list[Link], *, message_id: int, due_at: datetime, result: QueueResult) -> None:
    stopped = find_stopped(link.customer.email for link in links if link.customer)
    known = set(
        Mail.objects.filter(
            message=message_id, step=0, customer__in=[link.customer_id for link in links if link.customer_id]
        ).values_list("customer", flat=True)
    )
    mails: dict[int, Mail] = {}
    for link in links:
        customer: Customer | None = link.customer
        if customer is None or customer.pk in mails:
            continue  # Another link of the same customer, for another utility: the one mail lists both.
        if customer.pk in known:
            result.skip("Queued already.")
        elif why := explain_unmailable(customer, is_address_stopped=digest_address(customer.email) in stopped):
            result.skip(why)
        else:
            mails[customer.pk] = Mail(message_id=message_id, customer=customer, link=link, due_at=due_at)
    Mail.objects.bulk_create(mails.values(), ignore_conflicts=True)
    result.queued += len(mails)


def explain_no_sending(installation: Installation) -> str:
    """Return what has to be set before any mail goes out, or ""."""
    if not installation.postal_address.strip():
        return "No mail goes out before your postal address stands on the installation page: each of them carries it."
    if not sender_address(installation):
        return "No mail goes out without a sender: set DEFAULT_FROM_EMAIL, or a support email on the installation page."
    return ""


@dataclass(frozen=True)
class Absence:
    """Since when the mail server takes nothing, until when it is left alone, and why."""

    since: datetime
    until: datetime
    words: str


def find_absence() -> Absence | None:
    """Return what is known of a mail server that is away; None: the last mail was taken."""
    return cache.get(_AWAY)  # type: ignore[no-any-return]


def send_due_mails(*, now: datetime, most: int, is_over: Callable[[], bool] = lambda: False) -> int:
    """Send what is due by `now`, at most so many mails and no more a minute than is set; return how many were taken.

    `is_over` is asked before each mail and each batch looked through. When the mail server is away everything waits,
    and it is asked again later.
    """
    begun = timezone.now()
    note_lost_mails(now=now)
    installation = Installation.objects.first()
    if installation is None or explain_no_sending(installation):
        return 0
    absence = find_absence()
    if absence is not None and now < absence.until:
        return 0
    taken = 0
    with MailServer() as server:
        try:
            for mail_id in islice(_find_clear(now, is_over), most):
                if is_over():
                    break
                server.open()
                moment = now + (timezone.now() - begun)
                claim = claim_mail(mail_id=mail_id, now=moment)
                if claim is not None:
                    taken += _send(claim, server=server, installation=installation, now=moment)
        except RateUsedUp:
            pass
        except ServerAway as away:
            _note_absence(str(away), absence=absence, now=now)
            return taken
    if taken:
        cache.delete(_AWAY)
    return taken


def _find_clear(now: datetime, is_over: Callable[[], bool]) -> Iterator[int]:
    """Yield the keys of due mails with nothing in their way, in order; hold or silence the others on the way.

    What is due of campaigns that send none now is left alone: nobody's mail waits behind it.
    """
    last: tuple[Any, int] | None = None
    # Said by whose do not: then no index of messages tempts the database away from the one of what is due.
    asleep = Message.objects.held_on(timezone.localdate(now))
    held = 0
    while held < _MOST_HELD and not is_over():
        due = Mail.objects.waiting().filter(due_at__lte=now).exclude(message__in=asleep)
        if last is not None:
            due = due.filter(due_at__gte=last[0]).exclude(due_at=last[0], pk__lte=last[1])
        rows = due.order_by("due_at", "pk").select_related("message__campaign", "customer", "link")
        batch = list(rows[:_SIFTED])
        if not batch:
            _silence_closed(now)
            return
        last = batch[-1].due_at, batch[-1].pk
        obstacles = find_obstacles(batch, now)
        note_obstacles(obstacles, now=now)
        held += len(obstacles)
        yield from (mail.pk for mail in batch if mail.pk not in obstacles)


def _silence_closed(now: datetime) -> None:
    """Settle some of what is due of closed campaigns: once there is nothing to send, since it must hold up nothing."""
    closed = Message.objects.filter(campaign__state=CampaignState.CLOSED)
    due = Mail.objects.waiting().filter(due_at__lte=now, message__in=closed).order_by("due_at", "pk")
    rows = due.select_related("message__campaign")[:_BATCH]
    note_obstacles(look_at_campaigns(list(rows), now), now=now)


def _send(claim: Claim, *, server: MailServer, installation: Installation, now: datetime) -> bool:
    """Write and hand over one claimed mail, and note what became of it; return whether it was taken."""
    try:
        mail = write_mail(claim, installation=installation)
    except Exception as error:
        # Whatever it is, it must not hold up the others; its words might repeat whom it was for.
        logger.error("Mail %s could not be written: %s", claim.first.pk, type(error).__name__)
        settle_claim(claim, Answer(Fate.REFUSED, f"It could not be written: {type(error).__name__}."), now=now)
        return False
    try:
        answer = server.hand_over(mail)
    except ServerAway as away:
        give_back(claim, reason=f"The mail server is away. {away}", now=now)
        raise
    _settle(claim, answer, now=now)
    if answer.fate is not Fate.TAKEN:
        logger.warning("Mail %s: %s", claim.first.pk, answer.fate.value)
    return answer.fate is Fate.TAKEN


def _settle(claim: Claim, answer: Answer, *, now: datetime) -> None:
    """Note what the server said, with patience: of what is not noted nobody knows, and a person may send it again."""
    for _ in range(_SETTLE_TRIES - 1):
        try:
            settle_claim(claim, answer, now=now)
        except OperationalError:  # SQLite's write lock is held for longer than its timeout, or the database restarts
            connection.close_if_unusable_or_obsolete()
        else:
            return
    settle_claim(claim, answer, now=now)


def write_mail(claim: Claim, *, installation: Installation) -> OutgoingMail:
    """Return a claimed mail as it goes over the wire."""
    unsubscribe_url = make_unsubscribe_url(claim.first.pk)
    letter = compose_letter(
        message=claim.first.message,
        customer=claim.first.customer,
        links=claim.links,
        installation=installation,
        unsubscribe_url=unsubscribe_url,
    )
    return OutgoingMail(
        letter=letter,
        to=claim.first.customer.email,
        installation=installation,
        message_id=claim.message_id,
        unsubscribe_url=unsubscribe_url,
    )


def _note_absence(words: str, *, absence: Absence | None, now: datetime) -> None:
    if absence is None:
        pause, since = _FIRST_PAUSE, now
    else:
        pause, since = min(2 * max(absence.until - absence.since, _FIRST_PAUSE), _LONGEST_PAUSE), absence.since
    logger.warning("The mail server is away: %s", words)
    cache.set(_AWAY, Absence(since=since, until=now + pause, words=words), timeout=24 * 3600)
