"""The search in every page's header."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from tests.factories import make_link

pytestmark = pytest.mark.django_db


def said(client: Client, text: str) -> str:
    response = client.get("/search/", {"q": text})
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.mark.parametrize("spelling", ["{0}", "{1}", "{2}"])
def test_code_in_any_spelling_leads_to_its_link(manager_client: Client, spelling: str) -> None:
    link = make_link()
    text = spelling.format(link.code, link.code.lower(), link.code_in_groups)
    assert manager_client.get("/search/", {"q": text}).url == f"/links/{link.pk}/"  # type: ignore[attr-defined]


def test_an_address_leads_to_its_link_as_people_paste_it(manager_client: Client) -> None:
    make_link()
    link = make_link()
    pasted = (link.short_url, link.short_url_for_codes, link.short_path, f"{link.short_url}/?utm=x", link.url)
    found = [manager_client.get("/search/", {"q": text}).headers["Location"] for text in pasted]
    assert found == [f"/links/{link.pk}/"] * len(pasted)


@pytest.mark.parametrize("text", ["http://[", "https://portal.example/", "a/b", "/", "https://x.example/?refId="])
def test_an_address_of_no_link_finds_none(manager_client: Client, text: str) -> None:
    make_link()
    assert manager_client.get("/search/", {"q": text}).headers["Location"].startswith("/customers/?q=")


def test_r12_code_that_was_misheard_is_caught(manager_client: Client) -> None:
    assert "a slip in it" in said(manager_client, "2345-6789-abcd")


@pytest.mark.parametrize("text", ["Maple Street", "constructing", "A-12345", "Rosa"])
def test_other_words_are_not_taken_for_a_code(manager_client: Client, text: str) -> None:
    assert said(manager_client, text) == ""
