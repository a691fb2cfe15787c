"""A customer is erased: wherever something said who it was, it is gone; what was counted is counted still.

The proof fills every text of every row and file with a word that stands nowhere else, erases the customer, and looks
for the word in the whole database (every table, every column; on SQLite the bytes of its files, too) and on the disk.
"""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django_tasks_db.models import DBTaskResult

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import (
    AuditEntry,
    Confirmation,
    Customer,
    CustomerImport,
    DoorAction,
    Erasure,
    Event,
    ImportState,
    Job,
    Link,
    LinkRequest,
    Mail,
    MailStop,
    Message,
    PaperAuthorization,
    PrintJob,
    SyncRun,
    Visit,
)
from portal.authorizations.models.link import count_of_each_step
from portal.authorizations.models.search import Words
from portal.authorizations.services import erasure, imports
from portal.authorizations.services.door_calls import record_door_call
from portal.authorizations.services.door_data import list_doors_for_device
from portal.authorizations.services.erased import digests_of
from portal.authorizations.services.erasure import EraseRefused, erase_customer, finish_erasures
from portal.authorizations.services.events import interpret_events
from portal.authorizations.services.links import IssueRefused, issue_link
from portal.authorizations.services.replay import replay_spool
from portal.authorizations.services.spool import write_to_spool
from tests import factories

#: Stands in every value of the customer, and nowhere else. Without capitals: some texts are lowered.
MARK = "qzxmarker"
#: What the customer is called, and what the texts about it repeat.
PERSON = {
    "name": f"Rosa {MARK}name Núñez",
    "company": f"{MARK}company & Sons",
    "email": f"{MARK}@example.com",
    "phone": f"559 {MARK}",
    "street": f"112 {MARK} St",
    "city": f"{MARK}ville",
    "postal_code": f"9{MARK}",
    "external_id": f"A-{MARK}",
    "reference_id": f"own-{MARK}",
    "notes": f"knows {MARK}",
}
SAID = f"“{PERSON['name']}” <{PERSON['email']}> asked"
#: Rows of these are nobody's: they say nothing of customers, or are the partner's own configuration and words.
NOT_PERSONAL = {
    "AuditEntry",  # by design: shown below
    "Batch",
    "Campaign",
    "Connection",
    "DoorDevice",
    "DoorKit",
    "Enrollment",
    "EnrollmentDeadline",
    "ErasedIdentity",
    "Erasure",
    "Figures",
    "JobRow",
    "OutageFeed",
    "ReminderCursor",
    "Flow",
    "Installation",
    "KeptLink",
    "LandingPage",
    "MailStop",  # a digest, kept so that nobody writes again
    "Message",
    "MeterMatch",
    "Outage",
    "PrintLabel",
    "PrinterSettings",
    "Reauthorization",
    "RequiredAction",
    "ReservedLink",
    "Utility",
}


