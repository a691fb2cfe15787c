"""The confirmation page: it keeps claims, shows the same to everybody, and proves nothing (R15, R16)."""

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Customer, Link, Outcome
from portal.authorizations.services.confirmations import KEPT
from portal.authorizations.services.links import replace_link, void_link
from tests.authorizations.browsers import phone, previewer
from tests.factories import make_customer, make_link, make_shared_link, make_user

pytestmark = pytest.mark.django_db


def come_back(query: str, **headers: str) -> HttpResponse:
    """Follow Leap's redirect to the confirmation page; the query string goes out as it stands."""
    return phone(**headers).get("/leap/thanks", QUERY_STRING=query)


def make_void_link() -> Link:
    link = make_link()
    void_link(link=link, voided_by=make_user(), reason="moved away")
    return link


@pytest.mark.parametrize("path", ["/leap/thanks", "/leap/thanks/"])
def test_r15_a_return_is_matched_and_kept(path: str) -> None:
    link = make_link()
    response = phone().get(path, {"authorizationId": "9f1c", "refId": link.reference_id}, REMOTE_ADDR="203.0.113.77")
    assert response.status_code == 200
    kept = Confirmation.objects.get()
    link.refresh_from_db()
    assert (kept.link, kept.outcome, kept.repeated, kept.is_bot) == (link, Outcome.MATCHED, False, False)
    assert (kept.reference_id, kept.authorization_id) == (link.reference_id, "9f1c")
    assert kept.query_string == f"authorizationId=9f1c&refId={link.reference_id}"
    assert kept.ip == "203.0.113.0/24"
    assert "iPhone" in kept.user_agent
    assert link.first_returned_at == kept.at
    assert link.status == "returned"


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("authorizationId=1&refId=nobody-has-this", Outcome.UNKNOWN),
        ("authorizationId=1", Outcome.MISSING),
        ("", Outcome.MISSING),
        ("refId=", Outcome.MISSING),
        ("refid=acct-77", Outcome.MISSING),
        ("refId=ab", Outcome.MALFORMED),
        (f"refId={'a' * 51}", Outcome.MALFORMED),
        ("refId=acct%2F77", Outcome.MALFORMED),
        ("refId=acct-77%0A", Outcome.MALFORMED),
        ("refId=%3Cscript%3Ealert(1)%3C%2Fscript%3E", Outcome.MALFORMED),
        ("refId=%00", Outcome.MALFORMED),
        ("refId=acct-77%00", Outcome.MALFORMED),
        ("refId=%FF%FE", Outcome.MALFORMED),
        ("refId=acct+77", Outcome.MALFORMED),
        ("refId=acct-77&refId=acct-77", Outcome.MALFORMED),
        ("refId=acct-77&refId=other", Outcome.MALFORMED),
        ("refId=&refId=acct-77", Outcome.MALFORMED),
        ("=&&;%", Outcome.MISSING),
        ("&".join(["x=1"] * 5000), Outcome.MISSING),
    ],
)
def test_r16_what_matches_nothing_is_kept_with_the_reason(query: str, outcome: Outcome) -> None:
    link = make_link(customer=make_customer(reference_id="acct-77"))
    assert come_back(query).status_code == 200
    kept = Confirmation.objects.get()
    link.refresh_from_db()
    assert (kept.outcome, kept.link) == (outcome, None)
    assert link.status == "issued"


def test_r14_reference_ids_match_case_sensitively() -> None:
    upper = make_link(customer=make_customer(reference_id="ACCT-77"))
    come_back("refId=acct-77")
    assert Confirmation.objects.get().outcome == Outcome.UNKNOWN
    lower = make_link(customer=make_customer(reference_id="acct-77"))
    come_back("refId=acct-77")
    assert Confirmation.objects.latest("pk").link == lower
    upper.refresh_from_db()
    assert upper.first_returned_at is None


