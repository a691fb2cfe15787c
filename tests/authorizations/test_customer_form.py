"""Adding and changing customers: few required fields, errors in words, nothing told of other reps' customers."""

from typing import Any, ClassVar

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.authorizations.models import Customer
from portal.authorizations.views import customers as views
from tests.factories import get_utilities, make_customer, make_link, make_paper, make_shared_link

pytestmark = pytest.mark.django_db
NEW = "/customers/new/"


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(messages) for name, messages in response.context["form"].errors.items()}


def values(**changes: Any) -> dict[str, Any]:
    return {"name": "Rosa Núñez", "language": "en", **changes}


def shown(response: Any) -> dict[str, Any]:
    """What a browser posts of a page that nobody has touched: each field, and what the page says that it showed."""
    sent: dict[str, Any] = {}
    for field in response.context["form"]:
        value = field.value()
        sent[field.html_name] = "" if value is None else value
        if f'name="{field.html_initial_name}"' in response.text:
            sent[field.html_initial_name] = sent[field.html_name]
    return sent


class TestTwoAtOnce:
    """Two people have the same customer's form open."""

    @pytest.fixture
    def customer(self) -> Customer:
        return make_customer(name="Rosa", phone="559 555 0100", street="1 Elm St", city="Fresno", notes="A\nB")

    def test_each_saves_what_that_one_changed(self, manager_client: Client, customer: Customer) -> None:
        address = reverse("customer_update", args=[customer.pk])
        one, two = shown(manager_client.get(address)), shown(manager_client.get(address))
        utility = get_utilities("sce")[0]
        changes = {"phone": "559 555 0199", "street": "2 Oak St", "utility": utility.pk}
        manager_client.post(address, {**two, **changes})
        manager_client.post(address, {**one, "name": "Rosa Núñez", "notes": "A\r\nB", "initial-notes": "A\r\nB"})
        customer.refresh_from_db()
        assert (customer.name, customer.phone, customer.street) == ("Rosa Núñez", "559 555 0199", "2 Oak St")
        assert (customer.utility, customer.notes) == (utility, "A\nB")
        assert "oak" in customer.door_order.casefold()

    def test_what_both_changed_is_said_before_it_is_overwritten(
        self, manager_client: Client, customer: Customer
    ) -> None:
        address = reverse("customer_update", args=[customer.pk])
        one, two = shown(manager_client.get(address)), shown(manager_client.get(address))
        manager_client.post(address, {**two, "phone": "559 555 0199"})
        response = manager_client.post(address, {**one, "phone": "559 555 0111", "name": "Rosa Núñez"})
        assert errors(response) == {
            "phone": ["Somebody changed this meanwhile, to “559 555 0199”. Save again to keep yours."]
        }
        customer.refresh_from_db()
        assert (customer.name, customer.phone) == ("Rosa", "559 555 0199")
        again = {**one, "phone": "559 555 0111", "name": "Rosa Núñez", "initial-phone": "559 555 0199"}
        assert 'name="initial-phone" value="559 555 0199"' in response.text
        assert manager_client.post(address, again).status_code == 302
        customer.refresh_from_db()
        assert (customer.name, customer.phone) == ("Rosa Núñez", "559 555 0111")

    def test_the_same_change_twice_is_no_conflict(self, manager_client: Client, customer: Customer) -> None:
        address = reverse("customer_update", args=[customer.pk])
        one = shown(manager_client.get(address))
        for _ in range(2):
            assert manager_client.post(address, {**one, "phone": "559 555 0199"}).status_code == 302


class TestTwins:
    SITE: ClassVar = {"email": "rosa@example.com", "street": "1 Elm St"}

    def test_the_same_email_and_street_are_asked_about(self, manager_client: Client) -> None:
        twin = make_customer(name="Zoë", **self.SITE)
        site = values(email="ROSA@example.com", street="1  elm st")
        response = manager_client.post(NEW, site)
        assert response.status_code == 422
        assert reverse("customer_detail", args=[twin.pk]) in response.text
        assert Customer.objects.count() == 1
        assert manager_client.post(NEW, {**site, "is_another": "1"}).status_code == 302
        assert Customer.objects.count() == 2

    @pytest.mark.parametrize("site", [{"street": "2 Elm St"}, {"email": "other@example.com"}, {"street": ""}])
    def test_another_site_is_not(self, manager_client: Client, site: dict[str, str]) -> None:
        make_customer(**self.SITE)
        assert manager_client.post(NEW, values(**{**self.SITE, **site})).status_code == 302

    def test_a_rep_learns_nothing_of_anothers(self, rep_client: Client, other_rep: User) -> None:
        make_customer(assigned_rep=other_rep, **self.SITE)
        assert rep_client.post(NEW, values(**self.SITE)).status_code == 302


