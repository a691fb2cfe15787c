"""What happens around an erasure: what comes in later brings nothing back, and nobody else loses anything."""

import json
import smtplib
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import assign_role
from portal.authorizations.models import (
    AuditAction,
    AuditEntry,
    Campaign,
    Confirmation,
    Customer,
    DoorCall,
    Event,
    ImportState,
    Job,
    Link,
    LinkRequest,
    LinkRequestState,
    Meter,
    Visit,
)
from portal.authorizations.services import link_requests
from portal.authorizations.services.audit import record
from portal.authorizations.services.bulk_links import issue_links
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.customers import ChangeRefused, change_customer
from portal.authorizations.services.door_calls import CallRefused, record_door_call
from portal.authorizations.services.erasure import erase_customer
from portal.authorizations.services.erasure_words import Words
from portal.authorizations.services.events import interpret_events, store_event
from portal.authorizations.services.links import IssueRefused, issue_link
from portal.authorizations.services.meter_pages import save_enrollments, save_meters
from portal.authorizations.services.tidying import tidy
from portal.leap.events import parse_event
from tests import factories
from tests.authorizations.mailing import make_installation

pytestmark = pytest.mark.django_db


def meter_of(link: Link, **values: Any) -> dict[str, Any]:
    """A record as Leap's search of meters gives it."""
    return {
        "meter_id": str(uuid.uuid4()),
        "partner_reference": link.reference_id,
        "connection_references": [link.reference_id],
        "service_address": {"street": "112 Maple St", "city": "Fresno"},
        "is_archived": False,
        "audit": {"created_at": "2026-01-01T00:00:00Z"},
        "utility": {"utility_name": "PGE"},
        **values,
    }


def erase(customer: Customer | None) -> None:
    assert customer is not None
    erase_customer(customer=customer, by=None, reason="asked")


class TestWhatComesLater:
    def test_a_sync_keeps_status_and_days_of_a_meter_and_no_record(self) -> None:
        link = factories.make_link()
        received = meter_of(link)
        save_meters(records=[received], at=timezone.now())
        erase(link.customer)
        again = save_meters(records=[received], at=timezone.now())
        assert (again.same, again.changed) == (1, 0)
        archived = save_meters(records=[received | {"is_archived": True}], at=timezone.now())
        meter = Meter.objects.get(meter_id=received["meter_id"])
        assert (archived.changed, meter.is_archived, meter.record) == (1, True, {})

    def test_an_enrollment_is_noted_without_its_record(self) -> None:
        link = factories.make_link()
        received = meter_of(link)
        save_meters(records=[received], at=timezone.now())
        erase(link.customer)
        enrollment = {"meter_id": received["meter_id"], "global_enrollment_status": "ACTIVE", "enrollments": []}
        result = save_enrollments(records=[enrollment], at=timezone.now(), run_started_at=timezone.now())
        meter = Meter.objects.get(meter_id=received["meter_id"])
        assert result.malformed == []
        assert (meter.enrollment_status, meter.enrollment_record, meter.record) == ("ACTIVE", {}, {})

    def test_a_meter_that_first_comes_after_it_has_no_record_either(self) -> None:
        link = factories.make_link()
        erase(link.customer)
        received = meter_of(link)
        save_meters(records=[received], at=timezone.now())
        assert Meter.objects.get(meter_id=received["meter_id"]).record == {}

    def test_a_meter_that_is_somebody_elses_too_keeps_its_record(self) -> None:
        link, other = factories.make_link(), factories.make_link()
        received = meter_of(link, connection_references=[link.reference_id, other.reference_id])
        save_meters(records=[received], at=timezone.now())
        erase(link.customer)
        save_meters(records=[received], at=timezone.now())
        tidy()
        assert Meter.objects.get(meter_id=received["meter_id"]).record["service_address"]["city"] == "Fresno"

    def test_an_event_and_a_return_say_only_that_they_came(self) -> None:
        link = factories.make_link()
        erase(link.customer)
        about = {"webhook_event_type": "connect_session.updated", "partner_reference": link.reference_id}
        body = {"webhook_event_id": str(uuid.uuid4()), "payload": {**about, "status": "COMPLETED", "who": "Rosa"}}
        store_event(event=parse_event(body), at=timezone.now())
        interpret_events()
        query = f"refId={link.reference_id}&authorizationId=auth-1"
        record_confirmation(
            query_string=query, at=timezone.now(), ip="192.0.2.0/24", user_agent="Firefox", is_bot=False
        )
        event, returned = Event.objects.get(), Confirmation.objects.get()
        assert (event.link, event.payload) == (link, {"erased": True})
        assert (returned.outcome, returned.reference_id) == ("void", link.reference_id)
        assert (returned.ip, returned.user_agent, returned.authorization_id, returned.query_string) == ("", "", "", "")

    def test_a_return_to_a_link_that_a_person_voided_is_kept_as_ever(self) -> None:
        link = factories.make_link()
        Link.objects.filter(pk=link.pk).update(voided_at=timezone.now(), void_reason="moved")
        query = f"refId={link.reference_id}"
        record_confirmation(
            query_string=query, at=timezone.now(), ip="192.0.2.0/24", user_agent="Firefox", is_bot=False
        )
        returned = Confirmation.objects.get()
        assert (returned.outcome, returned.ip, returned.query_string) == ("void", "192.0.2.0/24", query)

    def test_what_was_under_way_is_cleared_by_the_worker(self) -> None:
        link = factories.make_link()
        erase(link.customer)
        Visit.objects.create(link=link, at=timezone.now(), ip="192.0.2.0/24", user_agent="Firefox")
        assert tidy()["rows that reached erased customers"] == 1
        visit = Visit.objects.get()
        assert (visit.ip, visit.user_agent) == ("", "")
        assert tidy()["rows that reached erased customers"] == 0

    def test_a_phone_that_tells_of_a_call_days_later_is_told_no(self) -> None:
        rep = factories.make_user(role=Role.FIELD_REP)
        customer = factories.make_customer(assigned_rep=rep)
        at = timezone.now().isoformat()
        erase(customer)
        client = Client()
        client.force_login(rep)
        call = {"outcome": "not_home", "note": "Rosa said call 559 555 0100"}
        action = {"key": str(uuid.uuid4()), "kind": "call", "customer": customer.pk, "seen": at, "at": at, **call}
        response = client.post(reverse("door_actions"), json.dumps({"actions": [action]}), "application/json")
        assert response.json()["answers"][0]["status"] == "refused"
        assert not DoorCall.objects.exists()


