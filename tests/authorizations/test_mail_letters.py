"""What stands in a mail, read back from the SMTP server as a mail program would: parts, words, code, headers."""

import io
import re
from email.message import EmailMessage
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from portal.authorizations.models import Campaign, Mail
from portal.authorizations.services.mail_composer import MOST_CODES
from portal.authorizations.services.messages import (
    DEFAULT_WORDS,
    Words,
    find_unknown_placeholders,
    keep_message,
    save_message,
    words_in,
)
from tests.authorizations.mailing import make_installation, make_invited, send
from tests.authorizations.test_link_requests import Sources
from tests.factories import make_campaign
from tests.smtp_server import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installation(db: None) -> None:
    make_installation()


def receive(box: Mailbox, **customer: Any) -> EmailMessage:
    make_invited(**{"email": "rosa@example.com", "name": "Rosa Núñez", **customer})
    assert send() == 1
    return box.taken[-1].mail


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


class TestParts:
    def test_html_and_its_codes_are_one_alternative_the_last(self, box: Mailbox) -> None:
        mail = receive(box)
        kinds = [found.get_content_type() for found in mail.walk()]
        assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
        assert list(mail.iter_attachments()) == []

    def test_the_code_is_shown_by_content_id_and_leads_to_the_link(self, box: Mailbox) -> None:
        mail = receive(box)
        related = mail.get_body(("related",))
        assert related is not None
        [image] = related.iter_attachments()
        [source] = re.findall(r'<img src="cid:([^"]+)"', part(mail, "html"))
        assert image["Content-ID"] == f"<{source}>"
        assert image["Content-Disposition"].content_disposition == "inline"
        picture = Image.open(io.BytesIO(image.get_payload(decode=True)))
        [code] = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
        assert code.text.lower() == Mail.objects.get().link.short_url

    def test_html_loads_nothing_and_leads_only_to_the_link_and_out(self, box: Mailbox) -> None:
        html = part(receive(box), "html")
        sources = Sources(html)
        link = Mail.objects.get().link
        [unsubscribe] = [url for url in sources.links if "/unsubscribe/" in url]
        assert sources.links == {link.short_url, "mailto:help@acme.example", unsubscribe}
        assert sources.loaded == ["img"]
        assert "<script" not in html
        assert "#7a1f5c" in html

    def test_every_line_is_short_and_plain_ascii(self, box: Mailbox) -> None:
        receive(box)
        lines = box.taken[0].content.split(b"\r\n")
        assert b"\n" not in b"".join(lines)
        assert max(len(line) for line in lines if not line.startswith(b"List-Unsubscribe:")) <= 78
        assert box.taken[0].content.isascii()

    def test_a_line_that_begins_with_a_dot_arrives_as_written(self, box: Mailbox) -> None:
        campaign = make_campaign()
        words = Words("Hello", "Hello\n.\n..two\nend")
        save_message(campaign=campaign, kind="invitation", english=words, spanish=words)
        make_invited(campaign=campaign)
        send()
        assert "Hello\n.\n..two\nend\n" in part(box.taken[0].mail, "plain")

    @pytest.mark.parametrize(("sites", "codes"), [(MOST_CODES, MOST_CODES), (MOST_CODES + 1, 0)])
    def test_many_sites_have_links_and_no_codes(self, sites: int, codes: int, box: Mailbox) -> None:
        campaign = make_campaign()
        for number in range(sites):
            make_invited(campaign=campaign, email="rosa@example.com", street=f"{number} Maple St")
        send()
        html = part(box.taken[0].mail, "html")
        assert len(re.findall("cid:", html)) == codes
        assert {mail.link.short_url for mail in Mail.objects.all()} <= Sources(html).links


