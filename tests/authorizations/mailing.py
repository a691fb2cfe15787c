"""What the tests of mails share: an installation that may send, customers who are invited, and a look by the clock."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.authorizations.models import Campaign, Channel, Installation, Link, Mail
from portal.authorizations.services.mailings import queue_invitations, send_due_mails
from tests.factories import make_campaign, make_customer, make_link


def make_installation(**fields: Any) -> Installation:
    """One with a postal address and a sender: mails may go out."""
    values = {
        "leap_environment": "production",
        "partner_name": "Núñez & Söhne",
        "support_email": "help@acme.example",
        "postal_address": "Acme Energy\n1 Main St, Fresno, CA 93722",
        "mails_per_minute": 600,
        "brand_colour": "#7a1f5c",
        **fields,
    }
    installation, _ = Installation.objects.update_or_create(id=1, defaults=values)
    Installation.objects.forget()
    return installation


def make_invited(*, campaign: Campaign | None = None, **customer: Any) -> Mail:
    """A customer with a link in a running campaign, whose invitation is due."""
    campaign = campaign or make_campaign(channel=Channel.EMAIL)
    link = make_link(customer=make_customer(**customer), campaign=campaign, flow=campaign.flow)
    return invite(link)


def invite(link: Link) -> Mail:
    assert link.campaign is not None
    queue_invitations(campaign=link.campaign, link_ids=[link.pk], due_at=timezone.now())
    return Mail.objects.get(link=link)


def send(most: int = 100, **later: int) -> int:
    """One look of the worker, now or later."""
    return send_due_mails(now=timezone.now() + timedelta(**later), most=most)


def states() -> list[str]:
    """What became of the mails, in the order in which they were queued."""
    return list(Mail.objects.order_by("pk").values_list("state", flat=True))
