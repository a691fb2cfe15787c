"""While a list is written: customers are served, memory stays bounded, and a killed process leaves nothing behind."""

import csv
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection

from portal.authorizations.models import Confirmation, Customer, Link, Visit
from portal.authorizations.services.customer_check import Staging, check_list
from portal.authorizations.services.customer_columns import guess_columns
from portal.authorizations.services.customer_file import open_customer_file
from portal.authorizations.services.customer_import import apply_list
from portal.authorizations.services.replay import replay_spool
from tests.authorizations.browsers import phone
from tests.factories import make_flow, make_link

#: Dies in the middle of the transaction, after 4,000 customers are written.
DYING = """
from portal.authorizations.services import customer_import
real = customer_import._write_customers
def write(batch, **arguments):
    written = real(batch, **arguments)
    if batch[-1].line > 4000:
        os.kill(os.getpid(), signal.SIGKILL)
    return written
customer_import._write_customers = write
"""


def write_list(path: Path, rows: int, *, prefix: str = "L") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["External ID", "Name", "Email", "Street", "City", "State", "Zip", "Utility"])
        for number in range(rows):
            place = [f"{number} Maple St", "Fresno", "CA", "93722", "pge"]
            writer.writerow([f"{prefix}-{number}", f"Ann {number}", f"ann{number}@example.com", *place])
    return path


def start_issue_links(path: Path, out: Path, prelude: str = "") -> "subprocess.Popen[str]":
    """`issue_links` in a process of its own, which prints its peak memory in KB in the end."""
    code = f"""
import os, resource, signal, django
django.setup()
{prelude}
from django.core.management import call_command
call_command("issue_links", {str(path)!r}, "--flow", "Summer", "--out", {str(out)!r})
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": _database_url()}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host = values["HOST"] or "127.0.0.1"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{host}:{values['PORT'] or 5432}/{values['NAME']}"


def run_issue_links(path: Path, out: Path) -> str:
    process = start_issue_links(path, out)
    printed, errors = process.communicate(timeout=150)
    assert process.returncode == 0, errors
    return printed


@pytest.mark.django_db(transaction=True)
def test_public_doors_answer_while_an_import_holds_the_database(tmp_path: Path) -> None:
    """A customer's visit and return in the middle of the transaction: served at once, and nothing of them is lost."""
    flow = make_flow()
    link = make_link(flow=flow)
    path, staging = write_list(tmp_path / "list.csv", 4500), Staging(tmp_path / "staging")
    check_list(path=path, columns=guess_columns(open_customer_file(path).header), staging=staging, flow=flow)
    answers: list[tuple[str, int, int]] = []

    def visit(doing: str) -> None:
        try:
            redirect = phone().get(f"/go/{link.code}")
            thanks = phone().get("/leap/thanks", {"refId": link.reference_id, "authorizationId": "a81c"})
            assert redirect.headers["Location"] == link.url
            answers.append((doing, redirect.status_code, thanks.status_code))
        finally:
            connection.close()

    def report(done: int, total: int, doing: str) -> None:
        if done == 2000:
            visitor = threading.Thread(target=visit, args=(doing,))
            visitor.start()
            visitor.join()

    apply_list(staging=staging, total=4500, by=None, flow=flow, report=report)
    assert answers == [("Writing customers", 302, 200), ("Issuing links", 302, 200)]
    replay_spool()
    assert (Visit.objects.filter(link=link).count(), Confirmation.objects.filter(link=link).count()) == (2, 2)
    link.refresh_from_db()
    assert link.status == "returned"
    assert (Customer.objects.count(), Link.objects.count()) == (4501, 4501)


@pytest.mark.pure
@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """Six times the rows need hardly more memory: a batch is what is held, not the file."""
    make_flow(name="Summer")
    small, large = (
        int(run_issue_links(write_list(tmp_path / "list.csv", rows, prefix=name), tmp_path / "out.csv").split()[-1])
        for name, rows in (("S", 4000), ("L", 24_000))
    )
    # What grows by design: the external ids seen in the file, under 300 bytes a row. A held file would be 2 KB a row.
    assert large - small < 20_000 * 0.5, (small, large)


@pytest.mark.django_db(transaction=True)
def test_killed_import_leaves_nothing_and_the_next_one_does_all(tmp_path: Path) -> None:
    make_flow(name="Summer")
    path, out = write_list(tmp_path / "list.csv", 6000), tmp_path / "links.csv"
    killed = start_issue_links(path, out, DYING)
    _, errors = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, errors
    assert (Customer.objects.count(), Link.objects.count(), out.exists()) == (0, 0, False)
    assert "6,000 links issued, 0 there already" in run_issue_links(path, out)
    assert (Customer.objects.count(), Link.objects.count()) == (6000, 6000)
    assert out.read_text(encoding="utf-8-sig").count("\n") == 6001
