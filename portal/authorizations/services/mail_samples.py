"""A campaign's mail before it is sent: a preview, and a test to oneself. Neither is a mail to a customer."""

import base64

from django.utils.html import format_html

from portal.authorizations.models import Campaign, Customer, Installation, Language, Link, Message
from portal.authorizations.services.mail_composer import (
    Letter,
    OutgoingMail,
    compose_letter,
    make_message_id,
    make_unsubscribe_url,
    sender_address,
)
from portal.authorizations.services.mail_server import Answer, MailServer
from portal.authorizations.services.messages import Words


def find_sample(campaign: Campaign) -> Link | None:
    """Return the newest live link of a customer in the campaign, to show a mail with; None: it has none yet."""
    links = Link.objects.live().filter(campaign=campaign, customer__isnull=False)
    return links.select_related("customer__utility").order_by("-pk").first()


def write_sample(
    *, message: Message, words: Words, language: str, installation: Installation, link: Link | None
) -> Letter:
    """Return a letter in these words, unsaved, to the customer of a link, or to somebody made up."""
    if link is None or link.customer is None:
        customer = Customer(name="Rosa Martinez", street="112 Maple St", city="Fresno", state="CA", postal_code="93722")
        link = Link(customer=customer, code="SAMPLE")
    else:
        customer = link.customer
    customer.language = language
    suffix = "_es" if language == Language.SPANISH else ""
    shown = Message(campaign=message.campaign, kind=message.kind)
    setattr(shown, f"subject{suffix}", words.subject)
    setattr(shown, f"body{suffix}", words.body)
    return compose_letter(
        message=shown,
        customer=customer,
        links=[link],
        installation=installation,
        unsubscribe_url=make_unsubscribe_url(0),
    )


_ENVELOPE = (
    '<div style="padding:12px 16px;font:14px/20px sans-serif;color:#1a1f1c;background:#eef1ef;'
    'border-bottom:1px solid #c9d0cc">'
    "<div>{sender}</div><div><strong>{subject}</strong></div></div>"
)


def show_in_browser(letter: Letter, *, installation: Installation) -> str:
    """Return the HTML as a browser shows it: below its sender and subject, codes in place of their Content-IDs, and
    nothing that can be clicked."""
    sender = f"{installation.partner_name} <{sender_address(installation) or 'no sender is set yet'}>"
    envelope = format_html(_ENVELOPE, sender=sender, subject=letter.subject)
    before, body, after = letter.html.replace("<body ", "<body inert ", 1).partition("<body inert ")
    attributes, end, rest = after.partition(">")
    html = f"{before}{body}{attributes}{end}{envelope}{rest}"
    for code in letter.codes:
        html = html.replace(f"cid:{code.cid}", f"data:image/png;base64,{base64.b64encode(code.png).decode()}")
    return html


def send_test(*, letter: Letter, to: str, installation: Installation) -> Answer:
    """Send a letter to oneself, marked as a test. Raises ServerAway."""
    marked = Letter(subject=f"[Test] {letter.subject}", text=letter.text, html=letter.html, codes=letter.codes)
    mail = OutgoingMail(
        letter=marked,
        to=to,
        installation=installation,
        message_id=make_message_id(installation),
        unsubscribe_url=make_unsubscribe_url(0),
    )
    with MailServer() as server:
        return server.hand_over(mail)
