"""The messages that an admin sends to Leap's Partner Success representative (R7, R15, R17), ready to send."""

from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings

from portal.accounts.models import User
from portal.authorizations.models import (
    Address,
    Flow,
    Installation,
    Journey,
    PaperAuthorization,
    PaperForm,
    Variant,
)
from portal.authorizations.services.flow_preview import make_examples


@dataclass(frozen=True, slots=True)
class Message:
    """A mail that a person sends: plain text, lines ended by a line feed."""

    to: str
    subject: str
    body: str

    @property
    def mailto(self) -> str:
        """The mail as a link (RFC 6068: percent-encoded, lines ended by CRLF)."""
        body = quote(self.body.replace("\n", "\r\n"), safe="")
        return f"mailto:{quote(self.to, safe='@')}?subject={quote(self.subject, safe='')}&body={body}"


def confirmation_page_url() -> str:
    """Return the exact address of the confirmation page, as Leap is to set it."""
    return f"{settings.PUBLIC_URL}/leap/thanks"


def compose_flow_request(*, flow: Flow, installation: Installation, by: User) -> Message:
    """Return the message that asks Leap to configure `flow`: branding, eSign forms, utilities, confirmation page."""
    utilities = list(flow.utilities.all())
    partner = installation.partner_name
    if flow.journey == Journey.LEGACY:
        subject = f"{partner} ({flow.org_name}): Legacy ShareMyData links"
        asked = f"please confirm that Legacy ShareMyData links work for our organization {flow.org_name}."
    else:
        subject = f"{partner} ({flow.org_name}): please configure the Leap Connect flow “{flow.title or flow.name}”"
        asked = "please configure this Leap Connect flow for us."
    lines = ["Hello,", "", asked, "", f"Organization: {flow.org_name} ({partner})", f"Environment: {_environment()}"]
    if flow.journey == Journey.CONNECT:
        lines += _connect_address(flow)
        lines += [
            f"Branding: our customers know us as “{partner}”. If you do not have our logo and colours yet, "
            "tell me what you need.",
        ]
        if installation.support_email:
            lines.append(f"Customers with a question write to: {installation.support_email}")
    lines += [
        f"Customer types: {flow.get_customer_types_display()}",
        f"Regions: {', '.join(region.label for region in flow.regions)}",
        "Utilities:",
        *[f"  - {utility.name}, {utility.utility_id} ({utility.region})" for utility in utilities],
    ]
    if flow.journey == Journey.CONNECT:
        lines += _forms(flow)
    lines += [
        "",
        "Confirmation page (customers come back there after authorizing):",
        f"  {confirmation_page_url()}",
        "",
        "Links of this flow will look like this:",
        *[f"  {example.url}" for example in make_examples(flow=flow, utilities=utilities)],
        "",
        "Please tell me when it is configured, and if anything in these links has to be different.",
        *_signature(by, partner),
    ]
    return Message(installation.partner_success_email, subject, "\n".join(lines))


def compose_confirmation_request(*, organizations: list[str], installation: Installation, by: User) -> Message:
    """Return the message that asks Leap to send customers back to this portal's confirmation page."""
    partner = installation.partner_name
    url = confirmation_page_url()
    named = f" ({', '.join(organizations)})" if organizations else ""
    lines = [
        "Hello,",
        "",
        f"please set the Confirmation Page of our organization{named} to exactly this URL, without a slash at the end:",
        "",
        f"  {url}",
        "",
        "It is for Leap Connect and for Legacy ShareMyData. As we understand it, Leap will append the authorization id "
        "and the reference id:",
        "",
        f"  {url}?authorizationId=<authId>&refId=<refId>",
        "",
        f"Environment: {_environment()}",
        "",
        "Please tell me when it is set.",
        *_signature(by, partner),
    ]
    return Message(
        installation.partner_success_email, f"{partner}{named}: please set our Confirmation Page", "\n".join(lines)
    )


def compose_paper_message(*, paper: PaperAuthorization, installation: Installation, by: User) -> Message:
    """Return the message that goes to Leap with a signed form attached (R1).

    The form itself names the customer. The message does not: it also becomes an address that opens a mail program.
    """
    partner = installation.partner_name
    form = paper.get_form_display() if paper.form == PaperForm.CISR_DRP else "a paper authorization form"
    lines = [
        "Hello,",
        "",
        "attached is an authorization that a customer of ours signed on paper. Please register it with this reference "
        "id as its partner reference, so that we recognise its meters:",
        "",
        f"  {paper.reference_id}",
        "",
        f"Form: {form}",
        f"Utility: {paper.utility.name}, {paper.utility.utility_id} ({paper.utility.region})",
        f"Signed on: {paper.signed_on:%Y-%m-%d}",
        f"Environment: {_environment()}",
        "",
        "Please tell me if anything on the form is missing or cannot be read.",
        *_signature(by, partner),
    ]
    subject = f"{partner}: a paper authorization for {paper.utility.short_name}, reference id {paper.reference_id}"
    return Message(installation.partner_success_email, subject, "\n".join(lines))


def _environment() -> str:
    return str(settings.LEAP_ENVIRONMENT)


def _connect_address(flow: Flow) -> list[str]:
    if flow.address == Address.TITLED:
        return [f"URL-friendly title: {flow.title}"]
    lines = [f"Address: connect.leap.energy, transmissionRegion {flow.region}"]
    lines.append(f"Variant: {flow.variant or f'none (your default, {Variant.RESIDENTIAL.value})'}")
    if flow.program:
        lines.append(f"Program: {flow.program}")
    return lines


def _forms(flow: Flow) -> list[str]:
    if not flow.term_names:
        return ["eSign forms: none beyond Leap’s own"]
    return ["eSign forms that customers sign in the flow:", *[f"  - {name}" for name in flow.term_names]]


def _signature(by: User, partner: str) -> list[str]:
    contact = ", ".join(text for text in (by.email, by.phone) if text)
    return ["", "Thank you,", str(by), partner, *([contact] if contact else [])]
