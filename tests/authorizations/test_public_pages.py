"""What customers read: English or Spanish by their browser, the partner's name, and nothing that is not known."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import trim_whitespace
from django.utils.translation.template import templatize

from portal.authorizations.models import Confirmation, Installation
from tests.authorizations.browsers import phone
from tests.factories import make_link

ROOT = Path(settings.BASE_DIR)
PO = ROOT / "portal" / "locale" / "es" / "LC_MESSAGES" / "django.po"
#: What customers read: pages, mails and snippets. The frame of a preview is the staff's.
PUBLIC_TEMPLATES = sorted(
    path
    for path in [*(ROOT / "templates/public").glob("*.html"), *(ROOT / "templates/emails").glob("*.*")]
    if path.name != "embed_preview.html"
)
PUBLIC_FORMS = [ROOT / "portal/authorizations/forms/link_requests.py"]


@pytest.fixture
def acme(db: None) -> Installation:
    return Installation.objects.create(
        leap_environment="production", partner_name="Acme Energy", support_email="help@acme.example"
    )


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("", "en", "Thank you"),
        ("en-US,en;q=0.9", "en", "Thank you"),
        ("es", "es", "Gracias"),
        ("es-MX,es;q=0.9,en;q=0.5", "es", "Gracias"),
        ("es-419", "es", "Gracias"),
        ("de,es;q=0.8,en;q=0.5", "es", "Gracias"),
        ("de,fr;q=0.8", "en", "Thank you"),
        ("zh-CN", "en", "Thank you"),
        ("xx;q=nonsense,,;,\x00", "en", "Thank you"),
        ("es" * 5000, "en", "Thank you"),
    ],
)
def test_r15_the_page_speaks_the_browsers_language(
    acme: Installation, accepted: str, language: str, words: str
) -> None:
    response = phone(accept_language=accepted).get("/leap/thanks")
    page = response.content.decode()
    assert f"<h1>{words}</h1>" in page
    assert f'<html lang="{language}">' in page
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


def test_r15_the_other_language_is_one_click_away_and_keeps_nothing(acme: Installation) -> None:
    page = phone(accept_language="en").get("/leap/thanks", {"refId": "acct-77"}).content.decode()
    assert Confirmation.objects.count() == 1
    [address] = re.findall(r'<a href="([^"]+)"\s+lang="es"', page)
    in_spanish = phone(accept_language="en").get(address)
    assert "<h1>Gracias</h1>" in in_spanish.content.decode()
    assert re.search(r'<a href="/leap/thanks/en/"\s+lang="en"', in_spanish.content.decode())
    assert not in_spanish.cookies
    phone().get(address, {"refId": "acct-77", "authorizationId": "9f1c"})
    assert Confirmation.objects.count() == 1


@pytest.mark.parametrize("language", ["de", "xx", "en'", "%00", "../../admin"])
def test_a_language_that_there_is_not_gives_the_browsers(acme: Installation, language: str) -> None:
    response = phone(accept_language="es").get(f"/leap/thanks/{language}/")
    if response.status_code != 404:  # a path with more slashes is none of ours
        assert "<h1>Gracias</h1>" in response.content.decode()


def test_the_page_carries_the_partners_name_and_address(acme: Installation) -> None:
    page = phone().get("/leap/thanks").content.decode()
    assert "<title>Thank you · Acme Energy</title>" in page
    assert '<a href="mailto:help@acme.example">help@acme.example</a>' in page


def test_the_partners_name_is_escaped(acme: Installation) -> None:
    Installation.objects.update(partner_name="<b>Acme & Co</b>")
    for path in ("/leap/thanks", "/go/nothing"):
        page = phone().get(path).content.decode()
        assert "&lt;b&gt;Acme &amp; Co&lt;/b&gt;" in page
        assert "<b>Acme" not in page


def test_the_page_promises_nothing_that_is_not_known(acme: Installation) -> None:
    """A return is a claim: the page must not say that an authorization succeeded, nor that anything is confirmed."""
    for accepted in ("en", "es"):
        page = phone(accept_language=accepted).get("/leap/thanks").content.decode().lower()
        for word in ("confirmed", "successful", "completed your", "enrolled", "authorized", "confirmad", "con éxito"):
            assert word not in page


def test_a_dead_link_is_explained_in_the_browsers_language(acme: Installation) -> None:
    response = phone(accept_language="es-US").get("/go/nothing")
    page = response.content.decode()
    assert response.status_code == 404
    assert "Este enlace no lleva a ninguna parte" in page
    assert "pida un enlace nuevo a Acme Energy" in page


def test_public_pages_hold_nothing_inline_and_nothing_of_another_host(acme: Installation) -> None:
    for path in ("/leap/thanks", "/go/nothing"):
        page = phone().get(path).content.decode()
        assert re.findall(r"<script|<style|\sstyle=|\son\w+=|https?://", page) == []
        assert 'name="robots" content="noindex, nofollow"' in page


@pytest.mark.django_db
def test_health_and_readiness_are_told_in_one_word() -> None:
    for path in ("/healthz", "/readyz"):
        response = phone().get(path)
        assert (response.status_code, response.content) == (200, b"ok")
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_not_ready_while_migrations_are_missing() -> None:
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="authorizations").order_by("-id").first().delete()
    response = phone().get("/readyz")
    assert (response.status_code, response.content) == (503, b"migrations are missing: run migrate")


def test_health_needs_no_database() -> None:
    """Without the mark django_db every query is an error."""
    assert phone().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_not_ready_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError
    from django.db.migrations.executor import MigrationExecutor

    def refuse(self: MigrationExecutor, *args: object) -> None:
        raise OperationalError("the server does not answer: password=hunter2")

    monkeypatch.setattr(MigrationExecutor, "__init__", refuse)
    response = phone().get("/readyz")
    assert (response.status_code, response.content) == (503, b"the database is not reachable")


# --- The texts ---------------------------------------------------------------------------------------------------


def _texts_of(template: Path) -> set[str]:
    """The texts that a template marks for translation."""
    source = templatize(template.read_text(encoding="utf-8"), origin=str(template))
    # In brackets, as the lines of a template are not indented as Python's would be.
    return _texts_in(f"({source})")


def _texts_in(source: str) -> set[str]:
    found = extract_python(io.BytesIO(source.encode()), {"_": None, "gettext": None}, [], {"encoding": "utf-8"})
    return {message for _, _, message, _ in found if isinstance(message, str)}


@pytest.mark.pure
def test_every_public_text_is_in_spanish() -> None:
    catalog = read_po(io.BytesIO(PO.read_bytes()))
    marked = set().union(*(_texts_of(template) for template in PUBLIC_TEMPLATES))
    marked |= set().union(*(_texts_in(form.read_text(encoding="utf-8")) for form in PUBLIC_FORMS))
    assert len(marked) > 5
    assert sorted(text for text in marked if not (catalog.get(text) and catalog.get(text).string)) == []
    assert sorted(message.id for message in catalog if message.id and message.id not in marked) == []


@pytest.mark.pure
@pytest.mark.parametrize("template", PUBLIC_TEMPLATES, ids=lambda template: template.name)
def test_public_templates_hold_no_text_outside_translation(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    source = re.sub(r"{% comment %}.*?{% endcomment %}", "", source, flags=re.DOTALL)
    source = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", source, flags=re.DOTALL)
    source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", "", source, flags=re.DOTALL)
    assert trim_whitespace(source).replace("·", "").strip() == ""


@pytest.mark.pure
def test_the_compiled_texts_are_those_of_the_po_file() -> None:
    """Otherwise run `make messages`."""
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(PO.read_bytes())))
    compiled.seek(0)
    fresh, committed = read_mo(compiled), read_mo(io.BytesIO(PO.with_suffix(".mo").read_bytes()))
    assert {m.id: m.string for m in committed if m.id} == {m.id: m.string for m in fresh if m.id}


@pytest.mark.pure
def test_placeholders_survive_translation() -> None:
    for message in read_po(io.BytesIO(PO.read_bytes())):
        if message.id:
            assert set(re.findall(r"%\(\w+\)s", str(message.string))) == set(re.findall(r"%\(\w+\)s", str(message.id)))


@pytest.mark.django_db
def test_a_link_can_be_followed_and_its_customer_thanked_in_one_browser(acme: Installation) -> None:
    link = make_link()
    browser = phone(accept_language="es")
    assert browser.get(link.short_path).headers["Location"] == link.url
    assert "Gracias" in browser.get("/leap/thanks", {"refId": link.reference_id}).content.decode()
    link.refresh_from_db()
    assert link.first_visited_at is not None
    assert link.first_returned_at is not None
    assert link.first_visited_at <= link.first_returned_at
