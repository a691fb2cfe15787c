"""A paper authorization's meters come back from Leap by its reference id, and are matched as a link's are (R1, R14)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.authorizations.models import Meter, MeterMatch, PaperAuthorization, PaperStatus
from portal.authorizations.services.meter_sync import sync_meters
from portal.authorizations.services.paper import withdraw_paper_authorization
from tests.authorizations.leap_server import KEY, LeapServer, enrollment_record, meter_record, serve_leap
from tests.factories import make_link, make_paper

pytestmark = pytest.mark.django_db

CREATED = datetime(2026, 11, 1, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def leap(settings: Any) -> Iterator[LeapServer]:
    with serve_leap() as server:
        settings.LEAP_API_URL, settings.LEAP_API_KEY = server.url, KEY
        yield server


@pytest.fixture
def paper(db: None) -> PaperAuthorization:
    paper = make_paper()
    PaperAuthorization.objects.filter(pk=paper.pk).update(recorded_at=CREATED - timedelta(days=9))
    return paper


def matches() -> set[Any]:
    return set(MeterMatch.objects.values_list("paper", "link", "matched_by"))


def test_r1_r14_from_metered_to_enrolled_on_its_page(
    leap: LeapServer, paper: PaperAuthorization, manager_client: Client
) -> None:
    leap.details = [meter_record(1, partner_reference=paper.reference_id)]
    assert sync_meters(full=False).unmatched == 0
    paper.refresh_from_db()
    assert (paper.status, paper.metered_at, paper.enrolled_at) == (PaperStatus.METERED, CREATED, None)
    leap.enrollments = [enrollment_record(1, "ACTIVE")]
    sync_meters(full=False)
    paper.refresh_from_db()
    assert (paper.status, paper.metered_at) == (PaperStatus.ENROLLED, CREATED)
    entries = manager_client.get(reverse("paper_detail", args=[paper.pk])).context["leap"]
    assert [entry.text for entry in entries] == ["Metered", f"Meter {Meter.objects.get()}, PG&E, active", "Enrolled"]
    assert "by partner reference" in entries[1].detail


def test_r14_by_connection_reference_first_and_exactly(leap: LeapServer, paper: PaperAuthorization) -> None:
    both = {"connection_references": [paper.reference_id], "partner_reference": paper.reference_id}
    leap.details = [meter_record(1, **both), meter_record(2, partner_reference=paper.reference_id.upper())]
    assert sync_meters(full=False).unmatched == 1
    assert matches() == {(paper.pk, None, "connection")}


def test_r14_one_meter_of_a_link_and_of_a_paper(leap: LeapServer, paper: PaperAuthorization) -> None:
    link = make_link(customer=paper.customer)
    leap.details = [
        meter_record(1, connection_references=[link.reference_id], partner_reference=paper.reference_id),
        meter_record(2, partner_reference=paper.reference_id),
    ]
    sync_meters(full=False)
    sync_meters(full=True)
    assert MeterMatch.objects.count() == 3
    assert matches() == {(None, link.pk, "connection"), (paper.pk, None, "partner")}


def test_r14_a_withdrawn_one_gets_its_proof_and_it_stays(leap: LeapServer, paper: PaperAuthorization) -> None:
    withdraw_paper_authorization(paper=paper, reason="Moved away")
    leap.details, leap.enrollments = (
        [meter_record(1, partner_reference=paper.reference_id)],
        [enrollment_record(1, "ACTIVE")],
    )
    sync_meters(full=False)
    leap.enrollments = [enrollment_record(1, "INELIGIBLE")]
    sync_meters(full=False)
    paper.refresh_from_db()
    assert (paper.status, paper.own_status) == (PaperStatus.ENROLLED, PaperStatus.WITHDRAWN)


def test_r14_a_paper_recorded_after_its_meter_is_matched_by_a_full_sync(leap: LeapServer) -> None:
    leap.details = [meter_record(1, partner_reference="SITE-0042")]
    assert sync_meters(full=False).unmatched == 1
    late = make_paper(reference_id="SITE-0042")
    assert sync_meters(full=True).unmatched == 0
    late.refresh_from_db()
    assert late.metered_at is not None
