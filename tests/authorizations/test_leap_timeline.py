"""What Leap says of a link, in words: its events and meters, per utility, beside the milestones."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Link, Meter, MeterMatch, Utility
from portal.authorizations.services.events import interpret_events, store_event
from portal.authorizations.views.timelines import SHOWN, what_leap_says
from portal.leap.events import parse_event
from tests.factories import make_customer, make_link, make_shared_link

pytestmark = pytest.mark.django_db


def say(link: Link, status: str, utility: str = "") -> None:
    kind = "connect_session.authorization_updated" if utility else "connect_session.updated"
    payload: dict[str, Any] = {"webhook_event_type": kind, "partner_reference": link.reference_id, "status": status}
    if utility:
        payload["utility_name"] = utility
    event = parse_event({"webhook_event_id": str(uuid.uuid4()), "payload": payload})
    store_event(event=event, at=timezone.now())
    interpret_events()
    link.refresh_from_db()


def give_meter(link: Link, utility_name: str = "PGE", **fields: Any) -> MeterMatch:
    now = timezone.now()
    meter = Meter.objects.create(
        meter_id=uuid.uuid4(),
        utility_name=utility_name,
        created_at=now - timedelta(days=1),
        first_seen_at=now,
        last_seen_at=now,
        **fields,
    )
    return MeterMatch.objects.create(meter=meter, link=link, matched_by="connection", matched_at=now)


def told(link: Link) -> dict[str, list[str]]:
    return {group.title: [entry.text for entry in group.entries] for group in what_leap_says(link)}


def faults(link: Link) -> list[str]:
    return [entry.text for group in what_leap_says(link) for entry in group.entries if entry.fault]


def test_nothing_told_is_nothing_shown(manager_client: Client) -> None:
    link = make_link()
    assert told(link) == {}
    assert "Nothing yet. Only Leap’s word proves" in manager_client.get(f"/links/{link.pk}/").text


def test_each_utility_has_its_own_group() -> None:
    link = make_link()
    for status, utility in [
        ("CREATED", ""),
        ("INITIATED", "PGE"),
        ("COMPLETED", "PGE"),
        ("FAILED", "SCE"),
        ("CLOSED", ""),
    ]:
        say(link, status, utility)
    short = dict(Utility.objects.values_list("leap_name", "short_name"))
    assert told(link) == {
        "": ["Authorized"],
        "Leap Connect": ["Opened", "Left early"],
        short["PGE"]: ["At the utility’s sign-in", "Authorized"],
        short["SCE"]: ["At the utility’s sign-in", "Failed"],
    }
    assert faults(link) == ["Left early", "Failed"]


def test_a_mended_failure_is_told_but_is_no_fault() -> None:
    link = make_link()
    for status in ("FAILED", "COMPLETED"):
        say(link, status, "PGE")
    assert "Failed, but authorized all the same" in told(link)[Utility.objects.get(leap_name="PGE").short_name]
    assert faults(link) == []


def test_a_utility_that_the_catalogue_lacks_keeps_leaps_name() -> None:
    link = make_link()
    say(link, "INITIATED", "DEMO2")
    assert "DEMO2" in told(link)


def test_meters_stand_with_their_utility() -> None:
    link = make_link()
    say(link, "COMPLETED", "PGE")
    match = give_meter(link, enrollment_status="ACTIVE", is_archived=True)
    (group,) = [group for group in what_leap_says(link) if group.title not in ("", "Leap Connect")]
    meter = group.entries[-1]
    assert meter.text == f"Meter {str(match.meter.meter_id)[:8]}…, archived"
    assert meter.detail.startswith("active · by connection reference · ")


def test_a_lost_authorization_stands_with_its_meter(manager_client: Client) -> None:
    link = make_link()
    give_meter(link, enrollment_status="ACTIVE", needs_authorization=True)
    assert faults(link)[0].endswith("…: the customer has to authorize again")
    assert "the customer has to authorize again" in manager_client.get(f"/links/{link.pk}/").text
    archived = make_link()
    give_meter(archived, needs_authorization=True, is_archived=True)
    assert faults(archived) == []


def test_many_meters_are_counted() -> None:
    link = make_link()
    for _ in range(SHOWN + 3):
        give_meter(link)
    assert told(link)["More meters"] == ["3 earlier meters"]


def test_a_poster_says_somebody_and_counts(manager_client: Client) -> None:
    poster = make_shared_link()
    for status in ("INITIATED", "INITIATED", "COMPLETED", "FAILED"):
        say(poster, status, "PGE")
    (group,) = [group for group in what_leap_says(poster) if group.title]
    assert group.entries[-1].detail == "2 at the sign-in, 1 failed, 1 completed"
    assert "somebody got there" in manager_client.get(f"/links/{poster.pk}/").text


def test_failed_is_a_mark_in_words_beside_the_status(manager_client: Client) -> None:
    link = make_link(customer=make_customer(name="Rosa"))
    say(link, "FAILED", "PGE")
    for address in ("/links/", "/links/?mark=failed", "/customers/", f"/customers/{link.customer_id}/"):
        assert '<span class="badge badge-fault">failed</span>' in manager_client.get(address).text, address
    assert "failed at a utility</span>" in manager_client.get(f"/links/{link.pk}/").text
    say(link, "COMPLETED", "PGE")
    assert ">failed<" not in manager_client.get("/links/").text
    assert "Rosa" not in manager_client.get("/links/?mark=failed").text


def test_at_the_utility_is_said_until_there_is_proof(manager_client: Client) -> None:
    link = make_link()
    say(link, "INITIATED", "PGE")
    assert ">at the utility<" in manager_client.get("/links/").text
    say(link, "COMPLETED", "PGE")
    assert ">at the utility<" not in manager_client.get("/links/").text


def test_the_admin_shows_the_same(admin_client: Client) -> None:
    link = make_link()
    say(link, "INITIATED", "DEMO2")
    assert "DEMO2: At the utility’s sign-in" in admin_client.get(f"/admin/authorizations/link/{link.pk}/change/").text


def test_a_rep_sees_the_mark_on_the_phone(rep_client: Client, rep: User) -> None:
    link = make_link(customer=make_customer(assigned_rep=rep))
    say(link, "FAILED", "PGE")
    assert '<span class="badge badge-fault">failed</span>' in rep_client.get("/").text
