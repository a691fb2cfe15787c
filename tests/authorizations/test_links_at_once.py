"""Two people at once: one live link, whoever was first, and nobody gets an error. On PostgreSQL they really overlap."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from portal.accounts.roles import Role
from portal.authorizations.models import Customer, DoorKit, Flow, Link
from portal.authorizations.services import bulk_links, customer_check, customer_import, links
from portal.authorizations.services.customer_columns import guess_columns
from portal.authorizations.services.customer_file import open_customer_file
from portal.authorizations.services.door_actions import Answer, add_and_issue, do_once
from portal.authorizations.services.door_devices import AttachRefused, attach_link, fill_reserve, open_device
from portal.authorizations.services.flows import retire
from portal.authorizations.services.links import IssueRefused
from tests.factories import make_customer, make_flow, make_link, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions in threads that start together; return their results, an exception as one."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(index: int, action: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[index] = action()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_issue_the_same_link() -> None:
    flow, customer = make_flow(), make_customer()

    def issue() -> Link:
        return links.issue_link(customer=customer, flow=flow, issued_by=None).link

    found = at_once(*[issue] * 4)
    assert len({link.pk for link in found}) == 1
    assert Link.objects.count() == 1


def test_one_by_one_and_in_bulk() -> None:
    flow = make_flow()
    customers = [make_customer() for _ in range(40)]

    def one_by_one() -> None:
        for customer in reversed(customers):
            links.issue_link(customer=customer, flow=flow, issued_by=None)

    def in_bulk() -> None:
        bulk_links.issue_links(customers=Customer.objects.order_by("pk"), flow=flow, issued_by=None)

    assert at_once(one_by_one, in_bulk) == [None, None]
    assert Link.objects.count() == Flow.objects.get().links.values("customer").distinct().count() == 40


def test_two_replace_the_same_link() -> None:
    """One successor; the other is told that the link has been replaced already."""
    link = make_link()

    def replace() -> Link:
        return links.replace_link(link=link, issued_by=None)

    first, second = at_once(replace, replace)
    refused = [result for result in (first, second) if isinstance(result, IssueRefused)]
    assert len(refused) == 1
    assert "replaced already" in str(refused[0])
    assert Link.objects.live().count() == 1
    assert Link.objects.count() == 2


def test_many_anew_while_others_void_and_replace_them() -> None:
    """Each link has one fate; nobody waits for another in a ring."""
    flow, user = make_flow(), make_user()
    olds = [make_link(flow=flow) for _ in range(40)]

    def anew() -> bulk_links.BulkResult:
        return bulk_links.replace_links(links=Link.objects.filter(flow=flow), issued_by=None, wanted=None)

    def void() -> int:
        half = Link.objects.filter(pk__in=[link.pk for link in olds[::-2]])
        return links.void_links(links=half, voided_by=user, reason="moved")

    def one_by_one() -> None:
        for link in reversed(olds):
            with contextlib.suppress(IssueRefused):
                links.replace_link(link=link, issued_by=None)

    results = at_once(anew, void, one_by_one)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert Link.objects.filter(pk__in=[link.pk for link in olds]).live().count() == 0
    # A link that became void has no successor, unless that was made before: each chain ends in one link.
    assert Link.objects.filter(replaces__isnull=False).count() == Link.objects.filter(replaced_by__isnull=False).count()
    assert not Link.objects.filter(void_reason="being replaced").exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's writers queue: none can wait for another in a ring")
def test_an_import_and_a_bulk_action_do_not_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list names the customers in the reverse of the order in which the other holds them."""
    customers = [make_customer(external_id=f"A-{number}", name="Before") for number in range(6)]
    for customer in customers:
        make_link(customer=customer, flow=make_flow() if customer is customers[0] else Flow.objects.get())
    path = tmp_path / "list.csv"
    path.write_text("external_id,name\n" + "".join(f"A-{number},After\n" for number in reversed(range(6))))
    staging = customer_check.Staging(tmp_path / "staging")
    monkeypatch.setattr(customer_check, "BATCH", 1)
    columns = guess_columns(open_customer_file(path).header)
    counts = customer_check.check_list(path=path, columns=columns, staging=staging)
    begun, write = threading.Event(), customer_import._write_customers

    def write_slowly(*arguments: Any, **values: Any) -> int:
        written = write(*arguments, **values)
        begun.set()
        time.sleep(0.05)
        return written

    def void() -> int:
        begun.wait()
        return links.void_links(links=Link.objects.all(), voided_by=user, reason="moved")

    monkeypatch.setattr(customer_import, "_write_customers", write_slowly)
    user = make_user()
    applied, voided = at_once(lambda: customer_import.apply_list(staging=staging, total=counts.good, by=None), void)
    assert not isinstance(applied, Exception), applied
    assert not isinstance(voided, Exception), voided
    assert (applied.written, voided) == (6, 6)


