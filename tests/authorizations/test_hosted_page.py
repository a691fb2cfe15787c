"""The hosted page of a flow (R2): what a web visitor sees and sends, and that nobody learns from it who is known."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.authorizations.models import Customer, LandingPage, Link, LinkRequest
from portal.authorizations.services import landing_pages, request_limit
from portal.authorizations.services.flows import retire
from portal.authorizations.views import public_start
from tests.factories import (
    get_utilities,
    make_customer,
    make_flow,
    make_landing_page,
    make_legacy_flow,
    make_link,
)

pytestmark = pytest.mark.django_db
NOW = datetime.fromisoformat("2026-11-24T14:05:00+00:00")
PATIENT = timedelta(seconds=8)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def page(clock: Any) -> LandingPage:
    return make_landing_page()


@pytest.fixture
def queued(settings: Any) -> None:
    """The worker is elsewhere, as in life: nothing is done while the visitor waits."""
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}


def address(page: LandingPage) -> str:
    return f"/start/{page.slug}"


def stamp_in(response: HttpResponse) -> str:
    found = re.search(r'name="stamp" value="([^"]+)"', response.text)
    assert found
    return html.unescape(found[1])


def ask(page: LandingPage, email: str = "rosa@example.com", *, client: Client | None = None, **values: Any) -> Any:
    """Open the page, take the time that a person needs, and send it."""
    client = client or Client()
    if "stamp" not in values:
        with time_machine.travel(timezone.now() - PATIENT, tick=False):
            values["stamp"] = stamp_in(client.get(address(page)))
    return client.post(address(page), {"email": email, **values})


class TestPage:
    def test_r2_in_the_partners_name_and_the_browsers_language(self, page: LandingPage, client: Client) -> None:
        english = client.get(address(page))
        spanish = client.get(address(page), headers={"Accept-Language": "es-MX,es;q=0.9"})
        assert "Connect your utility account" in english.text
        assert "Your company" in english.text
        assert "Conecte su cuenta de servicios públicos" in spanish.text
        assert '<html lang="es">' in spanish.text
        assert "Accept-Language" in spanish.headers["Vary"]
        assert english.headers["Cache-Control"] == "no-store"

    def test_the_switch_outweighs_the_browser(self, page: LandingPage, client: Client) -> None:
        assert f'href="{address(page)}/es/"' in client.get(address(page)).text
        shown = client.get(f"{address(page)}/es/", headers={"Accept-Language": "en"})
        assert "Envíenme mi enlace" in shown.text
        assert shown.headers["Content-Language"] == "es"

    def test_the_partners_own_headline_in_each_language(self, client: Client) -> None:
        page = make_landing_page(headline="Save <b>now</b>", headline_es="Ahorre ahora")
        assert "Save &lt;b&gt;now&lt;/b&gt;" in client.get(address(page)).text
        assert "Ahorre ahora" in client.get(f"{address(page)}/es/").text

    def test_the_slug_says_nothing_and_any_case_finds_it(self, client: Client) -> None:
        flow = make_flow(name="Summer Savings")
        page = make_landing_page(flow=flow)
        assert re.fullmatch(r"[0-9a-z]{12}", page.slug)
        assert client.get(f"/START/{page.slug.upper()}").status_code == 200
        assert make_landing_page(flow=flow, is_open=False).slug == page.slug, "closed or changed, it stays the same"
        assert "Summer Savings" not in client.get(address(page)).text

    def test_r7_closed_unknown_and_of_a_flow_that_is_not_live_look_the_same(self, client: Client) -> None:
        pages = [
            make_landing_page(is_open=False).slug,
            make_landing_page(flow=make_flow(state="requested")).slug,
            make_landing_page(flow=make_flow(state="retired")).slug,
            "nothing-here",
            "ñ\x00",
        ]
        answers = [client.get(f"/start/{slug}") for slug in pages]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        assert "This page is closed" in answers[0].text

    def test_r7_void_after_the_flows_retirement(self, page: LandingPage, client: Client) -> None:
        assert client.get(address(page)).status_code == 200
        retire(flow=page.flow)
        assert client.get(address(page)).status_code == 404
        assert client.post(address(page), {"email": "rosa@example.com"}).status_code == 404

    def test_utility_and_type_are_asked_only_where_the_flow_leaves_a_choice(self, client: Client) -> None:
        wide = client.get(address(make_landing_page())).text
        assert 'name="utility"' in wide
        assert 'name="customer_type"' in wide
        narrow = make_landing_page(flow=make_legacy_flow(utilities=["pge"], customer_types="residential"))
        shown = client.get(address(narrow)).text
        assert 'name="utility"' not in shown
        assert 'name="customer_type"' not in shown

    def test_without_the_cookies_token_nothing_is_taken(self, page: LandingPage) -> None:
        assert ask(page, client=Client(enforce_csrf_checks=True)).status_code == 403
        assert not LinkRequest.objects.exists()

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_other_methods_are_not_for_this_door(self, page: LandingPage, client: Client, method: str) -> None:
        assert getattr(client, method)(address(page)).status_code == 405

    def test_a_database_that_does_not_answer_is_said_without_details(
        self, page: LandingPage, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(**values: Any) -> None:
            raise DatabaseError(f"cannot store {values['email']}")

        monkeypatch.setattr(public_start, "keep_link_request", fail)
        answer = ask(page)
        assert answer.status_code == 503
        assert "try again in a few minutes" in answer.text
        assert "rosa" not in caplog.text + answer.text


class TestSameAnswer:
    def test_known_and_unknown_get_the_same_answer_word_for_word(self, page: LandingPage) -> None:
        make_link(customer=make_customer(email="rosa@example.com"), flow=page.flow)
        answers = [ask(page, email) for email in ("rosa@example.com", "nobody@example.com")]
        assert {answer.status_code for answer in answers} == {302}
        assert {answer.headers["Location"] for answer in answers} == {f"{address(page)}/en/sent"}
        assert len({answer.content for answer in answers}) == 1
        assert answers[0].headers.keys() == answers[1].headers.keys()
        shown = Client().get(answers[0].headers["Location"])
        assert "Look into your mail" in shown.text
        assert "/go/" not in shown.text

    def test_and_the_same_work_is_done_for_it(self, page: LandingPage, queued: None) -> None:
        """Time follows from work: the same statements in the same order, none of which looks at customers."""
        make_customer(email="rosa@example.com")
        statements = []
        for email in ("rosa@example.com", "nobo@example.com"):
            client = Client()
            with time_machine.travel(NOW - PATIENT, tick=False):
                stamp = stamp_in(client.get(address(page)))
            with CaptureQueriesContext(
                connection,
            ) as captured:
                ask(page, email, client=client, stamp=stamp)
            statements.append([query["sql"].replace(email, "?") for query in captured])
        assert statements[0] == statements[1]
        assert statements[0]
        assert not [sql for sql in statements[0] if "authorizations_customer" in sql or 'authorizations_link"' in sql]
        assert mail.outbox == []
        assert LinkRequest.objects.waiting().count() == 2

    def test_nothing_typed_stands_in_an_address_or_a_log(
        self, page: LandingPage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with caplog.at_level("DEBUG"):
            answer = ask(page, "rosa.nunez@example.com", name="Rosa Núñez")
        written = "".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
        assert "rosa" not in (answer.headers["Location"] + written + capsys.readouterr().err).lower()

    def test_the_page_after_says_the_same_of_every_slug(self, page: LandingPage, client: Client) -> None:
        known = client.get(f"{address(page)}/es/sent")
        other = client.get("/start/nothing/es/sent")
        assert "Mire su correo" in known.text
        assert known.text.replace(page.slug, "nothing") == other.text


class TestWhatIsTyped:
    @pytest.mark.parametrize(
        "email", ["", "rosa", "rosa@", "a@b.example\nBcc: x@y.example", "x" * 250 + "@example.com"]
    )
    def test_no_address_no_request(self, page: LandingPage, email: str) -> None:
        answer = ask(page, email)
        assert answer.status_code == 422
        assert "field-error" in answer.text
        assert not LinkRequest.objects.exists()

    def test_what_was_typed_stays_in_the_form(self, page: LandingPage) -> None:
        assert 'value="Rosa &lt;3"' in ask(page, "rosa", name="Rosa <3").text

    @pytest.mark.parametrize(
        "name",
        [
            "WIN www.evil.example https://evil",
            "https://evil",
            "Rosa WWW.evil",
            "www2.evil",
            "Rosa ftp:evil",
            "Rosa <rosa@evil.example>",
            "rosa@evil",
            "evil.example",
            "Rosa (evil.example/win)",
            "EVIL.EXAMPLE",
            "Evil.Com",
            "t.co",
            "win.xn--80ak6aa92e.",
            "192.0.2.1",
            # Letters that mail programs read as the ones above, and one that nobody sees.
            "evil\uff0eexample",
            "evil\u3002example",
            "evil\u200b.\u200bexample",
            "rosa\uff20evil",
        ],
    )
    @pytest.mark.parametrize(
        ("language", "words"), [("en", "Write only a name here"), ("es", "Escriba aquí solo un nombre")]
    )
    def test_no_address_of_a_page_or_mailbox_passes_for_a_name(
        self, page: LandingPage, name: str, language: str, words: str
    ) -> None:
        """It would stand in a campaign's mail, to whomever's email address was typed with it."""
        answer = ask(page, name=name, client=Client(headers={"accept-language": language}))
        assert answer.status_code == 422
        assert words in answer.text
        assert not LinkRequest.objects.exists()

    @pytest.mark.parametrize(
        "name",
        [
            "Dr. Ana St. John",
            "J.R. Smith",
            "J.R.R. Tolkien",
            "J.Smith",
            "Rosa St.John",
            "María-José O'Neill",
            "Sra. D’Ávila Núñez, M.Ed.",
            "Martin Luther King Jr.",
            "Acme, Inc. / Rosa",
            "Smith & Co., No.12",
            "José Mª Ruiz…",
            "王小明",
            "Wwwen Li",
        ],
    )
    def test_a_name_of_a_person_is_taken_as_it_is(self, page: LandingPage, queued: None, name: str) -> None:
        assert ask(page, name=name).status_code == 302
        assert LinkRequest.objects.get().name == name

    def test_a_utility_of_another_flow_is_refused(self) -> None:
        page = make_landing_page(flow=make_flow(utilities=["pge", "sce"]))
        [sdge] = get_utilities("sdge")
        assert ask(page, utility=sdge.pk).status_code == 422
        assert ask(page, utility="9" * 30).status_code == 422

    def test_r4_a_legacy_flow_needs_the_utility(self) -> None:
        page = make_landing_page(flow=make_legacy_flow())
        [sce] = get_utilities("sce")
        assert ask(page).status_code == 422
        assert ask(page, utility=sce.pk).status_code == 302
        assert Link.objects.get().utility == sce

    def test_what_the_flow_leaves_no_choice_of_is_filled_in(self) -> None:
        ask(make_landing_page(flow=make_legacy_flow(utilities=["sce"], customer_types="residential")))
        customer = Customer.objects.get()
        assert (customer.utility, customer.customer_type) == (get_utilities("sce")[0], "residential")


class TestPrograms:
    def test_a_filled_trap_gets_the_answer_and_nothing_else(self, page: LandingPage) -> None:
        answer = ask(page, trap="http://spam.example")
        assert answer.headers["Location"] == f"{address(page)}/en/sent"
        assert not LinkRequest.objects.exists()

    def test_the_trap_is_hidden_from_people_and_their_screen_readers(self, page: LandingPage, client: Client) -> None:
        shown = client.get(address(page)).text
        assert re.search(
            r'class="visually-hidden" aria-hidden="true">\s*<label[^>]*>[^<]*</label>\s*<input[^>]*tabindex="-1"', shown
        )

    def test_who_is_too_quick_presses_once_more(self, page: LandingPage, client: Client, clock: Any) -> None:
        stamp = stamp_in(client.get(address(page)))
        clock.shift(1)
        quick = ask(page, client=client, stamp=stamp)
        assert quick.status_code == 422
        assert "That was quick" in quick.text
        assert 'value="rosa@example.com"' in quick.text
        assert stamp_in(quick) == stamp, "its time goes on: nobody waits twice"
        clock.shift(2)
        assert ask(page, client=client, stamp=stamp).status_code == 302
        assert len(mail.outbox) == 1

    def test_a_page_open_for_more_than_a_day_gets_a_fresh_stamp(
        self, page: LandingPage, client: Client, clock: Any
    ) -> None:
        stamp = stamp_in(client.get(address(page)))
        clock.shift(timedelta(hours=24, seconds=1))
        stale = ask(page, client=client, stamp=stamp)
        assert stale.status_code == 422
        assert "open for long" in stale.text
        clock.shift(8)
        assert ask(page, client=client, stamp=stamp_in(stale)).status_code == 302

    @pytest.mark.parametrize("stamp", ["", "made-up", "a:b:c"])
    def test_a_made_up_stamp_is_none(self, page: LandingPage, stamp: str) -> None:
        assert ask(page, stamp=stamp).status_code == 422
        assert not LinkRequest.objects.exists()

    def test_a_stamp_of_another_page_is_none(self, page: LandingPage, clock: Any) -> None:
        stamp = landing_pages.make_stamp(make_landing_page())
        clock.shift(PATIENT)
        assert ask(page, stamp=stamp).status_code == 422

    def test_one_stamp_serves_a_mistyped_address_but_no_program(self, page: LandingPage, clock: Any) -> None:
        stamp = landing_pages.make_stamp(page)
        clock.shift(PATIENT)
        answers = [ask(page, f"{n}@example.com", stamp=stamp).status_code for n in range(5)]
        assert answers == [302, 302, 302, 422, 422]
        assert LinkRequest.objects.count() == 3


class TestLimits:
    def test_an_address_gets_three_mails_an_hour_and_the_answer_never_changes(
        self, page: LandingPage, clock: Any
    ) -> None:
        make_customer(email="known@example.com")
        for email in ("known@example.com", "new@example.com"):
            answers = {ask(page, email if n else email.upper()).content for n in range(5)}
            assert len(answers) == 1
        assert len(mail.outbox) == 6
        clock.shift(timedelta(minutes=59))
        ask(page, "new@example.com")
        assert len(mail.outbox) == 6
        clock.shift(timedelta(minutes=1, seconds=1))
        ask(page, "new@example.com")
        assert len(mail.outbox) == 7

    def test_a_network_waits_and_others_do_not(
        self, page: LandingPage, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(request_limit, "PER_NETWORK", 4)
        here, beside, elsewhere = (Client(REMOTE_ADDR=f"203.0.{n}.7") for n in (113, 113, 114))
        for n in range(4):
            assert ask(page, f"{n}@example.com", client=here).status_code == 302
        answer = ask(page, "new@example.com", client=beside)
        assert answer.status_code == 429
        assert "try again in 60 min." in answer.text
        assert answer.headers["Retry-After"] == "3600"
        assert ask(page, "new@example.com", client=elsewhere).status_code == 302
        clock.shift(timedelta(minutes=59, seconds=30))
        assert "in 1 min." in ask(page, "new@example.com", client=here).text
        clock.shift(timedelta(minutes=1))
        assert ask(page, "another@example.com", client=here).status_code == 302

    def test_a_page_has_its_limit_whoever_comes(self, page: LandingPage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request_limit, "PER_PAGE", 2)
        answers = [
            ask(page, f"{n}@example.com", client=Client(REMOTE_ADDR=f"203.0.{n}.7")).status_code for n in range(3)
        ]
        assert answers == [302, 302, 429]
        assert ask(make_landing_page(), "3@example.com").status_code == 302

    def test_nobody_closes_a_page_by_what_is_no_request(
        self, page: LandingPage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(request_limit, "PER_PAGE", 1)
        for n in range(3):
            empty = Client(REMOTE_ADDR=f"203.0.{n}.7").post(reverse("start", args=[page.slug]), {})
            assert empty.status_code == 422
        assert ask(page, "rosa@example.com").status_code == 302

    def test_no_address_stands_in_the_cache(self, page: LandingPage, monkeypatch: pytest.MonkeyPatch) -> None:
        keys: list[str] = []
        monkeypatch.setattr(request_limit.cache, "get", lambda key: keys.append(key))
        ask(page, "rosa@example.com")
        assert any(key.startswith("start:to:") for key in keys)
        assert not [key for key in keys if "rosa" in key]
