"""Webhooks on their way: the envelope, the retry ladder on the sandbox's clock, duplicates and reordering."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from portal.sandbox import clock, deliveries
from portal.sandbox.deliveries import deliver_due
from portal.sandbox.models import Attempt, Delivery, DeliveryOptions, DeliveryState, Webhook
from portal.sandbox.tasks import deliver_task
from portal.sandbox.webhooks import emit, why_not_receiver
from tests.sandbox.contract.operations import errors
from tests.sandbox.contract.webhooks import EVENTS
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CREATED = {"meter_id": str(uuid.UUID(int=7)), "transmission_region": "CAISO", "meter_type": "UTILITY_METER"}
SESSION = {"partner_reference": "Ref-1", "status": "CREATED"}
EVERYTHING = list(EVENTS)


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    """The real clock stands still, so that the sandbox's moves only by hand."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def subscribe(receiver: Receiver, *event_types: str, headers: list[dict[str, str]] | None = None) -> Webhook:
    return Webhook.objects.create(
        receiver_url=receiver.url, event_types=list(event_types) or EVERYTHING, headers=headers or []
    )


def test_an_event_comes_in_leaps_envelope_with_the_partners_headers_in_small_letters(receiver: Receiver) -> None:
    subscribe(receiver, headers=[{"name": "X-Leap-Secret", "value": "s3cret"}])
    event_id = emit("meter.created", {**CREATED, "partner_reference": "Ref-1"})
    assert deliver_due() == 1
    payload = {"webhook_event_type": "meter.created", **CREATED, "partner_reference": "Ref-1"}
    assert receiver.received == [{"webhook_event_id": str(event_id), "payload": payload}]
    assert errors(payload, EVENTS["meter.created"]) == []
    assert receiver.headers[0]["x-leap-secret"] == "s3cret"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert deliver_due() == 0


def test_only_who_subscribed_is_told(receiver: Receiver) -> None:
    subscribe(receiver, "connect_session.updated")
    emit("meter.created", CREATED)
    emit("connect_session.updated", SESSION)
    deliver_due()
    assert [event["webhook_event_type"] for event in receiver.events] == ["connect_session.updated"]


@pytest.mark.parametrize("event_type", ["connect_session.updated", "connect_session.authorization_updated"])
@pytest.mark.parametrize("reference", [None, "", "ab", "a/b/c", "x" * 257])
def test_a_session_without_a_reference_is_not_told_of(receiver: Receiver, event_type: str, reference: Any) -> None:
    subscribe(receiver)
    assert emit(event_type, {"partner_reference": reference, "status": "COMPLETED", "utility_name": "PGE"}) is None
    assert deliver_due() == 0


@pytest.mark.parametrize("reference", [None, "", "ab"])
def test_a_meter_without_a_reference_is_told_of_without_it(receiver: Receiver, reference: Any) -> None:
    subscribe(receiver)
    emit("meter.created", {**CREATED, "partner_reference": reference})
    deliver_due()
    assert "partner_reference" not in receiver.events[0]


def test_an_event_of_a_later_day_waits_for_it(receiver: Receiver) -> None:
    subscribe(receiver)
    emit("meter.created", CREATED, at=NOON + timedelta(days=2))
    assert deliver_due() == 0
    clock.move(by=timedelta(days=2))
    assert deliver_due() == 1


def test_an_unknown_event_type_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match=r"meter\.exploded"):
        emit("meter.exploded", {})


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    with Receiver(status) as receiver:
        subscribe(receiver)
        emit("meter.created", CREATED)
        deliver_due()
        assert Delivery.objects.get().state == DeliveryState.DELIVERED
        clock.move(by=timedelta(days=1))
        assert deliver_due() == 0


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503, None])
def test_all_else_is_tried_again_and_no_redirect_is_followed(status: int | None) -> None:
    with Receiver(status) as receiver:
        subscribe(receiver)
        emit("meter.created", CREATED)
        assert deliver_due() == 1
        attempt = Attempt.objects.get()
        assert attempt.status_code == status
        assert bool(attempt.error) == (status is None)
        assert Delivery.objects.get().state == DeliveryState.WAITING
        clock.move(by=timedelta(minutes=1))
        assert deliver_due() == 1
        assert len({envelope["webhook_event_id"] for envelope in receiver.received}) == 1
        assert len(receiver.received) == 2
        assert Delivery.objects.get().state == DeliveryState.DELIVERED


LADDER_MINUTES = [0, 1, 2, 4, 8, 16, 29, 60, 120, 240]


def test_ten_attempts_in_eight_hours_each_after_its_pause() -> None:
    with Receiver(*[500] * 20) as receiver:
        subscribe(receiver)
        emit("meter.created", CREATED)
        for number, pause in enumerate(LADDER_MINUTES, start=1):
            if pause:
                clock.move(by=timedelta(minutes=pause) - timedelta(seconds=1))
                assert deliver_due() == 0
                clock.move(by=timedelta(seconds=1))
            assert deliver_due() == 1
            assert len(receiver.received) == number
        assert clock.ahead() == timedelta(hours=8)
        assert Delivery.objects.get().state == DeliveryState.GIVEN_UP
        clock.move(by=timedelta(days=30))
        assert deliver_due() == 0


