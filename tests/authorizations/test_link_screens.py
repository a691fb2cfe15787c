"""The screens of links: the list, one link, issuing, replacing, voiding."""

import csv
import datetime
import io
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Job, Link
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.links import issue_link, issue_shared_link, replace_link, void_link
from portal.authorizations.services.visits import record_visit
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_shared_link,
)

pytestmark = pytest.mark.django_db


def visit(link: Link) -> None:
    record_visit(link_id=link.pk, via_id=None, at=timezone.now(), ip="", user_agent="iPhone Mobile")


def come_back(link: Link, authorization_id: str = "a81c") -> None:
    record_confirmation(
        query_string=f"authorizationId={authorization_id}&refId={link.reference_id}",
        at=timezone.now(),
        ip="",
        user_agent="Mozilla",
        is_bot=False,
    )


class TestIssueForOne:
    def test_story_is_three_clicks(self, manager_client: Client) -> None:
        customer, flow = make_customer(name="Rosa Núñez"), make_flow()
        home = manager_client.get(reverse("home"))
        assert reverse("link_issue") in home.text  # click 1: "Issue links"
        choose = manager_client.get(reverse("link_issue"), {"q": "núñez"})
        address = f"{reverse('link_issue')}?customer={customer.pk}"
        assert address in choose.text  # click 2: the customer
        response = manager_client.post(address, {"flow": flow.pk})  # click 3: "Issue"
        link = Link.objects.get()
        assert response.headers["Location"] == reverse("link_detail", args=[link.pk])
        assert (link.customer, link.issued_by.username) == (customer, "maya")

    def test_asking_twice_says_so_and_issues_nothing(self, manager_client: Client) -> None:
        link = make_link()
        address = f"{reverse('link_issue')}?customer={link.customer_id}"
        response = manager_client.post(address, {"flow": link.flow_id}, follow=True)
        assert "has this link already" in response.text
        assert Link.objects.count() == 1

    def test_other_utilities_offer_issue_anew_and_change_nothing(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(utility="pge"))
        sce = get_utilities("sce")[0]
        response = manager_client.post(
            f"{reverse('link_issue')}?customer={link.customer_id}", {"flow": link.flow_id, "utilities": [sce.pk]}
        )
        assert "Issue anew" in response.text
        assert f"{reverse('link_replace', args=[link.pk])}?utilities={sce.pk}" in response.text
        assert Link.objects.count() == 1

    @pytest.mark.parametrize(("ticked", "becomes"), [([], ["pge"]), (["sce", "sdge"], ["sce", "sdge"])])
    def test_r8_r12_issue_anew_carries_on_with_what_was_asked_for(
        self, manager_client: Client, ticked: list[str], becomes: list[str]
    ) -> None:
        """Nothing ticked is the customer's own utility, and not what the live link asks for."""
        link = make_link(customer=make_customer(utility="pge"), utilities=get_utilities("sdge"))
        wanted = {"utilities": [utility.pk for utility in get_utilities(*ticked) if ticked], "reference_id": "acct~77"}
        address = f"{reverse('link_issue')}?customer={link.customer_id}"
        page = manager_client.post(address, {"flow": link.flow_id, **wanted}).text
        [anew] = re.findall(r'href="([^"]*/replace/[^"]*)"', page)
        form = manager_client.get(unescape(anew)).context["form"]
        shown = {name: form[name].value() for name in ("utilities", "reference_id")}
        manager_client.post(unescape(anew), shown)
        new = Link.objects.get(replaces=link)
        assert new.reference_id == "acct~77"
        assert [utility.utility_id for utility in new.utilities_asked] == becomes

    def test_r12_bad_own_reference_id_names_the_rule(self, manager_client: Client) -> None:
        customer, flow = make_customer(), make_flow()
        response = manager_client.post(
            f"{reverse('link_issue')}?customer={customer.pk}", {"flow": flow.pk, "reference_id": "acct/77"}
        )
        assert response.status_code == 422
        assert "“/” cannot stand in a reference id" in response.text
        assert not Link.objects.exists()

    def test_r7_flow_that_is_not_live_cannot_be_chosen(self, manager_client: Client) -> None:
        customer, flow = make_customer(), make_flow(state="requested")
        make_flow()
        response = manager_client.post(f"{reverse('link_issue')}?customer={customer.pk}", {"flow": flow.pk})
        assert "not live" in response.text
        assert not Link.objects.exists()

    def test_no_flow_for_the_customer_says_what_to_do(self, manager_client: Client) -> None:
        make_legacy_flow()
        customer = make_customer(utility="cecony-utilityapi")
        response = manager_client.get(reverse("link_issue"), {"customer": customer.pk})
        assert "No flow takes this customer" in response.text

    def test_rep_cannot_issue_for_anothers_customer(self, rep_client: Client, other_rep: User) -> None:
        customer, flow = make_customer(assigned_rep=other_rep), make_flow()
        address = f"{reverse('link_issue')}?customer={customer.pk}"
        assert rep_client.get(address).status_code == 404
        assert rep_client.post(address, {"flow": flow.pk}).status_code == 404
        assert customer.name not in rep_client.get(reverse("link_issue")).text

    @pytest.mark.parametrize("customer", ["0", "x", "-1", "9" * 30, "\x00"])
    def test_nonsense_customer_is_no_error(self, manager_client: Client, customer: str) -> None:
        assert manager_client.get(reverse("link_issue"), {"customer": customer}).status_code in {200, 404}

    def test_utility_key_that_no_database_can_ask_for_is_no_error(self, manager_client: Client) -> None:
        flow, customer = make_flow(), make_customer()
        address = f"{reverse('link_issue')}?customer={customer.pk}"
        response = manager_client.post(address, {"flow": flow.pk, "utilities": ["9" * 30]})
        assert response.status_code == 422
        assert Link.objects.count() == 0


