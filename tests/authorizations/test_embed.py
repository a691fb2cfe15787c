"""Embed (R2): snippets that parse and lead to the right address, and the screen that opens a hosted page."""

import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from portal.authorizations.models import Installation, LandingPage
from portal.authorizations.services.embed import make_snippets
from portal.authorizations.services.installation import save_installation
from portal.authorizations.services.links import replace_link, void_link
from tests.factories import (
    make_campaign,
    make_customer,
    make_flow,
    make_landing_page,
    make_link,
    make_shared_link,
)
from tests.printing.reading import decode, paint_png

pytestmark = pytest.mark.django_db
VOID = {"br", "img", "meta"}


class Tree(HTMLParser):
    """Reads HTML strictly: every element closes in its turn. Keeps the links with their words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.loads: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append((values["href"] or "", ""))
        if "src" in values or tag in {"script", "style", "link"}:
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "a" in self.open:
            url, words = self.links.pop()
            self.links.append((url, words + data))


def copied(page: str) -> list[str]:
    """The texts that the page's copy buttons hold."""
    return [html.unescape(text) for text in re.findall(r'data-copy="([^"]*)"', page)]


class TestSnippets:
    @pytest.mark.parametrize("url", ["https://p.example/go/abc", "https://l.example/a/?x=1&refId=a~b&y=%22%3C"])
    def test_each_parses_and_leads_there(self, url: str) -> None:
        save_installation(partner_name='Núñez & "Söhne" <b>', support_email="", partner_success_email="a@b.example")
        snippets = make_snippets(url=url, language="en")
        assert snippets.url == url
        assert Tree(snippets.button).links == [(url, 'Connect your utility account with Núñez & "Söhne" <b>')]
        assert Tree(snippets.signature).links == [(url, "Connect your utility account")]
        assert Tree(snippets.button + snippets.signature).loads == [], "nothing from another host"

    def test_in_spanish_and_said_so(self) -> None:
        snippets = make_snippets(url="https://p.example/go/abc", language="es")
        assert Tree(snippets.button).links[0][1] == "Conecte su cuenta de servicios públicos con Your company"
        assert 'lang="es"' in snippets.button
        assert 'lang="es"' in snippets.signature

    def test_they_are_plain_texts_so_that_our_own_page_escapes_them(self) -> None:
        snippets = make_snippets(url="https://p.example/go/abc", language="en")
        assert {type(snippets.button), type(snippets.signature)} == {str}

    @pytest.mark.parametrize(
        ("colour", "ink"),
        [("#0b6e4f", "#ffffff"), ("#ffe000", "#000000"), ("#777777", "#000000"), ("#757575", "#ffffff")],
    )
    def test_the_words_stand_out_from_the_partners_colour(self, colour: str, ink: str) -> None:
        assert Installation(brand_colour=colour).ink_on_brand_colour == ink
        save_installation(
            partner_name="Acme", support_email="", partner_success_email="a@b.example", brand_colour=colour
        )
        snippets = make_snippets(url="https://p.example/go/abc", language="en")
        assert f"background:{colour}" in snippets.button
        assert f"color:{ink};" in snippets.button
        assert f'style="color:{colour if ink == "#ffffff" else "#222222"}"' in snippets.signature


class TestLink:
    def test_r2_the_short_link_or_leaps_url(self, manager_client: Client) -> None:
        link = make_link()
        short = copied(manager_client.get(f"/links/{link.pk}/embed/").text)
        assert [Tree(short[0]).links[0][0], short[1], Tree(short[2]).links[0][0]] == [link.short_url] * 3
        direct = copied(manager_client.get(f"/links/{link.pk}/embed/?target=direct&language=es").text)
        assert [Tree(direct[0]).links[0][0], direct[1], Tree(direct[2]).links[0][0]] == [link.url] * 3
        assert "Conecte" in direct[0]

    def test_the_snippet_is_text_on_our_page_and_never_markup(self, manager_client: Client) -> None:
        page = manager_client.get(f"/links/{make_link().pk}/embed/").text
        assert "&lt;table role=" in page
        assert "<table role=" not in page

    def test_whatever_is_no_choice_counts_as_the_first(self, manager_client: Client) -> None:
        link = make_link()
        page = manager_client.get(f"/links/{link.pk}/embed/?target=evil&language=xx").text
        assert copied(page)[1] == link.short_url

    def test_the_links_page_leads_there(self, manager_client: Client) -> None:
        link = make_link()
        assert f'href="/links/{link.pk}/embed/"' in manager_client.get(f"/links/{link.pk}/").text

    def test_a_customers_own_link_is_no_link_for_a_web_page(self, manager_client: Client) -> None:
        words = "Whoever follows it counts as this customer."
        assert words in manager_client.get(f"/links/{make_link().pk}/embed/").text
        assert words not in manager_client.get(f"/links/{make_shared_link().pk}/embed/").text

    def test_r13_without_a_reference_id_the_loss_is_said(self, manager_client: Client) -> None:
        link = make_shared_link(traceable=False)
        assert "Not traceable." in manager_client.get(f"/links/{link.pk}/embed/").text

    def test_void_and_replaced_links_are_not_embedded(self, manager_client: Client, manager: Any) -> None:
        void, old = make_link(), make_link()
        void_link(link=void, voided_by=manager, reason="moved")
        successor = replace_link(link=old, issued_by=manager)
        for link in (void, old):
            page = manager_client.get(f"/links/{link.pk}/embed/").text
            assert "there is nothing to embed" in page
            assert copied(page) == []
        assert f'href="/links/{successor.pk}/embed/"' in page

    def test_a_rep_sees_own_links_only(self, rep_client: Client, rep: Any) -> None:
        own, others = make_link(customer=make_customer(assigned_rep=rep)), make_link()
        for path, status in ((f"/links/{own.pk}/embed/", 200), (f"/links/{others.pk}/embed/", 404)):
            assert rep_client.get(path).status_code == status
            assert rep_client.get(f"{path}button/").status_code == status
        assert f"/flows/{own.flow_id}/embed/" not in rep_client.get(f"/links/{own.pk}/embed/").text