def test_a_percent_encoded_reference_id_is_the_same_one() -> None:
    link = make_link(customer=make_customer(reference_id="a~b.c_d-e"))
    come_back("refId=%61%7Eb%2Ec%5Fd%2De")
    assert Confirmation.objects.get().link == link


def test_a_return_to_a_void_link_is_kept_as_such() -> None:
    link = make_void_link()
    come_back(f"refId={link.reference_id}")
    kept = Confirmation.objects.get()
    link.refresh_from_db()
    assert (kept.outcome, kept.link) == (Outcome.VOID, link)
    assert link.status == "void"


def test_a_return_to_a_replaced_link_belongs_to_that_link() -> None:
    old = make_link()
    new = replace_link(link=old, issued_by=None)
    come_back(f"refId={old.reference_id}")
    assert Confirmation.objects.get().link == old
    new.refresh_from_db()
    assert new.status == "issued"


def test_r13_a_shared_link_returns_like_any_other() -> None:
    link = make_shared_link()
    for _ in range(3):
        come_back(f"refId={link.reference_id}")
    assert list(Confirmation.objects.order_by("pk").values_list("repeated", flat=True)) == [False, True, True]


def test_reloads_are_kept_as_repeated_and_add_no_second_milestone() -> None:
    link = make_link()
    come_back(f"refId={link.reference_id}")
    link.refresh_from_db()
    first = link.first_returned_at
    come_back(f"refId={link.reference_id}")
    link.refresh_from_db()
    assert link.first_returned_at == first
    assert list(Confirmation.objects.order_by("pk").values_list("repeated", flat=True)) == [False, True]


def test_a_previewer_gets_the_same_page_and_is_kept_but_moves_nothing() -> None:
    link = make_link()
    query = f"refId={link.reference_id}"
    to_a_bot = previewer().get("/leap/thanks", QUERY_STRING=query)
    kept = Confirmation.objects.get()
    link.refresh_from_db()
    assert (kept.is_bot, kept.outcome, kept.link, kept.repeated) == (True, Outcome.MATCHED, link, False)
    assert link.status == "issued"
    assert to_a_bot.content == come_back(query).content
    assert Confirmation.objects.latest("pk").repeated is False, "the previewer did not come first"


def test_a_head_request_is_answered_and_not_kept() -> None:
    response = phone().head("/leap/thanks", {"refId": make_link().reference_id})
    assert (response.status_code, response.content) == (200, b"")
    assert not Confirmation.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["/leap/thanks", "/leap/thanks/", "/leap/thanks/es/"])
def test_other_methods_are_refused(method: str, path: str) -> None:
    assert getattr(phone(), method)(path).status_code == 405
    assert not Confirmation.objects.exists()


WHATEVER: dict[str, Callable[[], str]] = {
    "matched": lambda: f"authorizationId=9f1c&refId={make_link().reference_id}",
    "void": lambda: f"refId={make_void_link().reference_id}",
    "shared": lambda: f"refId={make_shared_link().reference_id}",
    "unknown": lambda: "authorizationId=9f1c&refId=nobody-has-this",
    "malformed": lambda: "refId=acct%2F77",
    "missing": lambda: "authorizationId=9f1c",
    "script": lambda: "authorizationId=<script>alert(1)</script>&refId=%3Cscript%3E",
    "twice": lambda: "refId=acct-77&refId=acct-77",
    "nul": lambda: "refId=%00&authorizationId=%00",
    "long": lambda: "refId=" + "x" * 6000,
    "language": lambda: "language=es&lang=es&django_language=es",
}


@pytest.mark.parametrize("name", WHATEVER)
def test_r16_the_page_is_the_same_whatever_was_sent(name: str) -> None:
    bare = come_back("")
    response = come_back(WHATEVER[name]())
    assert response.status_code == 200
    assert response.content == bare.content
    assert dict(response.headers) == dict(bare.headers)


