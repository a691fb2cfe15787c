"""While the database cannot be written, customers are served all the same, and nothing is lost or doubled."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.http import HttpResponse

from portal.authorizations.models import Confirmation, Installation, Link, Outcome, Visit
from portal.authorizations.services import doors, replay
from portal.authorizations.services.replay import ReplayResult, replay_spool
from portal.authorizations.services.spool import is_spool_empty, write_to_spool
from tests.authorizations.browsers import phone
from tests.authorizations.locks import database_held, database_read_only
from tests.factories import make_customer, make_link

pytestmark = pytest.mark.django_db(transaction=True)


def waiting() -> list[Path]:
    return sorted(Path(settings.SPOOL_DIR).glob("*"))


def follow(link: Link) -> HttpResponse:
    return phone().get(link.short_path, REMOTE_ADDR="203.0.113.77")


def come_back(link: Link) -> HttpResponse:
    return phone().get("/leap/thanks", {"refId": link.reference_id, "authorizationId": "9f1c"})


@pytest.fixture(params=["held", "read-only"])
def unwritable(request: pytest.FixtureRequest) -> Callable[[Link], Any]:
    """A database that somebody else holds, or that takes no writes at all."""
    return database_held if request.param == "held" else lambda link: database_read_only()


def test_people_are_sent_on_while_the_database_cannot_be_written(unwritable: Callable[[Link], Any]) -> None:
    link = make_link()
    with unwritable(link):
        response = follow(link)
        assert (response.status_code, response.headers["Location"]) == (302, link.url)
    assert not Visit.objects.exists()
    [file] = waiting()
    assert file.suffix == ".json"
    spooled = json.loads(file.read_text())
    assert (spooled["kind"], spooled["record"]["link_id"]) == ("visit", link.pk)
    assert replay_spool() == ReplayResult(replayed=1)
    visit = Visit.objects.get()
    link.refresh_from_db()
    assert (visit.link, visit.ip, str(visit.receipt)) == (link, "203.0.113.0/24", file.stem)
    assert link.first_visited_at == visit.at
    assert visit.at.isoformat() == spooled["record"]["at"], "the time is that of the visit, not of the replay"
    assert waiting() == []


def test_a_second_visit_does_not_wait_either(unwritable: Callable[[Link], Any]) -> None:
    """It writes one row only, without the milestone; in PostgreSQL its foreign key would wait for the link's row."""
    link = make_link()
    follow(link)
    with unwritable(link):
        assert follow(link).status_code == 302
    assert (Visit.objects.count(), len(waiting())) == (1, 1)


def test_the_confirmation_page_shows_while_the_database_cannot_be_written(unwritable: Callable[[Link], Any]) -> None:
    link = make_link()
    as_always = phone().get("/leap/thanks/en/")
    with unwritable(link):
        response = come_back(link)
    assert (response.status_code, response.content) == (200, as_always.content)
    assert not Confirmation.objects.exists()
    assert len(waiting()) == 1
    assert replay_spool() == ReplayResult(replayed=1)
    kept = Confirmation.objects.get()
    link.refresh_from_db()
    assert (kept.outcome, kept.link, kept.authorization_id, kept.repeated) == (Outcome.MATCHED, link, "9f1c", False)
    assert link.first_returned_at == kept.at
    assert waiting() == []


def test_a_repeated_return_does_not_wait_either(unwritable: Callable[[Link], Any]) -> None:
    link = make_link()
    come_back(link)
    with unwritable(link):
        assert come_back(link).status_code == 200
    assert (Confirmation.objects.count(), len(waiting())) == (1, 1)
    replay_spool()
    assert list(Confirmation.objects.order_by("pk").values_list("repeated", flat=True)) == [False, True]


def test_a_door_asks_again_until_a_short_write_of_another_process_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL lets more than one write at a time, and wakes who waits for a row.")
    link = make_link()
    naps: list[float] = []
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            other.rollback()

    monkeypatch.setattr(doors, "time", SimpleNamespace(sleep=nap, monotonic=time.monotonic))
    follow(link)
    other.close()
    assert (Visit.objects.count(), len(naps), waiting()) == (1, 3, [])
    # Another door is done within a fraction of a millisecond; an import takes longer, and need not be asked as often.
    assert naps[0] < 0.001
    assert naps == sorted(set(naps))


def test_after_the_wait_the_connection_is_as_patient_as_before() -> None:
    link = make_link()
    with database_held(link):
        follow(link)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" if connection.vendor == "sqlite" else "SHOW lock_timeout")
        assert cursor.fetchone()[0] in (20_000, "0")


def test_without_any_database_the_page_shows_and_the_redirect_asks_for_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = make_link()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server does not answer")

    connection.close()
    monkeypatch.setattr(connection, "connect", refuse)
    Installation.objects.forget()
    page, redirect = come_back(link), follow(link)
    assert (page.status_code, redirect.status_code) == (200, 503)
    assert "Thank you" in page.content.decode()
    assert "try again" in redirect.content.decode()
    monkeypatch.undo()
    assert replay_spool() == ReplayResult(replayed=1)
    assert Confirmation.objects.get().link == link


