"""The short redirect: /go/<code> sends people on, and keeps who came."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.authorizations.models import Link, Visit
from portal.authorizations.services.links import replace_link, void_link
from portal.leap.reference_ids import generate, group_code, to_code
from tests.authorizations.browsers import phone, previewer
from tests.factories import get_utilities, make_customer, make_flow, make_link, make_shared_link, make_user

pytestmark = pytest.mark.django_db


def test_it_leads_to_the_url_exactly_as_it_was_issued() -> None:
    link = make_link(customer=make_customer(reference_id="acct-77"), utilities=get_utilities("pge", "sce"))
    response = phone().get(link.short_path)
    assert response.status_code == 302
    assert response.headers["Location"] == (
        "https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities=pge,sce&refId=acct-77"
    )


def test_nothing_of_it_is_stored_on_the_way_and_nobody_hears_where_it_came_from() -> None:
    response = phone().get(make_link().short_path)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert not response.cookies


@pytest.mark.parametrize(
    "shape",
    [
        lambda code: f"/go/{code.lower()}",
        lambda code: f"/go/{code}",
        lambda code: f"/GO/{code}",
        lambda code: f"/GO/{code.lower()}",
        lambda code: f"/go/{code.lower()}/",
        lambda code: f"/GO/{code}/",
        lambda code: f"/go/{group_code(code)}",
        lambda code: f"/go/{group_code(code).lower()}",
        lambda code: f"/go/{group_code(code).replace('-', '%20')}",
        lambda code: f"/go/%E2%80%8B{code}",
    ],
    ids=["lower", "upper", "GO", "GO lower", "slash", "GO slash", "hyphens", "lower hyphens", "blanks", "pasted"],
)
def test_a_code_is_taken_in_every_way_that_people_and_qr_codes_write_it(shape) -> None:  # type: ignore[no-untyped-def]
    link = make_link()
    response = phone().get(shape(link.code))
    assert (response.status_code, response.headers.get("Location")) == (302, link.url)
    assert Visit.objects.filter(link=link).count() == 1


def test_a_visit_is_kept_and_the_first_one_is_the_milestone() -> None:
    link = make_link()
    browser = phone()
    browser.get(link.short_path, REMOTE_ADDR="203.0.113.77")
    link.refresh_from_db()
    first = link.first_visited_at
    browser.get(link.short_path, REMOTE_ADDR="198.51.100.4")
    link.refresh_from_db()
    assert link.status == "visited"
    assert link.first_visited_at == first
    later, earlier = Visit.objects.filter(link=link)
    assert earlier.at == first
    assert (earlier.ip, later.ip) == ("203.0.113.0/24", "198.51.100.0/24")
    assert "iPhone" in earlier.user_agent
    assert earlier.via is None


@pytest.mark.parametrize("method", ["head", "preview", "prefetch"])
def test_a_look_is_no_visit_but_is_answered_alike(method: str) -> None:
    link = make_link()
    if method == "head":
        response = phone().head(link.short_path)
    elif method == "preview":
        response = previewer().get(link.short_path)
    else:
        response = phone(sec_purpose="prefetch;prerender").get(link.short_path)
    assert (response.status_code, response.headers["Location"]) == (302, link.url)
    link.refresh_from_db()
    assert not Visit.objects.exists()
    assert link.first_visited_at is None


def test_a_replaced_link_forwards_to_the_newest_and_says_which_code_was_followed() -> None:
    oldest = make_link()
    middle = replace_link(link=oldest, issued_by=None)
    newest = replace_link(link=middle, issued_by=None)
    for code_of, via in ((oldest, oldest.pk), (middle, middle.pk), (newest, None)):
        response = phone().get(code_of.short_path)
        assert response.headers["Location"] == newest.url
        assert Visit.objects.latest("pk").via_id == via
    assert Visit.objects.filter(link=newest).count() == 3
    assert Link.objects.filter(first_visited_at__isnull=False).get() == newest


def test_a_void_successor_leads_nowhere() -> None:
    old = make_link()
    void_link(link=replace_link(link=old, issued_by=None), voided_by=make_user(), reason="moved away")
    assert phone().get(old.short_path).status_code == 404


def test_a_replaced_link_that_was_voided_leads_nowhere() -> None:
    """Whoever voids it says that its short link shall end; the successor's own goes on."""
    old = make_link()
    new = replace_link(link=old, issued_by=None)
    void_link(link=old, voided_by=make_user(), reason="printed on the wrong letters")
    assert phone().get(old.short_path).status_code == 404
    assert phone().get(new.short_path).status_code == 302


def test_links_that_replace_each_other_end_in_the_friendly_page() -> None:
    one, other = make_link(), make_link()
    Link.objects.filter(pk=one.pk).update(replaced_by=other)
    Link.objects.filter(pk=other.pk).update(replaced_by=one)
    assert phone().get(one.short_path).status_code == 404


def test_void_and_unknown_look_the_same_from_outside() -> None:
    void = make_link()
    void_link(link=void, voided_by=make_user(), reason="moved away")
    of_void = phone().get(void.short_path)
    of_unknown = phone().get(f"/go/{to_code(generate()).lower()}")
    assert (of_void.status_code, of_unknown.status_code) == (404, 404)
    assert of_void.content == of_unknown.content
    assert dict(of_void.headers) == dict(of_unknown.headers)
    assert "leads nowhere" in of_void.content.decode()
    assert not Visit.objects.exists()


@pytest.mark.parametrize(
    "code",
    [
        "%00",
        "abc%00def",
        "x" * 10_000,
        "%F0%9F%92%A1",
        "%FF%FE",
        "%ED%A0%80",
        "ÄÖÜ",
        "'%20OR%201=1--",
        "%25s%25s",
        "..%2F..%2Fetc",
        "-",
        "%20",
        "%0d%0aSet-Cookie:a=b",
    ],
)
def test_a_garbage_code_gets_the_friendly_page(code: str) -> None:
    make_link()
    response = phone().get(f"/go/{code}")
    assert response.status_code == 404
    assert "Set-Cookie" not in response.headers
    assert not Visit.objects.exists()


def test_an_anonymous_link_redirects_and_counts() -> None:
    link = make_shared_link(traceable=False)
    assert phone().get(link.short_path).headers["Location"] == link.url
    link.refresh_from_db()
    assert link.status == "visited"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_other_methods_are_refused(method: str) -> None:
    assert getattr(phone(), method)(make_link().short_path).status_code == 405


def test_an_overlong_user_agent_with_a_nul_is_kept_cut() -> None:
    phone(user_agent="Mozilla/5.0 \x00 Safari" + "x" * 5000).get(make_link().short_path)
    kept = Visit.objects.get().user_agent
    assert len(kept) == 300
    assert kept.startswith("Mozilla/5.0 \ufffd Safari")


def test_a_visit_costs_few_queries_however_many_links_and_visits_there_are() -> None:
    flow = make_flow()
    links = [make_link(flow=flow) for _ in range(3)]
    counts = []
    for link in (links[0], links[0], *links[1:]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            phone().get(link.short_path)
        counts.append(len(queries))
    first, repeated, *others = counts
    assert others == [first, first]
    assert repeated <= first
