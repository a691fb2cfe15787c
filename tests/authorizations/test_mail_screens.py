"""The screens of mails: the words with their previews and a test, the list, a mail's story, who gets none."""

from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Installation, Mail, MailStop, Message
from portal.authorizations.services.mail_stops import is_stopped, stop_mails_to
from portal.authorizations.services.messages import DEFAULT_WORDS
from tests.authorizations.mailing import make_installation, make_invited, send
from tests.factories import make_campaign, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installation(db: None) -> Installation:
    return make_installation()


def words(**changes: str) -> dict[str, str]:
    english, spanish = (DEFAULT_WORDS["invitation", language] for language in ("en", "es"))
    values = {"subject_en": english.subject, "body_en": english.body}
    return {**values, "subject_es": spanish.subject, "body_es": spanish.body, "do": "save", **changes}


class TestMessage:
    def test_it_shows_the_portals_words_and_looking_makes_no_message(self, manager_client: Client) -> None:
        campaign = make_campaign()
        page = manager_client.get(f"/campaigns/{campaign.pk}/message/")
        assert DEFAULT_WORDS["invitation", "es"].subject in page.text
        assert not Message.objects.exists()

    def test_own_words_are_saved_for_their_kind(self, manager_client: Client) -> None:
        campaign = make_campaign()
        address = f"/campaigns/{campaign.pk}/message/?kind=no_visit"
        response = manager_client.post(address, words(subject_en="Still there, {name}?", body_en="Hi\r\n\r\nagain  "))
        assert response.headers["Location"] == address
        message = Message.objects.get()
        assert (message.kind, message.subject, message.body) == ("no_visit", "Still there, {name}?", "Hi\n\nagain")

    def test_an_unchanged_or_emptied_text_stays_the_portals(self, manager_client: Client) -> None:
        campaign = make_campaign()
        manager_client.post(f"/campaigns/{campaign.pk}/message/", words(subject_en="", body_en="Mine"))
        message = Message.objects.get()
        assert (message.subject, message.body, message.subject_es, message.body_es) == ("", "Mine", "", "")

    def test_an_unknown_placeholder_is_named(self, manager_client: Client) -> None:
        campaign = make_campaign()
        response = manager_client.post(f"/campaigns/{campaign.pk}/message/", words(body_es="Hola {nombre}"))
        assert response.status_code == 422
        [error] = response.context["form"].errors["body_es"]
        assert error.startswith("{nombre} means nothing here. You may write {name}, {partner}, {utility}")
        assert not Message.objects.exists()

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_preview_is_a_sandboxed_page_of_its_own(self, language: str, manager_client: Client) -> None:
        campaign = make_campaign()
        address = f"/campaigns/{campaign.pk}/message/preview/?language={language}"
        page = manager_client.get(address)
        assert "script" not in page.text
        policy = page.headers["Content-Security-Policy"]
        assert policy.endswith("sandbox")
        assert "default-src 'none'" in policy
        assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "<body inert" in page.text, "a click would be a visit"
        assert 'src="data:image/png;base64,' in page.text
        assert "Rosa Martinez" in page.text
        text = manager_client.get(f"{address}&part=text")
        assert text.headers["Content-Type"].startswith("text/plain")
        assert "Rosa Martinez" in text.text

    def test_the_preview_shows_what_is_typed_for_a_customer_of_the_campaign(self, manager_client: Client) -> None:
        mail = make_invited(name="Hal <Stone>")
        address = f"/campaigns/{mail.message.campaign_id}/message/preview/?language=en"
        names = {"partner_name": "A & B", "support_email": "help@ab.example"}
        Installation.objects.update_or_create(id=1, defaults={"leap_environment": "production", **names})
        typed = words(subject_en="One <step>, {name}", body_en="Dear {name}, not saved")
        page = manager_client.post(address, typed)
        assert "A &amp; B &lt;help@ab.example&gt;" in page.text
        assert "<strong>One &lt;step&gt;, Hal &lt;Stone&gt;</strong>" in page.text
        assert "Dear Hal &lt;Stone&gt;, not saved" in page.text
        assert mail.link.short_url in page.text
        refused = manager_client.post(address, words(body_en="{x}"))
        assert (refused.status_code, refused.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
        mail.customer.refresh_from_db()
        assert mail.customer.language == "en"

    def test_a_test_goes_to_oneself_and_is_no_mail_to_a_customer(self, manager_client: Client, manager: User) -> None:
        User.objects.filter(pk=manager.pk).update(email="maya@acme.example")
        mail = make_invited(name="Hal Stone", email="hal@example.com")
        address = f"/campaigns/{mail.message.campaign_id}/message/"
        page = manager_client.post(address, words(body_es="Estimado {name}", do="test-es"))
        assert "The mail server took the test to maya@acme.example." in page.text
        [sent] = outbox.outbox
        assert sent.to == ["maya@acme.example"]
        assert sent.subject.startswith("[Test] Conecte")
        assert "Estimado Rosa Martinez" in sent.body
        assert mail.link.code.lower() not in sent.body.lower(), "a click in a test would count as the customer’s visit"
        assert [(row.state, row.attempts) for row in Mail.objects.all()] == [("waiting", 0)]
        assert Message.objects.get().body_es == "", "a test saves nothing"

    def test_without_a_mail_server_nothing_is_said_to_be_sent(
        self, manager_client: Client, manager: User, settings: Any
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        User.objects.filter(pk=manager.pk).update(email="maya@acme.example")
        address = f"/campaigns/{make_campaign().pk}/message/"
        page = manager_client.post(address, words(do="test-en")).text
        assert "stands in the portal’s log only" in page
        assert "took the test" not in page
        assert "A rehearsal:" in manager_client.get("/mails/").text

    def test_words_that_a_test_did_not_save_are_known_to_be_unsaved(
        self, manager_client: Client, manager: User
    ) -> None:
        User.objects.filter(pk=manager.pk).update(email="maya@acme.example")
        address = f"/campaigns/{make_campaign().pk}/message/"
        shown = {
            name: str(value).replace("\n", "\r\n")
            for name, value in manager_client.get(address).context["form"].initial.items()
        }
        for typed, is_unsaved in ((shown, False), ({**shown, "body_en": "Dear {name}"}, True)):
            page = manager_client.post(address, {**typed, "do": "test-en"})
            assert page.context["is_unsaved"] is is_unsaved

    def test_without_an_address_of_ones_own_it_says_so(self, manager_client: Client) -> None:
        campaign = make_campaign()
        page = manager_client.post(f"/campaigns/{campaign.pk}/message/", words(do="test-en"))
        assert "You have no email address here" in page.text
        assert outbox.outbox == []

    def test_what_is_missing_on_the_installation_is_said(self, manager_client: Client) -> None:
        make_installation(postal_address="")
        campaign = make_campaign()
        for address in (f"/campaigns/{campaign.pk}/message/", "/mails/"):
            assert "before your postal address stands on the installation page" in manager_client.get(address).text


class TestList:
    def test_filters(self, manager_client: Client) -> None:
        sent = make_invited(name="Ann Sent")
        send()
        waiting = make_invited(name="Bo Waits")

        def found(query: str) -> set[Any]:
            return {mail.pk for mail in manager_client.get(f"/mails/?{query}").context["table"].data.data}

        assert found("state=sent") == {sent.pk}
        assert found(f"campaign={waiting.message.campaign_id}") == {waiting.pk}
        assert found("kind=abandoned") == set()
        assert found("kind=invitation") == {sent.pk, waiting.pk}
        assert found("q=bo") == {waiting.pk}
        assert found("returned=bounced") == set()

    def test_fate_unknown_stands_on_top(self, manager_client: Client) -> None:
        make_invited()
        assert "is not known" not in manager_client.get("/mails/").text
        Mail.objects.update(state="unknown")
        assert "The fate of 1 mail is not known." in manager_client.get("/mails/").text

    def test_export_has_no_address(self, manager_client: Client) -> None:
        make_invited(name="=Ann", email="ann@example.com")
        text = b"".join(manager_client.get("/mails/?export=csv")).decode()
        assert "'=Ann" in text
        assert "ann@example.com" not in text

    def test_queries_do_not_grow(self, manager_client: Client) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                manager_client.get("/mails/")
            return len(queries)

        make_invited()
        count()  # the installation is remembered from then on
        before = count()
        for _ in range(5):
            make_invited()
        assert count() == before


class TestOneMail:
    @pytest.mark.parametrize(("do", "state"), [("arrived", "sent"), ("again", "waiting"), ("leave", "stopped")])
    def test_an_unknown_fate_is_settled_with_who_did(
        self, do: str, state: str, manager_client: Client, manager: User
    ) -> None:
        mail = make_invited()
        now = timezone.now()
        Mail.objects.update(state="unknown", rfc_message_id="<1@acme.example>", marked_at=now, reason="It broke.")
        page = manager_client.get(f"/mails/{mail.pk}/")
        assert "Did it go out?" in page.text
        manager_client.post(f"/mails/{mail.pk}/decide/", {"do": do})
        mail.refresh_from_db()
        assert (mail.state, mail.decided_by) == (state, manager)
        again = manager_client.post(f"/mails/{mail.pk}/decide/", {"do": "arrived"}, follow=True)
        assert "meanwhile" in again.text
        assert "Maya" in again.text

    def test_stopped_before_it_is_sent(self, manager_client: Client) -> None:
        mail = make_invited()
        manager_client.post(f"/mails/{mail.pk}/decide/", {"do": "stop"})
        assert send() == 0
        mail.refresh_from_db()
        assert mail.state == "stopped"

    @pytest.mark.parametrize("do", ["bounced", "complained"])
    def test_what_stops_an_address_is_asked_about_first(self, do: str, manager_client: Client) -> None:
        mail = make_invited(email="rosa@example.com")
        send()
        address = f"/mails/{mail.pk}/decide/"
        assert f"{address}?do={do}" in manager_client.get(f"/mails/{mail.pk}/").text
        page = manager_client.get(address, {"do": do})
        assert f'value="{do}"' in page.text
        assert not MailStop.objects.exists()
        assert manager_client.get(address, {"do": "arrived"}).headers["Location"] == f"/mails/{mail.pk}/"

    @pytest.mark.parametrize(("do", "field"), [("bounced", "bounced_at"), ("complained", "complained_at")])
    def test_a_bounce_or_complaint_is_recorded(
        self, do: str, field: str, manager_client: Client, manager: User
    ) -> None:
        mail = make_invited(email="rosa@example.com")
        send()
        manager_client.post(f"/mails/{mail.pk}/decide/", {"do": do})
        mail.refresh_from_db()
        assert getattr(mail, field) is not None
        stop = MailStop.objects.get()
        assert (stop.reason, stop.recorded_by) == (do, manager)
        assert is_stopped("rosa@example.com")
        assert "Its address gets no more mails" in manager_client.get(f"/mails/{mail.pk}/").text

    def test_nonsense_changes_nothing(self, manager_client: Client) -> None:
        mail = make_invited()
        manager_client.post(f"/mails/{mail.pk}/decide/", {"do": "explode"})
        mail.refresh_from_db()
        assert mail.state == "waiting"

    def test_the_customers_page_tells_its_mails(self, manager_client: Client) -> None:
        mail = make_invited(email="rosa@example.com")
        send()
        stop_mails_to("rosa@example.com", reason="unsubscribed")
        page = manager_client.get(f"/customers/{mail.customer_id}/").text
        assert f"/mails/{mail.pk}/" in page
        assert "No more mails" in page


class TestStops:
    def test_recorded_by_address(self, manager_client: Client, manager: User) -> None:
        customer = make_customer(email="rosa@example.com")
        manager_client.post("/mails/stops/new/", {"email": "Rosa@example.com", "reason": "complained"})
        stop = MailStop.objects.get()
        assert (stop.reason, stop.recorded_by, stop.customer) == ("complained", manager, customer)
        page = manager_client.get("/mails/stops/").text
        assert str(customer) in page
        assert "rosa@example.com" not in page

    def test_lifted_with_a_reason(self, manager_client: Client) -> None:
        stop = stop_mails_to("rosa@example.com", reason="unsubscribed")
        address = f"/mails/stops/{stop.pk}/lift/"
        assert manager_client.post(address, {"reason": "We want to"}).status_code == 422
        assert is_stopped("rosa@example.com")
        manager_client.post(address, {"reason": "She phoned", "asked_for": "on"})
        assert not is_stopped("rosa@example.com")
        assert "She phoned" in manager_client.get("/mails/stops/?lifted=yes").text
        assert manager_client.get(address).status_code == 404

    def test_a_bounce_needs_no_request(self, manager_client: Client) -> None:
        stop = stop_mails_to("rosa@example.com", reason="bounced")
        page = manager_client.get(f"/mails/stops/{stop.pk}/lift/")
        assert "asked for it" not in page.text
        manager_client.post(f"/mails/stops/{stop.pk}/lift/", {"reason": "Mailbox was full"})
        assert not is_stopped("rosa@example.com")


def test_the_installation_keeps_address_and_rate(admin_client: Client) -> None:
    values = {
        "partner_name": "Acme",
        "support_email": "help@acme.example",
        "partner_success_email": "jo@leap.example",
        "postal_address": "1 Main St\nFresno",
        "mails_per_minute": "90",
    }
    admin_client.post("/installation/", values)
    installation = Installation.objects.get()
    assert (installation.postal_address.splitlines(), installation.mails_per_minute) == (["1 Main St", "Fresno"], 90)
    assert admin_client.post("/installation/", {**values, "mails_per_minute": "0"}).status_code == 422