def test_when_even_the_disk_fails_the_customer_is_served_and_it_is_logged(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings.SPOOL_DIR = tmp_path / "file" / "no folder"
    link = make_link()
    with database_read_only(), caplog.at_level(logging.ERROR):
        assert follow(link).status_code == 302
        assert come_back(link).status_code == 200
    assert "neither to the database nor to the spool" in caplog.text


def test_a_replay_that_died_between_database_and_file_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    link = make_link()
    with database_read_only():
        follow(link)
        come_back(link)
    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", lambda *args, **kwargs: pytest.fail("crash"))
        for _ in range(2):
            with pytest.raises(pytest.fail.Exception):
                replay_spool()
    assert len(waiting()) == 2
    assert Visit.objects.count() + Confirmation.objects.count() == 1
    assert replay_spool() == ReplayResult(replayed=1, known=1)
    assert (Visit.objects.count(), Confirmation.objects.count(), waiting()) == (1, 1, [])


def test_records_are_replayed_in_the_order_in_which_they_came() -> None:
    link = make_link()
    with database_read_only():
        for _ in range(3):
            come_back(link)
    replay_spool()
    kept = Confirmation.objects.order_by("pk")
    assert [row.repeated for row in kept] == [False, True, True]
    assert sorted(row.at for row in kept) == [row.at for row in kept]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '"text"',
        '{"kind": "visit"}',
        '{"kind": "visit", "record": {}}',
        '{"kind": "visit", "record": {"at": "yesterday"}}',
        '{"kind": "visit", "record": {"at": "2026-01-01T00:00:00+00:00", "colour": "red"}}',
        '{"kind": "nothing", "record": {"at": "2026-01-01T00:00:00+00:00"}}',
    ],
)
def test_an_unreadable_file_is_set_aside_and_stops_nothing(content: str, caplog: pytest.LogCaptureFixture) -> None:
    link = make_link()
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(parents=True)
    bad = folder / "00000000-0000-4000-8000-000000000000.json"
    bad.write_text(content)
    with database_read_only():
        come_back(link)
    assert replay_spool().replayed == 1
    assert Confirmation.objects.count() == 1
    assert waiting() == [bad.with_suffix(".bad")]
    assert bad.with_suffix(".bad").read_text() == content
    assert "set aside" in caplog.text
    assert replay_spool() == ReplayResult()


def test_a_file_whose_name_is_no_receipt_is_set_aside() -> None:
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(parents=True)
    (folder / "notes.json").write_text('{"kind": "visit", "record": {}}')
    replay_spool()
    assert [file.name for file in waiting()] == ["notes.bad"]


def test_a_visit_of_a_link_that_is_not_there_is_set_aside() -> None:
    write_to_spool(
        kind="visit",
        record={
            "link_id": 4711,
            "via_id": None,
            "ip": "",
            "user_agent": "",
            "at": "2026-01-01T00:00:00+00:00",
        },
    )
    assert replay_spool() == ReplayResult(refused=1)
    assert [file.suffix for file in waiting()] == [".bad"]


def test_what_is_spooled_is_readable_by_its_owner_only() -> None:
    with database_read_only():
        come_back(make_link_before())
    [file] = waiting()
    assert file.stat().st_mode & 0o077 == 0


def make_link_before() -> Link:
    """A link's worth of claim without a write: the spool takes any."""
    return Link(reference_id="acct-77")


def test_two_replays_at_once_write_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    link = make_link()
    with database_read_only():
        for _ in range(6):
            come_back(link)
    start, results, errors = threading.Barrier(2), list[ReplayResult](), list[BaseException]()

    def work() -> None:
        try:
            start.wait(timeout=30)
            results.append(replay_spool())
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    assert Confirmation.objects.count() == 6
    assert sum(result.replayed for result in results) == 6
    assert waiting() == []


def test_two_first_returns_at_once_leave_exactly_one_that_is_not_repeated() -> None:
    """R15: the milestone's own update decides, not what was read before it."""
    links = [make_link(customer=make_customer()) for _ in range(4)]
    for link in links:
        start, errors = threading.Barrier(2), list[BaseException]()

        def work(link: Link = link, start: threading.Barrier = start, errors: list[BaseException] = errors) -> None:
            try:
                start.wait(timeout=30)
                assert come_back(link).status_code == 200
            except BaseException as error:
                errors.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert errors == []
    # One of two may have found the database locked for too long on a slow machine: it waits in the spool.
    replay_spool()
    for link in links:
        assert sorted(link.confirmations.values_list("repeated", flat=True)) == [False, True]
        link.refresh_from_db()
        assert link.first_returned_at == link.confirmations.get(repeated=False).at


def test_the_command_prints_what_it_did() -> None:
    with database_read_only():
        come_back(Link(reference_id="acct-77"))
    said = StringIO()
    call_command("replay_spool", stdout=said)
    assert said.getvalue() == "1 replayed, 0 known already, 0 set aside as unreadable\n"
    assert is_spool_empty()


def test_the_command_says_in_one_line_that_the_database_still_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_to_spool(kind="confirmation", record={})

    def refuse(**kwargs: Any) -> None:
        raise OperationalError("database is locked\nmore of it")

    record = {"query_string": "", "is_bot": False, "ip": "", "user_agent": "", "at": "2026-01-01T00:00:00+00:00"}
    write_to_spool(kind="confirmation", record=record)
    monkeypatch.setattr(replay, "record_confirmation", refuse)
    with pytest.raises(CommandError) as refused:
        call_command("replay_spool")
    assert str(refused.value) == "the database cannot be written (database is locked): the records stay in the spool"
    assert not is_spool_empty()