class Traces:
    """A customer who has left traces everywhere."""

    def __init__(self) -> None:
        self.rep = factories.make_user(role=Role.FIELD_REP)
        self.admin = factories.make_user(role=Role.ADMIN)
        self.flow = factories.make_flow()
        self.campaign = factories.make_campaign(flow=self.flow)
        own = PERSON["reference_id"]
        person: dict[str, Any] = {**PERSON, "reference_id": None, "assigned_rep": self.rep}
        self.customer = factories.make_customer(**person)
        self.link = factories.make_link(customer=self.customer, flow=self.flow, campaign=self.campaign)
        self.old = factories.make_link(customer=self.customer, flow=self.flow)
        Customer.objects.filter(pk=self.customer.pk).update(reference_id=own, door_order=f"{MARK} 0112")
        self.customer.refresh_from_db()
        self.other = factories.make_link(flow=self.flow, campaign=self.campaign)
        self._files()
        self._rows()
        self._texts()

    def _files(self) -> None:
        scan = factories.make_scan(text=SAID, name=f"{MARK}.pdf")
        self.paper = factories.make_paper(customer=self.customer, scan=scan)
        self.job = factories.make_print_job(links=[self.link, self.other], created_by=self.rep)
        header = "external_id,name,email\r\n"
        rows = f"{PERSON['external_id']},{PERSON['name']},{PERSON['email']}\r\nB-1,Bob,bob@\r\n"
        self.imports = [
            factories.make_import(text=header + rows, until=state)
            for state in (ImportState.UPLOADED, ImportState.CHECKED, ImportState.APPLIED)
        ]
        self.innocent = factories.make_import(text=header + "C-1,Carl,carl@example.com\r\n")
        for record in ({"kind": "visit", "link_id": self.link.pk}, {"kind": "confirmation"}):
            kind = record.pop("kind")
            at = timezone.now().isoformat()
            query = {"query_string": f"refId={self.link.reference_id}&email={MARK}"}
            sender = {"ip": f"{MARK}", "user_agent": MARK, "is_bot": False}
            write_to_spool(kind=str(kind), record={**record, **sender, **(query if kind != "visit" else {}), "at": at})
        bad = Path(settings.SPOOL_DIR) / "broken.bad"
        bad.write_text(f'{{"refId": "{self.link.reference_id}", "user_agent": "{MARK}"')

    def _rows(self) -> None:
        now = timezone.now()
        record_door_call(customer=self.customer, outcome="not_home", by=self.rep, at=now, note=SAID)
        Visit.objects.create(link=self.link, at=now)
        Confirmation.objects.create(link=self.link, at=now, outcome="matched")
        event = {"event_type": "x", "received_at": now, "interpreted_at": now, "link": self.link}
        Event.objects.create(webhook_event_id="1", payload={"note": SAID, "deep": [{"who": MARK}]}, **event)
        self.meter = factories.make_match(link=self.link).meter
        request = factories.make_link_request(email=PERSON["email"], name=PERSON["name"])
        done = factories.make_link_request(email="x@example.com")
        LinkRequest.objects.filter(pk=done.pk).update(state="refused", email="", name="", problem=SAID)
        assert request.state == "waiting"
        message = Message.objects.create(campaign=self.campaign, kind="invitation")
        Mail.objects.create(message=message, customer=self.customer, link=self.link, due_at=now)
        MailStop.objects.create(address_digest="d" * 64, reason="unsubscribed", at=now)
        answer = {"status": "conflict", "message": SAID, "customer": self.customer.pk, "link": None}
        DoorAction.objects.create(key="0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", by=self.rep, answer=answer)
        parameters = {"query": "q=Rosa+qzxmarkername+N%C3%BA%C3%B1ez", "customers": [self.customer.pk]}
        Job.objects.create(kind="void", created_by=self.rep, parameters=parameters, error=SAID, result={"said": [SAID]})
        SyncRun.objects.create(started_at=now, heartbeat_at=now, error=SAID, malformed_reasons=[SAID])
        for row in (self.customer, self.link, self.paper):
            kind = ContentType.objects.get_for_model(row)
            LogEntry.objects.create(
                user=self.admin,
                content_type=kind,
                object_id=str(row.pk),
                object_repr=str(self.customer)[:200],
                action_flag=CHANGE,
                change_message=json.dumps([{"changed": {"object": MARK}}]),
            )
        DBTaskResult.objects.create(
            priority=0,
            task_path="x",
            queue_name="default",
            backend_name="default",
            args_kwargs={"args": [SAID], "kwargs": {}},
            traceback=f"DETAIL: Key (external_id)=({PERSON['external_id']})",
            run_after=now,
        )
        session = SessionStore()
        session["_messages"] = f"{PERSON['name']} is saved."
        session.save()
        cache.set("progress:job:1", {"done": 1, "total": 2, "doing": "Issuing links", "at": 0.0})

    def _texts(self) -> None:
        """Every free text of the rows that are the customer's own."""
        links = Link.objects.filter(customer=self.customer)
        links.update(label=MARK)
        links.filter(pk=self.old.pk).update(voided_at=timezone.now(), void_reason=f"{MARK} moved")
        Visit.objects.update(ip=MARK, user_agent=MARK)
        Confirmation.objects.update(ip=MARK, user_agent=MARK, query_string=f"x={MARK}", authorization_id=MARK)
        Event.objects.update(problem=MARK)
        Mail.objects.update(reason=MARK, hold_reason=MARK, rfc_message_id=MARK)
        PaperAuthorization.objects.update(withdrawal_reason=MARK, scan_name=f"{MARK}.pdf")
        PrintJob.objects.update(chosen=f"links matching “{PERSON['name']}”", error=SAID, proof={"faults": [SAID]})
        type(self.meter).objects.update(record={"note": MARK}, enrollment_record={"note": MARK})
        names = [imported.pk for imported in self.imports]
        CustomerImport.objects.filter(pk__in=names).update(
            file_name=f"{PERSON['email']}.csv", error=SAID, header=[SAID]
        )