class TestPreview:
    @pytest.mark.parametrize("kind", ["button", "signature"])
    def test_is_shown_in_a_frame_of_ours_only_without_scripts_or_clicks(
        self, manager_client: Client, kind: str
    ) -> None:
        link = make_link()
        response = manager_client.get(f"/links/{link.pk}/embed/{kind}/?language=es&target=direct")
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert policy.endswith("sandbox")
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "<body inert " in response.text, "a click would count as a visit"
        assert getattr(make_snippets(url=link.url, language="es"), kind) in response.text

    def test_of_nothing_else(self, manager_client: Client) -> None:
        assert manager_client.get(f"/links/{make_link().pk}/embed/evil/").status_code == 404

    def test_other_pages_keep_the_strict_policy(self, manager_client: Client) -> None:
        response = manager_client.get(f"/links/{make_link().pk}/embed/")
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["X-Frame-Options"] == "DENY"


class TestFlow:
    @pytest.mark.parametrize("role", ["admin", "manager"])
    def test_admins_and_managers_open_the_page_and_embed_it(self, request: Any, role: str, client: Client) -> None:
        staff: Client = request.getfixturevalue(f"{role}_client")
        flow = make_flow()
        address = f"/flows/{flow.pk}/embed/"
        assert copied(staff.get(address).text) == []
        answer = staff.post(address, {"is_open": "on", "headline": "Save now"}, follow=True)
        assert "The hosted page is open." in answer.text
        page = LandingPage.objects.get()
        url = f"http://p.acme.example/start/{page.slug}"
        texts = copied(answer.text)
        assert [Tree(texts[0]).links[0][0], texts[1], Tree(texts[2]).links[0][0]] == [url] * 3
        assert "Save now" in client.get(f"/start/{page.slug}").text
        assert "The hosted page is closed." in staff.post(address, {"headline": ""}, follow=True).text
        assert client.get(f"/start/{page.slug}").status_code == 404
        assert LandingPage.objects.get().slug == page.slug

    def test_a_rep_does_not(self, rep_client: Client) -> None:
        page = make_landing_page()
        for path in ("embed/", "embed/button/", "qr.svg"):
            assert rep_client.get(f"/flows/{page.flow_id}/{path}").status_code == 403
        assert rep_client.post(f"/flows/{page.flow_id}/embed/", {}).status_code == 403
        page.refresh_from_db()
        assert page.is_open

    def test_a_campaign_of_another_flow_is_refused(self, manager_client: Client) -> None:
        flow, other = make_flow(), make_campaign()
        answer = manager_client.post(f"/flows/{flow.pk}/embed/", {"is_open": "on", "campaign": other.pk})
        assert answer.status_code == 422
        assert not LandingPage.objects.exists()

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_r7_of_a_flow_that_is_not_live_it_is_said_to_be_closed(self, manager_client: Client, state: str) -> None:
        page = make_landing_page(flow=make_flow(state=state))
        shown = manager_client.get(f"/flows/{page.flow_id}/embed/").text
        assert f"The flow is {state}." in shown
        assert 'badge">closed' in shown

    def test_the_list_and_the_flows_page_lead_there(self, manager_client: Client, admin_client: Client) -> None:
        flow = make_flow()
        for client, path in ((manager_client, "/flows/"), (admin_client, f"/flows/{flow.pk}/")):
            assert f'href="/flows/{flow.pk}/embed/"' in client.get(path).text

    def test_its_code_leads_to_the_page(self, manager_client: Client) -> None:
        page = make_landing_page()
        response = manager_client.get(f"/flows/{page.flow_id}/qr.png?download=1&size=40mm")
        assert response.headers["Content-Disposition"] == f'attachment; filename="qr-{page.slug}.png"'
        assert decode(paint_png(response.content)).text == f"HTTP://P.ACME.EXAMPLE/START/{page.slug.upper()}"
        assert manager_client.get(f"/flows/{page.flow_id}/qr.png?level=X").status_code == 400


class TestColour:
    def test_is_set_on_the_installation(self, admin_client: Client) -> None:
        values = {"partner_name": "Acme", "support_email": "", "partner_success_email": "jo@leap.example"}
        assert admin_client.post("/installation/", {**values, "brand_colour": "#FFE000"}).status_code == 302
        assert Installation.objects.get().brand_colour == "#ffe000"
        for wrong in ("red", "#12345", "#12345g", "#123456\n;", '#12"456'):
            answer = admin_client.post("/installation/", {**values, "brand_colour": wrong})
            assert Installation.objects.get().brand_colour == ("#123456" if answer.status_code == 302 else "#ffe000")