class TestIssueForSelection:
    def test_chosen_customers_get_links_and_refused_ones_a_reason(self, manager_client: Client) -> None:
        flow = make_legacy_flow()
        good, bad = make_customer(utility="pge"), make_customer(utility="cecony-utilityapi")
        chosen = {"select": [good.pk, bad.pk]}
        page = manager_client.post(reverse("link_issue_selection"), chosen)
        assert "Issue links for 2 customers" in page.text
        assert f'name="select" value="{good.pk}"' in page.text
        result = manager_client.post(reverse("link_issue_selection"), {**chosen, "flow": flow.pk}, follow=True)
        assert "Consolidated Edison" in result.text
        assert [link.customer for link in Link.objects.all()] == [good]
        job = Job.objects.get()
        assert (job.result["created"], job.result["refused_count"]) == (1, 1)

    def test_all_that_match_follows_the_filter(self, manager_client: Client) -> None:
        flow = make_flow()
        rosa, other = make_customer(name="Rosa"), make_customer(name="Hal")
        manager_client.post(reverse("link_issue_selection"), {"all": "1", "query": "q=Rosa", "flow": flow.pk})
        assert [link.customer for link in Link.objects.all()] == [rosa]
        assert not other.links.exists()

    def test_large_selection_goes_to_the_worker(self, manager_client: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr("portal.authorizations.services.jobs.AT_ONCE", 1)
        flow, customers = make_flow(), [make_customer(), make_customer()]
        result = manager_client.post(
            reverse("link_issue_selection"), {"select": [c.pk for c in customers], "flow": flow.pk}, follow=True
        )
        assert Link.objects.count() == 2
        assert "Issued" in result.text

    def test_nothing_chosen_is_said(self, manager_client: Client) -> None:
        response = manager_client.post(reverse("link_issue_selection"), {}, follow=True)
        assert "No customers were chosen" in response.text

    def test_rep_cannot_choose_anothers_customer(self, rep_client: Client, other_rep: User) -> None:
        flow, customer = make_flow(), make_customer(assigned_rep=other_rep)
        rep_client.post(reverse("link_issue_selection"), {"select": [customer.pk], "flow": flow.pk})
        rep_client.post(reverse("link_issue_selection"), {"all": "1", "query": "", "flow": flow.pk})
        assert not Link.objects.exists()


class TestShared:
    def test_r13_shared_link_counts_and_anonymous_says_what_is_lost(self, manager_client: Client) -> None:
        flow = make_flow()
        page = manager_client.get(reverse("link_issue_shared")).text
        assert "cannot be traced to this link at all" in page
        manager_client.post(reverse("link_issue_shared"), {"flow": flow.pk, "label": "poster", "trace": "none"})
        link = Link.objects.get()
        assert link.reference_id is None
        detail = manager_client.get(reverse("link_detail", args=[link.pk])).text
        assert "no reference id" in detail
        assert "Not traceable" in detail
        assert "with this reference id" not in detail
        assert "no return can be matched to this link" in detail
        assert "no meter can be matched to this link" in detail
        assert "cannot be traced" in manager_client.get(reverse("link_list")).text

    def test_rep_may_not(self, rep_client: Client) -> None:
        assert rep_client.get(reverse("link_issue_shared")).status_code == 403


class TestDetail:
    def test_three_sources_stand_apart(self, manager_client: Client) -> None:
        link = make_link()
        visit(link)
        come_back(link)
        text = manager_client.get(reverse("link_detail", args=[link.pk])).text
        saw, claims, leap = (text.index(f"timeline-{source}") for source in ("saw", "claims", "leap"))
        assert saw < text.index("Visited from a phone") < claims
        assert claims < text.index("Came back to the confirmation page") < leap
        assert "a81c, unproven" in text
        assert "Only Leap’s word proves" in text[leap:]

    def test_url_is_shown_exactly_as_handed_out(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(utility="pge", reference_id="own-7"))
        text = manager_client.get(reverse("link_detail", args=[link.pk])).text
        assert "<mark>acme-energy</mark>/<mark>summer-dr</mark>/?requestedUtilities=<mark>pge</mark>" in text
        assert f'data-copy="{link.url.replace("&", "&amp;")}"' in text

    def test_rep_sees_own_links_only(self, rep_client: Client, rep: User, other_rep: User) -> None:
        own = make_link(customer=make_customer(assigned_rep=rep))
        issued = make_link(issued_by=rep)
        foreign = make_link(customer=make_customer(assigned_rep=other_rep))
        for link, status in ((own, 200), (issued, 200), (foreign, 404)):
            assert rep_client.get(reverse("link_detail", args=[link.pk])).status_code == status
            assert rep_client.get(reverse("link_code", args=[link.pk])).status_code == status
            assert rep_client.get(reverse("link_qr", args=[link.pk, "svg"])).status_code == status
            assert rep_client.get(reverse("link_replace", args=[link.pk])).status_code == status

    def test_code_page_shows_the_code_in_groups(self, rep_client: Client, rep: User) -> None:
        link = make_link(issued_by=rep)
        text = rep_client.get(reverse("link_code", args=[link.pk])).text
        assert link.code_in_groups in text
        assert "Escanee con la cámara" in text


class TestReplace:
    def test_old_link_forwards_and_says_so(self, manager_client: Client) -> None:
        old = make_link(customer=make_customer(utility="pge"))
        sce = get_utilities("sce")[0]
        response = manager_client.post(reverse("link_replace", args=[old.pk]), {"utilities": [sce.pk]}, follow=True)
        new = Link.objects.get(replaces=old)
        assert "requestedUtilities=sce" in new.url
        assert "forwards to this one" in response.text
        assert "Replaced." in manager_client.get(reverse("link_detail", args=[old.pk])).text

    def test_void_link_is_refused_in_words(self, manager_client: Client, manager: User) -> None:
        link = make_link()
        void_link(link=link, voided_by=manager, reason="moved")
        response = manager_client.post(reverse("link_replace", args=[link.pk]), {})
        assert response.status_code == 422
        assert "This link is void" in response.text


class TestVoid:
    def test_reason_is_required_and_kept(self, manager_client: Client) -> None:
        link = make_link()
        address = reverse("link_void", args=[link.pk])
        assert "Say why the link is void" in manager_client.post(address, {"reason": ""}).text
        manager_client.post(address, {"reason": "moved away"})
        link.refresh_from_db()
        assert (link.status, link.void_reason, link.voided_by.username) == ("void", "moved away", "maya")

    def test_selection_asks_first(self, manager_client: Client) -> None:
        links = [make_link(), make_link()]
        chosen = {"select": [link.pk for link in links]}
        assert "Void 2 links" in manager_client.post(reverse("link_void_selection"), chosen).text
        assert not Link.objects.filter(voided_at__isnull=False).exists()
        manager_client.post(reverse("link_void_selection"), {**chosen, "reason": "wrong flow"})
        assert Link.objects.filter(void_reason="wrong flow").count() == 2

    def test_coming_back_without_a_selection_is_said(self, manager_client: Client) -> None:
        """Who had to sign in in between returns to the address of the form, without what was posted."""
        response = manager_client.get(reverse("link_void_selection"), follow=True)
        assert "No links were chosen" in response.text

    def test_proof_stays_over_void(self, manager_client: Client) -> None:
        link = make_link()
        Link.objects.filter(pk=link.pk).update(metered_at=timezone.now())
        manager_client.post(reverse("link_void", args=[link.pk]), {"reason": "test"})
        link.refresh_from_db()
        assert link.status == "metered"

    def test_rep_may_not(self, rep_client: Client, rep: User) -> None:
        link = make_link(issued_by=rep)
        assert rep_client.post(reverse("link_void", args=[link.pk]), {"reason": "x"}).status_code == 403


class TestList:
    def test_sources_stand_in_three_columns(self, manager_client: Client) -> None:
        link = make_link()
        visit(link)
        come_back(link)
        come_back(link)
        text = manager_client.get(reverse("link_list")).text
        assert '<span class="badge badge-saw">visited</span>' in text
        assert '<span class="badge badge-claims">returned ×2</span>' in text
        assert 'class="badge badge-leap"' not in text

    def test_issued_is_what_we_saw(self, manager_client: Client) -> None:
        make_link()
        assert '<span class="badge badge-saw">issued</span>' in manager_client.get(reverse("link_list")).text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "Rosa"}, ["Rosa"]),
            ({"status": "visited"}, ["Hal"]),
            ({"status": "unproven"}, ["Rosa", "Hal"]),
            ({"status": "proven"}, ["Ivy"]),
            ({"mark": "void"}, ["Rosa"]),
            ({"mark": "live"}, ["Hal", "Ivy"]),
            ({"region": "NYISO"}, ["Ivy"]),
            ({"customer_type": "commercial"}, ["Hal"]),
            ({"issued_after": "2999-01-01"}, []),
        ],
    )
    def test_filters(self, manager_client: Client, manager: User, query: dict[str, str], found: list[str]) -> None:
        flow = make_flow()
        rosa = make_link(flow=flow, customer=make_customer(name="Rosa"))
        hal = make_link(flow=flow, customer=make_customer(name="Hal", customer_type="commercial"))
        ivy = make_link(flow=flow, customer=make_customer(name="Ivy", utility="cecony-utilityapi"))
        void_link(link=rosa, voided_by=manager, reason="test")
        visit(hal)
        Link.objects.filter(pk=ivy.pk).update(authorized_at=timezone.now())
        response = manager_client.get(reverse("link_list"), query)
        names = {row.record.title for row in response.context["table"].rows}
        assert names == set(found)

    def test_search_finds_by_reference_id_and_code(self, manager_client: Client) -> None:
        link, other = make_link(), make_link()
        for text in (link.reference_id, link.code_in_groups, link.code[:6]):
            response = manager_client.get(reverse("link_list"), {"q": text})
            assert [row.record for row in response.context["table"].rows] == [link], text
        assert other.pk

    def test_header_search_goes_straight_to_the_link(self, manager_client: Client) -> None:
        link = make_link()
        response = manager_client.get(reverse("search"), {"q": link.code_in_groups.lower()})
        assert response.headers["Location"] == reverse("link_detail", args=[link.pk])

    def test_queries_do_not_grow_with_rows(self, manager_client: Client, django_assert_max_num_queries: Any) -> None:
        flow = make_flow()
        for _ in range(3):
            make_link(flow=flow)
        manager_client.get(reverse("link_list"))
        with django_assert_max_num_queries(40) as few:
            manager_client.get(reverse("link_list"))
        for _ in range(30):
            make_link(flow=flow)
        with django_assert_max_num_queries(len(few)):
            manager_client.get(reverse("link_list"))

    def test_export_is_safe_against_formulas(self, manager_client: Client) -> None:
        make_link(customer=make_customer(name='=HYPERLINK("http://evil")', company="@later"))
        response = manager_client.get(reverse("link_list"), {"export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        row = next(csv.DictReader(io.StringIO(text)))
        assert (row["Customer"], row["Company"]) == ('\'=HYPERLINK("http://evil")', "'@later")

    def test_export_marks_whoever_refused_at_the_door(self, manager_client: Client) -> None:
        no = make_customer(name="Ann", refused_at=datetime.datetime(2026, 6, 3, 9, 30, tzinfo=datetime.UTC))
        make_link(customer=no)
        make_link(customer=make_customer(name="Bob"))
        response = manager_client.get(reverse("link_list"), {"export": "csv"})
        rows = csv.DictReader(b"".join(response).decode("utf-8-sig").splitlines())
        assert {row["Customer"]: row["Refused at the door"][:10] for row in rows} == {"Ann": "2026-06-03", "Bob": ""}

    def test_export_needs_its_permission(self, rep_client: Client, rep: User) -> None:
        link = make_link(issued_by=rep)
        assert rep_client.get(reverse("link_list"), {"export": "csv"}).status_code == 403
        assert rep_client.post(reverse("link_export"), {"select": [link.pk]}).status_code == 403

    def test_rep_sees_own_rows_only(self, rep_client: Client, rep: User, other_rep: User) -> None:
        own = make_link(customer=make_customer(assigned_rep=rep))
        make_link(customer=make_customer(assigned_rep=other_rep))
        response = rep_client.get(reverse("link_list"))
        assert [row.record for row in response.context["table"].rows] == [own]


class TestQr:
    @pytest.mark.parametrize(
        ("query", "reason"),
        [
            ({"size": "5000mm"}, "5000"),
            ({"size": "big"}, "big"),
            ({"level": "Z"}, "level is “Z”: use L, M, Q or H"),
            ({"target": "x"}, "target is “x”: use short"),
        ],
    )
    def test_bad_input_names_value_and_rule(self, manager_client: Client, query: dict[str, str], reason: str) -> None:
        response = manager_client.get(reverse("link_qr", args=[make_link().pk, "svg"]), query)
        assert response.status_code == 400
        assert reason in response.text

    @pytest.mark.parametrize(("extension", "magic"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
    def test_formats(self, manager_client: Client, extension: str, magic: bytes) -> None:
        response = manager_client.get(reverse("link_qr", args=[make_link().pk, extension]), {"download": "1"})
        assert magic in response.content[:200]
        assert response.headers["Content-Disposition"].startswith("attachment;")


class TestHome:
    def test_each_role_has_its_own(self, admin_client: Client, manager_client: Client, rep_client: Client) -> None:
        assert "Before the first link" in admin_client.get(reverse("home")).text
        manager = manager_client.get(reverse("home")).text
        assert "Needs you today" in manager
        assert "Before the first link" not in manager
        assert "Add customer and show code" in rep_client.get(reverse("home")).text

    def test_only_who_may_enter_django_s_admin_is_led_there(self, admin_client: Client, manager_client: Client) -> None:
        way = f'<a href="{reverse("admin:index")}">'
        assert way in admin_client.get(reverse("home")).text
        assert way not in manager_client.get(reverse("home")).text

    def test_rep_shows_the_code_in_one_tap(self, rep_client: Client, rep: User, other_rep: User) -> None:
        link = make_link(customer=make_customer(assigned_rep=rep, name="Rosa Núñez"))
        make_customer(assigned_rep=other_rep, name="Secret Person")
        text = rep_client.get(reverse("home")).text
        assert reverse("link_code", args=[link.pk]) in text
        assert "Secret Person" not in text

    def test_rep_reads_each_doors_status(self, rep_client: Client, rep: User) -> None:
        make_link(customer=make_customer(name="Rosa", assigned_rep=rep, street="1 E St", city="Fresno"))
        make_customer(name="Hal", assigned_rep=rep)
        page = rep_client.get("/").content.decode()
        assert '<span class="badge badge-saw">issued</span>' in page
        assert '<span class="badge">not asked</span>' in page
        assert "1 E St, Fresno" in page

    def test_claims_are_no_step_of_the_funnel(self, manager_client: Client) -> None:
        link = make_link()
        visit(link)
        come_back(link)
        response = manager_client.get(reverse("home"))
        stages = [(stage.label, stage.count) for stage in response.context["stages"]]
        assert stages == [
            ("Issued", 1),
            ("Visited", 1),
            ("At the utility", 0),
            ("Authorized", 0),
            ("Metered", 0),
            ("Enrolled", 0),
        ]
        assert response.context["returned"] == 1

    def test_campaigns_show_numbers_by_source(self, manager_client: Client) -> None:
        campaign = make_campaign()
        link = issue_link(customer=make_customer(), flow=campaign.flow, campaign=campaign, issued_by=None).link
        visit(link)
        response = manager_client.get(reverse("home"))
        row = response.context["campaigns"][0]
        assert (row.issued, row.this_week) == (1, 1)
        assert [(rate.label, rate.count) for rate in row.rates] == [("Visited", 1), ("Returned", 0), ("Proven", 0)]


def test_replaced_link_keeps_its_page_and_shared_link_its_label(manager_client: Client) -> None:
    shared = make_shared_link(label="poster, lobby")
    replace_link(link=shared, issued_by=None)
    assert "poster, lobby" in manager_client.get(reverse("link_detail", args=[shared.pk])).text


@pytest.mark.parametrize("traceable", [True, False])
def test_anew_speaks_of_a_posters_link_as_shared(manager_client: Client, manager: User, traceable: bool) -> None:
    """It has no customer whose own utility it could take; and one that cannot be traced stays so."""
    link = issue_shared_link(flow=make_flow(), label="Lobby", issued_by=manager, traceable=traceable)
    page = manager_client.get(f"/links/{link.pk}/replace/").text
    assert "customer’s own" not in page
    assert "Connect then shows all of the region" in page
    assert ("Own shared reference id" in page) is traceable
    response = manager_client.post(f"/links/{link.pk}/replace/")
    assert response.status_code == 302
    link.refresh_from_db()
    assert link.replaced_by is not None
    assert link.replaced_by.is_traceable is traceable