@pytest.fixture
def traces(transactional_db: None) -> Traces:
    return Traces()


def rows_with_mark() -> Iterator[str]:
    """Table and column of every value that holds the mark, asked of the database itself."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                    if MARK.encode() in text.lower():
                        yield f"{table}.{name}"
    for session in SessionStore.get_model_class().objects.all():
        if MARK in str(session.get_decoded()):
            yield "django_session.session_data"


def files_with_mark() -> Iterator[str]:
    """Every file of the portal that holds the mark, in its name or content; a PDF's text lies compressed."""
    for root in (settings.MEDIA_ROOT, settings.SPOOL_DIR):
        for path in Path(root).rglob("*"):
            if path.is_file() and (MARK in path.name or path.suffix == ".pdf" or MARK.encode() in path.read_bytes()):
                yield str(path)
    if connection.vendor == "sqlite":
        base = Path(connection.settings_dict["NAME"])
        for path in (base, base.with_name(f"{base.name}-wal")):
            if path.exists() and MARK.encode() in path.read_bytes():
                yield path.name


def counts() -> dict[str, Any]:
    """What funnels, campaigns and reps count."""
    rows = {
        model.__name__: model._default_manager.count()
        for model in apps.get_app_config("authorizations").get_models()
        if model.__name__ not in {"AuditEntry", "Erasure", "ErasedIdentity"}
    }
    steps = Link.objects.aggregate(**count_of_each_step())
    by_utility = list(
        Customer.objects.values_list("utility", "customer_type").annotate(n=models.Count("pk")).order_by()
    )
    by_campaign = list(Link.objects.values("campaign").annotate(**count_of_each_step()).order_by("campaign"))
    return {"rows": rows, "steps": steps, "by_utility": sorted(map(str, by_utility)), "by_campaign": by_campaign}


def test_nothing_says_any_more_who_it_was_and_the_counts_are_the_same(traces: Traces) -> None:
    before = set(rows_with_mark())
    assert {"authorizations_customer.email", "authorizations_doorcall.note", "django_session.session_data"} <= before
    there = list(files_with_mark())
    assert any("/imports/" in name for name in there)
    assert any("/spool/" in name for name in there)
    assert any("/" not in name for name in there) or connection.vendor != "sqlite"
    replay_spool()
    interpret_events()
    counted = counts()
    erased = erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    assert erased.is_finished
    assert sorted(set(rows_with_mark())) == []
    assert list(files_with_mark()) == []
    assert counts() == counted


def test_every_kind_of_row_was_looked_at(traces: Traces) -> None:
    """A new table with texts is either filled above, or said to be nobody's."""
    marked = {name.split(".")[0].removeprefix("authorizations_") for name in rows_with_mark()}
    missing = {
        model.__name__
        for model in apps.get_app_config("authorizations").get_models()
        if model.__name__ not in NOT_PERSONAL and not issubclass(model, Words) and model._meta.model_name not in marked
    }
    assert missing == set(), "fill its texts in Traces, or add it to NOT_PERSONAL"