class TestAdd:
    def test_an_imported_phone_without_digits_is_in_nobodys_way(self, manager_client: Client) -> None:
        customer = make_customer(name="Rosa", phone="n/a")
        address = reverse("customer_update", args=[customer.pk])
        manager_client.post(address, {**shown(manager_client.get(address)), "name": "Rosa Núñez"})
        customer.refresh_from_db()
        assert (customer.name, customer.phone) == ("Rosa Núñez", "n/a")

    def test_a_phone_has_digits(self, manager_client: Client) -> None:
        response = manager_client.post(NEW, values(phone="abc"))
        assert errors(response) == {"phone": ["“abc” has no digit: 559 555 0100 is a phone number."]}

    def test_name_alone_is_enough(self, manager_client: Client, manager: User) -> None:
        response = manager_client.post(NEW, values())
        customer = Customer.objects.get()
        assert response.headers["Location"] == reverse("customer_detail", args=[customer.pk])
        assert (customer.name, customer.added_by, customer.assigned_rep) == ("Rosa Núñez", manager, None)
        assert (customer.external_id, customer.reference_id) == (None, None)

    def test_company_alone_is_enough(self, manager_client: Client) -> None:
        manager_client.post(NEW, values(name="", company="O’Brien Bakery"))
        assert str(Customer.objects.get()) == "O’Brien Bakery"

    def test_neither_name_nor_company(self, manager_client: Client) -> None:
        response = manager_client.post(NEW, values(name=" ", company=""))
        assert errors(response) == {"name": ["A customer needs a name or a company: fill in one of the two."]}
        assert not Customer.objects.exists()

    def test_c5_rep_who_adds_one_has_it(self, rep_client: Client, rep: User) -> None:
        rep_client.post(NEW, values())
        customer = Customer.objects.get()
        assert (customer.added_by, customer.assigned_rep) == (rep, rep)

    def test_rep_cannot_assign_through_the_post(self, rep_client: Client, rep: User, other_rep: User) -> None:
        rep_client.post(NEW, values(assigned_rep=other_rep.pk))
        assert Customer.objects.get().assigned_rep == rep

    def test_manager_assigns_a_rep(self, manager_client: Client, rep: User) -> None:
        manager_client.post(NEW, values(assigned_rep=rep.pk))
        assert Customer.objects.get().assigned_rep == rep

    def test_save_and_issue_link(self, rep_client: Client) -> None:
        response = rep_client.post(NEW, values(utility=get_utilities("pge")[0].pk, issue="1"))
        assert response.headers["Location"] == f"{reverse('link_issue')}?customer={Customer.objects.get().pk}"
        assert rep_client.get(response.headers["Location"]).status_code == 200

    def test_user_without_permission_is_refused(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody"))
        assert client.get(NEW).status_code == 403
        assert client.post(NEW, values()).status_code == 403
        assert not Customer.objects.exists()

    def test_rep_finds_the_own_records_closed_and_a_wrong_one_opened(self, rep_client: Client) -> None:
        assert "<details" in rep_client.get(NEW).text
        assert rep_client.get(NEW).context["records_open"] is False
        assert rep_client.post(NEW, values(reference_id="a/b")).context["records_open"] is True


class TestBadInput:
    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("name", "Rosa\x00", "Null characters are not allowed."),
            ("name", "x" * 201, "at most 200 characters"),
            ("notes", "x" * 2001, "at most 2000 characters"),
            ("phone", "1" * 41, "at most 40 characters"),
            ("email", "rosa at home", "“rosa at home” is not an email address"),
            ("external_id", "x" * 101, "at most 100 characters"),
            ("external_id", "a\x00b", "Null characters are not allowed."),
            ("reference_id", "a" * 51, "50"),
            ("reference_id", "ab/c", "“/” cannot stand in a reference id"),
            ("reference_id", "ab", "3"),
            ("utility", "99999999999999999999999", "not one of the available choices"),
            ("utility", "nope", "not one of the available choices"),
            ("customer_type", "industrial", "industrial is not one of the available choices"),
            ("language", "de", "de is not one of the available choices"),
        ],
    )
    def test_r12_is_a_form_error_and_saves_nothing(
        self, manager_client: Client, field: str, value: str, words: str
    ) -> None:
        found = errors(manager_client.post(NEW, values(**{field: value})))
        assert list(found) == [field]
        assert words in found[field][0]
        assert not Customer.objects.exists()


