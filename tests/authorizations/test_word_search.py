"""Search by the beginnings of words: what is found, and that the database itself keeps the index."""

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.authorizations.models import Customer, Event, Link, Meter, PaperAuthorization
from portal.authorizations.models.search import MOST_WORDS, find_words, split_words
from tests.factories import get_utilities, make_customer, make_flow, make_link, make_match, make_paper

pytestmark = pytest.mark.django_db


def make_rosa(**fields: Any) -> Customer:
    values = {
        "name": "Rosa Núñez-O’Brien",
        "company": "Río Verde LLC",
        "email": "rosa.n@bakery.example",
        "phone": "(559) 555-0142",
        "street": "112 Maple St",
        "city": "Fresno",
        "external_id": "CRM-7_a",
    }
    return make_customer(**{**values, **fields})


@pytest.mark.parametrize(
    "text",
    [
        "nunez",
        "NÚÑEZ",
        "nun\u0303ez",
        "brien",
        "ros nun fre",
        "rio",
        "rosa.n@bakery.example",
        "bakery",
        "5595550142",
        "559-555-0142",
        "559555",
        "crm-7",
        "CRM-7_a",
        "112 map",
    ],
)
def test_customer_is_found_by_the_beginnings_of_words(text: str) -> None:
    rosa = make_rosa()
    make_customer(name="Else", company="", email="x@y.test", street="1 Oak", city="Selma", phone="", external_id="Z")
    assert list(Customer.objects.search(text)) == [rosa]


@pytest.mark.parametrize("text", ["unez", "aple", "rosa selma", "", "   ", "*", '"', "%", "-", "’"])
def test_customer_is_not_found_by_less(text: str) -> None:
    make_rosa()
    assert list(Customer.objects.search(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        'a" OR "rosa',
        "NEAR(rosa)",
        "rosa*",
        "text:rosa",
        "'rosa' | 'x'",
        "rosa & !x",
        "^rosa",
        "{text}:rosa",
        "\\'",
        "\ue000u1",
        "\x01u1",
    ],
)
def test_what_an_index_takes_for_its_own_language_is_only_words(text: str) -> None:
    make_rosa()
    list(Customer.objects.search(text))
    assert list(Customer.objects.search("a OR rosa")) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_no_text_is_an_error(text: str) -> None:
    list(Customer.objects.search(text.replace("\x00", ""))[:1])


def test_more_than_eight_words_say_no_more() -> None:
    assert len(split_words("a b c d e f g h i j")) == MOST_WORDS == 8
    query = find_words(" ".join("abcdefghij"))
    assert query is not None
    assert len(query.alternatives[0]) == MOST_WORDS


def test_link_is_found_by_its_customer_its_codes_and_its_label() -> None:
    link = make_link(customer=make_rosa(), flow=make_flow())
    make_link(customer=make_customer(name="Else"), flow=link.flow)
    code = link.code
    for text in ("nunez", "verde", "crm-7", code, code.lower(), link.code_in_groups, code[:5], link.reference_id):
        assert list(Link.objects.search(text or "")) == [link], text


def test_what_changes_in_the_database_is_found_at_once() -> None:
    """In bulk and by update, which no Python of ours sees: the triggers keep the index."""
    rosa = make_rosa()
    link, paper = make_link(customer=rosa, flow=make_flow()), make_paper(customer=rosa)
    meter = make_match(link=link).meter
    Customer.objects.filter(pk=rosa.pk).update(name="Zelda Quist")
    for rows, row in ((Customer, rosa), (Link, link), (PaperAuthorization, paper), (Meter, meter)):
        assert list(rows.objects.search("zelda quist")) == [row], rows
        assert list(rows.objects.search("nunez")) == [], rows
    Customer.objects.bulk_create([Customer(name="Bulk One"), Customer(name="Bulk Two")])
    assert Customer.objects.search("bulk").count() == 2
    Customer.objects.search("two").delete()
    assert Customer.objects.search("bulk").count() == 1


def test_erased_words_are_gone_from_the_index() -> None:
    rosa = make_rosa()
    link = make_link(customer=rosa, flow=make_flow())
    Customer.objects.filter(pk=rosa.pk).update(
        name="erased", company="", email="", phone="", street="", city="", external_id=None
    )
    with connection.cursor() as cursor:
        for noun, key in (("customer", rosa.pk), ("link", link.pk)):
            cursor.execute(f"SELECT text FROM authorizations_{noun}words WHERE rowid = %s", [key])
            [(text,)] = cursor.fetchall()
            assert "erased" in text
            assert "osa" not in text


def test_meter_event_and_paper_are_found_by_their_ids() -> None:
    link = make_link(customer=make_rosa(), flow=make_flow())
    paper, meter = make_paper(customer=link.customer), make_match(link=link).meter
    at = link.issued_at
    event = Event.objects.create(
        webhook_event_id="evt-1234", event_type="x", received_at=at, payload={}, meter_id=str(meter.meter_id)
    )
    assert list(Meter.objects.search(str(meter.meter_id)[:13])) == [meter]
    assert list(Meter.objects.search(link.reference_id or "")) == [meter]
    for text in ("evt-12", str(meter.meter_id), meter.meter_id.hex[:9]):
        assert list(Event.objects.search(text)) == [event], text
    assert list(PaperAuthorization.objects.search(paper.reference_id)) == [paper]


def test_marks_follow_what_they_mark() -> None:
    pge, sce = get_utilities("pge", "sce")
    link = make_link(customer=make_rosa(utility="pge"), flow=make_flow())
    link.requested_utilities.clear()
    assert list(Link.objects.asking_for([pge])) == [link]
    link.requested_utilities.add(sce)
    assert (list(Link.objects.asking_for([pge])), list(Link.objects.asking_for([sce]))) == ([], [link])
    link.requested_utilities.clear()
    Customer.objects.filter(links=link).update(utility=sce)
    assert list(Link.objects.asking_for([sce])) == [link]
    match = make_match(link=link)
    assert match.meter not in Meter.objects.unmatched()
    match.delete()
    assert match.meter in Meter.objects.unmatched()


@pytest.mark.django_db
def test_no_letter_breaks_a_search() -> None:
    """Signs that are letters to Python and none to FTS5 would make a phrase of a word, which the index refuses."""
    for sign in "\u19b0\u19c0\u19c8\u1cf2\u0e33\u00aa":
        assert not Customer.objects.search(f"a{sign}b").exists()