def test_the_audit_says_who_erased_and_the_row_is_empty(traces: Traces) -> None:
    erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    entry = AuditEntry.objects.get(action="erased")
    assert (entry.by, entry.noun, entry.row) == (traces.admin, "customer", traces.customer.pk)
    assert (entry.details["reason"], entry.details["rows"]) == ("asked", 2)
    customer = Customer.objects.get(pk=traces.customer.pk)
    assert (str(customer), customer.external_id, customer.address) == ("Erased customer", None, "CA")
    assert (customer.utility_id, customer.assigned_rep) == (traces.customer.utility_id, traces.rep)


def test_nobody_is_led_on_and_proof_stays_traceable(traces: Traces, client: Client) -> None:
    before = {link.pk: (link.reference_id, link.url) for link in Link.objects.all()}
    erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    link = Link.objects.get(pk=traces.link.pk)
    assert (link.is_live, link.void_reason, link.voided_by) == (False, "erased", traces.admin)
    assert {link.pk: (link.reference_id, link.url) for link in Link.objects.all()} == before
    response = client.get(link.short_path)
    assert (response.status_code, "Location" in response.headers) == (404, False)
    assert Link.objects.get(pk=traces.other.pk).is_live


def test_twice_is_once_and_others_keep_what_they_have(traces: Traces) -> None:
    first = erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    again = erase_customer(customer=traces.customer, by=traces.admin, reason="mistake")
    assert (again.created, again.erasure.pk, again.erasure.reason) == (False, first.erasure.pk, "asked")
    assert AuditEntry.objects.filter(action="erased").count() == 1
    traces.innocent.refresh_from_db()
    assert traces.innocent.state == ImportState.CHECKED
    assert imports.has_file(traces.innocent)
    other = Customer.objects.get(pk=traces.other.customer_id or 0)
    assert other.email


