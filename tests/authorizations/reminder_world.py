"""A world in which customers come, leave and are reminded: a moving clock, a real mail server, the worker's looks."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from portal.authorizations.models import Campaign, Customer, Installation, Link, Mail
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.events import interpret_events, store_event
from portal.authorizations.services.mailings import queue_invitations, send_due_mails
from portal.authorizations.services.meter_matching import match_meters
from portal.authorizations.services.reminders import plan_reminders
from portal.authorizations.services.visits import record_visit
from portal.leap.events import parse_event
from tests.factories import make_campaign, make_customer, make_link, make_meter
from tests.smtp_server import Mailbox

ZONE = ZoneInfo("America/Los_Angeles")


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of March 2026 by the wall clock in California."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE)


@dataclass
class World:
    """One campaign that reminds. `now` moves only by `go`."""

    clock: time_machine.Traveller
    box: Mailbox
    campaign: Campaign = field(init=False)

    def __post_init__(self) -> None:
        Installation.objects.create(
            leap_environment="production",
            partner_name="Acme",
            support_email="help@acme.example",
            postal_address="1 Main St, Fresno, CA 93722",
            mails_per_minute=6000,
        )
        self.campaign = make_campaign(reminds_abandoned=True, no_visit_days=[7, 21])

    def go(self, moment: datetime) -> None:
        """Move the clock to a moment to come, and let the worker look."""
        assert moment >= timezone.now()
        self.clock.move_to(moment)
        self.work()

    def work(self) -> None:
        interpret_events()
        plan_reminders(timezone.now())
        send_due_mails(now=timezone.now(), most=1000)

    def ask(self, *, invite: bool = False, campaign: Campaign | None = None, **fields: Any) -> Link:
        """A customer's link in the campaign."""
        customer = fields.pop("customer", None) or make_customer(**fields)
        campaign = campaign or self.campaign
        link = make_link(customer=customer, campaign=campaign, flow=campaign.flow)
        if invite:
            queue_invitations(campaign=campaign, link_ids=[link.pk], due_at=timezone.now())
        return link

    def visit(self, link: Link) -> None:
        record_visit(link_id=link.pk, via_id=None, at=timezone.now(), ip="192.0.2.0", user_agent="Firefox")

    def come_back(self, link: Link) -> None:
        record_confirmation(
            query_string=f"refId={link.reference_id}",
            at=timezone.now(),
            ip="192.0.2.0",
            user_agent="Firefox",
            is_bot=False,
        )

    def tell(self, link: Link, status: str, utility: str = "") -> None:
        """Leap sends an event of the session, or of the authorization at a utility."""
        payload: dict[str, Any] = {"partner_reference": link.reference_id, "status": status}
        kind = "connect_session.updated"
        if utility:
            kind, payload["utility_name"] = "connect_session.authorization_updated", utility
        body = {"webhook_event_id": str(uuid.uuid4()), "payload": {"webhook_event_type": kind, **payload}}
        store_event(event=parse_event(body), at=timezone.now())

    def bring_meter(self, *links: Link) -> None:
        """A sync shows a meter of these links."""
        references = [link.reference_id for link in links]
        meter = make_meter(connection_references=references, created_at=timezone.now())
        match_meters(meters=[meter], at=timezone.now())

    def reminders(self, customer: Customer | None = None) -> list[Mail]:
        mails = Mail.objects.filter(is_reminder=True).order_by("pk").select_related("message")
        return list(mails.filter(customer=customer) if customer else mails)

    def story(self) -> list[tuple[str, int, str]]:
        """Kind, step and state of each reminder, in the order of their making."""
        return [(mail.message.kind, mail.step, mail.state) for mail in self.reminders()]

    def sent_at(self) -> list[datetime]:
        """When each reminder went out, by the minute and the wall clock."""
        sent = Mail.objects.filter(is_reminder=True, sent_at__isnull=False).order_by("sent_at")
        return [mail.sent_at.astimezone(ZONE).replace(second=0, microsecond=0) for mail in sent if mail.sent_at]

    def waiting(self) -> Mail:
        """The one reminder that waits."""
        return Mail.objects.filter(is_reminder=True).waiting().select_related("message").get()

    def go_by_hours(self, until: datetime) -> None:
        """Let the worker look every hour until then; after four days four times a day."""
        begun = timezone.now()
        while timezone.now() < until:
            step = timedelta(hours=1 if timezone.now() - begun < timedelta(days=4) else 6)
            self.go(min(timezone.now() + step, until))
