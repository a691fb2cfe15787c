"""One customer: data, links with the three sources apart, and nothing for those who may not see it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, Link
from portal.authorizations.services.confirmations import record_confirmation
from tests.factories import make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db


def address(customer: Customer) -> str:
    return reverse("customer_detail", args=[customer.pk])


class TestWhoSeesIt:
    def test_rep_sees_own(self, rep_client: Client, rep: User) -> None:
        assert rep_client.get(address(make_customer(assigned_rep=rep))).status_code == 200
        assert rep_client.get(address(make_customer(added_by=rep))).status_code == 200

    def test_anothers_is_not_found_as_one_that_never_was(self, rep_client: Client, other_rep: User) -> None:
        customer = make_customer(name="Secret", assigned_rep=other_rep)
        response = rep_client.get(address(customer))
        assert response.status_code == 404
        assert "Secret" not in response.text
        assert rep_client.get("/customers/99999999/").status_code == 404

    def test_number_too_large_for_a_database_is_not_found(self, manager_client: Client) -> None:
        assert manager_client.get(f"/customers/{10**25}/").status_code == 404

    def test_user_without_permission_is_refused(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody"))
        assert client.get(address(make_customer())).status_code == 403


class TestLinks:
    def test_claim_and_proof_stand_in_their_own_columns(self, manager_client: Client) -> None:
        link = make_link()
        assert link.customer is not None
        record_confirmation(
            query_string=f"refId={link.reference_id}", at=timezone.now(), ip="", user_agent="Mozilla", is_bot=False
        )
        text = manager_client.get(address(link.customer)).text
        claims, leap = (text.split(f'data-label="{label}"')[1] for label in ("Browser claims", "Leap says"))
        assert "returned" in claims.split("</td>")[0]
        assert "badge" not in leap.split("</td>")[0]

    def test_shows_reference_ids_and_the_buttons(self, manager_client: Client) -> None:
        link = make_link()
        assert link.customer is not None
        text = manager_client.get(address(link.customer)).text
        assert f"<code>{link.reference_id}</code>" in text
        assert f'{reverse("link_issue")}?customer={link.customer_id}"' in text
        assert reverse("customer_update", args=[link.customer_id]) in text
        assert reverse("link_code", args=[link.pk]) in text

    def test_void_link_offers_no_code(self, manager_client: Client, manager: User) -> None:
        link = make_link()
        assert link.customer is not None
        Link.objects.filter(pk=link.pk).update(voided_at=timezone.now(), void_reason="moved", voided_by=manager)
        assert reverse("link_code", args=[link.pk]) not in manager_client.get(address(link.customer)).text

    def test_no_link_yet_says_what_to_do(self, manager_client: Client) -> None:
        assert "No link yet" in manager_client.get(address(make_customer())).text

    def test_queries_do_not_grow_with_links_or_sites(self, manager_client: Client) -> None:
        customer = make_customer(company="Acme")
        counts = []
        manager_client.get(address(customer))  # the partner's name is read once and remembered
        for many in (1, 7):
            for _ in range(many):
                make_link(customer=customer, flow=make_flow())
                make_link(customer=make_customer(company="Acme"), flow=make_flow())
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(address(customer))
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestData:
    def test_everything_a_person_typed_is_escaped(self, manager_client: Client) -> None:
        customer = make_customer(
            name="<script>alert(1)</script>", notes="line one\n<script>alert(2)</script>", phone='"><img src=x>'
        )
        text = manager_client.get(address(customer)).text
        assert "alert(1)</script>" not in text
        assert "line one<br>&lt;script&gt;alert(2)" in text
        assert "<img src=x" not in text

    def test_other_sites_by_email_in_any_case_or_company(self, manager_client: Client) -> None:
        customer = make_customer(name="Main", email="ann@acme.example", company="Acme")
        make_customer(name="Same email", email="Ann@ACME.example", company="")
        make_customer(name="Same company", email="bob@acme.example", company="Acme")
        make_customer(name="Stranger", email="x@else.example", company="")
        sites = manager_client.get(address(customer)).context["sites"]
        assert sorted(site.name for site in sites) == ["Same company", "Same email"]

    def test_no_email_and_no_company_group_nothing(self, manager_client: Client) -> None:
        customer = make_customer(email="", company="")
        make_customer(email="", company="")
        assert manager_client.get(address(customer)).context["sites"] == []

    def test_rep_is_shown_no_site_of_another_rep(self, rep_client: Client, rep: User, other_rep: User) -> None:
        customer = make_customer(company="Acme", assigned_rep=rep)
        make_customer(name="Secret", company="Acme", assigned_rep=other_rep)
        assert "Secret" not in rep_client.get(address(customer)).text