def test_r16_nothing_about_the_customer_is_in_page_or_headers() -> None:
    customer = make_customer(
        name="Rosalind Nightingale",
        company="Nightingale Bakery",
        email="rosalind@nightingale.example",
        phone="(559) 555-0142",
        street="77 Hidden Ln",
        city="Visalia",
        external_id="CRM-4711",
        reference_id="own-ref-4711",
        notes="prefers mornings",
    )
    link = make_link(customer=customer)
    authorization_id = "b1946ac9-2d3c"
    response = come_back(f"authorizationId={authorization_id}&refId={link.reference_id}")
    said = response.content.decode() + repr(response.headers)
    secrets = [
        *("Rosalind", "Nightingale", "nightingale.example", "555-0142", "Hidden", "Visalia", "CRM-4711", "mornings"),
        *("own-ref-4711", authorization_id, link.code, link.code.lower(), link.flow.title, link.url),
    ]
    assert [secret for secret in secrets if secret in said] == []


def test_r16_nobody_is_logged_in_and_no_permission_changes() -> None:
    user = make_user(email="rosa@example.com")
    link = make_link(customer=make_customer(email="rosa@example.com"), issued_by=user)
    before = (user.get_all_permissions(), User.objects.count(), Customer.objects.values().get())
    browser = phone()
    response = browser.get("/leap/thanks", {"refId": link.reference_id, "authorizationId": "1"})
    assert not response.cookies
    assert not Session.objects.exists()
    assert browser.get("/").status_code == 302
    user = User.objects.get(pk=user.pk)
    assert (user.get_all_permissions(), User.objects.count(), Customer.objects.values().get()) == before


def test_r16_a_forged_return_never_becomes_proof() -> None:
    link = make_link()
    for forged in ("", "&status=AUTHORIZED", "&authorized=1&metered=1&enrolled=1", "&event=AUTHORIZATION_COMPLETED"):
        come_back(f"authorizationId=forged&refId={link.reference_id}{forged}")
    link.refresh_from_db()
    assert link.status == "returned"
    assert (link.authorized_at, link.metered_at, link.enrolled_at) == (None, None, None)


def test_r16_a_return_never_takes_proof_back() -> None:
    link = make_link()
    Link.objects.filter(pk=link.pk).update(authorized_at=link.issued_at)
    come_back(f"refId={link.reference_id}")
    link.refresh_from_db()
    assert link.status == "authorized"


@pytest.mark.parametrize("query", ["refId=%C3%A9%00%2Fx%20y", "authorizationId=a%26b%3Dc", "%F0%9F%92%A1=%ZZ"])
def test_the_query_string_is_kept_percent_encoded_as_it_came(query: str) -> None:
    come_back(query)
    assert Confirmation.objects.get().query_string == query


def test_the_query_string_is_kept_cut_to_2000_characters() -> None:
    query = "authorizationId=1&junk=" + "%20" * 3000
    come_back(query)
    assert Confirmation.objects.get().query_string == query[:2000]
    assert KEPT == 2000


def test_an_overlong_authorization_id_with_nul_is_kept_cut_and_storable() -> None:
    come_back("authorizationId=a%00b" + "x" * 1000 + "&refId=" + "y%00" * 300)
    kept = Confirmation.objects.get()
    assert kept.outcome == Outcome.MALFORMED
    assert kept.authorization_id == ("a\ufffdb" + "x" * 1000)[:200]
    assert kept.reference_id == ("y\ufffd" * 300)[:200]


def test_raw_bytes_in_the_query_are_no_error() -> None:
    """No browser sends them, but a WSGI server hands over whatever came, as Latin-1."""
    assert come_back("refId=\xff\xfe\xe9&authorizationId=\x80").status_code == 200
    assert Confirmation.objects.get().outcome == Outcome.MALFORMED


def test_a_return_costs_the_same_queries_whatever_is_in_the_database(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    links = [make_link() for _ in range(5)]
    come_back(f"refId={links[0].reference_id}")
    with django_assert_max_num_queries(6):
        come_back(f"refId={links[1].reference_id}")
