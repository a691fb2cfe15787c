"""What a campaign’s screens say to whoever reads them first: numbers that add up, and nothing promised in vain."""

import pytest
from django.test import Client
from django.utils import timezone

from portal.authorizations.models import Link, Mail
from tests.authorizations.mailing import make_installation
from tests.authorizations.test_campaign_wizard import address, make_draft
from tests.factories import make_customer, make_mail

pytestmark = pytest.mark.django_db


class TestLaunchCard:
    def test_reminders_are_no_part_of_the_invitations(self, manager_client: Client) -> None:
        """All but one invitation are out, and who came is being reminded: only one of the launch's mails waits."""
        make_installation()
        for _ in range(3):
            make_customer()
        campaign = make_draft(channel="email")
        manager_client.post(address(campaign, "launch"))
        sent = list(Mail.objects.order_by("pk").values_list("pk", flat=True)[:2])
        Mail.objects.filter(pk__in=sent).update(state="sent", sent_at=timezone.now())
        for link in Link.objects.all():
            make_mail(link=link, kind="abandoned", is_reminder=True)
        page = manager_client.get(address(campaign, "detail"))
        assert "3 queued: 2 sent, 1 waits: the last leaves about" in page.text
        assert "3 wait" in page.text.split("<dt>Reminders</dt>", 1)[1]
        Mail.objects.filter(is_reminder=False).update(state="sent", sent_at=timezone.now())
        assert "the last leaves about" not in manager_client.get(address(campaign, "detail")).text

    def test_what_was_not_sent_is_counted_too(self, manager_client: Client) -> None:
        make_installation()
        make_customer(), make_customer()
        campaign = make_draft(channel="email")
        manager_client.post(address(campaign, "launch"))
        Mail.objects.filter(pk=Mail.objects.earliest("pk").pk).update(state="silenced")
        assert "2 queued: 0 sent, 1 not sent, 1 waits" in manager_client.get(address(campaign, "detail")).text
