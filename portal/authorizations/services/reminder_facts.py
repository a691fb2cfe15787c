"""What the rules of reminders need to know, read for many customers at once: a fixed number of queries a batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from portal.authorizations.models import (
    DEFAULT_EXPECTED_DAYS,
    PROVEN,
    Campaign,
    CampaignState,
    Connection,
    Customer,
    Link,
    Mail,
    MailState,
    MessageKind,
    Outage,
    PaperAuthorization,
    Utility,
    Visit,
)
from portal.authorizations.services import reminder_rules as rules
from portal.authorizations.services.mail_stops import digest_address
from portal.authorizations.services.time_zones import find_zone

#: A customer in a campaign: their keys.
Pair = tuple[int, int]
#: Of these a mail server has, or may have, the reminder: of those stopped, if its mark is left ("Leave it at that").
_MAY_HAVE_GONE_OUT: Final = (MailState.SENT, MailState.SENDING, MailState.UNKNOWN, MailState.STOPPED)


def read_cases(pairs: Collection[Pair]) -> dict[Pair, rules.Case]:
    """Return what is known of customers in campaigns (campaign key, customer key); a pair that is gone is left out."""
    today = timezone.localdate()
    campaigns = Campaign.objects.select_related("flow").in_bulk({campaign for campaign, _ in pairs})
    customers = Customer.objects.select_related("utility").in_bulk({customer for _, customer in pairs})
    links_of: dict[int, list[Link]] = defaultdict(list)
    links = Link.objects.filter(customer__in=customers).select_related("utility").order_by("pk")
    for link in links.prefetch_related("requested_utilities"):
        links_of[link.customer_id or 0].append(link)
    asked = {pk: [link for link in found if link.campaign_id in campaigns] for pk, found in links_of.items()}
    zones = _find_zones(customers, asked)
    facts = _read_links([link for found in asked.values() for link in found], customers)
    mails = _read_mails(customers)
    reminded = _read_last_reminders(customers)
    proofs = _read_proofs(customers, links_of)
    papers = PaperAuthorization.objects.filter(customer__in=customers, withdrawn_at__isnull=True, metered_at=None)
    signed = dict(papers.order_by("signed_on").values_list("customer", "signed_on"))
    cases = {}
    for pair in pairs:
        campaign, customer = campaigns.get(pair[0]), customers.get(pair[1])
        if campaign is None or customer is None:
            continue
        invited_at, last_taken = mails.get(pair, (None, {}))
        cases[pair] = rules.Case(
            zone=zones[customer.pk],
            links=tuple(facts[link.pk] for link in asked.get(customer.pk, ()) if link.campaign_id == campaign.pk),
            reminds_abandoned=campaign.reminds_abandoned,
            no_visit_days=rules.read_days(campaign.no_visit_days),
            is_over=campaign.state in (CampaignState.CLOSED, CampaignState.DRAFT),
            held_by_campaign=campaign.why_no_mails(today),
            invited_at=invited_at,
            last_taken=last_taken,
            last_reminder=reminded.get(customer.pk),
            proof=proofs.get(customer.pk, ""),
            unwanted=_why_unwanted(customer),
            paper_signed_on=signed.get(customer.pk),
        )
    return cases


def read_outages(now: datetime) -> dict[int, rules.Outage]:
    """Return the utilities that are down, by their keys."""
    down = Outage.objects.at(now).select_related("utility").order_by("-began_at")
    return {outage.utility_id: rules.Outage(name=outage.utility.short_name, since=outage.began_at) for outage in down}


def find_utilities(link: Link, customer: Customer) -> list[Utility]:
    """Return those that the customer would sign in at: the own one if the link asks for it, else all it asks for."""
    asked = link.utilities_asked
    if link.utility is None and customer.utility and (not asked or customer.utility in asked):
        return [customer.utility]
    return asked


def get_portal_zone() -> ZoneInfo:
    """Return the zone by whose clock the portal's pages name moments: TIME_ZONE."""
    return ZoneInfo(settings.TIME_ZONE)


def _find_zones(customers: dict[int, Customer], links_of: dict[int, list[Link]]) -> dict[int, ZoneInfo]:
    """By whose clock each lives, as the own utility tells, or else what the links ask for or their flows offer."""
    regions: dict[int, set[str]] = {}
    unclear: dict[int, list[int]] = {}
    for pk, customer in customers.items():
        links = links_of.get(pk, [])
        utilities = [customer.utility] if customer.utility else [u for link in links for u in link.utilities_asked]
        regions[pk] = {utility.region for utility in utilities}
        if links and not utilities:
            unclear[pk] = [link.flow_id for link in links]
    if unclear:
        flows = {flow for found in unclear.values() for flow in found}
        offered: dict[int, set[str]] = defaultdict(set)
        for flow, region in Utility.objects.filter(flows__in=flows).order_by().values_list("flows", "region"):
            offered[flow].add(region)
        for pk, found in unclear.items():
            regions[pk] = {region for flow in found for region in offered[flow]}
    default = get_portal_zone()
    return {
        pk: find_zone(regions=regions[pk], state=customer.state, default=default) for pk, customer in customers.items()
    }


