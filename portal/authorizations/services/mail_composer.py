"""One mail of a campaign as it goes over the wire: multipart/alternative of a text and of the HTML with its QR codes.

The HTML and its codes are one multipart/related, the last and so the preferred alternative: programs that show HTML
find the PNGs by Content-ID (they load no SVG and no data: address), those that show text offer no loose attachments.

The headers are Python's own EmailMessage with the SMTP policy: a line break in a value is refused there, and the values
have none, so that nothing anybody typed can add a header.

- From is the sender's own domain with the partner's name, so that SPF, DKIM and DMARC hold; answers go to the support
  address by Reply-To.
- List-Unsubscribe and List-Unsubscribe-Post as RFC 8058 has them; the latter asks for https, so it is left out without.
- No Auto-Submitted: RFC 3834 keeps it for answers and notices of machines, and these are letters that people send. No
  Precedence: RFC 2076 discourages it. X-Auto-Response-Suppress keeps out-of-office answers away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any, Final, cast

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from portal.authorizations.models import Customer, Installation, Link, Message
from portal.authorizations.services.messages import fill_words, words_in
from portal.printing.qr import qr_png

#: Of so many sites the codes are shown; more would make the mail heavy, and the buttons and links are there.
MOST_CODES: Final = 4
_CODE_SIZE_MM: Final = 40
_SALT: Final = "unsubscribe"


@dataclass(frozen=True)
class Code:
    """A QR code in a mail: its Content-ID without the angle brackets, and the PNG."""

    cid: str
    png: bytes


@dataclass(frozen=True)
class Letter:
    """What a customer reads: the subject, the text, the HTML and the codes that it shows."""

    subject: str
    text: str
    html: str
    codes: tuple[Code, ...]


class _UrlHeader(UnstructuredHeader):
    """A header that is one address in angle brackets: on one line, as folding would write a long one in code."""

    name: str

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", cast(Any, _UrlHeader))
_POLICY: Final = SMTP.clone(header_factory=_HEADERS)


class OutgoingMail(EmailMultiAlternatives):
    """A letter with its address and headers, for any of Django's mail backends."""

    def __init__(
        self, *, letter: Letter, to: str, installation: Installation, message_id: str, unsubscribe_url: str = ""
    ) -> None:
        sender = sender_address(installation)
        super().__init__(subject=letter.subject, body=letter.text, from_email=sender, to=[to])
        self.attach_alternative(letter.html, "text/html")
        self.letter = letter
        self.partner = " ".join(installation.partner_name.split())
        self.reply_to = [installation.support_email] if installation.support_email else []
        self.message_id, self.unsubscribe_url = message_id, unsubscribe_url

    def message(self, *, policy: Any = None) -> Any:
        """Return it as an EmailMessage of Python's email package, with the SMTP policy."""
        mail = EmailMessage(policy=policy or _POLICY)
        mail["From"] = Address(self.partner, addr_spec=to_ascii(self.from_email))
        mail["To"] = Address(addr_spec=to_ascii(self.to[0]))
        if self.reply_to:
            mail["Reply-To"] = Address(addr_spec=to_ascii(self.reply_to[0]))
        mail["Subject"] = self.letter.subject
        mail["Date"] = format_datetime(timezone.now())
        mail["Message-ID"] = self.message_id
        if self.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            if self.unsubscribe_url.startswith("https:"):
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
        mail.set_content(self.letter.text, cte="quoted-printable")
        mail.add_alternative(self.letter.html, subtype="html", cte="quoted-printable")
        html: Any = mail.get_payload(1)
        for number, code in enumerate(self.letter.codes, start=1):
            html.add_related(
                code.png, "image", "png", cid=f"<{code.cid}>", filename=f"code-{number}.png", disposition="inline"
            )
        return mail


def sender_address(installation: Installation) -> str:
    """Return the address that mails come from: DEFAULT_FROM_EMAIL, or else the support email; empty: none is set."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1] or installation.support_email


def to_ascii(address: str) -> str:
    """Return an address with its domain as mail servers write it. UnicodeError: it cannot be written so."""
    local, _, domain = address.rpartition("@")
    local.encode("ascii")
    return f"{local}@{domain.encode('idna').decode()}"


def make_message_id(installation: Installation) -> str:
    """Return a new Message-ID of the sender's domain."""
    return make_msgid(domain=to_ascii(sender_address(installation)).rpartition("@")[2])


def compose_letter(
    *, message: Message, customer: Customer, links: Sequence[Link], installation: Installation, unsubscribe_url: str
) -> Letter:
    """Write one letter, in the customer's language, about one link or the links of several sites."""
    language = customer.language
    written = words_in(message, language)
    words = fill_words(
        written,
        customer=customer,
        partner=installation.partner_name,
        campaign=message.campaign,
        language=language,
    )
    # The host of a Content-ID says nothing; the link's code makes it unique in the mail.
    codes = [
        Code(cid=f"code-{link.code.lower()}@{_host()}", png=qr_png(link.short_url_for_codes, size_mm=_CODE_SIZE_MM))
        for link in links[:MOST_CODES]
        if len(links) <= MOST_CODES
    ]
    cids = {link.pk: code.cid for link, code in zip(links, codes, strict=False)}
    context = {
        "installation": installation,
        "subject": words.subject,
        "body": words.body,
        "paragraphs": [paragraph.strip() for paragraph in words.body.split("\n\n") if paragraph.strip()],
        "sites": [{"link": link, "address": _site(link), "cid": cids.get(link.pk, "")} for link in links],
        "several": len(links) > 1,
        "language": language,
        "postal_address": [line.strip() for line in installation.postal_address.splitlines() if line.strip()],
        "unsubscribe_url": unsubscribe_url,
    }
    with translation.override(language):
        text = render_to_string("emails/campaign.txt", context)
        html = render_to_string("emails/campaign.html", context)
    return Letter(subject=words.subject, text=text.strip() + "\n", html=html, codes=tuple(codes))


def _site(link: Link) -> str:
    return (link.customer.address if link.customer else "") or link.title


def _host() -> str:
    return str(settings.PUBLIC_URL).partition("://")[2].partition(":")[0]


def make_unsubscribe_url(mail_id: int) -> str:
    """Return the address at which the reader of a mail says that no more is wanted; 0: of a mail that is none."""
    token = Signer(salt=_SALT).sign(str(mail_id)).replace(":", "-", 1)
    return f"{settings.PUBLIC_URL}{reverse('unsubscribe', args=[token])}"


def read_unsubscribe_token(token: str) -> int:
    """Return the key of the mail that a token was made for; 0: none, or somebody made it up."""
    try:
        return int(Signer(salt=_SALT).unsign(token.replace("-", ":", 1)))
    except (BadSignature, ValueError):
        return 0
