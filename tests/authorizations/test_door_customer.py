"""Somebody met at the door: added and handed a code in one step, once."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.authorizations.models import Customer, DoorCall, DoorKit, Link
from tests.factories import get_utilities, make_customer, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db

ADDRESS = "/door/new/"


def values(**fields: object) -> dict[str, object]:
    return {"key": str(uuid.uuid4()), "name": "Hal Ito", "street": "3 Elm St", "city": "Fresno", **fields}


class TestAdd:
    def test_six_fields_and_the_code_comes_next(self, rep_client: Client, rep: User) -> None:
        flow = make_flow()
        assert rep_client.get(ADDRESS).text.count('class="field ') == 6
        response = rep_client.post(ADDRESS, values(utility=get_utilities("pge")[0].pk))
        customer, link = Customer.objects.get(), Link.objects.get()
        assert response.headers["Location"] == reverse("link_code", args=[link.pk])
        assert (customer.assigned_rep, link.customer, link.issued_by, link.flow) == (rep, customer, rep, flow)
        assert customer.door_order

    def test_sent_twice_it_is_done_once(self, rep_client: Client, other_rep_client: Client) -> None:
        make_flow()
        sent = values()
        first, second = rep_client.post(ADDRESS, sent), rep_client.post(ADDRESS, sent)
        assert first.headers["Location"] == second.headers["Location"]
        other_rep_client.post(ADDRESS, sent)
        assert Customer.objects.count() == 1

    def test_a_name_is_needed_and_nothing_else(self, rep_client: Client) -> None:
        make_flow()
        assert rep_client.post(ADDRESS, values(name="")).status_code == 422
        assert rep_client.post(ADDRESS, {"name": "Hal"}).status_code == 302

    def test_the_town_stands_there_already(self, rep_client: Client, rep: User) -> None:
        make_customer(assigned_rep=rep, city="Clovis", postal_code="93612", door_order="clovis")
        assert 'value="Clovis"' in rep_client.get(ADDRESS).text

    def test_without_a_flow_it_says_whom_to_ask_and_keeps_the_customer(self, rep_client: Client) -> None:
        assert "ask your program manager" in rep_client.get(ADDRESS).text
        response = rep_client.post(ADDRESS, values(), follow=True)
        assert "ask your program manager" in response.text
        assert Customer.objects.get().name == "Hal Ito"

    def test_the_kit_decides_which_of_several_flows(self, rep_client: Client, rep: User, manager: User) -> None:
        make_flow()
        chosen = make_flow(title="other")
        DoorKit.objects.create(rep=rep, flow=chosen, chosen_by=manager)
        rep_client.post(ADDRESS, values())
        assert Link.objects.get().flow == chosen

    def test_a_legacy_flow_of_several_utilities_suits_no_door(self, rep_client: Client) -> None:
        make_legacy_flow()
        rep_client.post(ADDRESS, values())
        assert not Link.objects.exists()


class TestOneTap:
    def test_issues_if_there_is_no_link_and_shows_the_one_that_is_there(self, rep_client: Client, rep: User) -> None:
        make_flow()
        customer = make_customer(assigned_rep=rep)
        address = reverse("customer_code", args=[customer.pk])
        ways = {rep_client.post(address).headers["Location"] for _ in range(2)}
        assert ways == {reverse("link_code", args=[Link.objects.get().pk])}

    def test_only_for_ones_own_customers(self, rep_client: Client, other_rep: User) -> None:
        make_flow()
        customer = make_customer(assigned_rep=other_rep)
        assert rep_client.post(reverse("customer_code", args=[customer.pk])).status_code == 404
        assert not Link.objects.exists()

    def test_a_call_sent_twice_counts_once(self, rep_client: Client, rep: User) -> None:
        link = make_link(customer=make_customer(assigned_rep=rep))
        sent = {"key": str(uuid.uuid4()), "outcome": "not_home"}
        for _ in range(2):
            rep_client.post(reverse("customer_call", args=[link.customer_id]), sent)
        assert DoorCall.objects.count() == 1