class TestWhoReadTheCustomerBefore:
    def test_changes_nothing(self) -> None:
        customer = factories.make_customer()
        read_before = Customer.objects.get(pk=customer.pk)
        erase(customer)
        read_before.phone = "559 555 0100"
        with pytest.raises(ChangeRefused, match="erased"):
            change_customer(customer=read_before, fields=["phone"])
        customer.refresh_from_db()
        assert (customer.name, customer.phone, customer.door_order) == ("Erased customer", "", "")

    def test_notes_no_call(self) -> None:
        rep = factories.make_user(role=Role.FIELD_REP)
        read_before = factories.make_customer()
        erase(Customer.objects.get(pk=read_before.pk))
        with pytest.raises(CallRefused, match="erased"):
            record_door_call(customer=read_before, outcome="not_home", by=rep, at=timezone.now(), note="has a dog")
        assert not DoorCall.objects.exists()

    def test_hands_out_no_link(self) -> None:
        read_before = factories.make_customer(reference_id="own-rosa")
        erase(Customer.objects.get(pk=read_before.pk))
        with pytest.raises(IssueRefused, match="erased"):
            issue_link(customer=read_before, flow=factories.make_flow(), issued_by=None)
        other = factories.make_customer()
        result = issue_links(customers=[read_before, other], flow=factories.make_flow(), issued_by=None)
        assert (result.created, [refused.reason for refused in result.refused]) == (1, [str(_was_erased())])
        assert not Link.objects.filter(reference_id="own-rosa").exists()

    def test_a_form_that_was_open_meanwhile_says_that_there_is_nobody(
        self, manager_client: Client, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for client, module, address in (
            (manager_client, "portal.authorizations.views.customers", "customer_update"),
            (admin_client, "portal.authorizations.admin", "admin:authorizations_customer_change"),
        ):
            customer = factories.make_customer(email="rosa@example.com")

            def late(*, customer: Customer, fields: Any) -> Customer:
                erase(Customer.objects.get(pk=customer.pk))
                return change_customer(customer=customer, fields=fields)

            with monkeypatch.context() as patched:
                patched.setattr(f"{module}.change_customer", late)
                data = {"name": "Rosa", "customer_type": "residential", "language": "en", "phone": "559 555 0100"}
                response = client.post(reverse(address, args=[customer.pk]), data)
            assert response.status_code == 404
            customer.refresh_from_db()
            assert customer.phone == ""


def _was_erased() -> IssueRefused:
    customer = factories.make_customer()
    erase(customer)
    with pytest.raises(IssueRefused) as refused:
        issue_link(customer=Customer.objects.get(pk=customer.pk), flow=factories.make_flow(), issued_by=None)
    return refused.value


@pytest.mark.django_db(transaction=True)
def test_a_link_request_on_its_way_to_the_mail_server_does_not_add_the_person_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_installation()
    customer = factories.make_customer(email="rosa@example.com")
    asked = factories.make_link_request(email="rosa@example.com", name="Rosa")

    def mail(**_: Any) -> None:
        erase(customer)  # while the worker speaks to the mail server
        raise smtplib.SMTPServerDisconnected("away")

    monkeypatch.setattr(link_requests, "_mail", mail)
    with pytest.raises(link_requests.MailServerAway):
        link_requests.answer_link_request(request_id=asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.email, asked.name) == (LinkRequestState.REFUSED, "", "")
    assert not link_requests.answer_link_request(request_id=asked.pk)
    assert not Customer.objects.filter(email="rosa@example.com").exists()
    assert not LinkRequest.objects.waiting().exists()


class TestWhoIsNotMeant:
    def test_nobody_is_signed_out_whose_session_holds_a_part_of_a_name(self) -> None:
        boss = User.objects.create(pk=1001, username="boss")
        assign_role(user=boss, role=Role.ADMIN)
        client = Client()
        client.force_login(boss)
        erase(factories.make_customer(name="", company="Jang"))  # "django" stands in every session
        erase(factories.make_customer(external_id="1001"))  # as does the key of who signed in
        assert client.get("/customers/").status_code == 200

    def test_other_numbers_filters_and_keys_stay(self) -> None:
        draft = {"kind": "filter", "query": "assigned_rep=1001&campaign=11001"}
        campaign = factories.make_campaign(audience=draft, state="draft")
        parameters = {"flow": 1, "customers": [1001]}
        job = Job.objects.create(kind="issue", created_by=factories.make_user(), parameters=parameters)
        erase(factories.make_customer(external_id="1001", name="Flow"))
        assert (Campaign.objects.get(pk=campaign.pk).audience, Job.objects.get(pk=job.pk).parameters) == (
            draft,
            parameters,
        )

    @pytest.mark.django_db(transaction=True)
    def test_a_list_of_others_stays(self) -> None:
        text = "external_id,name,postal_code,email,street\r\nZ-5,Carl Mariano,91001,r.rosa@example.com,1001 Main St\r\n"
        imported = factories.make_import(text=text)
        erase(factories.make_customer(external_id="1001", name="Mariano", email="rosa@example.com"))
        imported.refresh_from_db()
        assert imported.state == ImportState.CHECKED


class TestWords:
    @pytest.mark.parametrize(
        "text",
        [
            "Rosa Núñez was refused",
            "q=Rosa+N%C3%BA%C3%B1ez&page=2",
            '{"name": "Rosa N\\u00fa\\u00f1ez"}',
            "name%3DRosa%20N%C3%BA%C3%B1ez",
            "to rosa núñez",
            "Write to ROSA@example.com.",
            "mailto:rosa%40example.com",
            "external_id 1001: twice",
            "list_1001.csv",
            "list-rosa@example.com_2.csv",
            "call +15595550100 back",
        ],
    )
    def test_stand_in_a_text(self, text: str) -> None:
        words = Words(["Rosa Núñez", "rosa@example.com", "1001", "5595550100"])
        assert words.stand_in(text)
        assert not words.stand_in(words.take_out(text))

    @pytest.mark.parametrize(
        "text",
        [
            "django",
            "91001",
            "1001a",
            "rosa@example.community",
            "rrosa@example.com",
            "Rosa Núñezson",
        ],
    )
    def test_are_no_part_of_other_words(self, text: str) -> None:
        words = Words(["Rosa Núñez", "rosa@example.com", "1001", "Jang"])
        assert words.take_out(text) == text

    @pytest.mark.parametrize(
        "line", ["1001;Rosa\n", "Rosa,1001\r\n", "1001|Rosa|x", 'x\t"1001"\n', "\ufeff1001,x", '["1001", 2]', "1001"]
    )
    def test_one_word_alone_is_a_whole_cell_of_a_list(self, line: str) -> None:
        assert Words(["1001"]).stand_in_line(line)
        assert not Words(["1001"]).stand_in_line(line.replace("1001", "1001 Main St"))

    @pytest.mark.parametrize("line", ["r.rosa@example.com,x", "a-rosa@example.com", "x;rosa@example.community"])
    def test_a_longer_address_in_a_list_is_somebody_elses(self, line: str) -> None:
        assert not Words(["rosa@example.com"]).stand_in_line(line)
        assert Words(["rosa@example.com"]).stand_in_line("Rosa <rosa@example.com>;x")

    def test_of_a_saved_filter_only_the_search_is_about_somebody(self) -> None:
        audience = {"kind": "filter", "query": "q=rosa+1001&assigned_rep=1001"}
        assert Words(["1001"]).take_out(audience) == {
            "kind": "filter",
            "query": "q=rosa+%5Berased%5D&assigned_rep=1001",
        }


class TestTheOnlyWay:
    @pytest.mark.parametrize("make", [factories.make_customer, factories.make_campaign])
    def test_djangos_admin_deletes_nobody(self, admin_client: Client, make: Any) -> None:
        row = make(name="Rosa Deleted")
        address = reverse(f"admin:authorizations_{row._meta.model_name}_delete", args=[row.pk])
        assert admin_client.post(address, {"post": "yes"}).status_code == 403
        assert type(row).objects.filter(pk=row.pk).exists()
        assert not LogEntry.objects.exists()

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL knows no INSERT OR REPLACE")
    def test_no_entry_of_the_audit_is_replaced(self) -> None:
        record(action=AuditAction.CHANGED, noun="customer", row=7)
        entry = AuditEntry.objects.get()
        columns = "(id, at, action, noun, row, count, details)"
        statement = (
            f"INSERT OR REPLACE INTO authorizations_auditentry {columns} VALUES (%s, %s, 'saw', 'flow', 1, 1, '{{}}')"
        )
        with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(statement, [entry.pk, timezone.now()])
