"""The tester's tools: the clock, meters, webhooks and faults, and who may use them."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.sandbox import clock
from portal.sandbox.models import Delivery, DeliveryOptions, Fault, Flow, Meter, Webhook
from portal.sandbox.programs import enroll
from portal.sandbox.utilities import find_utility
from portal.sandbox.views.meters import CHANGES
from tests.sandbox.api_client import ApiClient
from tests.sandbox.contract.operations import errors
from tests.sandbox.contract.webhooks import EVENTS
from tests.sandbox.meters import make_meter
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.django_db
PAGES = ("clock", "meters", "webhooks", "faults")


def address(page: str) -> str:
    return f"/sandbox/tester/{page}/"


@pytest.mark.parametrize("page", PAGES)
def test_who_is_not_signed_in_is_asked_to(page: str, manager_client: Client) -> None:
    for answer in (Client().get(address(page)), Client().post(address(page), {"act": "clear", "days": 1})):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/")
    assert clock.ahead() == timedelta()
    assert manager_client.get(address(page)).status_code == 200


@pytest.mark.parametrize("page", [*(address(page) for page in PAGES), "/sandbox/", "/sandbox/tester/flows/1000/"])
def test_a_rep_follows_the_customers_pages_only(page: str, rep_client: Client, manager_client: Client) -> None:
    assert rep_client.get("/sandbox/acme-energy/summer-savings/?requestedUtilities=pge&refId=R-12").status_code == 302
    Flow.objects.create(pk=1000, org_name="acme", title="winter", created_at=clock.now())
    for answer in (rep_client.get(page), rep_client.post(page, {"act": "clear", "days": 1})):
        assert answer.status_code == 403 if page != "/sandbox/" else answer.status_code in (403, 405)
    assert clock.ahead() == timedelta()
    assert manager_client.get(page).status_code == 200


def test_a_rep_is_led_to_the_sandbox_by_no_page(rep_client: Client, manager_client: Client) -> None:
    assert 'href="/sandbox/"' in manager_client.get("/").content.decode()
    page = rep_client.get("/").content.decode()
    assert "Sandbox: nothing here reaches Leap" in page
    assert 'href="/sandbox/"' not in page


@pytest.mark.parametrize("page", PAGES)
def test_a_form_from_elsewhere_changes_nothing(page: str, manager: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    assert client.post(address(page), {"act": "add", "days": 1}).status_code == 403


@pytest.mark.usefixtures("sandbox_is_off")
@pytest.mark.parametrize("page", PAGES)
def test_off_they_are_not_there(page: str, manager_client: Client) -> None:
    assert manager_client.get(address(page)).status_code == 404


def test_the_home_leads_to_each(manager_client: Client) -> None:
    home = manager_client.get("/sandbox/").content.decode()
    assert all(address(page) in home for page in PAGES)


class TestClock:
    def test_moved_and_reset(self, manager_client: Client) -> None:
        manager_client.post(address("clock"), {"days": 2, "hours": 3})
        assert clock.ahead() == timedelta(days=2, hours=3)
        assert "2\xa0days, 3\xa0hours" in manager_client.get(address("clock")).content.decode()
        manager_client.post(address("clock"), {"act": "reset"})
        assert clock.ahead() == timedelta()

    @pytest.mark.parametrize("wrong", [{}, {"days": -1}, {"days": "x"}, {"days": 99999}, {"hours": 0}])
    def test_what_is_no_step(self, manager_client: Client, wrong: dict[str, Any]) -> None:
        answer = manager_client.post(address("clock"), wrong)
        assert (answer.status_code, clock.ahead()) == (200, timedelta())
        assert "fault" in answer.content.decode()

    def test_late_meters_are_announced(self, manager_client: Client) -> None:
        make_meter(at=clock.now() + timedelta(days=3))
        assert "1 meter will appear later" in manager_client.get(address("clock")).content.decode()
        manager_client.post(address("clock"), {"days": 3, "hours": 1})
        assert "will appear later" not in manager_client.get(address("clock")).content.decode()
        assert len(ApiClient().search()) == 1


class TestFaults:
    def test_asked_for_and_cleared(self, manager_client: Client) -> None:
        manager_client.post(
            address("faults"), {"act": "add", "kind": "500", "path": "/v2/meters", "calls": 2, "seconds": 1}
        )
        manager_client.post(address("faults"), {"act": "add", "kind": "slow", "path": "/", "calls": "", "seconds": 0.5})
        assert list(Fault.objects.values_list("kind", "path", "calls_left")) == [
            ("500", "/v2/meters", 2),
            ("slow", "/", None),
        ]
        page = manager_client.get(address("faults")).content.decode()
        assert "500, a bare JSON string" in page
        assert "0.5 seconds" in page
        assert ApiClient().call("searchMeterDetails", {}).status_code == 500
        manager_client.post(address("faults"), {"act": "clear"})
        assert not Fault.objects.exists()

    @pytest.mark.parametrize("wrong", [{"kind": "418"}, {"path": "x"}, {"calls": 0}, {"seconds": 500}], ids=str)
    def test_what_is_refused(self, manager_client: Client, wrong: dict[str, Any]) -> None:
        values = {"act": "add", "kind": "500", "path": "/", "calls": 1, "seconds": 1, **wrong}
        assert manager_client.post(address("faults"), values).status_code == 200
        assert not Fault.objects.exists()


class TestWebhooks:
    def test_the_log_shows_every_attempt_and_no_secret(
        self, manager_client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        with Receiver(503) as receiver:
            Webhook.objects.create(
                receiver_url=receiver.url,
                event_types=["connect_session.updated"],
                headers=[{"name": "X-Leap-Secret", "value": "s3cret-value"}],
            )
            from portal.sandbox import webhooks

            with django_capture_on_commit_callbacks(execute=True):
                webhooks.emit("connect_session.updated", {"partner_reference": "Ref-9", "status": "CREATED"})
            with django_capture_on_commit_callbacks(execute=True):
                manager_client.post(address("clock"), {"hours": 1})
        page = manager_client.get(address("webhooks")).content.decode()
        assert receiver.url in page
        assert "Ref-9" in page
        assert "<strong>503</strong>" in page
        assert "<strong>200</strong>" in page
        assert "X-Leap-Secret" in page
        assert "s3cret-value" not in page

    def test_how_events_are_delivered(self, manager_client: Client) -> None:
        manager_client.post(address("webhooks"), {"pace": "0.01", "sends_twice": "on", "swaps_order": "on"})
        options = DeliveryOptions.current()
        assert (options.pace, options.sends_twice, options.swaps_order) == (0.01, True, True)

    @pytest.mark.parametrize("pace", ["0", "-1", "1.5", "x", "", "nan"])
    def test_a_pace_that_is_none(self, manager_client: Client, pace: str) -> None:
        assert manager_client.post(address("webhooks"), {"pace": pace}).status_code == 200
        assert DeliveryOptions.current().pace == 1


class TestMeters:
    @pytest.fixture
    def meter(self) -> Meter:
        utility = find_utility("pge")
        assert utility is not None
        moment = clock.now() - timedelta(days=1)
        return make_meter(
            at=moment,
            partner_reference="Ref-1",
            references=("Ref-1",),
            global_enrollment_status="ELIGIBLE",
            program_enrollment=enroll(utility=utility, at=moment, status="ELIGIBLE"),
        )

    @pytest.fixture(autouse=True)
    def _listener(self) -> None:
        """Nobody answers there, and nothing is posted: a test's transaction never ends."""
        Webhook.objects.create(receiver_url="http://127.0.0.1:9/", event_types=list(EVENTS))

    def let(self, client: Client, meter: Meter, change: str) -> dict[str, Any]:
        answer = client.post(address("meters"), {"meter": meter.pk, "change": change})
        assert answer.status_code == 302
        api = ApiClient()
        details = api.call("getMeterDetails", meter_id=str(meter.meter_id)).data
        return {**details, **api.call("getMeterEnrollment", meter_id=str(meter.meter_id)).data}

    def told(self) -> list[str]:
        for delivery in Delivery.objects.all():
            assert errors(delivery.payload, EVENTS[delivery.event_type]) == []
        return list(Delivery.objects.order_by("id").values_list("event_type", flat=True))

    @pytest.mark.parametrize("change", [value for value, _ in CHANGES])
    def test_every_change_moves_updated_at_and_answers_as_published(
        self, manager_client: Client, meter: Meter, change: str
    ) -> None:
        self.let(manager_client, meter, "reauthorize")
        Meter.objects.filter(pk=meter.pk).update(updated_at=meter.created_at)
        self.let(manager_client, meter, change)
        assert Meter.objects.get(pk=meter.pk).updated_at > meter.updated_at
        self.told()

    def test_archive_tells_nobody_as_leap_has_no_such_event(self, manager_client: Client, meter: Meter) -> None:
        assert self.let(manager_client, meter, "archive")["is_archived"] is True
        assert self.told() == []

    def test_needs_another_authorization_and_has_it(self, manager_client: Client, meter: Meter) -> None:
        record = self.let(manager_client, meter, "reauthorize")
        assert [action["action_code"] for action in record["required_actions"]["partner"]] == ["AUTH_0001"]
        assert len(ApiClient().search(action_type=["IS_AUTHORIZED"], partner_action_required=True)) == 1
        record = self.let(manager_client, meter, "resolve")
        assert record["required_actions"]["partner"] == []
        assert self.told() == ["meter.enrollment.required-actions.updated"] * 2
        latest = Delivery.objects.order_by("-id")[0]
        assert latest.payload["required_actions"] == {}
        assert ApiClient().search(partner_action_required=True) == []

    def test_a_conflicting_program(self, manager_client: Client, meter: Meter) -> None:
        record = self.let(manager_client, meter, "conflict")
        assert record["global_enrollment_status"] == "INELIGIBLE"
        types = [action["action_type"] for action in record["required_actions"]["partner"]]
        assert types == ["NOT_ENROLLED_IN_CONFLICTING_PROGRAM"]
        assert set(self.told()) == {
            "meter.enrollment.global-status.updated",
            "meter.enrollment.required-actions.updated",
        }

    def test_enrolled(self, manager_client: Client, meter: Meter) -> None:
        assert self.let(manager_client, meter, "activate")["global_enrollment_status"] == "ACTIVE"
        assert self.told() == ["meter.enrollment.global-status.updated", "meter.enrollment.group.updated"]

    def test_any_status(self, manager_client: Client, meter: Meter) -> None:
        record = self.let(manager_client, meter, "NOT_PARTICIPATING")
        assert record["global_enrollment_status"] == "NOT_PARTICIPATING"
        assert {entry["enrollment_status"] for entry in record["program_enrollment"]} == {"NOT_PARTICIPATING"}
        assert self.told() == ["meter.enrollment.global-status.updated"]

    def test_what_is_unknown_changes_nothing(self, manager_client: Client, meter: Meter) -> None:
        self.let(manager_client, meter, "explode")
        assert manager_client.post(address("meters"), {"meter": "x", "change": "archive"}).status_code == 404
        late = make_meter(at=clock.now() + timedelta(days=1))
        assert manager_client.post(address("meters"), {"meter": late.pk, "change": "archive"}).status_code == 404
        assert Meter.objects.filter(is_archived=True).count() == 0

    def test_found_by_reference_or_account(self, manager_client: Client, meter: Meter) -> None:
        other = make_meter(references=("Ref-2", "Ref-3"))
        page = manager_client.get(address("meters"), {"q": "Ref-3"}).content.decode()
        assert str(other.meter_id) in page
        assert str(meter.meter_id) not in page
        assert (
            str(meter.meter_id) in manager_client.get(address("meters"), {"q": meter.service_account}).content.decode()
        )
        assert (
            "No meter has this" in manager_client.get(address("meters"), {"q": f"a\0{uuid.uuid4()}"}).content.decode()
        )

    def test_pages(self, manager_client: Client, django_assert_max_num_queries: Any) -> None:
        meters = [make_meter() for _ in range(55)]
        with django_assert_max_num_queries(8):
            page = manager_client.get(address("meters")).content.decode()
        assert str(meters[-1].meter_id) in page
        assert str(meters[0].meter_id) not in page
        assert f"?before={meters[5].pk}" in page
        older = manager_client.get(address("meters"), {"before": meters[5].pk}).content.decode()
        assert str(meters[0].meter_id) in older
        assert str(meters[5].meter_id) not in older
