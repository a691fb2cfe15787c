"""Links that web visitors ask for: kept while the visitor waits, made and mailed by the worker.

What is done for a known and for an unknown address differs only there, behind the answer: the page cannot tell the two
apart, in its words or in its time. A link is mailed to the address and never shown.

Also to an address that unsubscribed: the mail answers what its reader asks for in this moment, and invites to nothing.
Invitations and reminders stay stopped (services/mail_stops.py).
"""

import logging
import smtplib
from email.utils import formataddr

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.authorizations.models import (
    AuditAction,
    Customer,
    Flow,
    Installation,
    Journey,
    LandingPage,
    Link,
    LinkRequest,
    LinkRequestState,
    Utility,
)
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.links import IssueRefused, hold_customers, issue_link
from portal.authorizations.services.mail_composer import sender_address
from portal.authorizations.services.mail_stops import mark_stopped

logger = logging.getLogger(__name__)

#: A mail server that is away for an hour loses nobody's link: the worker looks every half minute.
MOST_ATTEMPTS = 120
#: The server refuses for good: asking again changes nothing.
_FOR_GOOD = 500
#: Of an installation that has neither DEFAULT_FROM_EMAIL nor a support email yet.
NO_SENDER = "webmaster@localhost"
#: Sites of one address whose links go into one mail.
MOST_SITES = 10


class MailServerAway(Exception):  # noqa: N818
    """The mail server does not answer, or not to us: whatever else waits, waits on."""


def keep_link_request(
    *,
    page: LandingPage,
    email: str,
    language: str,
    name: str = "",
    utility: Utility | None = None,
    customer_type: str = "",
) -> LinkRequest:
    """Keep what a visitor asked for; nothing is looked up, whoever asks."""
    return LinkRequest.objects.create(
        landing_page=page,
        requested_at=timezone.now(),
        email=email,
        name=name,
        utility=utility,
        customer_type=customer_type,
        language=language,
    )


def answer_link_requests() -> int:
    """Make and mail the links that were asked for; return how many mails went out.

    When the mail server is away the rest waits for the next look, and so does not wait for each of them in turn.
    """
    mailed = 0
    for pk in LinkRequest.objects.waiting().order_by("pk").values_list("pk", flat=True).iterator(chunk_size=500):
        try:
            mailed += answer_link_request(request_id=pk)
        except MailServerAway:
            break
    return mailed


def answer_link_request(*, request_id: int) -> bool:
    """Make the links of one request, mail them, and forget who asked. Return whether the mail went out.

    Noted as mailed before the mail server is spoken to: after a crash in between nothing is sent twice, and whoever
    misses the mail asks again. Raises MailServerAway, after the request was noted as waiting.
    """
    with transaction.atomic():
        waiting = LinkRequest.objects.waiting().select_for_update(skip_locked=True, of=("self",))
        asked = waiting.select_related("utility").filter(pk=request_id).first()
        if asked is None:
            return False
        email, name = asked.email, asked.name
        links = _make_links(asked)
        asked.links.set(links)
        asked.state = LinkRequestState.MAILED if links else LinkRequestState.REFUSED
        asked.problem = "" if links else "The page was closed, its flow no longer live, or the flow refused."
        _save(asked, email="", name="")
    if not links:
        return False
    try:
        _mail(to=email, language=asked.language, links=links)
    except OSError as error:  # smtplib's errors are OSErrors, too
        # Their words would repeat the address.
        logger.warning("The mail of request %s was not taken: %s", asked.pk, type(error).__name__)
        asked.attempts += 1
        asked.problem = f"The mail server did not take it: {type(error).__name__}."
        codes = _codes(error)
        with transaction.atomic():
            if hold_customers({link.customer_id for link in links if link.customer_id}):
                # Erased while the mail server was spoken to: what was asked before that is not asked again.
                asked.state, asked.problem = LinkRequestState.REFUSED, ""
                _save(asked, email="", name="")
            elif (codes and min(codes) >= _FOR_GOOD) or asked.attempts >= MOST_ATTEMPTS:
                asked.state = LinkRequestState.FAILED
                _save(asked, email="", name="")
            else:
                asked.state = LinkRequestState.WAITING
                _save(asked, email=email, name=name)
        if not codes:
            raise MailServerAway from None
        return False
    record_rows(action=AuditAction.SENT, noun="link", rows=[link.pk for link in links])
    return True


