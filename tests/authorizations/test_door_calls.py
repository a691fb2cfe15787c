"""Calls at the door, the list of today's doors, and the code that is shown there."""

import datetime
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, DoorCall, DoorOutcome, Link
from portal.authorizations.services.customers import door_order_of
from portal.authorizations.services.door_calls import CallRefused, list_doors, name_day, record_door_call
from tests.factories import make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db


def at_the_door(rep: User, street: str, **fields: object) -> Customer:
    customer = make_customer(assigned_rep=rep, street=street, name=street, **fields)
    customer.door_order = door_order_of(customer)
    customer.save(update_fields=["door_order"])
    return customer


def note(customer: Customer, outcome: DoorOutcome, by: User, *, ago: int = 0, **fields: object) -> DoorCall:
    at = timezone.now() - timedelta(minutes=ago)
    return record_door_call(customer=customer, outcome=outcome, by=by, at=at, **fields)  # type: ignore[arg-type]


def names(rep: User, text: str = "") -> list[str]:
    return [door.customer.name for door in list_doors(rep=rep, text=text)[0]]


class TestRecord:
    def test_refused_silences_reminders_until_it_is_taken_back(self, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        note(customer, DoorOutcome.REFUSED, rep, ago=30)
        assert not Customer.objects.contactable().exists()
        note(customer, DoorOutcome.NOT_HOME, rep, ago=20)
        assert not Customer.objects.contactable().exists()
        note(customer, DoorOutcome.ASK_AGAIN, rep, ago=10)
        assert Customer.objects.contactable().get() == customer

    def test_a_call_that_arrives_late_counts_where_it_took_place(self, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        day = timezone.localdate() + timedelta(days=2)
        note(customer, DoorOutcome.ASK_AGAIN, rep, ago=5)
        note(customer, DoorOutcome.REFUSED, rep, ago=50)
        note(customer, DoorOutcome.COME_BACK, rep, ago=60, come_back_on=day)
        customer.refresh_from_db()
        assert (customer.refused_at, customer.come_back_on) == (None, None)

    def test_come_back_stands_until_the_next_call(self, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        day = timezone.localdate() + timedelta(days=2)
        note(customer, DoorOutcome.COME_BACK, rep, ago=9, come_back_on=day)
        customer.refresh_from_db()
        assert customer.come_back_on == day
        note(customer, DoorOutcome.LEFT_CARD, rep)
        customer.refresh_from_db()
        assert customer.come_back_on is None

    def test_the_customer_itself_has_not_changed(self, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        before = Customer.objects.get().updated_at
        note(customer, DoorOutcome.REFUSED, rep)
        assert Customer.objects.get().updated_at == before

    @pytest.mark.parametrize("days", [None, -2, 400])
    def test_come_back_needs_a_day_that_makes_sense(self, rep: User, days: int | None) -> None:
        day = None if days is None else timezone.localdate() + timedelta(days=days)
        with pytest.raises(CallRefused):
            note(make_customer(), DoorOutcome.COME_BACK, rep, come_back_on=day)

    def test_a_clock_that_runs_ahead_is_taken_for_now_and_one_of_last_year_refused(self, rep: User) -> None:
        assert note(make_customer(), DoorOutcome.NOT_HOME, rep, ago=-600).at <= timezone.now()
        with pytest.raises(CallRefused, match="60 days"):
            note(make_customer(), DoorOutcome.NOT_HOME, rep, ago=61 * 24 * 60)

    def test_the_database_holds_the_rule_of_the_day(self, rep: User) -> None:
        for fields in ({"outcome": "come_back"}, {"outcome": "refused", "come_back_on": datetime.date(2027, 1, 1)}):
            with pytest.raises(IntegrityError), transaction.atomic():
                DoorCall.objects.create(customer=make_customer(), by=rep, at=timezone.now(), **fields)


class TestTodaysDoors:
    def test_walking_order_with_those_due_first(self, rep: User, other_rep: User) -> None:
        for street in ("118 Maple St", "20 Maple St", "3 Maple St"):
            at_the_door(rep, street)
        at_the_door(other_rep, "4 Maple St")
        due, later = at_the_door(rep, "900 Maple St"), at_the_door(rep, "19 Maple St")
        note(due, DoorOutcome.COME_BACK, rep, come_back_on=timezone.localdate())
        note(later, DoorOutcome.COME_BACK, rep, come_back_on=timezone.localdate() + timedelta(days=1))
        assert names(rep) == ["900 Maple St", "3 Maple St", "19 Maple St", "20 Maple St", "118 Maple St"]

    def test_neither_refused_nor_proven_but_search_finds_them(self, rep: User) -> None:
        refused, proven = at_the_door(rep, "1 Elm St"), at_the_door(rep, "2 Elm St")
        at_the_door(rep, "3 Elm St")
        note(refused, DoorOutcome.REFUSED, rep)
        Link.objects.filter(pk=make_link(customer=proven).pk).update(authorized_at=timezone.now())
        assert names(rep) == ["3 Elm St"]
        assert names(rep, "elm") == ["1 Elm St", "2 Elm St", "3 Elm St"]

    def test_badges_say_how_a_door_stands(self, rep: User) -> None:
        day = timezone.localdate() + timedelta(days=1)
        asked, home, back, refused = (at_the_door(rep, f"{n} Oak St") for n in range(1, 5))
        make_link(customer=asked)
        note(home, DoorOutcome.NOT_HOME, rep)
        note(back, DoorOutcome.COME_BACK, rep, come_back_on=day)
        note(refused, DoorOutcome.REFUSED, rep)
        at_the_door(rep, "5 Oak St")
        badges = [door.badge.label for door in list_doors(rep=rep, text="oak")[0]]
        assert badges == ["issued", "not home", "come back tomorrow", "refused", "not asked"]

    def test_days_are_named_as_one_says_them(self) -> None:
        today = timezone.localdate()
        said = [name_day(today + timedelta(days=n)) for n in (0, 1, 3, 8)]
        later = today + timedelta(days=8)
        assert said == ["today", "tomorrow", f"{today + timedelta(days=3):%a}", f"{later.day} {later:%b}"]

    def test_queries_do_not_grow_with_the_doors(
        self, rep_client: Client, rep: User, django_assert_max_num_queries
    ) -> None:
        flow = make_flow()
        for number in range(8):
            make_link(customer=at_the_door(rep, f"{number} Oak St"), flow=flow)
        with django_assert_max_num_queries(12):
            rep_client.get("/")


class TestScreens:
    def test_a_rep_notes_a_call_of_the_own_list_only(self, rep_client: Client, rep: User, other_rep: User) -> None:
        own, foreign = make_customer(assigned_rep=rep), make_customer(assigned_rep=other_rep)
        for customer, status in ((own, 200), (foreign, 404)):
            address = reverse("customer_call", args=[customer.pk])
            assert rep_client.get(address).status_code == status
            rep_client.post(address, {"outcome": "not_home", "note": "a dog"})
        assert (DoorCall.objects.get().customer, DoorCall.objects.get().note) == (own, "a dog")

    def test_come_back_without_a_day_says_what_to_do(self, rep_client: Client, rep: User) -> None:
        address = reverse("customer_call", args=[make_customer(assigned_rep=rep).pk])
        response = rep_client.post(address, {"outcome": "come_back", "come_back_on": ""})
        assert response.status_code == 422
        assert "Say on which day you come back." in response.text
        assert rep_client.post(address, {}).status_code == 422
        assert not DoorCall.objects.exists()

    def test_refusal_shows_on_the_customer_and_in_the_list(self, manager_client: Client, manager: User) -> None:
        customer = make_customer()
        note(customer, DoorOutcome.REFUSED, manager, note="no, thanks")
        page = manager_client.get(reverse("customer_detail", args=[customer.pk])).text
        assert "Refused at the door" in page
        assert "no, thanks" in page
        assert '<span class="badge badge-fault">refused</span>' in manager_client.get(reverse("customer_list")).text
        address = reverse("customer_call", args=[customer.pk])
        assert "May be asked again" in manager_client.get(address).text
        manager_client.post(address, {"outcome": "ask_again"})
        assert Customer.objects.contactable().exists()

    def test_only_a_refusal_can_be_taken_back(self, rep_client: Client, rep: User) -> None:
        address = reverse("customer_call", args=[make_customer(assigned_rep=rep).pk])
        assert rep_client.post(address, {"outcome": "ask_again"}).status_code == 422


class TestCode:
    def test_leads_to_the_doors_before_and_after_that_have_a_code(self, rep_client: Client, rep: User) -> None:
        flow = make_flow()
        first, second, without, third = (at_the_door(rep, f"{n} Oak St") for n in range(1, 5))
        links = [make_link(customer=customer, flow=flow) for customer in (first, second, third)]
        pages = [rep_client.get(reverse("link_code", args=[link.pk])).text for link in links]
        ways = [reverse("link_code", args=[link.pk]) for link in links]
        assert 'rel="prev"' not in pages[0]
        assert f'<a href="{ways[1]}" rel="next">' in pages[0]
        assert f'<a href="{ways[0]}" rel="prev">' in pages[1]
        assert f'<a href="{ways[2]}" rel="next">' in pages[1]
        assert 'rel="next"' not in pages[2]
        assert not without.links.exists()
