"""The audit: who did what, written with the change or before the page, whatever the database is at."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import AuditAction, AuditEntry, Customer, Link
from portal.authorizations.services import campaigns, customers, door_calls, flows, links, paper
from portal.authorizations.services.audit import EACH, acting, record, record_rows
from portal.authorizations.services.csv_export import LINES, RowCounter, write_csv
from portal.authorizations.services.replay import replay_spool
from tests import factories
from tests.authorizations.locks import database_held, database_read_only

pytestmark = pytest.mark.django_db


def entries(**wanted: Any) -> list[tuple[Any, ...]]:
    """Who, what, to what, which row, how many; the oldest first."""
    found = AuditEntry.objects.filter(**wanted).order_by("pk")
    return [(each.by, each.action, each.noun, each.row, each.count) for each in found]


@pytest.mark.parametrize(
    "details",
    [
        {"fields": ["Rosa Núñez"]},
        {"state": "rosa@example.com"},
        {"filters": ["q", "112 Maple St"]},
        {"file": {"name": "a"}},
        {"search": "rosa"},
    ],
    ids=str,
)
def test_an_entry_takes_no_personal_data(details: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must hold keys, counts or plain names"):
        record(action=AuditAction.SAW, noun="customer", **details)
    assert not AuditEntry.objects.exists()


def test_whoever_changes_something_is_named() -> None:
    by = factories.make_user(role=Role.ADMIN)
    customer = customers.add_customer(customer=Customer(name="Ann"), added_by=by)
    flow = factories.make_flow()
    link = links.issue_link(customer=customer, flow=flow, issued_by=by).link
    successor = links.replace_link(link=link, issued_by=by)
    links.void_links(links=Link.objects.filter(pk=successor.pk), voided_by=by, reason="moved away")
    door_calls.record_door_call(customer=customer, outcome="not_home", by=by, at=customer.created_at, note="a dog")
    assert entries(by=by) == [
        (by, "added", "customer", customer.pk, 1),
        (by, "issued", "link", link.pk, 1),
        (by, "issued", "link", successor.pk, 1),
        (by, "changed", "link", link.pk, 1),
        (by, "voided", "link", successor.pk, 1),
        (by, "changed", "customer", customer.pk, 1),
    ]
    assert "dog" not in str(list(AuditEntry.objects.values_list("details", flat=True)))


def test_a_change_that_fails_leaves_no_entry() -> None:
    by = factories.make_user()
    factories.make_customer(external_id="A-7")
    with pytest.raises(Exception, match=r"(?i)unique"):
        customers.add_customer(customer=Customer(name="Ann", external_id="A-7"), added_by=by)
    assert entries(noun="customer") == []


def test_the_names_of_changed_fields_are_kept_and_not_their_values(admin_client: Client, admin: User) -> None:
    customer = factories.make_customer(name="Ann")
    form = {"name": "Ann Marker", "language": "en", "external_id": customer.external_id or "", "email": "m@x.example"}
    assert admin_client.post(reverse("customer_update", args=[customer.pk]), form).status_code == 302
    entry = AuditEntry.objects.get(action="changed", noun="customer")
    assert (entry.by, entry.row) == (admin, customer.pk)
    assert {"name", "email", "street"} <= set(entry.details["fields"])
    assert "Marker" not in str(entry.details)


def test_each_of_several_rows_can_be_asked_for_and_very_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rep, everyone = factories.make_user(role=Role.FIELD_REP), [factories.make_customer() for _ in range(3)]
    customers.assign_customers(customers=Customer.objects.all(), rep=rep)
    assert [row for *_, row, _ in entries(noun="customer")] == [customer.pk for customer in everyone]
    monkeypatch.setattr("portal.authorizations.services.audit.EACH", 2)
    record_rows(action=AuditAction.VOIDED, noun="link", rows=Customer.objects.all())
    assert entries(noun="link") == [(None, "voided", "link", None, 3)]
    assert EACH >= 2


def test_configuration_and_papers_are_recorded() -> None:
    by = factories.make_user(role=Role.ADMIN)
    request_of = type("Request", (), {"user": by})()
    with acting(request=request_of):
        flow = factories.make_flow(state="requested")
        flows.set_live(flow=flow)
        flows.retire(flow=flow)
        campaign = factories.make_campaign()
        campaigns.choose_flow(campaign=campaign, flow=campaign.flow, utilities=[])
        form = factories.make_paper(recorded_by=by)
        paper.withdraw_paper_authorization(paper=form, reason="a mistake")
    assert [(action, noun, row) for _, action, noun, row, _ in entries(by=by)] == [
        ("changed", "flow", flow.pk),
        ("changed", "flow", flow.pk),
        ("changed", "campaign", campaign.pk),
        ("added", "paper authorization", form.pk),
        ("voided", "paper authorization", form.pk),
    ]


def test_the_worker_and_whoever_runs_a_command_are_named(tmp_path: Path) -> None:
    with acting(name="worker"):
        record(action=AuditAction.STARTED, noun="sync")
    file = tmp_path / "list.csv"
    file.write_text("external_id,name\nA-1,Ann\n")
    call_command("import_customers", file, stdout=StringIO())
    worker, command = AuditEntry.objects.order_by("pk")
    assert worker.who == "worker"
    assert command.who.startswith("command:")
    assert (command.by, command.action, command.noun, command.count) == (None, "changed", "customer", 1)


def test_a_list_says_how_many_rows_it_showed_and_which_filters_but_not_the_words(
    manager_client: Client, manager: User
) -> None:
    for name in ("Ann Marker", "Bob Marker", "Carl"):
        factories.make_customer(name=name)
    manager_client.get(reverse("customer_list"), {"q": "Marker", "customer_type": "residential", "Marker": "x"})
    entry = AuditEntry.objects.get(action="saw")
    assert (entry.by, entry.noun, entry.row, entry.count) == (manager, "customer", None, 2)
    assert entry.details == {"filters": ["customer_type", "q"]}


def test_a_page_about_a_customer_is_seen_and_one_that_is_not_there_is_not(manager_client: Client) -> None:
    customer = factories.make_customer()
    manager_client.get(reverse("customer_detail", args=[customer.pk]))
    manager_client.get(reverse("customer_detail", args=[customer.pk + 1]))
    manager_client.head(reverse("customer_detail", args=[customer.pk]))
    assert [(noun, row) for _, action, noun, row, _ in entries() if action == "saw"] == [("customer", customer.pk)]


def test_a_reps_door_list_is_seen_and_its_copy_on_a_phone_is_exported(rep_client: Client, rep: User) -> None:
    factories.make_customer(assigned_rep=rep)
    factories.make_customer(assigned_rep=rep)
    rep_client.get(reverse("home"))
    rep_client.get(reverse("door_data"))
    assert [entry[1:] for entry in entries(by=rep, noun="customer")] == [
        ("saw", "customer", None, 2),
        ("exported", "customer", None, 2),
    ]


def test_an_export_is_noted_at_its_start_and_at_its_end(manager_client: Client, manager: User) -> None:
    for _ in range(3):
        factories.make_customer(notes='two\r\nlines, "quoted"')
    response = manager_client.get(reverse("customer_list"), {"export": "csv", "customer_type": "residential"})
    first = AuditEntry.objects.get(action="exported")
    assert (first.by, first.noun, first.count, first.details) == (
        manager,
        "customer",
        0,
        {"filters": ["customer_type"]},
    )
    text = b"".join(response)
    last = AuditEntry.objects.filter(action="exported").latest("pk")
    assert text.count(b"two") == 3
    assert (last.by, last.noun, last.count, last.details["ended"]) == (manager, "customer", 3, True)


def test_an_export_that_is_broken_off_says_how_far_it_got(manager_client: Client) -> None:
    for _ in range(LINES + 50):
        factories.make_customer()
    response: Any = manager_client.get(reverse("customer_list"), {"export": "csv"})
    lines: Any = response.streaming_content
    next(lines), next(lines)
    response._iterator.close()  # as when the browser has gone; the test client's wrapper closes the response
    entry = AuditEntry.objects.filter(action="exported").latest("pk")
    assert (entry.count, entry.details["ended"]) == (LINES, False)


def test_rows_are_counted_however_they_are_cut() -> None:
    rows = [["a", 'say "so"\r\nor not'], ["b", '"'], ["c", "\r\n\r\n"]]
    lines = [line.encode() for line in write_csv(["x", "y"], rows)]
    for cut in (lines, [b"".join(lines)], [b"".join(lines[:2]), b"".join(lines[2:])]):
        counter = RowCounter()
        for chunk in cut:
            counter.feed(chunk)
        assert counter.rows == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["held", "read-only"])
def test_a_page_does_not_fail_while_the_database_cannot_be_written(how: str, manager_client: Client) -> None:
    """The entry waits in the spool, and comes into the database once, with the time of the page."""
    link = factories.make_link()
    hold: Callable[[], Any] = database_read_only if how == "read-only" else lambda: database_held(link)
    with hold():
        response = manager_client.get(reverse("link_detail", args=[link.pk]))
    assert response.status_code == 200
    if how == "held" and AuditEntry.objects.filter(action="saw").exists():
        return  # PostgreSQL: the link's row is held, and an entry of the audit needs nothing of it
    [file] = Path(settings.SPOOL_DIR).glob("*.json")
    kept = json.loads(file.read_text())["record"]
    assert replay_spool().replayed == 1
    file.write_text(json.dumps({"kind": "audit", "record": kept}))
    assert replay_spool().known == 1
    entry = AuditEntry.objects.get(action="saw")
    assert (entry.noun, entry.row, entry.at.isoformat()) == ("link", link.pk, kept["at"])


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_noted_anywhere_is_not_shown(manager_client: Client, tmp_path: Path) -> None:
    customer = factories.make_customer(name="Ann Marker")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    settings.SPOOL_DIR = blocked
    with database_read_only():
        response = manager_client.get(reverse("customer_detail", args=[customer.pk]))
    assert response.status_code == 503
    assert b"Marker" not in response.content
    assert b"nobody could note" in response.content


def test_sign_ins_failures_sign_outs_and_passwords_are_recorded(client: Client) -> None:
    user = factories.make_user(username="ann")
    client.post(reverse("login"), {"username": "ann", "password": "wrong"})
    client.post(reverse("login"), {"username": "my-secret-password", "password": "wrong"})
    client.post(reverse("login"), {"username": "ann", "password": "correct-horse"})
    new = "a-longer-horse-9"
    form = {"old_password": "correct-horse", "new_password1": new, "new_password2": new}
    client.post(reverse("password_change"), {**form, "new_password2": "other"})
    client.post(reverse("password_change"), form)
    client.post(reverse("logout"))
    assert entries() == [
        (None, "kept_out", "person", user.pk, 1),
        (None, "kept_out", "person", None, 1),
        (user, "signed_in", "person", user.pk, 1),
        (user, "changed", "person", None, 1),
        (user, "signed_out", "person", user.pk, 1),
    ]
    assert "secret" not in str(list(AuditEntry.objects.values_list("details", flat=True)))


def test_people_are_recorded(admin_client: Client, admin: User) -> None:
    person = factories.make_user()
    admin_client.post(reverse("user_disable", args=[person.pk]))
    admin_client.post(reverse("user_enable", args=[person.pk]))
    found = AuditEntry.objects.filter(noun="person", row=person.pk, action="changed").order_by("pk")
    assert [(entry.by, entry.details["state"]) for entry in found] == [(admin, "disabled"), (admin, "enabled")]


def test_the_screen_shows_filters_and_exports(admin_client: Client, admin: User) -> None:
    customer = factories.make_customer()
    admin_client.get(reverse("customer_detail", args=[customer.pk]))
    with acting(name="worker"):
        record(action=AuditAction.STARTED, noun="sync", full=True)
    page = admin_client.get(reverse("audit_list")).content.decode()
    assert f'href="/customers/{customer.pk}/"' in page
    assert "worker" in page

    def shown(**filters: Any) -> list[tuple[str, str]]:
        rows = admin_client.get(reverse("audit_list"), filters).context["table"].data
        return [(entry.action, entry.noun) for entry in rows if entry.noun != "audit entry"]

    assert shown(noun="customer", row=customer.pk) == [("saw", "customer")]
    assert shown(by=admin.pk, action="signed_in") == [("signed_in", "person")]
    assert shown(by="null") == [("started", "sync")]
    assert shown(to_day="2001-01-01") == []
    text = b"".join(admin_client.get(reverse("audit_list"), {"export": "csv"})).decode()
    assert "worker,started,sync" in text
    assert entries(action="exported", noun="audit entry")[0][:2] == (admin, "exported")


@pytest.mark.parametrize("screen", ["customer", "link"])
def test_admins_alone_are_led_from_a_row_to_who_saw_it(
    screen: str, admin_client: Client, manager_client: Client
) -> None:
    link = factories.make_link()
    pk = link.pk if screen == "link" else link.customer_id
    address = reverse(f"{screen}_detail", args=[pk])
    way = f"/audit/?noun={screen}&amp;row={pk}"
    assert way in admin_client.get(address).content.decode()
    assert way not in manager_client.get(address).content.decode()


def test_the_screen_asks_the_same_number_of_queries_however_long_it_is(admin_client: Client) -> None:
    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(reverse("audit_list"))
        return len(queries)

    ask()  # the first page of all also reads what is remembered from then on
    first = ask()
    by = [factories.make_user() for _ in range(20)]
    AuditEntry.objects.bulk_create(
        AuditEntry(at="2026-11-25T00:00Z", action="saw", noun="customer", by=by[n % 20]) for n in range(200)
    )
    assert ask() == first