class TestWords:
    def test_in_english(self, box: Mailbox) -> None:
        mail = receive(box)
        assert mail["Subject"] == "Connect your PG&E account with Núñez & Söhne"
        for kind in ("plain", "html"):
            assert "Hello Rosa Núñez," in part(mail, kind)
            assert "Fresno, CA 93722" in part(mail, kind), "the sender's postal address"
        assert '<html lang="en">' in part(mail, "html")
        assert "This is your link:" in part(mail, "plain")

    def test_in_spanish(self, box: Mailbox) -> None:
        mail = receive(box, language="es")
        assert mail["Subject"] == "Conecte su cuenta de PG&E con Núñez & Söhne"
        for kind in ("plain", "html"):
            assert "Hola, Rosa Núñez:" in part(mail, kind)
            assert "este tipo" in part(mail, kind)
        assert '<html lang="es">' in part(mail, "html")
        assert "Conecte su cuenta de servicios públicos con" in part(mail, "html"), "the button"

    def test_the_partners_own_words_and_the_other_language_stays_the_portals(self, box: Mailbox) -> None:
        campaign = make_campaign(name="Summer")
        english = Words("{name}: {campaign}", "Dear { NAME },\n\nat <{address}> you use {utility}.\nYours, {partner}")
        save_message(campaign=campaign, kind="invitation", english=english, spanish=DEFAULT_WORDS["invitation", "es"])
        make_invited(campaign=campaign, name="Rosa <b>", street="1 Maple St", utility="")
        make_invited(campaign=campaign, language="es")
        send()
        mail, spanish = (delivered.mail for delivered in box.taken)
        assert mail["Subject"] == "Rosa <b>: Summer"
        assert "Dear Rosa <b>,\n\nat <1 Maple St, Fresno, CA 93722> you use utility.\nYours," in part(mail, "plain")
        assert "Dear Rosa &lt;b&gt;," in part(mail, "html")
        assert "you use utility.<br>Yours, Núñez &amp; Söhne" in part(mail, "html")
        assert spanish["Subject"].startswith("Conecte su cuenta")
        assert keep_message(campaign, "invitation").subject_es == ""

    def test_every_kind_has_words_in_both_languages_with_known_placeholders(self) -> None:
        campaign = make_campaign()
        for kind in ("invitation", "abandoned", "no_visit"):
            message = keep_message(campaign, kind)
            both = [words_in(message, language) for language in ("en", "es")]
            assert both[0] != both[1]
            assert all(find_unknown_placeholders(words.subject + words.body) == [] for words in both)
        assert Campaign.objects.get().messages.count() == 3

    def test_unknown_placeholders_are_named_as_written(self) -> None:
        assert find_unknown_placeholders("{name} {First name} {x} {x} {}") == ["{First name}", "{x}", "{}"]


class TestHeaders:
    def test_who_and_how_to_get_no_more(self, box: Mailbox, settings: Any) -> None:
        settings.PUBLIC_URL = "https://a-rather-long-name-of-a-portal.customers-of-acme-energy.example.com"
        mail = receive(box)
        assert mail["From"] == "Núñez & Söhne <energy@acme.example>"
        assert mail["To"] == "rosa@example.com"
        assert mail["Reply-To"] == "help@acme.example"
        assert mail["Message-ID"].endswith("@acme.example>")
        assert mail["Date"].datetime is not None
        raw = box.taken[0].content.decode()
        [url] = re.findall(r"(?m)^List-Unsubscribe: <(https://\S+)>\r$", raw)
        assert url in part(mail, "plain")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Auto-Submitted"] is None
        assert mail["Precedence"] is None

    def test_one_click_is_promised_only_over_https(self, box: Mailbox) -> None:
        mail = receive(box)
        assert mail["List-Unsubscribe"].startswith("<http://")
        assert mail["List-Unsubscribe-Post"] is None

    @pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b"], ids=ascii)
    def test_nothing_that_somebody_typed_adds_a_header(self, line_end: str, box: Mailbox) -> None:
        evil = f"Rosa{line_end}Bcc: thief@example.com{line_end}{line_end}<b>body</b>"
        make_installation(partner_name=f"Acme{line_end}X-Evil: yes", support_email="help@acme.example")
        campaign = make_campaign(name=evil[:90])
        words = Words(f"{{name}}{line_end}Cc: thief@example.com {{campaign}} {{partner}}", "Hello {name}")
        save_message(campaign=campaign, kind="invitation", english=words, spanish=words)
        make_invited(campaign=campaign, name=evil)
        assert send() == 1
        mail = box.taken[0].mail
        assert set(mail.keys()) == {
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "List-Unsubscribe",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type",
        }
        assert mail["Subject"].startswith("Rosa Bcc: thief@example.com")
        assert [delivered.to for delivered in box.taken] == [str(mail["To"])]

    def test_an_address_with_a_domain_beyond_ascii_is_written_as_servers_take_it(self, box: Mailbox) -> None:
        mail = receive(box, email="rosa@bücher.example")
        assert mail["To"] == "rosa@xn--bcher-kva.example"
        assert box.taken[0].to == "rosa@xn--bcher-kva.example"
