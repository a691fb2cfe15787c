"""What stands in the way of a mail, looked up anew for every batch right before it is sent.

A look takes the mails that nothing was found against so far, and returns an obstacle for some of them. The first one
counts: put a new look into LOOKS where it belongs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

from portal.authorizations.models import PROVEN, Campaign, CampaignState, Customer, Link, Mail
from portal.authorizations.services.mail_stops import digest_address, find_stopped
from portal.authorizations.services.reminders import find_reminder_obstacles


@dataclass(frozen=True)
class Obstacle:
    """Why a mail is not sent now (it waits, and is looked at again), or with `silences` not at all."""

    reason: str
    silences: bool
    until: datetime | None = None
    """Where it is known when it is over: not looked at before."""


Look = Callable[[Sequence[Mail], datetime], dict[int, Obstacle]]
"""Takes mails (with message.campaign.flow, customer and link read), returns obstacles by the mails' keys."""


def find_obstacles(mails: Iterable[Mail], now: datetime) -> dict[int, Obstacle]:
    """Return what stands in the way, by the mail's key; a mail that may go out is not in it."""
    clear = list(mails)
    found: dict[int, Obstacle] = {}
    for look in LOOKS:
        if not clear:
            break
        found |= look(clear, now)
        clear = [mail for mail in clear if mail.pk not in found]
    return found


def follow_links(links: Iterable[Link]) -> dict[int, Link]:
    """Return what each link, by its key, leads to by now: itself, or the last of its successors."""
    last = {link.pk: link for link in links}
    while ahead := {link.replaced_by_id for link in last.values() if link.replaced_by_id}:
        successors = Link.objects.in_bulk(list(ahead))
        last = {pk: successors.get(link.replaced_by_id or 0, link) for pk, link in last.items()}
    return last


def look_at_campaigns(mails: Sequence[Mail], now: datetime) -> dict[int, Obstacle]:
    """A paused campaign holds its mails; a closed one sends none any more."""
    # Read anew: somebody may have paused it since the mails were read.
    wanted = {mail.message.campaign_id for mail in mails}
    campaigns = Campaign.objects.select_related("flow").in_bulk(wanted)
    today = timezone.localdate(now)
    obstacles = {pk: obstacle for pk, campaign in campaigns.items() if (obstacle := _of_campaign(campaign, today))}
    return {mail.pk: obstacles[mail.message.campaign_id] for mail in mails if mail.message.campaign_id in obstacles}


def _of_campaign(campaign: Campaign, today: date) -> Obstacle | None:
    if campaign.state == CampaignState.CLOSED:
        return Obstacle("The campaign is closed.", silences=True)
    if campaign.state != CampaignState.RUNNING:
        return Obstacle(f"The campaign is {campaign.get_state_display()}.", silences=False)
    if campaign.starts_on and campaign.starts_on > today:
        return Obstacle(f"The campaign begins on {date_format(campaign.starts_on)}.", silences=False)
    if campaign.ends_on and campaign.ends_on < today:
        return Obstacle(f"The campaign ended on {date_format(campaign.ends_on)}.", silences=False)
    if not campaign.flow.is_live:
        return Obstacle(f"Its flow is {campaign.flow.get_state_display()}, not live.", silences=False)
    return None


def look_at_customers(mails: Sequence[Mail], now: datetime) -> dict[int, Obstacle]:
    """Nobody is written to who refused, was erased, has no address, or whose address is stopped."""
    stopped = find_stopped(mail.customer.email for mail in mails)
    return {mail.pk: Obstacle(reason, silences=True) for mail in mails if (reason := _of_customer(mail, stopped))}


def _of_customer(mail: Mail, stopped: set[str]) -> str:
    return explain_unmailable(mail.customer, is_address_stopped=digest_address(mail.customer.email) in stopped)


def explain_unmailable(customer: Customer, *, is_address_stopped: bool) -> str:
    """Return why a customer is not written to, or ""."""
    if customer.erased_at:
        return "The customer was erased."
    if customer.refused_at:
        return "The customer refused at the door."
    if not customer.email:
        return "No email address."
    if is_address_stopped or customer.mail_stopped_at:
        return "The address gets no more mails."
    if not is_sendable(customer.email):
        return "The address has letters that mail servers do not take."
    return ""


def is_sendable(address: str) -> bool:
    """Whether any mail server takes the address: ASCII before the @, and a domain that can be written so."""
    local, _, domain = address.rpartition("@")
    try:
        return bool(local) and local.isascii() and bool(domain.encode("idna"))
    except UnicodeError:
        return False


def look_at_links(mails: Sequence[Mail], now: datetime) -> dict[int, Obstacle]:
    """A void link leads nowhere; whom Leap has proven authorized by any link of the flow is asked no more."""
    leads_to = follow_links(mail.link for mail in mails)
    proven = Link.objects.filter(customer__in={mail.customer_id for mail in mails}, status__in=PROVEN)
    authorized = set(proven.values_list("customer", "flow"))
    found: dict[int, Obstacle] = {}
    for mail in mails:
        link = leads_to[mail.link_id]
        if (mail.customer_id, link.flow_id) in authorized or link.status in PROVEN:
            found[mail.pk] = Obstacle("Leap says that the customer has authorized.", silences=True)
        elif link.voided_at is not None:
            found[mail.pk] = Obstacle("The link is void.", silences=True)
    return found


def look_at_reminders(mails: Sequence[Mail], now: datetime) -> dict[int, Obstacle]:
    """What the rules of reminders say; and nobody is led to a utility that is down."""
    found = find_reminder_obstacles(mails, now)
    return {pk: Obstacle(reason, silences, until) for pk, (reason, silences, until) in found.items()}


#: In this order.
LOOKS: Final[list[Look]] = [look_at_customers, look_at_links, look_at_campaigns, look_at_reminders]
