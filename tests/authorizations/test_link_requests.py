"""What the worker does with a web visitor's request: the customer, the link, the mail, and forgetting who asked."""

import smtplib
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.mail.message import EmailMultiAlternatives

from portal.authorizations.management.looks import LinkRequestAnswerer
from portal.authorizations.models import AuditEntry, Customer, Link, LinkRequest
from portal.authorizations.services import link_requests
from portal.authorizations.services.flows import retire
from portal.authorizations.services.installation import save_installation
from portal.authorizations.services.link_requests import answer_link_requests
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_landing_page,
    make_legacy_flow,
    make_link,
    make_link_request,
)

pytestmark = pytest.mark.django_db


def the_mail() -> EmailMultiAlternatives:
    [message] = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html_of(message: EmailMultiAlternatives) -> str:
    [(content, mimetype)] = message.alternatives
    assert mimetype == "text/html"
    return str(content)


class Sources(HTMLParser):
    """Collects the links of a mail, and whatever it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.links.add(values.get("href") or "")
        elif "src" in values or tag in {"link", "script", "style"}:
            self.loaded.append(tag)


class TestLinks:
    def test_a_new_address_becomes_a_customer_with_a_link(self) -> None:
        campaign = make_campaign()
        page = make_landing_page(flow=campaign.flow, campaign=campaign)
        [sce] = get_utilities("sce")
        asked = make_link_request(
            page=page, email="Rosa@example.com", name="Rosa", utility=sce, customer_type="residential", language="es"
        )
        assert answer_link_requests() == 1
        customer = Customer.objects.get()
        assert (customer.name, customer.email, customer.utility) == ("Rosa", "Rosa@example.com", sce)
        assert (customer.customer_type, customer.language, customer.added_by) == ("residential", "es", None)
        assert f"hosted page of “{page.flow}”" in customer.notes
        link = Link.objects.get()
        assert (link.customer, link.flow, link.campaign, link.issued_by) == (customer, page.flow, campaign, None)
        assert list(link.requested_utilities.all()) == [sce]
        asked.refresh_from_db()
        assert list(asked.links.all()) == [link]

    def test_without_a_name_the_address_stands_for_it(self) -> None:
        make_link_request(email="rosa@example.com")
        answer_link_requests()
        assert str(Customer.objects.get()) == "rosa@example.com"

    def test_a_known_address_gets_its_own_link_and_nothing_of_the_customer_changes(self) -> None:
        customer = make_customer(email="rosa@example.com", name="Rosa Núñez", utility="pge")
        link = make_link(customer=customer, campaign=(campaign := make_campaign()), flow=campaign.flow)
        page = make_landing_page(flow=link.flow)
        make_link_request(page=page, email="ROSA@example.com", name="Somebody else", utility=get_utilities("sce")[0])
        answer_link_requests()
        customer.refresh_from_db()
        assert (Customer.objects.get().name, customer.utility) == ("Rosa Núñez", get_utilities("pge")[0])
        assert Link.objects.get() == link
        assert link.short_url in the_mail().body
        assert the_mail().to == ["ROSA@example.com"]

    def test_a_known_customer_without_a_link_gets_one(self) -> None:
        customer = make_customer(email="rosa@example.com")
        make_link_request(email="rosa@example.com")
        answer_link_requests()
        assert Link.objects.get().customer == customer

    def test_every_site_of_the_address_that_the_flow_takes(self) -> None:
        page = make_landing_page(flow=make_flow(utilities=["pge", "sce"]))
        home = make_customer(email="rosa@example.com", utility="pge", street="1 Maple St")
        shop = make_customer(email="rosa@example.com", utility="sce", street="2 Elm <St>")
        make_customer(email="rosa@example.com", utility="sdge")
        make_link_request(page=page, email="rosa@example.com")
        answer_link_requests()
        links = {link.customer: link for link in Link.objects.all()}
        assert set(links) == {home, shop}
        assert f"2 Elm <St>\n{links[shop].short_url}" in the_mail().body
        assert "2 Elm &lt;St&gt;" in html_of(the_mail())
        assert {link.short_url for link in links.values()} <= Sources(html_of(the_mail())).links

    def test_a_site_that_the_flow_refuses_becomes_no_dead_end(self) -> None:
        make_customer(email="rosa@example.com", utility="sdge")
        make_link_request(page=make_landing_page(flow=make_flow(utilities=["pge"])), email="rosa@example.com")
        answer_link_requests()
        answer_link_requests()
        assert Link.objects.get().customer.utility is None
        assert Customer.objects.count() == 2

    def test_r4_a_known_customer_without_a_utility_gets_a_legacy_link_for_the_one_named(self) -> None:
        customer = make_customer(email="rosa@example.com", utility="")
        [sce] = get_utilities("sce")
        page = make_landing_page(flow=make_legacy_flow())
        make_link_request(page=page, email="rosa@example.com", utility=sce)
        answer_link_requests()
        link = Link.objects.get()
        assert (link.customer, link.utility) == (customer, sce)

    @pytest.mark.parametrize(
        ("known", "typed"),
        [("mike@example.com", "m\u0131\u212ae@example.com"), ("mi\u212ae@example.com", "mike@example.com")],
    )
    def test_an_address_that_only_looks_alike_gets_nothing_of_the_other(self, known: str, typed: str) -> None:
        """“ı” and the Kelvin sign meet i and k when their case is ignored; the mail goes to what was typed."""
        link = make_link(customer=make_customer(email=known))
        make_link_request(page=make_landing_page(flow=link.flow), email=typed)
        answer_link_requests()
        assert link.short_url not in the_mail().body
        assert Customer.objects.count() == 2

    def test_asked_twice_is_one_customer_and_one_link(self) -> None:
        page = make_landing_page()
        for email in ("rosa@example.com", "Rosa@Example.com"):
            make_link_request(page=page, email=email)
        assert answer_link_requests() == 2
        assert (Customer.objects.count(), Link.objects.count()) == (1, 1)

    @pytest.mark.parametrize("why", ["retired", "closed"])
    def test_r7_nothing_comes_of_it_once_the_flow_is_retired_or_the_page_closed(self, why: str) -> None:
        page = make_landing_page()
        asked = make_link_request(page=page)
        if why == "retired":
            retire(flow=page.flow)
        else:
            make_landing_page(flow=page.flow, is_open=False)
        assert answer_link_requests() == 0
        asked.refresh_from_db()
        assert (asked.state, asked.email) == ("refused", "")
        assert not Customer.objects.exists()
        assert mail.outbox == []


class TestMail:
    def test_text_and_html_lead_to_the_link_and_load_nothing(self) -> None:
        save_installation(
            partner_name="Núñez & Söhne", support_email="help@acme.example", partner_success_email="jo@leap.example"
        )
        make_link_request(email="rosa@example.com", name="Buy now http://spam.example")
        answer_link_requests()
        message, link = the_mail(), Link.objects.get()
        assert message.subject == "Your link from Núñez & Söhne"
        assert message.from_email == "=?utf-8?b?TsO6w7FleiAmIFPDtmhuZQ==?= <help@acme.example>"
        assert message.extra_headers["Auto-Submitted"] == "auto-generated"
        assert link.short_url in message.body
        assert "Núñez & Söhne" in message.body
        sources = Sources(html_of(message))
        assert sources.links == {link.short_url, "mailto:help@acme.example"}
        assert sources.loaded == []
        assert "spam" not in message.body + html_of(message) + message.subject, "anybody can type anything"
        assert message.message().as_bytes()

    def test_in_the_visitors_language(self) -> None:
        make_link_request(language="es")
        answer_link_requests()
        assert the_mail().subject == "Su enlace de Your company"
        assert "Este es su enlace:" in the_mail().body
        assert '<html lang="es">' in html_of(the_mail())

    def test_who_asked_is_forgotten_once_it_is_mailed(self) -> None:
        asked = make_link_request(email="rosa@example.com", name="Rosa")
        answer_link_requests()
        asked.refresh_from_db()
        assert (asked.state, asked.email, asked.name) == ("mailed", "", "")
        assert answer_link_requests() == 0
        assert len(mail.outbox) == 1


class FailingBackend(EmailBackend):
    errors: list[Exception] = []

    def send_messages(self, messages: Any) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return int(super().send_messages(messages))


@pytest.fixture
def failing(settings: Any) -> list[Exception]:
    """Raised by the mail server in this order; then it takes what comes."""
    settings.EMAIL_BACKEND = f"{__name__}.FailingBackend"
    FailingBackend.errors = []
    return FailingBackend.errors


class TestMailServer:
    @pytest.mark.parametrize(
        "error", [ConnectionRefusedError("rosa"), TimeoutError(), smtplib.SMTPAuthenticationError(535, b"rosa")]
    )
    def test_away_for_a_while_loses_nothing_and_nobody_waits_behind(
        self, error: Exception, failing: list[Exception], caplog: pytest.LogCaptureFixture
    ) -> None:
        asked, other = make_link_request(email="rosa@example.com"), make_link_request()
        failing.append(error)
        assert answer_link_requests() == 0
        asked.refresh_from_db()
        other.refresh_from_db()
        assert (asked.state, asked.email, asked.attempts) == ("waiting", "rosa@example.com", 1)
        assert (other.state, other.attempts) == ("waiting", 0)
        assert type(error).__name__ in caplog.text
        assert "rosa" not in caplog.text + asked.problem
        # Nothing went out, and the audit says so.
        assert not AuditEntry.objects.filter(action="sent").exists()
        LinkRequestAnswerer(every=30).act()
        assert AuditEntry.objects.filter(action="sent", noun="link").count() == len(mail.outbox) == 2
        assert Customer.objects.count() == 2

    def test_one_that_is_refused_for_good_does_not_hold_up_the_others(self, failing: list[Exception]) -> None:
        asked = make_link_request(email="rosa@example.com")
        make_link_request()
        failing.append(smtplib.SMTPRecipientsRefused({"rosa@example.com": (550, b"no such user rosa")}))
        assert answer_link_requests() == 1
        asked.refresh_from_db()
        assert (asked.state, asked.email) == ("failed", "")
        assert "rosa" not in asked.problem

    def test_one_that_is_put_off_is_tried_again_but_not_for_ever(
        self, failing: list[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(link_requests, "MOST_ATTEMPTS", 2)
        asked = make_link_request()
        failing += [smtplib.SMTPDataError(451, b"later"), smtplib.SMTPDataError(451, b"later")]
        answer_link_requests()
        asked.refresh_from_db()
        assert asked.state == "waiting"
        answer_link_requests()
        asked.refresh_from_db()
        assert (asked.state, asked.email) == ("failed", "")

    def test_after_a_crash_in_the_middle_nothing_is_sent_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(**_: Any) -> None:
            raise SystemExit

        asked = make_link_request()
        monkeypatch.setattr(link_requests, "_mail", crash)
        with pytest.raises(SystemExit):
            answer_link_requests()
        monkeypatch.undo()
        answer_link_requests()
        assert LinkRequest.objects.get().state == "mailed"
        assert mail.outbox == []
        assert asked.pk
