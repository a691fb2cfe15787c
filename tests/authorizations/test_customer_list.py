"""The list of customers: what it shows to whom, its filters, its export, its bulk actions."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_tables2 import Table

from portal.accounts.models import User
from portal.authorizations.models import Customer, Link
from portal.authorizations.services.links import replace_link, void_links
from portal.authorizations.tables.campaigns import CampaignTable
from portal.authorizations.tables.confirmations import ConfirmationTable
from portal.authorizations.tables.customers import CustomerTable
from tests.factories import get_utilities, make_campaign, make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db
LIST = "/customers/"


def names(response: Any) -> list[str]:
    """The customers of the page, in its order."""
    return [row.record.name for row in response.context["table"].paginated_rows]


def read_export(response: HttpResponse) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def void(link: Link, by: User) -> None:
    void_links(links=Link.objects.filter(pk=link.pk), voided_by=by, reason="moved away")


class TestWhoSeesWhat:
    def test_signed_out_goes_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST).headers["Location"] == f"/login/?next={LIST}"

    def test_user_without_permission_is_refused(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody"))
        assert client.get(LIST).status_code == 403

    def test_c5_rep_sees_own_customers_only(self, rep_client: Client, rep: User, other_rep: User) -> None:
        make_customer(name="assigned", assigned_rep=rep)
        make_customer(name="added", added_by=rep)
        make_customer(name="of the other", assigned_rep=other_rep, added_by=other_rep)
        assert sorted(names(rep_client.get(LIST))) == ["added", "assigned"]

    def test_manager_sees_everyones(self, manager_client: Client, rep: User) -> None:
        make_customer(name="of a rep", assigned_rep=rep)
        make_customer(name="of nobody")
        assert sorted(names(manager_client.get(LIST))) == ["of a rep", "of nobody"]

    def test_rep_is_offered_no_filter_that_tells_of_others(self, rep_client: Client, manager_client: Client) -> None:
        make_campaign(name="Secret campaign")
        assert "Secret campaign" in manager_client.get(LIST).text
        response = rep_client.get(LIST)
        assert "Secret campaign" not in response.text
        assert "assigned_rep" not in response.context["filter"].form.fields


class TestFilters:
    @pytest.mark.parametrize(
        "text", ["Núñez", "bakery", "rosa@b", "maple", "Fresno", "CRM-7", "555-0142", "Rosa Bakery Fresno"]
    )
    def test_search_finds_by_each_column(self, manager_client: Client, text: str) -> None:
        make_customer(
            name="Rosa Núñez",
            company="Núñez Bakery",
            email="rosa@bakery.example",
            street="112 Maple St",
            city="Fresno",
            external_id="CRM-7",
            phone="559-555-0142",
        )
        make_customer(name="Else", company="", email="x@y.example", street="1 Oak", city="Selma", external_id="Z")
        assert names(manager_client.get(LIST, {"q": text})) == ["Rosa Núñez"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"customer_type": "commercial"}, ["shop"]),
            ({"customer_type": "unknown"}, ["vague"]),
            ({"utility": "cecony-utilityapi"}, ["shop"]),
            ({"utility": "null"}, ["vague"]),
            ({"region": "NYISO"}, ["shop"]),
            ({"region": "CAISO"}, ["home"]),
            ({"language": "es"}, ["home"]),
        ],
    )
    def test_r10_filters(self, manager_client: Client, query: dict[str, str], expected: list[str]) -> None:
        make_customer(name="home", utility="pge", language="es")
        make_customer(name="shop", utility="cecony-utilityapi", customer_type="commercial")
        make_customer(name="vague", utility="", customer_type="")
        if query.get("utility", "null") != "null":
            query = {"utility": str(get_utilities(query["utility"])[0].pk)}
        assert names(manager_client.get(LIST, query)) == expected

    def test_by_link(self, manager_client: Client, manager: User) -> None:
        flow = make_flow()
        make_link(flow=flow, customer=make_customer(name="live"))
        void(make_link(flow=flow, customer=make_customer(name="void")), manager)
        make_customer(name="never")
        assert names(manager_client.get(LIST, {"link": "live"})) == ["live"]
        assert names(manager_client.get(LIST, {"link": "none"})) == ["never", "void"]
        assert names(manager_client.get(LIST, {"link": "never"})) == ["never"]

    def test_by_rep_and_by_nobody(self, manager_client: Client, rep: User) -> None:
        make_customer(name="his", assigned_rep=rep)
        make_customer(name="nobody's")
        assert names(manager_client.get(LIST, {"assigned_rep": rep.pk})) == ["his"]
        assert names(manager_client.get(LIST, {"assigned_rep": "null"})) == ["nobody's"]

    def test_by_campaign_once_however_many_links(self, manager_client: Client, manager: User) -> None:
        campaign = make_campaign()
        customer = make_customer(name="in it")
        void(make_link(customer=customer, flow=campaign.flow, campaign=campaign), manager)
        make_link(customer=customer, flow=campaign.flow, campaign=campaign)
        make_link(customer=make_customer(name="not in it"), flow=campaign.flow)
        assert names(manager_client.get(LIST, {"campaign": campaign.pk})) == ["in it"]

    @pytest.mark.parametrize(
        "query",
        [
            {"q": "a\x00b"},
            {"q": "x" * 100_000},
            {"utility": "99999999999999999999999"},
            {"campaign": "abc"},
            {"sort": "nonsense"},
            {"region": "<script>"},
        ],
    )
    def test_nonsense_in_the_address_is_no_error(self, manager_client: Client, query: dict[str, str]) -> None:
        make_customer()
        response = manager_client.get(LIST, query)
        assert response.status_code == 200
        assert "<script>" not in response.text.replace("<script src=", "")

    @pytest.mark.parametrize("query", [{"region": "nowhere"}, {"utility": "x"}, {"campaign": "999999"}])
    def test_a_filter_that_makes_no_sense_finds_nobody_and_exports_nothing(
        self, manager_client: Client, query: dict[str, str]
    ) -> None:
        """All rows would pass for those that were asked for."""
        make_customer(name="Rosa")
        page = manager_client.get(LIST, query)
        assert names(page) == []
        assert "filters-error" in page.text
        export = manager_client.get(LIST, {**query, "export": "csv"}, follow=True)
        assert export.headers["Content-Type"].startswith("text/html")
        assert "filters-error" in export.text

    @pytest.mark.parametrize("page", ["abc", "0", "-1", "9" * 15, "9" * 30])
    def test_page_that_is_not_there_is_no_error(self, manager_client: Client, page: str) -> None:
        make_customer()
        assert len(names(manager_client.get(LIST, {"page": page}))) == 1

    @pytest.mark.parametrize("per_page", ["0", "-5", "1000000", "abc"])
    def test_rows_of_a_page_stay_within_reason(self, manager_client: Client, per_page: str) -> None:
        Customer.objects.bulk_create(Customer(name=f"{number}") for number in range(52))
        assert len(names(manager_client.get(LIST, {"per_page": per_page}))) in {25, 50}

    @pytest.mark.parametrize("table", [CustomerTable, CampaignTable, ConfirmationTable])
    def test_every_order_ends_in_the_key(self, table: type[Table]) -> None:
        """PostgreSQL returns equal rows in any order: without the key they would move between pages."""
        columns = [column for column in table([]).columns if column.orderable]
        assert columns
        assert {column.name: column.order_by[-1] for column in columns} == {column.name: "pk" for column in columns}

    def test_rep_cannot_filter_by_other_reps_through_the_address(self, rep_client: Client, rep: User) -> None:
        """The filter does not exist for a rep: it changes nothing, rather than telling who has whom."""
        make_customer(name="his", assigned_rep=rep)
        assert names(rep_client.get(LIST, {"assigned_rep": "null"})) == ["his"]


class TestRows:
    def test_newest_link_with_its_mark(self, manager_client: Client, manager: User) -> None:
        old = make_link(customer=make_customer(name="Rosa"))
        replace_link(link=old, issued_by=manager)
        Link.objects.filter(pk=old.pk).update(authorized_at=old.issued_at)
        row = manager_client.get(LIST).context["table"].rows[0]
        cell = row.get_cell("link")
        assert ("issued" in cell, "authorized" in cell, "replaced" in cell) == (True, False, False)

    def test_void_stands_beside_proof(self, manager_client: Client, manager: User) -> None:
        link = make_link()
        Link.objects.filter(pk=link.pk).update(metered_at=link.issued_at)
        void(link, manager)
        cell = manager_client.get(LIST).context["table"].rows[0].get_cell("link")
        assert "badge-leap" in cell
        assert "metered" in cell
        assert "badge-fault" in cell

    def test_names_are_escaped(self, manager_client: Client) -> None:
        make_customer(name="<script>alert(1)</script>", company="<b>Bold</b>", street="<img src=x>")
        text = manager_client.get(LIST).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<b>Bold" not in text
        assert "<img src=x" not in text

    @pytest.mark.parametrize("sort", ["", "name", "-name", "-utility", "assigned_rep", "street"])
    def test_queries_do_not_grow_with_rows(self, manager_client: Client, rep: User, sort: str) -> None:
        flow = make_flow()
        counts = []
        manager_client.get(LIST)  # the partner's name is read once and remembered
        for many in (3, 27):
            for _ in range(many):
                make_link(flow=flow, customer=make_customer(assigned_rep=rep), issued_by=rep)
            with CaptureQueriesContext(connection) as queries:
                response = manager_client.get(LIST, {"sort": sort} if sort else {})
            assert len(response.context["table"].paginated_rows) == Customer.objects.count()
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_empty_list_says_what_to_do_next(self, manager_client: Client, rep_client: Client) -> None:
        assert "Import a list" in manager_client.get(LIST).text
        rep_page = rep_client.get(LIST).text
        assert "Import a list" not in rep_page
        assert reverse("customer_create") in rep_page


class TestExport:
    def test_all_that_match_with_rep_and_newest_link(self, manager_client: Client, rep: User) -> None:
        customer = make_customer(name="Rosa", external_id="A-1", assigned_rep=rep, utility="sce")
        link = make_link(customer=customer)
        make_customer(name="Else")
        response = manager_client.get(LIST, {"export": "csv", "q": "Rosa", "assigned_rep": rep.pk})
        assert response.headers["Content-Disposition"].startswith('attachment; filename="customers-')
        (row,) = read_export(response)
        assert (row["External ID"], row["Name"], row["Utility"], row["Assigned rep"]) == ("A-1", "Rosa", "sce", "Sam")
        assert row["Newest link: reference_id"] == link.reference_id
        assert (row["Newest link: status"], row["Newest link: live"]) == ("issued", "yes")

    def test_formulas_do_not_run(self, manager_client: Client) -> None:
        make_customer(name='=HYPERLINK("http://evil")', company="@SUM(A1)", external_id=None)
        (row,) = read_export(manager_client.get(LIST, {"export": "csv"}))
        assert row["Name"] == '\'=HYPERLINK("http://evil")'
        assert row["Company"] == "'@SUM(A1)"
        assert row["External ID"] == ""

    def test_chosen_rows(self, manager_client: Client) -> None:
        chosen = [make_customer(name="one"), make_customer(name="two")]
        make_customer(name="three")
        response = manager_client.post(reverse("customer_export"), {"select": [customer.pk for customer in chosen]})
        assert sorted(row["Name"] for row in read_export(response)) == ["one", "two"]

    def test_all_that_match(self, manager_client: Client) -> None:
        make_customer(name="one", language="es")
        make_customer(name="two")
        response = manager_client.post(reverse("customer_export"), {"all": "1", "query": "language=es"})
        assert [row["Name"] for row in read_export(response)] == ["one"]

    def test_rep_may_not_export(self, rep_client: Client, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        assert "Export" not in rep_client.get(LIST).text
        assert rep_client.get(LIST, {"export": "csv"}).status_code == 403
        assert rep_client.post(reverse("customer_export"), {"select": [customer.pk]}).status_code == 403


class TestAssign:
    URL = "/customers/assign/"

    def test_asks_first_and_changes_nothing(self, manager_client: Client, rep: User, other_rep: User) -> None:
        chosen = [make_customer(assigned_rep=other_rep), make_customer()]
        response = manager_client.post(self.URL, {"select": [customer.pk for customer in chosen]})
        assert "Assign 2 customers to a rep" in response.text
        assert "1 of them has a rep now" in response.text
        assert "Sam (sam)" in response.text
        assert not Customer.objects.filter(assigned_rep=rep).exists()

    def test_assigns_the_chosen_ones_and_says_how_many(self, manager_client: Client, rep: User) -> None:
        chosen = [make_customer(name="new to him"), make_customer(name="his before", assigned_rep=rep)]
        make_customer(name="not chosen")
        ids = [customer.pk for customer in chosen]
        response = manager_client.post(self.URL, {"select": ids, "rep": rep.pk}, follow=True)
        assert "1 customer assigned to Sam. 1 was so before." in response.text
        assert sorted(names(response)) == ["his before", "new to him"]

    def test_assigns_all_that_match(self, manager_client: Client, rep: User) -> None:
        make_customer(name="spanish", language="es")
        make_customer(name="english")
        manager_client.post(self.URL, {"all": "1", "query": "language=es", "rep": rep.pk})
        assert list(Customer.objects.filter(assigned_rep=rep).values_list("name", flat=True)) == ["spanish"]

    def test_to_nobody(self, manager_client: Client, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        manager_client.post(self.URL, {"select": [customer.pk], "rep": "nobody"})
        customer.refresh_from_db()
        assert customer.assigned_rep is None

    @pytest.mark.parametrize("wrong", ["", "999999", "maya"])
    def test_needs_a_rep(self, manager_client: Client, manager: User, wrong: str) -> None:
        """A program manager is no rep, either."""
        customer = make_customer()
        value = str(manager.pk) if wrong == "maya" else wrong
        response = manager_client.post(self.URL, {"select": [customer.pk], "rep": value})
        assert response.status_code == 422
        customer.refresh_from_db()
        assert customer.assigned_rep is None

    def test_nothing_chosen_says_so(self, manager_client: Client) -> None:
        response = manager_client.post(self.URL, {}, follow=True)
        assert "tick the rows first" in response.text

    def test_filter_that_is_not_valid_chooses_nothing(self, manager_client: Client, rep: User) -> None:
        make_customer()
        manager_client.post(self.URL, {"all": "1", "query": "language=xx", "rep": rep.pk})
        assert not Customer.objects.filter(assigned_rep=rep).exists()

    def test_rep_may_not_assign(self, rep_client: Client, rep: User, other_rep: User) -> None:
        customer = make_customer(assigned_rep=other_rep)
        assert "Assign to a rep" not in rep_client.get(LIST).text
        assert rep_client.post(self.URL, {"select": [customer.pk], "rep": rep.pk}).status_code == 403
        customer.refresh_from_db()
        assert customer.assigned_rep == other_rep

    def test_after_a_sign_in_it_leads_back_to_the_list(self, manager_client: Client) -> None:
        assert manager_client.get(self.URL).headers["Location"] == LIST