class TestTaken:
    """An id that is another's."""

    def test_external_id_names_the_other(self, manager_client: Client) -> None:
        make_customer(name="Frank", external_id="A-1")
        found = errors(manager_client.post(NEW, values(external_id="A-1")))
        assert found == {"external_id": ["“A-1” is taken already, by the customer Frank."]}

    def test_reference_id_names_the_other(self, manager_client: Client) -> None:
        make_customer(name="Frank", reference_id="mine-1")
        found = errors(manager_client.post(NEW, values(reference_id="mine-1")))
        assert found == {"reference_id": ["“mine-1” is taken already, by the customer Frank."]}

    def test_reference_id_of_anothers_link(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(name="Frank"))
        found = errors(manager_client.post(NEW, values(reference_id=link.reference_id)))
        assert found == {"reference_id": [f"“{link.reference_id}” is taken already, by the customer Frank."]}

    def test_reference_id_of_a_paper_authorization(self, manager_client: Client, rep_client: Client) -> None:
        make_paper(customer=make_customer(name="Frank"), reference_id="paper-1")
        found = errors(manager_client.post(NEW, values(reference_id="paper-1")))["reference_id"]
        assert found == [
            "“paper-1” is taken already, by the paper authorization “Frank, CISR-DRP (California utilities)”."
        ]
        # Whose it is, is not everybody's to know.
        assert errors(rep_client.post(NEW, values(reference_id="paper-1")))["reference_id"] == [
            "“paper-1” is taken already."
        ]

    def test_reference_id_of_a_poster(self, manager_client: Client, rep_client: Client) -> None:
        link = make_shared_link(label="poster, lobby")
        posted = values(reference_id=link.reference_id)
        assert "the link “poster, lobby”" in errors(manager_client.post(NEW, posted))["reference_id"][0]
        assert errors(rep_client.post(NEW, posted)) == {
            "reference_id": [f"“{link.reference_id}” is taken already."],
        }

    @pytest.mark.parametrize("field", ["external_id", "reference_id"])
    def test_rep_learns_nothing_of_anothers_customer(self, rep_client: Client, other_rep: User, field: str) -> None:
        make_customer(name="Secret", assigned_rep=other_rep, **{field: "mine-1"})
        response = rep_client.post(NEW, values(**{field: "mine-1"}))
        assert errors(response) == {field: ["“mine-1” is taken already."]}
        assert "Secret" not in response.text

    def test_own_reference_id_that_the_own_link_carries_stays(self, manager_client: Client) -> None:
        customer = make_customer(name="Rosa", reference_id="mine-1")
        assert make_link(customer=customer).reference_id == "mine-1"
        response = manager_client.post(
            reverse("customer_update", args=[customer.pk]), values(name="Rosa N.", reference_id="mine-1")
        )
        assert response.status_code == 302

    def test_taken_in_the_same_moment_is_the_same_error(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the form's look and the save somebody else saves the id: the database refuses, the form explains."""
        save = views.add_customer

        def save_after_somebody_else(*, customer: Customer, added_by: User) -> Customer:
            make_customer(name="Frank", external_id="A-1")
            return save(customer=customer, added_by=added_by)

        monkeypatch.setattr(views, "add_customer", save_after_somebody_else)
        found = errors(manager_client.post(NEW, values(external_id="A-1")))
        assert found == {"external_id": ["“A-1” is taken already, by the customer Frank."]}

    def test_other_database_errors_are_not_hidden(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**arguments: Any) -> Customer:
            raise IntegrityError("something else")

        monkeypatch.setattr(views, "add_customer", fail)
        with pytest.raises(IntegrityError, match="something else"):
            manager_client.post(NEW, values())


class TestChange:
    def test_saves_what_changed_and_leaves_what_others_changed(self, manager_client: Client) -> None:
        customer = make_customer(name="Rosa", external_id="A-1", street="1 Oak")
        address = reverse("customer_update", args=[customer.pk])
        form = manager_client.get(address).context["form"]
        posted = {field.html_name: "" if field.value() is None else field.value() for field in form}
        manager_client.post(address, {**posted, "phone": "559-555-0142"})
        changed = Customer.objects.get()
        assert (changed.phone, changed.name, changed.street, changed.external_id) == (
            "559-555-0142",
            "Rosa",
            "1 Oak",
            "A-1",
        )
        assert changed.updated_at > customer.updated_at

    def test_rep_changes_own_and_keeps_the_rep(self, rep_client: Client, rep: User) -> None:
        customer = make_customer(assigned_rep=rep)
        rep_client.post(reverse("customer_update", args=[customer.pk]), values(name="New name"))
        customer.refresh_from_db()
        assert (customer.name, customer.assigned_rep) == ("New name", rep)

    def test_anothers_is_not_found_and_not_changed(self, rep_client: Client, other_rep: User) -> None:
        customer = make_customer(name="Frank", assigned_rep=other_rep)
        address = reverse("customer_update", args=[customer.pk])
        assert rep_client.get(address).status_code == 404
        assert rep_client.post(address, values(name="Stolen")).status_code == 404
        customer.refresh_from_db()
        assert customer.name == "Frank"

    def test_refused_change_does_not_stand_in_the_heading(self, manager_client: Client) -> None:
        customer = make_customer(name="Rosa")
        response = manager_client.post(
            reverse("customer_update", args=[customer.pk]), values(name="Wrong", reference_id="/")
        )
        assert "<h1>Edit Rosa</h1>" in response.text

    def test_rep_who_left_stays_chosen_until_somebody_changes_it(self, manager_client: Client, rep: User) -> None:
        customer = make_customer(name="Rosa", assigned_rep=rep)
        User.objects.filter(pk=rep.pk).update(is_active=False)
        address = reverse("customer_update", args=[customer.pk])
        manager_client.post(address, values(name="Rosa N.", assigned_rep=rep.pk))
        customer.refresh_from_db()
        assert (customer.name, customer.assigned_rep_id) == ("Rosa N.", rep.pk)