def test_a_day_at_once_is_the_whole_ladder_at_the_times_that_it_would_have_had() -> None:
    with Receiver(*[503] * 20) as receiver:
        subscribe(receiver)
        emit("meter.created", CREATED)
        clock.move(by=timedelta(days=1))
        assert deliver_due() == 10
        assert len(receiver.received) == 10
        times = list(Attempt.objects.values_list("at", flat=True))
        assert [(late - early).seconds // 60 for early, late in pairwise(times)] == LADDER_MINUTES[1:]


def test_the_ladder_can_be_compressed() -> None:
    options = DeliveryOptions.current()
    DeliveryOptions.objects.filter(pk=options.pk).update(pace=0.01)
    with Receiver(500, 500) as receiver:
        subscribe(receiver)
        emit("meter.created", CREATED)
        deliver_due()
        clock.move(by=timedelta(seconds=0.6))
        deliver_due()
        clock.move(by=timedelta(seconds=1.2))
        deliver_due()
        assert len(receiver.received) == 3


def test_nobody_listens() -> None:
    with Receiver() as receiver:
        subscribe(receiver)
    emit("meter.created", CREATED)
    assert deliver_due() == 1
    attempt = Attempt.objects.get()
    assert attempt.status_code is None
    assert "ConnectError" in attempt.error


def test_a_receiver_that_says_nothing_is_left_after_the_timeout(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliveries.TIMEOUT == 10
    asked: dict[str, Any] = {}

    class Impatient(deliveries.httpx.Client):
        def __init__(self, **options: Any) -> None:
            asked.update(options)
            super().__init__(**options)

        def stream(self, *_: Any, **__: Any) -> Any:
            raise deliveries.httpx.ReadTimeout("")

    monkeypatch.setattr(deliveries.httpx, "Client", Impatient)
    subscribe(receiver)
    emit("meter.created", CREATED)
    deliver_due()
    assert asked["timeout"] == 10
    assert Attempt.objects.get().error == "No answer within 10 seconds"


def test_duplicates_carry_the_same_event_id(receiver: Receiver) -> None:
    DeliveryOptions.objects.filter(pk=DeliveryOptions.current().pk).update(sends_twice=True)
    subscribe(receiver)
    event_id = emit("meter.created", CREATED)
    assert deliver_due() == 2
    assert [envelope["webhook_event_id"] for envelope in receiver.received] == [str(event_id)] * 2


def test_each_second_event_overtakes_the_one_before(receiver: Receiver) -> None:
    DeliveryOptions.objects.filter(pk=DeliveryOptions.current().pk).update(swaps_order=True)
    subscribe(receiver)
    for status in ("CREATED", "UPDATED", "CLOSED"):
        emit("connect_session.updated", {**SESSION, "status": status})
        deliver_due()
    clock.move(by=timedelta(seconds=59))
    deliver_due()
    assert [event["status"] for event in receiver.events] == ["UPDATED", "CREATED"]
    clock.move(by=timedelta(seconds=1))
    deliver_due()
    assert [event["status"] for event in receiver.events] == ["UPDATED", "CREATED", "CLOSED"]


def test_reordered_and_doubled_every_event_still_comes(receiver: Receiver) -> None:
    DeliveryOptions.objects.filter(pk=DeliveryOptions.current().pk).update(swaps_order=True, sends_twice=True)
    subscribe(receiver)
    for status in ("CREATED", "UPDATED", "COMPLETED"):
        emit("connect_session.updated", {**SESSION, "status": status})
    clock.move(by=timedelta(minutes=2))
    deliver_due()
    assert [event["status"] for event in receiver.events] == [
        *("UPDATED", "UPDATED"),
        *("CREATED", "CREATED"),
        *("COMPLETED", "COMPLETED"),
    ]


def test_an_attempt_is_made_once_though_two_processes_look(receiver: Receiver, monkeypatch: Any) -> None:
    """While one is posting, the other finds nothing due."""
    subscribe(receiver)
    emit("meter.created", CREATED)
    original, nested = deliveries._post, []

    def post_and_look_again(*args: Any) -> Any:
        nested.append(deliver_due())
        return original(*args)

    monkeypatch.setattr(deliveries, "_post", post_and_look_again)
    assert deliver_due() == 1
    assert nested == [0]
    assert len(receiver.received) == 1


def test_two_processes_that_see_the_same_delivery_make_one_attempt(receiver: Receiver, monkeypatch: Any) -> None:
    """The other one takes it between our look and our claim, which reads the ladder."""
    receiver.statuses.append(500)  # it still waits afterwards, for its next attempt
    subscribe(receiver)
    emit("meter.created", CREATED)
    others: list[int] = []

    class Ladder(tuple[timedelta, ...]):
        def __getitem__(self, index: Any) -> Any:
            if not others:
                others.append(0)
                others[0] = deliver_due()
            return super().__getitem__(index)

    monkeypatch.setattr(deliveries, "LADDER", Ladder(deliveries.LADDER))
    assert (deliver_due(), others) == (0, [1])
    assert len(receiver.received) == 1


def test_whoever_deletes_the_webhook_ends_its_deliveries() -> None:
    with Receiver(500) as receiver:
        webhook = subscribe(receiver)
        emit("meter.created", CREATED)
        deliver_due()
        webhook.delete()
        clock.move(by=timedelta(days=1))
        assert deliver_due() == 0


def test_the_command_says_how_many_attempts_it_made(receiver: Receiver) -> None:
    subscribe(receiver)
    emit("meter.created", CREATED)
    out = StringIO()
    call_command("sandbox_deliver", stdout=out)
    assert out.getvalue() == "1 attempt made.\n"
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("sandbox_is_off")
def test_off_the_command_posts_nothing(receiver: Receiver) -> None:
    subscribe(receiver)
    emit("meter.created", CREATED)
    with pytest.raises(CommandError, match="The sandbox is off"):
        call_command("sandbox_deliver")
    assert receiver.received == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_posted_before_the_transaction_has_ended(receiver: Receiver) -> None:
    subscribe(receiver)
    with transaction.atomic():
        emit("meter.created", CREATED)
        assert receiver.received == []
    assert len(receiver.received) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_told(receiver: Receiver) -> None:
    subscribe(receiver)
    with transaction.atomic():
        emit("meter.created", CREATED)
        transaction.set_rollback(True)
    assert deliver_due() == 0
    assert receiver.received == []


@pytest.mark.django_db(transaction=True)
class TestWorker:
    """With the queue in the database, as it runs for real: a web request only asks for the work."""

    @pytest.fixture(autouse=True)
    def _queue(self, settings: Any) -> None:
        settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

    def test_emit_posts_nothing_and_asks_the_worker_once(self, receiver: Receiver) -> None:
        subscribe(receiver)
        for _ in range(5):
            emit("meter.created", CREATED)
        assert receiver.received == []
        assert DBTaskResult.objects.count() == 1
        deliver_task.call()
        assert len(receiver.received) == 5

    def test_after_a_failure_the_worker_is_asked_for_the_next_rung(self) -> None:
        with Receiver(500) as receiver:
            subscribe(receiver)
            emit("meter.created", CREATED)
            deliver_task.call()
        runs = DBTaskResult.objects.order_by("run_after").values_list("run_after", flat=True)
        assert NOON + timedelta(minutes=1) in runs

    def test_a_moved_clock_asks_at_once(self) -> None:
        with Receiver(500) as receiver:
            subscribe(receiver)
            emit("meter.created", CREATED)
            deliver_task.call()
            before = DBTaskResult.objects.count()
            clock.move(by=timedelta(hours=1))
            assert DBTaskResult.objects.count() == before + 1
            deliver_task.call()
            assert len(receiver.received) == 2

    def test_a_worker_that_never_came_is_asked_again(self, receiver: Receiver, time_machine: Any) -> None:
        subscribe(receiver)
        emit("meter.created", CREATED)
        DBTaskResult.objects.all().delete()
        time_machine.move_to(NOON + timedelta(minutes=2), tick=False)
        emit("meter.created", CREATED)
        assert DBTaskResult.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://company.com/leap-webhooks", ""),
        ("https://company.com:8443/x", ""),
        ("https://company.com:8843/x", ""),
        ("https://company.com:8080/x", "port 443, 8443 or 8843"),
        ("http://127.0.0.1:8000/leap/events", ""),
        ("http://localhost/leap/events", ""),
        ("http://[::1]:8000/leap/events", ""),
        ("http://company.com/leap/events", "must be https"),
        ("http://127.0.0.1.example.com/", "must be https"),
        ("http://localhost@example.com/", "must be https"),
        ("ftp://127.0.0.1/", "must be https"),
        ("file:///etc/passwd", "must be https"),
        ("https:///x", "must be https"),
        ("/leap/events", "must be https"),
        ("https://company.com:99999/", "not a URL"),
        ("http://[::1/", "not a URL"),
        ("https://company.com/\0", "characters"),
        ("https://company.com/a b", "characters"),
        ("https://compañía.com/", "characters"),
        ("", "must be https"),
    ],
)
def test_which_receivers_are_taken(url: str, reason: str) -> None:
    found = why_not_receiver(url)
    assert reason in found
    assert bool(reason) == bool(found)


class TestClock:
    def test_it_moves_forward_and_ticks(self, time_machine: Any) -> None:
        clock.move(by=timedelta(hours=5))
        clock.move(by=timedelta(days=1))
        time_machine.move_to(NOON + timedelta(seconds=3), tick=False)
        assert clock.now() == NOON + timedelta(days=1, hours=5, seconds=3)

    def test_reset_returns_to_the_real_time(self) -> None:
        clock.move(by=timedelta(days=9))
        assert clock.reset() == NOON
        assert clock.now() == NOON

    def test_it_does_not_move_back(self) -> None:
        with pytest.raises(ValueError, match="Reset it"):
            clock.move(by=timedelta(seconds=-1))
