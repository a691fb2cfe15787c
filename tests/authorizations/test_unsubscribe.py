"""No more mails: asked for by a reader with one click, honoured everywhere, taken back, lifted by a person."""

from typing import Any

import pytest
from django.core import mail as outbox
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, Mail, MailStop
from portal.authorizations.services.customers import add_customer, change_customer
from portal.authorizations.services.link_requests import answer_link_requests
from portal.authorizations.services.mail_composer import make_unsubscribe_url, read_unsubscribe_token
from portal.authorizations.services.mail_stops import (
    LiftRefused,
    digest_address,
    is_stopped,
    lift_stop,
    stop_mails_to,
)
from tests.authorizations.mailing import make_installation, make_invited, send
from tests.factories import make_customer, make_import, make_landing_page, make_link_request

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installation(db: None) -> None:
    make_installation()


def path_of(mail: Mail) -> str:
    return make_unsubscribe_url(mail.pk).removeprefix("http://p.acme.example")


@pytest.fixture
def mail(db: None) -> Mail:
    """One that was sent."""
    mail = make_invited(email="Rosa@example.com")
    assert send() == 1
    mail.refresh_from_db()
    return mail


class TestPage:
    def test_looking_changes_nothing(self, mail: Mail, client: Client) -> None:
        for method in (client.get, client.head):
            assert method(path_of(mail)).status_code == 200
        assert not MailStop.objects.exists()

    def test_one_click_without_cookie_and_form(self, mail: Mail) -> None:
        client = Client(enforce_csrf_checks=True)
        response = client.post(path_of(mail), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert response.cookies == {}
        assert is_stopped("rosa@example.com")
        customer = Customer.objects.get()
        assert customer.mail_stopped_at is not None
        stop = MailStop.objects.get()
        assert (stop.reason, stop.recorded_by, stop.customer) == ("unsubscribed", None, customer)

    def test_one_click_as_multipart_as_rfc_8058_allows(self, mail: Mail) -> None:
        Client(enforce_csrf_checks=True).post(path_of(mail), {"List-Unsubscribe": "One-Click"}, format="multipart")
        assert is_stopped("rosa@example.com")

    def test_any_token_gets_the_same_answer(self, mail: Mail, client: Client) -> None:
        good = path_of(mail)
        tokens = [good, good[:-1], f"{good}x", make_unsubscribe_url(0)[21:], "/unsubscribe/1-abc", "/unsubscribe/é"]
        for act in (client.get, client.post):
            assert len({(act(path).status_code, act(path).text) for path in tokens}) == 1
        assert MailStop.objects.count() == 1

    def test_the_token_holds_no_personal_data_and_cannot_be_made_up(self, mail: Mail) -> None:
        token = path_of(mail).rpartition("/")[2]
        assert read_unsubscribe_token(token) == mail.pk
        assert token.partition("-")[0] == str(mail.pk)
        assert read_unsubscribe_token(f"{mail.pk + 1}-{token.partition('-')[2]}") == 0

    def test_in_spanish(self, mail: Mail, client: Client) -> None:
        page = client.get(path_of(mail), headers={"accept-language": "es"})
        assert "Cancelar la suscripción" in page.text
        assert page.headers["Content-Language"] == "es"
        assert "Núñez" in page.text
        english = client.get(f"{path_of(mail)}?language=en", headers={"accept-language": "es"})
        assert "No more mails?" in english.text

    def test_taken_back_on_the_page(self, mail: Mail, client: Client) -> None:
        client.post(path_of(mail))
        page = client.post(path_of(mail), {"do": "take-back"})
        assert "You get our mails again" in page.text
        assert not is_stopped("rosa@example.com")
        assert Customer.objects.get().mail_stopped_at is None
        assert MailStop.objects.get().lift_reason

    @pytest.mark.parametrize("reason", ["bounced", "complained"])
    @pytest.mark.parametrize(
        ("language", "words"),
        [("en", "You still get no mails from us"), ("es", "Sigue sin recibir nuestros correos")],
    )
    def test_a_bounce_or_complaint_is_not_taken_back_there_and_the_page_says_so(
        self, reason: str, language: str, words: str, mail: Mail, client: Client
    ) -> None:
        stop_mails_to("rosa@example.com", reason=reason)
        page = client.post(f"{path_of(mail)}?language={language}", {"do": "take-back"})
        assert is_stopped("rosa@example.com")
        assert words in page.text
        assert "our mails again" not in page.text
        assert "Volverá a recibir" not in page.text
        assert "<form" not in page.text, "there is nothing more to do here"
        assert ("came back, or was reported as unwanted" in page.text) == (language == "en")

    def test_a_token_of_no_mail_learns_nothing_from_taking_it_back(self, mail: Mail, client: Client) -> None:
        stop_mails_to("rosa@example.com", reason="complained")
        page = client.post(f"{path_of(mail)}x", {"do": "take-back"})
        assert "You get our mails again" in page.text

    def test_it_is_the_address_that_was_written_to(self, mail: Mail, client: Client) -> None:
        """The customer has another one by now: that one still gets mails."""
        change = Customer.objects.get()
        change.email = "new@example.com"
        change_customer(customer=change, fields=["email"])
        client.post(path_of(mail))
        assert is_stopped("rosa@example.com")
        assert not is_stopped("new@example.com")
        assert Customer.objects.get().mail_stopped_at is None

    def test_it_works_after_the_customer_was_erased(self, mail: Mail, client: Client) -> None:
        Customer.objects.update(email="", erased_at=timezone.now())
        client.post(path_of(mail))
        assert is_stopped("rosa@example.com")


class TestEverywhere:
    def test_every_customer_with_the_address(self) -> None:
        same = [make_customer(email=email) for email in ("rosa@example.com", "ROSA@Example.com")]
        other = make_customer(email="rosalia@example.com")
        stop_mails_to(" Rosa@example.com ", reason="unsubscribed")
        marked = Customer.objects.filter(mail_stopped_at__isnull=False)
        assert set(marked) == set(same)
        assert other not in marked

    def test_who_is_added_with_it_later(self, manager: User) -> None:
        stop_mails_to("rosa@example.com", reason="bounced")
        added = add_customer(customer=Customer(name="Rosa", email="Rosa@example.com"), added_by=manager)
        assert Customer.objects.get(pk=added.pk).mail_stopped_at is not None
        added.email = "fine@example.com"
        change_customer(customer=added, fields=["email"])
        assert Customer.objects.get(pk=added.pk).mail_stopped_at is None

    def test_who_is_imported_with_it_later(self) -> None:
        stop_mails_to("ann@example.com", reason="unsubscribed")
        make_import(text="external_id,name,email\nA-1,Ann,Ann@example.com\nA-2,Bo,bo@example.com\n", until="applied")
        stopped = Customer.objects.filter(mail_stopped_at__isnull=False)
        assert [customer.external_id for customer in stopped] == ["A-1"]
        make_import(text="external_id,name,email\nA-1,Ann,ann.new@example.com\n", until="applied")
        assert not stopped.all().exists()

    def test_who_asks_for_a_link_with_it_later(self) -> None:
        stop = stop_mails_to("rosa@example.com", reason="unsubscribed")
        make_link_request(page=make_landing_page(), email="Rosa@example.com")
        make_link_request(page=make_landing_page(), email="bo@example.com")
        assert answer_link_requests() == 2
        assert Customer.objects.get(email="Rosa@example.com").mail_stopped_at == stop.at
        assert Customer.objects.get(email="bo@example.com").mail_stopped_at is None

    def test_waiting_mails_of_any_campaign(self, client: Client, mail: Mail) -> None:
        waiting = make_invited(email="rosa@example.com")
        client.post(path_of(mail))
        assert send() == 0
        waiting.refresh_from_db()
        assert waiting.state == "silenced"

    def test_a_link_that_somebody_asks_for_is_an_answer_and_comes_all_the_same(self) -> None:
        stop_mails_to("rosa@example.com", reason="unsubscribed")
        make_link_request(page=make_landing_page(), email="rosa@example.com")
        assert answer_link_requests() == 1
        assert [message.to for message in outbox.outbox] == [["rosa@example.com"]]
        assert is_stopped("rosa@example.com")

    @pytest.mark.parametrize(("one", "other"), [("K@example.com", "\u212a@example.com")])
    def test_letters_that_only_look_alike_are_another_address(self, one: str, other: str) -> None:
        assert digest_address(one) == digest_address(one.lower())
        assert digest_address(one) != digest_address(other)


class TestLift:
    @pytest.mark.parametrize(
        ("first", "second", "kept"),
        [
            ("bounced", "unsubscribed", "unsubscribed"),
            ("unsubscribed", "bounced", "unsubscribed"),
            ("unsubscribed", "complained", "complained"),
        ],
    )
    def test_the_stronger_reason_is_kept(self, first: str, second: str, kept: str) -> None:
        stop_mails_to("rosa@example.com", reason=first)
        stop_mails_to("rosa@example.com", reason=second)
        assert MailStop.objects.get().reason == kept

    def test_a_bounce_is_lifted_with_a_reason(self, manager: User) -> None:
        customer = make_customer(email="rosa@example.com")
        stop = stop_mails_to("rosa@example.com", reason="bounced", by=manager)
        lift_stop(stop=stop, reason="The mailbox was full.", by=manager)
        stop.refresh_from_db()
        customer.refresh_from_db()
        assert (stop.lifted_by, stop.lift_reason) == (manager, "The mailbox was full.")
        assert customer.mail_stopped_at is None
        assert not is_stopped("rosa@example.com")
        assert stop_mails_to("rosa@example.com", reason="bounced").pk != stop.pk

    @pytest.mark.parametrize("reason", ["unsubscribed", "complained"])
    def test_what_a_reader_decided_is_lifted_only_at_the_readers_request(self, reason: str, manager: User) -> None:
        stop = stop_mails_to("rosa@example.com", reason=reason)
        with pytest.raises(LiftRefused, match="their own request"):
            lift_stop(stop=stop, reason="We want to.", by=manager)
        lift_stop(stop=stop, reason="She phoned.", by=manager, asked_for=True)
        assert not is_stopped("rosa@example.com")

    def test_customers_are_found_though_the_stop_knows_none(self, manager: User) -> None:
        stop = stop_mails_to("rosa@example.com", reason="bounced")
        customer = add_customer(customer=Customer(name="Rosa", email="rosa@example.com"), added_by=manager)
        assert (stop.customer, customer.mail_stopped_at is None) == (None, False)
        lift_stop(stop=stop, reason="Typo.", by=manager)
        assert Customer.objects.get().mail_stopped_at is None


def test_the_database_is_away(client: Client, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(token: str) -> Any:
        raise OperationalError("rosa@example.com")

    monkeypatch.setattr("portal.authorizations.views.public_unsubscribe.unsubscribe_reader", fail)
    response = client.post(path_of(mail))
    assert response.status_code == 503
    assert "try again" in response.text