def test_files_that_cannot_be_removed_now_are_the_workers_to_do(
    traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(erasure, "_remove", lambda name: False)
        erased = erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    assert not erased.is_finished
    assert [name for name in files_with_mark() if name.endswith(".pdf")]
    assert finish_erasures() == 1
    assert list(files_with_mark()) == []
    assert Erasure.objects.get().files == []
    assert finish_erasures() == 0


def test_a_crash_before_the_end_erases_nothing_and_a_second_try_does(
    traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(erasure, "sweep", lambda words: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    assert Customer.objects.get(pk=traces.customer.pk).email == PERSON["email"]
    assert PaperAuthorization.objects.get(pk=traces.paper.pk).scan.storage.exists(str(traces.paper.scan.name))
    assert not AuditEntry.objects.filter(action="erased").exists()
    assert erase_customer(customer=traces.customer, by=traces.admin, reason="asked").is_finished


def test_what_the_spool_cannot_give_up_yet_is_cleared_in_it(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes into the database later, with nothing in it of who sent it."""

    def fail() -> None:
        raise OperationalError("somebody holds it")

    with monkeypatch.context() as broken:
        broken.setattr(erasure, "replay_spool", fail)
        erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    assert len(list(Path(settings.SPOOL_DIR).glob("*.json"))) == 2
    assert list(files_with_mark()) == []
    assert replay_spool().replayed >= 1
    assert not Visit.objects.exclude(user_agent="").exists()


def test_a_running_print_is_waited_for(traces: Traces) -> None:
    PrintJob.objects.filter(pk=traces.job.pk).update(state="running")
    assert not erase_customer(customer=traces.customer, by=traces.admin, reason="asked").is_finished
    PrintJob.objects.filter(pk=traces.job.pk).update(state="failed")
    assert finish_erasures() == 1


def test_a_list_that_is_being_applied_is_waited_for(traces: Traces) -> None:
    CustomerImport.objects.filter(pk=traces.innocent.pk).update(state=ImportState.APPLYING)
    imports._report(traces.innocent)(1, 2, "Writing customers")
    with pytest.raises(EraseRefused, match="being applied"):
        erase_customer(customer=traces.customer, by=traces.admin, reason="asked")


def test_no_list_and_no_form_brings_the_person_back_until_an_admin_allows_it(
    traces: Traces, manager_client: Client
) -> None:
    erase_customer(customer=traces.customer, by=traces.admin, reason="asked")

    def check(text: str) -> CustomerImport:
        return factories.make_import(text=text)

    by_id = f"external_id,name\r\n{PERSON['external_id'].upper()},Somebody\r\nX-1,Xena\r\n"
    assert (check(by_id).new_count, check(by_id).refused_count) == (1, 1)
    by_email = f"external_id,name,email\r\nNEW-1,Somebody,{PERSON['email'].upper()}\r\n"
    refused = check(by_email)
    assert (refused.new_count, refused.refused_count) == (0, 1)
    day = date_format(timezone.localdate(Erasure.objects.get().at))
    assert f"Erased on {day}:" in imports.staging_of(refused).read_faults(count=1)[0].reason
    form = {"name": "Somebody", "language": "en", "email": PERSON["email"]}
    assert manager_client.post(reverse("customer_create"), form).status_code == 422
    admin_client = Client()
    admin_client.force_login(traces.admin)
    admin_client.post(reverse("customer_readmit", args=[traces.customer.pk]))
    assert check(by_email).new_count == 1
    assert AuditEntry.objects.filter(action="changed", noun="customer", row=traces.customer.pk).exists()


def test_an_erased_customer_gets_nothing_more(traces: Traces, admin_client: Client) -> None:
    erase_customer(customer=traces.customer, by=traces.admin, reason="asked")
    customer = Customer.objects.get(pk=traces.customer.pk)
    with pytest.raises(IssueRefused, match="erased"):
        issue_link(customer=customer, flow=traces.flow, issued_by=traces.admin)
    for name in ("customer_update", "customer_call", "customer_paper"):
        assert admin_client.get(reverse(name, args=[customer.pk])).status_code == 404
    assert customer.pk not in {door.customer.pk for door in list_doors_for_device(traces.rep)}
    page = admin_client.get(reverse("customer_detail", args=[customer.pk])).content.decode()
    assert "the personal data is gone" in page
    assert f"?customer={customer.pk}" not in page


def test_the_page_asks_for_the_number_and_says_what_goes(admin_client: Client, admin: User, db: None) -> None:
    link = factories.make_link()
    address = reverse("customer_erase", args=[link.customer_id])
    page = admin_client.get(address).content.decode()
    assert "What goes" in page
    assert re.search(r"1 link\s+with reference id", page)
    assert admin_client.post(address, {"reason": "asked", "number": "no"}).status_code == 422
    assert not Erasure.objects.exists()
    response = admin_client.post(address, {"reason": "asked", "number": str(link.customer_id)})
    assert response.status_code == 302
    assert Erasure.objects.get().by == admin
    assert admin_client.get(address).status_code == 302


@pytest.mark.django_db
def test_managers_and_reps_erase_nobody(manager_client: Client, rep_client: Client) -> None:
    customer = factories.make_customer()
    for client in (manager_client, rep_client):
        for name in ("customer_erase", "customer_readmit"):
            assert client.post(reverse(name, args=[customer.pk])).status_code == 403


@pytest.mark.django_db
def test_djangos_admin_leads_to_the_page(admin_client: Client) -> None:
    customer = factories.make_customer()
    chosen = {"action": "erase", "_selected_action": [customer.pk]}
    response = admin_client.post(reverse("admin:authorizations_customer_changelist"), chosen)
    assert response.headers["Location"] == reverse("customer_erase", args=[customer.pk])
    assert not Erasure.objects.exists()


@pytest.mark.django_db
def test_the_command_erases_by_number() -> None:
    one, two = factories.make_customer(), factories.make_customer()
    with pytest.raises(CommandError, match="There is no customer 999999"):
        call_command("erase_customer", one.pk, 999999)
    assert not Erasure.objects.exists()
    out = StringIO()
    call_command("erase_customer", one.pk, two.pk, stdout=out)
    assert out.getvalue().splitlines() == [f"customer {pk}: erased" for pk in (one.pk, two.pk)]
    entry = AuditEntry.objects.filter(action="erased").latest("pk")
    assert entry.who.startswith("command:")


def test_an_upload_in_another_encoding_is_found(transactional_db: None) -> None:
    customer = factories.make_customer(name="Zoë Qzxmarkerson", external_id="Z-99999")
    text = "external_id;name\r\nY-1;Zoë Qzxmarkerson\r\n".encode("utf-16")
    file = SimpleUploadedFile("list.csv", text)
    imported = imports.create_import(file=file, uploaded_by=factories.make_user())
    erase_customer(customer=customer, by=None, reason="asked")
    imported.refresh_from_db()
    assert (imported.state, bool(imported.file)) == (ImportState.CANCELLED, False)


def test_an_applied_list_that_spells_the_person_otherwise_goes_too(transactional_db: None) -> None:
    """What was asked for a list that is older than the person's new name."""
    header = "external_id,name,email\r\n"
    imported = factories.make_import(text=f"{header}Z-1,Zoe Before,old@example.com\r\n", until=ImportState.APPLIED)
    other = factories.make_import(text=f"{header}Y-1,Carl,carl@example.com\r\n", until=ImportState.APPLIED)
    customer = Customer.objects.get(external_id="Z-1")
    Customer.objects.filter(pk=customer.pk).update(name="Zoë After", email="new@example.com", external_id="Z-99999")
    folder = Path(imported.file.path).parent
    customer.refresh_from_db()
    erase_customer(customer=customer, by=None, reason="asked")
    imported.refresh_from_db()
    other.refresh_from_db()
    assert (bool(imported.file), folder.exists()) == (False, False)
    assert bool(other.file)


def test_what_came_with_the_id_and_matched_no_link_is_cleared(transactional_db: None) -> None:
    link = factories.make_link(customer=factories.make_customer(reference_id="Own-77"))
    assert link.customer is not None
    now, sent = timezone.now(), {"ip": MARK, "user_agent": MARK, "query_string": MARK, "authorization_id": MARK}
    early = Confirmation.objects.create(at=now, outcome="unknown", reference_id="own-77", **sent)
    other = Confirmation.objects.create(at=now, outcome="unknown", reference_id="own-777", **sent)
    values = {"event_type": "x", "received_at": now, "interpreted_at": now, "payload": {"note": MARK}}
    event = Event.objects.create(webhook_event_id="1", reference_id="Own-77", **values)
    stranger = Event.objects.create(webhook_event_id="2", reference_id="own-777", **values)
    erase_customer(customer=link.customer, by=None, reason="asked")
    for row in (early, other, event, stranger):
        row.refresh_from_db()
    assert (early.ip, early.user_agent, early.query_string, early.authorization_id) == ("", "", "", "")
    assert (other.query_string, event.payload, stranger.payload) == (MARK, {"erased": True}, {"note": MARK})


def test_a_draft_that_searches_for_the_person_asks_nobody(transactional_db: None) -> None:
    """Not “[erased]”, which would be found in every row that was erased before."""
    rosa = factories.make_customer(name="Rosa Qzxmarkerson")
    drafts = [
        factories.make_campaign(state="draft", launched_at=None, audience={"kind": "filter", "query": query})
        for query in ("q=qzxmark&utility=2", "q=Bob", "utility=2")
    ]
    erase_customer(customer=rosa, by=None, reason="asked")
    for draft in drafts:
        draft.refresh_from_db()
    assert [draft.audience.get("query") for draft in drafts] == [None, "q=Bob", "utility=2"]
    assert AuditEntry.objects.filter(noun="campaign", row=drafts[0].pk, action="changed").count() == 1


def test_digests_are_those_of_salted_hmac_as_ever() -> None:
    """Whoever was erased before it was computed by hand is still found."""
    expected = [
        salted_hmac("portal.erasure", text, algorithm="sha256").hexdigest()
        for text in ("external id:ab-1", "email:é@x.example")
    ]
    assert digests_of(external_id=" Ab-1 ", email="É@x.Example") == expected
