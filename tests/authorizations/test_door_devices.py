"""Devices at the door: the links they keep in reserve, what they send, and who is told to wipe."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    Customer,
    DoorAction,
    DoorCall,
    DoorDevice,
    DoorKit,
    Flow,
    Link,
    ReservedLink,
)
from portal.authorizations.services import door_devices
from portal.authorizations.services.door_calls import record_door_call
from portal.authorizations.services.door_devices import (
    AttachRefused,
    attach_link,
    end_device,
    end_unreachable_devices,
    fill_reserve,
    open_device,
    void_old_reserves,
)
from portal.authorizations.services.retention import SHOWN_CODES_WORK
from portal.authorizations.views import door_device
from tests.authorizations.browsers import phone
from tests.factories import get_utilities, make_customer, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db

DATA, CODES, ACTIONS = "/door/data/", "/door/codes/", "/door/actions/"


@pytest.fixture
def flow(rep: User) -> Flow:
    flow = make_flow()
    DoorKit.objects.create(rep=rep, flow=flow, reserve=3)
    return flow


@pytest.fixture
def device(rep: User, flow: Flow) -> DoorDevice:
    device = open_device(rep=rep, device_id=None)
    fill_reserve(device=device, kit=DoorKit.objects.get(rep=rep))
    return device


def post(client: Client, address: str, body: Any) -> Any:
    return client.post(address, body if isinstance(body, str) else json.dumps(body), content_type="application/json")


def send(client: Client, *actions: dict[str, Any]) -> list[dict[str, Any]]:
    for action in actions:
        action.setdefault("key", str(uuid.uuid4()))
    response = post(client, ACTIONS, {"actions": list(actions)})
    assert response.status_code == 200, response.text
    answers: list[dict[str, Any]] = response.json()["answers"]
    return answers


class TestReserve:
    def test_r8_asks_for_all_that_the_flow_offers_and_redirects_at_once(self, device: DoorDevice, flow: Flow) -> None:
        link = device.reserved_links.first().link
        assert set(link.requested_utilities.all()) == set(flow.utilities.all())
        assert link.reference_id in link.url
        assert (link.issued_by, link.customer) == (device.rep, None)
        assert Client().get(link.short_path).headers["Location"] == link.url

    def test_is_filled_up_and_never_grows(self, rep_client: Client, flow: Flow) -> None:
        for _ in range(2):
            assert len(rep_client.get(DATA).json()["reserve"]) == 3
        assert Link.objects.count() == 3

    def test_is_30_unless_set_otherwise(self, rep_client: Client) -> None:
        make_flow()
        assert len(rep_client.get(DATA).json()["reserve"]) == 30

    def test_shows_up_in_no_list_and_no_count(self, device: DoorDevice, flow: Flow, admin_client: Client) -> None:
        link = device.reserved_links.first().link
        for address in (reverse("link_list"), reverse("admin:authorizations_link_changelist"), reverse("flow_list")):
            assert link.reference_id not in admin_client.get(address).text
        assert not Link.objects.visible_to(device.rep).exists()
        assert admin_client.get(reverse("link_detail", args=[link.pk])).status_code == 404
        assert Flow.objects.with_live_link_counts().get().live_link_count == 0
        assert admin_client.get(reverse("search"), {"q": link.code}).headers["Location"].startswith("/customers/")

    def test_another_flow_voids_what_nobody_followed(self, device: DoorDevice, rep: User) -> None:
        followed = device.reserved_links.first().link
        Link.objects.filter(pk=followed.pk).update(first_visited_at=timezone.now())
        kit = DoorKit.objects.get()
        kit.flow = make_flow(title="other")
        kit.save()
        links = fill_reserve(device=device, kit=kit)
        assert {link.flow for link in links} == {kit.flow}
        assert Link.objects.filter(voided_at__isnull=False).count() == 2
        assert Link.objects.live().filter(pk=followed.pk).exists()

    def test_a_legacy_flow_needs_one_utility(self, rep: User) -> None:
        make_legacy_flow()
        assert door_devices.find_kit(rep) is None
        flow = make_legacy_flow(utilities=["pge"])
        kit = door_devices.find_kit(rep)
        assert kit is not None
        links = fill_reserve(device=open_device(rep=rep, device_id=None), kit=kit)
        assert {(link.flow, link.utility.utility_id) for link in links} == {(flow, "pge")}

    def test_a_sixth_device_ends_the_one_seen_least_lately(self, rep: User, device: DoorDevice) -> None:
        for _ in range(5):
            open_device(rep=rep, device_id=None)
        assert DoorDevice.objects.filter(ended_at__isnull=True).count() == 5
        device.refresh_from_db()
        assert device.ended_at is not None

    def test_a_device_of_somebody_else_is_not_taken_over(self, device: DoorDevice, other_rep: User) -> None:
        assert open_device(rep=other_rep, device_id=device.pk) != device


class TestAttach:
    def test_once_and_then_it_is_the_customers(self, device: DoorDevice, rep: User) -> None:
        link, customer = device.reserved_links.first().link, make_customer()
        before = (link.url, link.code, link.reference_id)
        now = timezone.now()
        attached = attach_link(link_id=link.pk, device=device, customer=customer, at=now)
        assert (attached.url, attached.code, attached.reference_id) == before
        assert (attached.customer, attached.issued_by, attached.title) == (customer, rep, str(customer))
        assert Link.objects.visible_to(rep).get() == link
        with pytest.raises(AttachRefused, match="another customer or device"):
            attach_link(link_id=link.pk, device=device, customer=make_customer(), at=now)

    def test_another_device_of_the_same_rep_cannot(self, device: DoorDevice, rep: User) -> None:
        other = open_device(rep=rep, device_id=None)
        with pytest.raises(AttachRefused):
            attach_link(
                link_id=device.reserved_links.first().pk, device=other, customer=make_customer(), at=timezone.now()
            )

    @pytest.mark.parametrize("days", [-30, 30])
    def test_was_issued_between_its_reservation_and_now(self, device: DoorDevice, days: int) -> None:
        row = device.reserved_links.first()
        at = timezone.now() + timedelta(days=days)
        link = attach_link(link_id=row.pk, device=device, customer=make_customer(), at=at)
        assert row.reserved_at <= link.issued_at <= timezone.now()

    def test_a_link_handed_out_meanwhile_forwards_to_the_one_shown(
        self, rep_client: Client, rep: User, device: DoorDevice, flow: Flow
    ) -> None:
        customer = make_customer(assigned_rep=rep)
        meanwhile = make_link(customer=customer, flow=flow)
        shown = self._reserve(rep_client)
        [answer] = send(rep_client, {"kind": "issue", "customer": customer.pk, "link": shown})
        assert (answer["status"], answer["link"]) == ("conflict", shown)
        meanwhile.refresh_from_db()
        assert meanwhile.replaced_by_id == shown
        assert customer.links.live().get().pk == shown

    def test_whoever_authorized_meanwhile_keeps_that_link(
        self, rep_client: Client, rep: User, device: DoorDevice, flow: Flow
    ) -> None:
        customer = make_customer(assigned_rep=rep)
        proven = make_link(customer=customer, flow=flow)
        Link.objects.filter(pk=proven.pk).update(authorized_at=timezone.now())
        shown = self._reserve(rep_client)
        [answer] = send(rep_client, {"kind": "issue", "customer": customer.pk, "link": shown})
        assert answer["message"] == "The customer has authorized meanwhile."
        assert customer.links.live().get() == proven
        assert Link.objects.get(pk=shown).void_reason == "the customer had authorized already"

    def _reserve(self, client: Client) -> int:
        return int(client.get(DATA).json()["reserve"][0]["id"])


class TestAccessEnded:
    """What a device has shown works for 30 days more; the device itself sees nothing."""

    def test_its_codes_work_for_30_days_and_no_longer(self, rep_client: Client, flow: Flow) -> None:
        customer = phone()
        shown, followed = (Link.objects.get(pk=each["id"]) for each in rep_client.get(DATA).json()["reserve"][:2])
        rep_client.post("/logout/")
        ended = DoorDevice.objects.get().ended_at
        with time_machine.travel(ended + SHOWN_CODES_WORK - timedelta(minutes=1), tick=False):
            assert void_old_reserves() == 0
            assert customer.get(f"/go/{followed.code}").headers["Location"] == followed.url
        with time_machine.travel(ended + SHOWN_CODES_WORK + timedelta(minutes=1), tick=False):
            assert void_old_reserves() == 2
            assert customer.get(f"/go/{shown.code}").status_code == 404
            assert customer.get(f"/go/{followed.code}").headers["Location"] == followed.url
        shown.refresh_from_db()
        assert shown.void_reason == "nobody followed it within 30 days of its device's end"

    def test_it_sees_nothing_of_them(self, rep_client: Client, rep: User, flow: Flow) -> None:
        before = [each["id"] for each in rep_client.get(DATA).json()["reserve"]]
        end_device(device=DoorDevice.objects.get())
        assert post(rep_client, CODES, {"links": before}).json() == {"codes": {}}
        after = [each["id"] for each in rep_client.get(DATA).json()["reserve"]]
        assert len(after) == 3
        assert not {*before} & {*after}

    def test_what_was_shown_is_still_handed_to_the_customer(self, rep_client: Client, rep: User, flow: Flow) -> None:
        shown = rep_client.get(DATA).json()["reserve"][0]["id"]
        end_device(device=DoorDevice.objects.get())
        customer = make_customer(assigned_rep=rep)
        [answer] = send(rep_client, {"kind": "issue", "customer": customer.pk, "link": shown})
        assert (answer["status"], answer["link"]) == ("done", shown)
        assert customer.links.live().get().pk == shown

    def test_of_another_rep_it_is_not(self, device: DoorDevice, other_rep: User) -> None:
        end_device(device=device)
        other = open_device(rep=other_rep, device_id=None)
        with pytest.raises(AttachRefused):
            attach_link(
                link_id=device.reserved_links.first().pk, device=other, customer=make_customer(), at=timezone.now()
            )

    def test_devices_out_of_reach_end(self, rep: User, other_rep: User, device: DoorDevice, settings: Any) -> None:
        expired, of_other = open_device(rep=rep, device_id=None), open_device(rep=other_rep, device_id=None)
        last = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 60)
        DoorDevice.objects.filter(pk=expired.pk).update(seen_at=last)
        User.objects.filter(pk=other_rep.pk).update(is_active=False)
        assert end_unreachable_devices() == 2
        assert DoorDevice.objects.get(ended_at__isnull=True) == device
        assert set(DoorDevice.objects.exclude(ended_at=None)) == {expired, of_other}


class TestData:
    def test_is_the_reps_own_list_and_no_more(self, rep_client: Client, rep: User, other_rep: User, flow: Flow) -> None:
        own = make_customer(assigned_rep=rep, name="Rosa", phone="555-0100")
        make_customer(assigned_rep=other_rep, name="Secret Person")
        link = make_link(customer=own, flow=flow)
        response = rep_client.get(DATA)
        [kept] = response.json()["customers"]
        assert (kept["name"], kept["link"]["text"], kept["open"]) == ("Rosa", link.code_in_groups, True)
        for absent in ("Secret", "555-0100", own.email, link.url):
            assert absent not in response.text
        assert response.headers["Cache-Control"] == "no-store"

    def test_a_manager_s_device_keeps_the_managers_own_only(self, manager_client: Client) -> None:
        make_customer(name="Somebody Else’s")
        assert manager_client.get(DATA).json()["customers"] == []

    def test_is_bounded_with_todays_doors_first(
        self, rep_client: Client, rep: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("portal.authorizations.services.door_data.MOST_CUSTOMERS", 2)
        refused, *_ = [make_customer(assigned_rep=rep, door_order=str(number)) for number in range(4)]
        record_door_call(customer=refused, outcome="refused", by=rep, at=timezone.now())
        kept = rep_client.get(DATA).json()["customers"]
        assert [row["open"] for row in kept] == [True, True]

    def test_queries_do_not_grow_with_the_customers(
        self, rep_client: Client, rep: User, flow: Flow, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(6):
            make_link(customer=make_customer(assigned_rep=rep), flow=flow)
        rep_client.get(DATA)
        with django_assert_max_num_queries(30):
            rep_client.get(DATA)

    def test_codes_are_of_own_links_only(self, rep_client: Client, rep: User, other_rep: User, flow: Flow) -> None:
        own = make_link(customer=make_customer(assigned_rep=rep), flow=flow)
        foreign = make_link(customer=make_customer(assigned_rep=other_rep), flow=flow)
        reserved = rep_client.get(DATA).json()["reserve"][0]["id"]
        codes = post(rep_client, CODES, {"links": [own.pk, foreign.pk, reserved]}).json()["codes"]
        assert set(codes) == {str(own.pk), str(reserved)}
        assert len(codes[str(own.pk)].split(",")) in range(21, 60)

    @pytest.mark.parametrize("links", ["[1e400]", "[NaN]", '["1"]', "[-1]", f"[{10**30}]", "[[]]", f"{[1] * 101}"])
    def test_codes_of_nonsense_are_a_400(self, rep_client: Client, links: str) -> None:
        response = post(rep_client, CODES, f'{{"links": {links}}}')
        assert response.status_code == 400
        assert response.json()["error"]


class TestActions:
    def test_half_a_letter_stops_nothing(self, rep_client: Client, flow: Flow) -> None:
        [answer] = send(rep_client, {"kind": "add", "name": "Hal \ud83d"})
        assert answer["status"] == "done"
        assert Customer.objects.get().name == "Hal ?"

    def test_sent_twice_is_done_once_with_the_same_answer(self, rep_client: Client, flow: Flow) -> None:
        link = rep_client.get(DATA).json()["reserve"][0]["id"]
        action = {"key": str(uuid.uuid4()), "kind": "add", "name": "Hal", "link": link, "at": "2026-11-24T10:00:00Z"}
        first, second = send(rep_client, action), send(rep_client, action)
        assert first == second
        assert (first[0]["status"], first[0]["link"]) == ("done", link)
        assert Customer.objects.count() == DoorAction.objects.count() == 1
        assert "Hal" not in json.dumps(DoorAction.objects.get().answer)

    def test_a_key_of_somebody_else_does_and_tells_nothing(
        self, rep_client: Client, other_rep_client: Client, flow: Flow
    ) -> None:
        action = {"key": str(uuid.uuid4()), "kind": "add", "name": "Hal"}
        send(rep_client, action)
        [answer] = send(other_rep_client, action)
        assert (answer["status"], answer["customer"], answer["link"]) == ("refused", None, None)
        assert Customer.objects.count() == 1

    def test_a_call_on_somebody_added_a_moment_before(self, rep_client: Client, flow: Flow) -> None:
        key = str(uuid.uuid4())
        answers = send(
            rep_client,
            {"key": key, "kind": "add", "name": "Hal"},
            {"kind": "call", "added": key, "outcome": "left_card", "note": "blue door"},
        )
        assert [answer["status"] for answer in answers] == ["done", "done"]
        assert DoorCall.objects.get().customer.name == "Hal"

    def test_what_comes_after_a_failure_waits_for_it(
        self, rep_client: Client, rep: User, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: Any) -> None:
            raise door_device.DatabaseError

        monkeypatch.setattr(door_device, "perform", fail)
        key = str(uuid.uuid4())
        answers = send(rep_client, {"key": key, "kind": "add", "name": "Hal"}, {"kind": "call", "added": key})
        assert [answer["status"] for answer in answers] == ["later", "later"]
        assert not DoorAction.objects.exists()

    def test_void_reserve_gets_a_new_link_and_says_so(self, rep_client: Client, flow: Flow) -> None:
        link = rep_client.get(DATA).json()["reserve"][0]["id"]
        Link.objects.filter(pk=link).update(voided_at=timezone.now(), void_reason="wrong flow")
        [answer] = send(rep_client, {"kind": "add", "name": "Hal", "link": link})
        assert answer["status"] == "conflict"
        assert "void (wrong flow)" in answer["message"]
        assert Link.objects.get(pk=answer["link"]).customer == Customer.objects.get()

    @pytest.mark.parametrize("kind", ["add", "issue"])
    def test_a_code_shown_in_vain_is_shown_to_nobody_else(self, rep_client: Client, flow: Flow, kind: str) -> None:
        shown = rep_client.get(DATA).json()["reserve"][0]["id"]
        gone = make_customer().pk
        [answer] = send(rep_client, {"kind": kind, "link": shown, "name": " ", "customer": gone})
        assert (answer["status"], answer["link"]) == ("refused", None)
        assert Link.objects.get(pk=shown).void_reason == "shown to somebody who could not be given it"
        assert shown not in [link["id"] for link in rep_client.get(DATA).json()["reserve"]]

    def test_conflicts_a_customer_changed_refused_or_given_away(
        self, rep_client: Client, rep: User, other_rep: User
    ) -> None:
        changed, refused, given = (make_customer(assigned_rep=rep) for _ in range(3))
        seen = timezone.now().isoformat()
        for customer in (changed, given):
            customer.phone = "555"
            customer.save(update_fields=["phone", "updated_at"])
        record_door_call(customer=refused, outcome="refused", by=other_rep, at=timezone.now())
        Customer.objects.filter(pk=given.pk).update(assigned_rep=other_rep)
        call = {"kind": "call", "outcome": "not_home", "seen": seen}
        answers = send(rep_client, *({**call, "customer": customer.pk} for customer in (changed, refused, given)))
        assert [answer["status"] for answer in answers] == ["conflict", "conflict", "refused"]
        assert "changed meanwhile" in answers[0]["message"]
        assert "refused meanwhile" in answers[1]["message"]
        assert "not on your list any more" in answers[2]["message"]
        assert DoorCall.objects.filter(outcome="not_home").count() == 2

    def test_a_utility_that_the_flow_lost_does_not_lose_the_customer(self, rep_client: Client, rep: User) -> None:
        DoorKit.objects.create(rep=rep, flow=make_flow(utilities=["pge"]))
        [answer] = send(rep_client, {"kind": "add", "name": "Hal", "utility": str(get_utilities("sce")[0].pk)})
        assert answer["status"] == "done"
        assert Customer.objects.get().utility is None

    @pytest.mark.parametrize(
        "values",
        [{"name": ""}, {"name": "x" * 300}, {"name": "Hal\x00"}, {"name": "Hal", "at": "yesterday"}],
    )
    def test_what_the_form_refuses_is_refused_in_words(
        self, rep_client: Client, flow: Flow, values: dict[str, str]
    ) -> None:
        [answer] = send(rep_client, {"kind": "add", **values})
        assert answer["status"] == "refused"
        assert answer["message"]
        assert not Customer.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            "{",
            "[]",
            "[" * 50_000,
            {"actions": "x"},
            {"actions": [1]},
            {"actions": [{"kind": "drop", "key": str(uuid.uuid4())}]},
            {"actions": [{"kind": ["add"], "key": str(uuid.uuid4())}]},
            {"actions": [{"kind": "add", "key": "x"}]},
            {"actions": [{"kind": "call", "key": str(uuid.uuid4()), "customer": "1; drop"}]},
            {"actions": [{"kind": "call", "key": str(uuid.uuid4()), "customer": 2**63}]},
            {"actions": [{"kind": "call", "key": str(uuid.uuid4()), "customer": 1, "seen": "2026-01-01"}]},
            {"actions": [{"kind": "call", "key": str(uuid.uuid4()), "customer": 1, "seen": 5}]},
            {"actions": [{"kind": "add", "key": str(uuid.uuid4())}] * 21},
        ],
    )
    def test_nonsense_is_a_400_and_does_nothing(self, rep_client: Client, body: Any) -> None:
        response = post(rep_client, ACTIONS, body)
        assert response.status_code == 400
        assert response.json()["error"]
        assert not DoorAction.objects.exists()


class TestWhoMayAsk:
    def test_signed_out_or_disabled_leads_to_sign_in_which_wipes(self, rep_client: Client, rep: User) -> None:
        User.objects.filter(pk=rep.pk).update(is_active=False)
        response = rep_client.get(DATA, follow=True)
        assert response.redirect_chain[0][0] == f"/login/?next={DATA}"
        assert response.headers["Clear-Site-Data"] == '"storage"'

    def test_who_lost_the_permission_is_told_to_wipe(self, rep_client: Client, rep: User) -> None:
        rep.groups.clear()
        for response in (rep_client.get(DATA), post(rep_client, ACTIONS, {"actions": []})):
            assert (response.status_code, response.json()) == (403, {"wipe": True})

    def test_without_the_csrf_token_nothing_is_done(self, rep: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(rep)
        assert post(client, ACTIONS, {"actions": []}).status_code == 403
        token = client.get(DATA).json()["csrf"]
        headers = {"X-CSRFToken": token}
        response = client.post(ACTIONS, '{"actions": []}', content_type="application/json", headers=headers)
        assert response.json() == {"answers": []}

    def test_sign_out_ends_the_device_and_wipes(self, rep_client: Client, flow: Flow) -> None:
        rep_client.get(DATA)
        response = rep_client.post("/logout/")
        assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
        assert DoorDevice.objects.get().ended_at is not None
        assert ReservedLink.objects.count() == 3

    def test_too_large_and_too_often_are_refused(self, rep_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        assert post(rep_client, ACTIONS, {"actions": ["x" * 70_000]}).status_code == 413
        monkeypatch.setattr(door_device, "MOST_A_MINUTE", 3)
        statuses = [rep_client.get(DATA).status_code for _ in range(8)]
        assert 429 in statuses

    def test_the_page_it_keeps_holds_nothing_personal_and_the_worker_may_look_after_all(
        self, rep_client: Client, rep: User
    ) -> None:
        make_customer(assigned_rep=rep, name="Rosa", city="Clovis")
        text = rep_client.get("/door/").text
        for personal in ("Rosa", "Clovis", rep.first_name, rep.username, "csrf"):
            assert personal not in text
        worker = rep_client.get("/door/worker.js")
        assert worker.headers["Service-Worker-Allowed"] == "/"
        assert b"addEventListener" in b"".join(worker.streaming_content)  # type: ignore[attr-defined]
