"""`demo`: sample data for a first look, once; and nowhere but in the sandbox."""

import io
from collections import Counter
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import (
    PROVEN,
    Customer,
    Flow,
    Installation,
    Link,
    LinkStatus,
    Meter,
    PaperAuthorization,
    PaperStatus,
    SyncRun,
    Utility,
)
from portal.authorizations.services.demo import PASSWORD
from portal.authorizations.services.scans import has_scan
from tests.factories import make_flow, make_link


@pytest.fixture
def sandbox(settings: Any, db: None) -> None:
    settings.LEAP_ENVIRONMENT = "sandbox"
    Installation.objects.all().delete()


def run() -> str:
    out = io.StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("sandbox")
class TestDemo:
    def test_three_sign_ins_are_printed_and_work(self) -> None:
        printed = run()
        for username, role in (("admin", "admin"), ("manager", "program manager"), ("rep", "field rep")):
            assert f"{role:<17}{username:<10}{PASSWORD}" in printed
            assert Client().login(username=username, password=PASSWORD)
            assert User.objects.get(username=username).role == role

    def test_first_flow_is_live_connect_with_everything(self) -> None:
        """Design.md §7: both regions, both customer types, all six utilities."""
        run()
        flow = Flow.objects.order_by("pk")[0]
        assert (flow.state, flow.journey, flow.customer_types) == ("live", "connect", "both")
        assert set(flow.utilities.all()) == set(Utility.objects.all())
        assert {region.value for region in flow.regions} == {"CAISO", "NYISO"}

    def test_links_in_every_status_and_marked_ones(self) -> None:
        run()
        statuses = Counter(Link.objects.values_list("status", flat=True))
        assert set(statuses) == set(LinkStatus.values)
        assert Link.objects.filter(replaced_by__isnull=False).exists()
        assert Link.objects.filter(customer=None, reference_id=None).exists()

    def test_what_leap_says_stands_on_its_events_and_meters(self) -> None:
        """No milestone without the row that proves it; some failed, some meters are nobody's, one is archived."""
        run()
        proven = Link.objects.filter(status__in=PROVEN)
        assert proven.count() > 50
        assert all(link.events.filter(event_status="COMPLETED").exists() for link in proven)
        metered = list(Link.objects.filter(metered_at__isnull=False))
        assert metered
        assert all(link.meter_matches.exists() for link in metered)
        assert Link.objects.filter(failed_at__isnull=False).exists()
        assert Meter.objects.unmatched().filter(is_archived=True).exists()
        assert Meter.objects.filter(needs_authorization=True, matches__isnull=False).exists()
        assert SyncRun.objects.get().state == "done"

    def test_r1_paper_authorizations_in_every_status_with_their_scans(self) -> None:
        run()
        papers = list(PaperAuthorization.objects.select_related("customer__utility"))
        assert {paper.status for paper in papers} == set(PaperStatus)
        assert all(has_scan(paper) and not paper.customer.links.exists() for paper in papers)
        assert {paper.scan_type for paper in papers} == {"application/pdf", "image/jpeg"}

    def test_twice_is_once(self) -> None:
        run()
        before = (Customer.objects.count(), Link.objects.count(), User.objects.count())
        assert "Sample data is there already" in run()
        assert (Customer.objects.count(), Link.objects.count(), User.objects.count()) == before

    def test_changed_password_is_not_printed(self) -> None:
        run()
        user = User.objects.get(username="manager")
        user.set_password("my own words")
        user.save()
        line = next(line for line in run().splitlines() if "program manager" in line)
        assert "(yours)" in line
        assert PASSWORD not in line

    def test_real_work_beside_it_stays(self) -> None:
        run()
        link = make_link(flow=make_flow(name="Mine"))
        run()
        assert Link.objects.filter(pk=link.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_refused_outside_the_sandbox_with_nothing_written(settings: Any, environment: str) -> None:
    settings.LEAP_ENVIRONMENT = environment
    with pytest.raises(CommandError, match=f"LEAP_ENVIRONMENT is {environment}: set LEAP_ENVIRONMENT=sandbox"):
        run()
    assert (User.objects.count(), Customer.objects.count(), Installation.objects.count()) == (0, 0, 0)