def _read_links(links: list[Link], customers: dict[int, Customer]) -> dict[int, rules.LinkFacts]:
    visits = Visit.objects.filter(link__in=links).order_by().values_list("link").annotate(Max("at"))
    visited_at: dict[int, datetime] = dict(visits)
    heard_at: dict[int, datetime] = {}
    completed_at: dict[int, datetime] = {}
    for link_pk, utility_name, last_event_at, completed in Connection.objects.filter(link__in=links).values_list(
        "link", "utility_name", "last_event_at", "completed_at"
    ):
        heard_at[link_pk] = max(last_event_at, heard_at.get(link_pk, last_event_at))
        if completed and not utility_name:
            completed_at[link_pk] = completed
    facts = {}
    for link in links:
        utilities = find_utilities(link, customers[link.customer_id or 0])
        facts[link.pk] = rules.LinkFacts(
            pk=link.pk,
            is_live=link.is_live,
            visited_at=visited_at.get(link.pk, link.first_visited_at),
            at_leap_at=heard_at.get(link.pk),
            is_failed=link.failed_at is not None,
            returned_at=link.first_returned_at,
            completed_at=completed_at.get(link.pk),
            expected_days=max((utility.expected_days for utility in utilities), default=DEFAULT_EXPECTED_DAYS),
            utilities=frozenset(utility.pk for utility in utilities),
        )
    return facts


def _read_mails(customers: Iterable[int]) -> dict[Pair, tuple[datetime | None, dict[str, int]]]:
    """When each was invited and which steps were taken, by campaign and customer."""
    invited_at: dict[Pair, datetime] = {}
    taken: dict[Pair, dict[str, int]] = defaultdict(dict)
    mails = Mail.objects.filter(customer__in=list(customers)).order_by("pk")
    for campaign, customer, kind, step, state, sent_at in mails.values_list(
        "message__campaign", "customer", "message__kind", "step", "state", "sent_at"
    ):
        if kind == MessageKind.INVITATION:
            if sent_at:
                invited_at[campaign, customer] = sent_at
        elif state != MailState.WAITING:
            taken[campaign, customer][kind] = max(step, taken[campaign, customer].get(kind, -1))
    pairs = {*invited_at, *taken}
    return {pair: (invited_at.get(pair), dict(taken.get(pair, {}))) for pair in pairs}


def _read_last_reminders(customers: dict[int, Customer]) -> dict[int, rules.LastReminder]:
    """When each was reminded last, in any campaign: under this row, or another with the same address.

    One on the wire counts, and one of which nobody knows whether it went out: two would be one too many.
    """
    digests = {pk: digest_address(customer.email) for pk, customer in customers.items()}
    out = Mail.objects.filter(is_reminder=True, state__in=_MAY_HAVE_GONE_OUT).order_by()
    own = _find_last(out.filter(customer__in=list(customers)), "customer")
    # That it is not empty is said for its index.
    at_address = out.filter(address_digest__in={*digests.values()} - {""}).exclude(address_digest="")
    by_digest = _find_last(at_address, "address_digest")
    found = {}
    for pk, digest in digests.items():
        known = [last for last in (own.get(pk), by_digest.get(digest)) if last]
        if known:
            found[pk] = max(known, key=lambda last: last.at)
    return found


def _find_last(mails: "QuerySet[Mail]", by: str) -> dict[Any, rules.LastReminder]:
    """The last of these mails for each value of a field, in one query."""
    found: dict[Any, rules.LastReminder] = {}
    rows = mails.values(by, "state").annotate(last_sent=Max("sent_at"), last_marked=Max("marked_at"))
    for value, state, *moments in rows.values_list(by, "state", "last_sent", "last_marked"):
        at = max((moment for moment in moments if moment), default=None)
        if at and (value not in found or at > found[value].at):
            found[value] = rules.LastReminder(at=at, is_sure=state == MailState.SENT)
    return found


def _read_proofs(customers: dict[int, Customer], links_of: dict[int, list[Link]]) -> dict[int, str]:
    """What Leap says of each one's site: one row is one site, so any link of the customer counts, whatever its flow."""
    proofs: dict[int, str] = {}
    papers = PaperAuthorization.objects.filter(customer__in=customers, metered_at__isnull=False)
    for customer in papers.values_list("customer", flat=True):
        proofs[customer] = "Leap shows a meter of this customer, by a paper form."
    for pk, links in links_of.items():
        for link in links:
            if link.metered_at or link.enrolled_at:
                proofs[pk] = f"Leap shows a meter of this customer, by the link {link.reference_id}."
            elif link.status in PROVEN and pk not in proofs:
                proofs[pk] = f"Leap says that this customer has authorized, by the link {link.reference_id}."
    return {**_read_neighbours([c for pk, c in customers.items() if pk not in proofs]), **proofs}


def _read_neighbours(customers: list[Customer]) -> dict[int, str]:
    """The same site under another row: the same address, and the same email or name. Its meter is this one's, too."""
    at_address: dict[str, list[Customer]] = defaultdict(list)
    for customer in customers:
        if customer.door_order and customer.street:
            at_address[customer.door_order].append(customer)
    proven = Link.objects.filter(customer__door_order__in=list(at_address), status__in=PROVEN)
    found: dict[int, str] = {}
    for link in proven.select_related("customer").order_by("pk"):
        other = link.customer
        for customer in at_address[other.door_order] if other else ():
            if other and customer.pk != other.pk and _is_same_person(customer, other):
                found[customer.pk] = f"Leap shows that this site has authorized, by the link {link.reference_id}."
    return found


def _is_same_person(one: Customer, other: Customer) -> bool:
    if one.email and one.email.casefold() == other.email.casefold():
        return True
    return (str(one).casefold(), one.company.casefold()) == (str(other).casefold(), other.company.casefold())


def _why_unwanted(customer: Customer) -> str:
    if customer.erased_at:
        return "The customer was erased."
    if customer.refused_at:
        return f"Refused at the door on {_day(customer.refused_at)}."
    if customer.mail_stopped_at:
        return "The address gets no more mails."
    if customer.reminders_stopped_at:
        return f"Reminders were stopped on {_day(customer.reminders_stopped_at)}."
    return "" if customer.email else "No email address."


def _day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y}"