def _codes(error: OSError) -> list[int]:
    """Return what the mail server answered about this mail; empty: it said nothing about it, whatever it is at."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    if isinstance(error, (smtplib.SMTPDataError, smtplib.SMTPSenderRefused)):
        return [error.smtp_code]
    return []


def _save(asked: LinkRequest, *, email: str, name: str) -> None:
    asked.email, asked.name = email, name
    asked.save(update_fields=["state", "attempts", "problem", "email", "name"])


def _make_links(asked: LinkRequest) -> list[Link]:
    """Return the links of whoever has this address: every site that the flow takes, or a new customer's."""
    # Two visitors with one new address, at once with two workers, must not become two customers.
    page = LandingPage.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=asked.landing_page_id)
    flow = Flow.objects.get(pk=page.flow_id)
    if not (page.is_open and flow.is_live):
        return []
    links = [link for site in _find_sites(asked.email) if (link := _link_of(site, asked=asked, page=page, flow=flow))]
    if links:
        return links
    link = _link_of(_add_customer(asked, flow), asked=asked, page=page, flow=flow)
    return [link] if link else []


def _find_sites(email: str) -> list[Customer]:
    """Return the sites of an address, in any case of its letters.

    The mail goes to what was typed: letters beyond ASCII whose case meets another letter's (“ı”, the Kelvin sign) must
    not fetch the link of somebody else, so there only the very same address counts.
    """
    lower = Customer.objects.alias(lower_email=Lower("email")).filter(lower_email=Lower(Value(email)))
    found = lower.select_related("utility").order_by("pk")[:MOST_SITES]
    return [site for site in found if site.email == email or (site.email.isascii() and email.isascii())]


def _link_of(customer: Customer, *, asked: LinkRequest, page: LandingPage, flow: Flow) -> Link | None:
    """Return the customer's live link of the flow, in whatever campaign, or a new one; None: the flow refuses."""
    live = Link.objects.live().filter(customer=customer, flow=flow).order_by("pk").first()
    if live is not None:
        return live
    utilities = None
    if flow.journey == Journey.LEGACY and customer.utility_id is None and asked.utility is not None:
        utilities = [asked.utility]
    # A public door works whatever has become of the campaign that counts its links.
    campaign = page.campaign if page.campaign and page.campaign.is_running else None
    try:
        return issue_link(customer=customer, flow=flow, issued_by=None, campaign=campaign, utilities=utilities).link
    except IssueRefused:
        return None


def _add_customer(asked: LinkRequest, flow: Flow) -> Customer:
    day = timezone.localdate(asked.requested_at)
    customer = Customer(
        name=asked.name or asked.email[:200],
        email=asked.email,
        utility=asked.utility,
        customer_type=asked.customer_type,
        language=asked.language,
        notes=f"Asked for a link on the hosted page of “{flow}”, {day:%Y-%m-%d}. Nobody has checked who it was.",
    )
    mark_stopped([customer])
    customer.save(force_insert=True)
    record(action=AuditAction.ADDED, noun="customer", row=customer.pk)
    return customer


def _mail(*, to: str, language: str, links: list[Link]) -> None:
    """Send the links to the address that asked. Nothing that was typed stands in it: anybody may type anything."""
    installation = Installation.objects.current()
    partner, support = installation.partner_name, installation.support_email
    context = {"installation": installation, "links": links, "language": language, "several": len(links) > 1}
    with translation.override(language):
        subject = " ".join(render_to_string("emails/link_requested_subject.txt", context).split())
        text = render_to_string("emails/link_requested.txt", context)
        html = render_to_string("emails/link_requested.html", context)
    message = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=formataddr((partner, sender_address(installation) or NO_SENDER)),
        to=[to],
        reply_to=[support] if support else [],
        # No out-of-office answers, please (RFC 3834).
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    message.attach_alternative(html, "text/html")
    message.send()