def test_a_flow_retired_meanwhile_is_words_for_many_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_link()
    create = bulk_links._create_links

    def create_too_late(*arguments: Any, **values: Any) -> Any:
        assert isinstance(at_once(lambda: retire(flow=old.flow))[0], Flow)
        return create(*arguments, **values)

    if connection.vendor == "sqlite":
        retire(flow=old.flow)
    else:
        monkeypatch.setattr(bulk_links, "_create_links", create_too_late)
    result = bulk_links.replace_links(links=[old], issued_by=None, wanted=None)
    assert (result.created, result.refused_count) == (0, 1)
    assert "is retired, not live" in result.refused[0].reason
    assert Link.objects.get().is_live


@pytest.mark.parametrize("way", ["one", "bulk", "shared", "anew"])
def test_a_flow_retired_meanwhile_is_words_and_no_error(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague retires it after the rules have looked at it; on SQLite, whose writers queue, just before."""
    flow, customer = make_flow(), make_customer()
    old = make_link(flow=flow)
    acts: dict[str, Callable[[], Any]] = {
        "one": lambda: links.issue_link(customer=customer, flow=flow, issued_by=None),
        "bulk": lambda: bulk_links.issue_links(customers=[customer], flow=flow, issued_by=None),
        "shared": lambda: links.issue_shared_link(flow=flow, label="Lobby", issued_by=None),
        "anew": lambda: links.replace_link(link=old, issued_by=None),
    }
    if connection.vendor == "sqlite":
        retire(flow=flow)
    else:
        module, name = (bulk_links, "_create_links") if way == "bulk" else (links, "_create")
        create = getattr(module, name)

        def create_too_late(*arguments: Any, **values: Any) -> Any:
            assert isinstance(at_once(lambda: retire(flow=flow))[0], Flow)
            return create(*arguments, **values)

        monkeypatch.setattr(module, name, create_too_late)
    with pytest.raises(IssueRefused, match="is retired, not live"):
        acts[way]()
    assert Link.objects.get() == old


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's writers queue: none can wait for another in a ring")
def test_a_bulk_action_that_lost_a_deadlock_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    flow, customers = make_flow(), [make_customer(), make_customer()]
    hold, lost = bulk_links.hold_customers, iter([True])

    def lose_once(ids: Any) -> set[int]:
        erased = hold(ids)
        if next(lost, False):
            raise OperationalError("deadlock detected")
        return erased

    monkeypatch.setattr(bulk_links, "hold_customers", lose_once)
    result = bulk_links.issue_links(customers=customers, flow=flow, issued_by=None)
    assert (result.created, Link.objects.count()) == (2, 2)


def test_two_that_send_the_same_action_do_it_once() -> None:
    """Both get the same answer: the second waits, or finds what the first one did (SQLite's lock may send it back)."""
    rep = make_user(role=Role.FIELD_REP)
    flow = make_flow()
    device = open_device(rep=rep, device_id=None)
    [reserved, *_] = fill_reserve(device=device, kit=DoorKit(rep=rep, flow=flow, reserve=2))
    key = uuid.uuid4()

    def add() -> Answer:
        return do_once(
            key=key,
            by=rep,
            device=device,
            act=lambda: add_and_issue(
                customer=Customer(name="Hal"), by=rep, device=device, link_id=reserved.pk, at=timezone.now()
            ),
        )

    answers = at_once(*[add] * 4)
    assert len({answer for answer in answers if isinstance(answer, Answer)}) == 1
    assert Customer.objects.get().links.get() == reserved


def test_two_customers_cannot_get_one_reserved_link() -> None:
    rep = make_user(role=Role.FIELD_REP)
    device = open_device(rep=rep, device_id=None)
    [reserved] = fill_reserve(device=device, kit=DoorKit(rep=rep, flow=make_flow(), reserve=1))

    def attach() -> Link:
        return attach_link(link_id=reserved.pk, device=device, customer=make_customer(), at=timezone.now())

    results = at_once(*[attach] * 4)
    assert sum(isinstance(result, Link) for result in results) == 1
    assert {type(result) for result in results} == {Link, AttachRefused}
