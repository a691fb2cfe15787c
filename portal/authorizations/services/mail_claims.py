"""Which mail is handed to the mail server by whom: claimed and marked before the dialogue begins, and settled after it.

Workers claim one after the other, behind the installation's row: so together they keep the rate, and sites of one
address, which share one mail, are never claimed by two.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from portal.authorizations.models import AuditAction, Customer, Installation, Link, Mail, MailState
from portal.authorizations.services.audit import record_rows
from portal.authorizations.services.mail_composer import make_message_id
from portal.authorizations.services.mail_obstacles import Obstacle, find_obstacles, follow_links
from portal.authorizations.services.mail_server import Answer, Fate
from portal.authorizations.services.mail_stops import digest_address

#: What is held is looked at again after this long.
HELD_FOR: Final = timedelta(minutes=5)
#: After an attempt that the server put off, the next one comes this much later; after the last of them it has failed.
BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720, 1440))
#: No dialogue with a mail server takes this long (EMAIL_TIMEOUT for each step of it): its worker has died.
LOST_AFTER: Final = timedelta(minutes=10)
#: Sites of one address that one mail lists.
MOST_SITES: Final = 200
_MINUTE: Final = timedelta(minutes=1)


class RateUsedUp(Exception):  # noqa: N818
    """So many mails went out within the last minute that the next has to wait."""


@dataclass(frozen=True)
class Claim:
    """One mail on the wire: the rows that it stands for, all marked with its Message-ID, and the links in it."""

    message_id: str
    mails: list[Mail]
    links: list[Link]

    @property
    def first(self) -> Mail:
        return self.mails[0]


def claim_mail(*, mail_id: int, now: datetime) -> Claim | None:
    """Mark a waiting mail, and with it those to the same address for the same message, as being sent.

    None: somebody else has it, or something stands in its way, which is noted. Raises RateUsedUp.
    """
    with transaction.atomic():
        installation = Installation.objects.select_for_update().first()
        if installation is None:
            return None
        if _count_marked_since(now - _MINUTE, most=installation.mails_per_minute) >= installation.mails_per_minute:
            raise RateUsedUp
        mails = _lock_with_same_address(mail_id)
        if not mails:
            return None
        digest = digest_address(mails[0].customer.email)
        mails, links = _clear(mails, digest=digest, now=now)
        if not mails:
            return None
        message_id = make_message_id(installation)
        Mail.objects.filter(pk__in=[mail.pk for mail in mails]).update(
            state=MailState.SENDING,
            rfc_message_id=message_id,
            address_digest=digest,
            marked_at=now,
            attempts=F("attempts") + 1,
            hold_reason="",
            reason="",
        )
        for mail in mails:
            mail.attempts += 1
        return Claim(message_id=message_id, mails=mails, links=links)


def settle_claim(claim: Claim, answer: Answer, *, now: datetime) -> None:
    """Note what the mail server said. What a person settled meanwhile stays.

    A mail counts as sent from when that is noted, not from before the dialogue, which may have taken minutes: whoever
    reads on from the last sent_at, as the planner of reminders does, must not find a mail behind it.
    """
    rows = _rows_of(claim)
    if answer.fate is Fate.TAKEN:
        with transaction.atomic():
            record_rows(action=AuditAction.SENT, noun="mail", rows=rows.select_for_update())
            rows.update(state=MailState.SENT, sent_at=timezone.now(), reason="")
    elif answer.fate is Fate.REFUSED:
        rows.update(state=MailState.FAILED, reason=answer.words)
    elif answer.fate is Fate.UNKNOWN:
        rows.update(state=MailState.UNKNOWN, reason=answer.words)
    elif claim.first.attempts > len(BACK_OFF):
        rows.update(state=MailState.FAILED, reason=f"Tried {claim.first.attempts} times: {answer.words}"[:200])
    else:
        due_at = now + BACK_OFF[claim.first.attempts - 1]
        rows.update(state=MailState.WAITING, due_at=due_at, hold_reason=f"Put off by the server: {answer.words}"[:200])


def give_back(claim: Claim, *, reason: str, now: datetime) -> None:
    """Let a mail wait again that was claimed and has not gone out, through no fault of its own."""
    _rows_of(claim).update(
        state=MailState.WAITING, attempts=F("attempts") - 1, due_at=now + _MINUTE, hold_reason=reason[:200]
    )


def note_lost_mails(*, now: datetime) -> int:
    """Mark what a worker that died was sending: nobody knows whether it went out. Return how many rows."""
    lost = Mail.objects.filter(state=MailState.SENDING, marked_at__lt=now - LOST_AFTER)
    return lost.update(
        state=MailState.UNKNOWN, reason="The portal stopped while the mail was handed to the mail server."
    )


def note_obstacles(obstacles: dict[int, Obstacle], *, now: datetime) -> None:
    """Hold or silence waiting mails, by their keys."""
    by_obstacle: dict[Obstacle, list[int]] = {}
    for pk, obstacle in obstacles.items():
        by_obstacle.setdefault(obstacle, []).append(pk)
    for obstacle, pks in by_obstacle.items():
        rows = Mail.objects.waiting().filter(pk__in=pks)
        if obstacle.silences:
            rows.update(state=MailState.SILENCED, reason=obstacle.reason, hold_reason="")
        else:
            rows.update(due_at=obstacle.until or now + HELD_FOR, hold_reason=obstacle.reason)


def _rows_of(claim: Claim) -> "QuerySet[Mail]":
    """Its rows, as long as nobody has decided about them: also those that were given up as lost too early.

    A person's decision ends the state `unknown`, or with "send again" the Message-ID.
    """
    return Mail.objects.filter(
        rfc_message_id=claim.message_id,
        state__in=[MailState.SENDING, MailState.UNKNOWN],
        pk__in=[mail.pk for mail in claim.mails],
    )


def _count_marked_since(moment: datetime, *, most: int) -> int:
    marked = Mail.objects.filter(marked_at__gt=moment).order_by()
    return marked.values("rfc_message_id").distinct()[:most].count()


def _lock_with_same_address(mail_id: int) -> list[Mail]:
    """Return a waiting mail and all others that wait for the same message, step and address, locked, it first."""
    waiting = Mail.objects.waiting().select_for_update(skip_locked=True, of=("self",))
    waiting = waiting.select_related("message__campaign", "customer__utility", "link__customer")
    first = waiting.filter(pk=mail_id).first()
    if first is None:
        return []
    lower = Customer.objects.alias(lower_email=Lower("email")).filter(lower_email=Lower(Value(first.customer.email)))
    others = waiting.filter(message=first.message_id, step=first.step, customer__in=lower.values("pk"))
    digest = digest_address(first.customer.email)
    same = [mail for mail in others.order_by("pk") if digest_address(mail.customer.email) == digest]
    return same or [first]


def _clear(mails: list[Mail], *, digest: str, now: datetime) -> tuple[list[Mail], list[Link]]:
    """Note what stands in the way; return what may go out now, and its links. One that is held holds all of them."""
    if earlier := _find_earlier(mails[0], digest):
        note_obstacles({mail.pk: earlier for mail in mails}, now=now)
        return [], []
    obstacles = find_obstacles(mails, now)
    note_obstacles(obstacles, now=now)
    clear = [mail for mail in mails if mail.pk not in obstacles]
    held = next((obstacle for obstacle in obstacles.values() if not obstacle.silences), None)
    if held:
        note_obstacles({mail.pk: held for mail in clear}, now=now)
        return [], []
    too_many = Obstacle(f"Its address has more than {MOST_SITES} sites.", silences=True)
    note_obstacles({mail.pk: too_many for mail in clear[MOST_SITES:]}, now=now)
    return clear[:MOST_SITES], _find_links(clear[:MOST_SITES])


def _find_earlier(mail: Mail, digest: str) -> Obstacle | None:
    """Return what an earlier mail of the message to the same address means for this one."""
    earlier = Mail.objects.filter(address_digest=digest, message=mail.message_id, step=mail.step)
    states = set(earlier.order_by().values_list("state", flat=True).distinct())
    if states & {MailState.SENT, MailState.STOPPED}:
        return Obstacle("This address got the message already.", silences=True)
    if states & {MailState.SENDING, MailState.UNKNOWN}:
        return Obstacle("It is not known yet whether this address got the message.", silences=False)
    return None


def _find_links(mails: list[Mail]) -> list[Link]:
    """Return what the mail lists: of each site the link that was handed out, or its successor, and of Legacy's sites
    the campaign's links to their other utilities."""
    leads_to = follow_links(mail.link for mail in mails)
    own = [leads_to[mail.link_id] for mail in mails]
    of_campaign = Link.objects.live().filter(
        campaign=mails[0].message.campaign_id, customer__in=[mail.customer_id for mail in mails] if mails else []
    )
    more = {link.pk: link for link in of_campaign.select_related("customer", "utility").order_by("pk")}
    chosen: dict[int, Link] = {}
    for mail, link in zip(mails, own, strict=True):
        chosen[link.pk] = more.get(link.pk, link)
        chosen |= {pk: other for pk, other in more.items() if other.customer_id == mail.customer_id}
    return list(chosen.values())
