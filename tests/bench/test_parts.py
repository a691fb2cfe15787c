"""The command line of the measurements, and what both sides of a part have to agree on."""

import os
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import bulk_links, customer_import
from bench.customer_list import read_customers, write_customer_list
from bench.databases import shared_tables, temporary_database
from bench.harness import DifferentWorkError, MissingPeerError, Result
from portal.authorizations.models import Customer, Link


@pytest.mark.parametrize(("ratio", "strict", "status"), [(3.0, True, 0), (1.0, False, 0), (1.0, True, 1)])
def test_a_missed_goal_fails_only_when_asked_to(
    ratio: float, strict: bool, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = Result("one job", "other 1.0", (ratio,) * 5, 2.0)
    monkeypatch.setattr(command, "measure_apart", lambda name, **options: [result])
    assert command.main(["qr", *["--strict"] * strict]) == status
    assert f"{ratio:.2f}x" in capsys.readouterr().out


@pytest.mark.parametrize("error", [MissingPeerError("no peer"), DifferentWorkError("other rows")])
def test_what_cannot_be_measured_fails_in_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, **options: Any) -> list[Result]:
        raise error

    monkeypatch.setattr(command, "measure_apart", fail)
    assert command.main(["qr"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[1:] == [f"bench: qr: {error}"]


@pytest.mark.parametrize(
    ("arguments", "reason"), [(["qqr"], "there is no part “qqr”"), (["--rounds", "4"], "5 is the least")]
)
def test_nonsense_is_refused(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert reason in capsys.readouterr().err


def test_a_temporary_database_goes_with_its_folder() -> None:
    with temporary_database() as url:
        file = Path(url.removeprefix("sqlite:///"))
        assert file.parent.is_dir()
        file.touch()
    assert not file.parent.exists()


def test_the_tables_of_the_first_database_serve_the_others_of_the_run() -> None:
    with shared_tables():
        with temporary_database() as url:
            assert not Path(url.removeprefix("sqlite:///")).exists()
        Path(os.environ["BENCH_TABLES"]).write_bytes(b"tables")  # as portal_on leaves them
        with temporary_database() as url:
            assert Path(url.removeprefix("sqlite:///")).read_bytes() == b"tables"
    assert "BENCH_TABLES" not in os.environ


@pytest.mark.django_db
def test_every_side_of_the_import_leaves_the_same_customers(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    write_customer_list(path, 30)
    found = set()
    for side in (
        lambda: customer_import.import_as_we_do(path),
        lambda: customer_import.import_as_the_peer_does(path, dry_run_first=True),
        lambda: customer_import.import_as_the_peer_does(path, dry_run_first=False),
        lambda: Customer.objects.bulk_create(read_customers(path)),
    ):
        side()
        found.add(customer_import.fingerprint())
        Customer.objects.all().delete()
    (fingerprint,) = found
    assert fingerprint.startswith("30 customers ")


@pytest.mark.django_db
def test_a_link_that_is_not_right_is_noticed() -> None:
    bulk_links.add_customers(3)
    bulk_links.issue_as_we_do(bulk_links.add_flow())
    fingerprint = bulk_links.fingerprint()
    assert fingerprint.startswith("3 links ")
    link = Link.objects.first()
    assert link is not None
    link.requested_utilities.clear()
    assert bulk_links.fingerprint() != fingerprint
