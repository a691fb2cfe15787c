"""Invitations on the wire: what a real SMTP server got, and what became of each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.authorizations.models import Campaign, Installation, Link, Mail
from portal.authorizations.services.mailings import queue_invitations, send_due_mails
from tests.factories import make_campaign, make_customer, make_link
from tests.smtp_server import Mailbox, smtp_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installation(db: None) -> Installation:
    return Installation.objects.create(
        leap_environment="production",
        partner_name="Núñez & Söhne",
        support_email="help@acme.example",
        postal_address="Acme Energy\n1 Main St, Fresno, CA 93722",
        mails_per_minute=600,
    )


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    with smtp_server(settings) as box:
        yield box


def invite(*links: Link) -> list[Mail]:
    for campaign in Campaign.objects.filter(links__in=links).distinct():
        queue_invitations(campaign=campaign, link_ids=[link.pk for link in links], due_at=timezone.now())
    return list(Mail.objects.order_by("pk"))


def make_invited(**fields: Any) -> Mail:
    campaign = make_campaign()
    link = make_link(customer=make_customer(**fields), campaign=campaign, flow=campaign.flow)
    invite(link)
    return Mail.objects.get(link=link)


def send(most: int = 100, **later: int) -> int:
    return send_due_mails(now=timezone.now() + timedelta(**later), most=most)


def test_sent(box: Mailbox) -> None:
    mail = make_invited(email="rosa@example.com")
    assert send() == 1
    mail.refresh_from_db()
    assert mail.state == "sent"
    header = box.mail_to("rosa@example.com")["List-Unsubscribe"]
    assert header.startswith("<http")
