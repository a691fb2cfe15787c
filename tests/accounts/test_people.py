"""People: added, invited, given a role, kept out and let in again; and never the last admin locked out."""

import csv
import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.people import PersonRefused, disable_person, update_person
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db
LIST = "/people/"
NEW = "/people/new/"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "username": "lin",
        "first_name": "Lin",
        "last_name": "Park",
        "email": "lin@acme.example",
        "phone": "555-0100",
        "role": Role.FIELD_REP.value,
        **changes,
    }


def values_of(person: User, **changes: Any) -> dict[str, Any]:
    names = ("username", "first_name", "last_name", "email", "phone")
    return {**{name: getattr(person, name) for name in names}, "role": str(person.role), **changes}


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(messages) for name, messages in response.context["form"].errors.items()}


def address(person: User, name: str = "user_update") -> str:
    return reverse(name, args=[person.pk])


def fresh(person: User) -> User:
    return User.objects.get(pk=person.pk)


def invitation_path(response: Any) -> str:
    url = response.context["invitation"]
    assert url.startswith("http://p.acme.example/invitation/")
    return urlsplit(url).path


def set_password(path: str, password: str = "meter-lantern-7") -> tuple[Client, Any]:
    """Follow a sign-in link in a browser of its own, and set a password."""
    client = Client()
    form = client.get(path, follow=True)
    response = client.post(
        form.redirect_chain[-1][0] if form.redirect_chain else path,
        {"new_password1": password, "new_password2": password},
    )
    return client, response


class TestAdd:
    @pytest.mark.parametrize("role", list(Role))
    def test_one_role_and_no_password(self, admin_client: Client, role: Role) -> None:
        admin_client.post(NEW, values(role=role.value))
        person = User.objects.get(username="lin")
        assert person.role is role
        assert person.is_staff is (role is Role.ADMIN)
        assert not person.is_superuser
        assert not person.has_usable_password()
        assert (str(person), person.email, person.phone) == ("Lin Park", "lin@acme.example", "555-0100")

    def test_the_sign_in_link_is_shown_once_sets_a_password_and_signs_in(self, admin_client: Client) -> None:
        response = admin_client.post(NEW, values(), follow=True)
        person = User.objects.get(username="lin")
        path = invitation_path(response)
        assert "no-store" in response.headers["Cache-Control"]
        assert admin_client.get(address(person)).context["invitation"] == ""
        client, done = set_password(path)
        assert done.status_code == 302
        assert get_user(client).pk == person.pk  # type: ignore[arg-type]
        assert fresh(person).check_password("meter-lantern-7")
        assert client.get(reverse("customer_list")).status_code == 200

    def test_the_sign_in_link_works_once(self, admin_client: Client) -> None:
        path = invitation_path(admin_client.post(NEW, values(), follow=True))
        set_password(path)
        assert "This sign-in link does not work" in Client().get(path, follow=True).text

    @pytest.mark.parametrize("path", ["/invitation/MQ/a-b/", "/invitation/x/y/", "/invitation/OTk5OTk5/abc-def/"])
    def test_a_made_up_sign_in_link_does_not(self, client: Client, path: str) -> None:
        response = client.get(path, follow=True)
        assert "This sign-in link does not work" in response.text
        assert response.status_code == 200

    def test_a_weak_password_is_refused(self, admin_client: Client) -> None:
        path = invitation_path(admin_client.post(NEW, values(), follow=True))
        _, response = set_password(path, "password")
        assert "too common" in response.text
        assert not User.objects.get(username="lin").has_usable_password()

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"username": ""}, "username", "required"),
            ({"username": "ada"}, "username", "“ada” is taken by Ada: capital letters do not count"),
            ({"username": "ADA"}, "username", "“ADA” is taken by Ada: capital letters do not count"),
            ({"username": "ａｄａ"}, "username", "“ada” is taken by Ada"),
            ({"username": "lin park"}, "username", "Enter a valid username"),
            ({"username": "lin\x00"}, "username", "Null characters"),
            ({"username": "x" * 151}, "username", "at most 150 characters"),
            ({"email": "lin"}, "email", "valid email address"),
            ({"role": "boss"}, "role", "boss is not one of the available choices"),
            ({"role": ""}, "role", "required"),
            ({"phone": "5" * 41}, "phone", "at most 40 characters"),
        ],
    )
    def test_bad_input_adds_nobody(self, admin_client: Client, changes: dict[str, str], field: str, words: str) -> None:
        found = errors(admin_client.post(NEW, values(**changes)))
        assert list(found) == [field]
        assert words in found[field][0]
        assert User.objects.count() == 1

    def test_the_name_is_stored_as_the_sign_in_form_reads_it(self, admin_client: Client) -> None:
        """The form of sign-in normalizes letters (NFKC): a name stored otherwise could never sign in."""
        path = invitation_path(admin_client.post(NEW, values(username="ｌｉｎ"), follow=True))
        set_password(path)
        client = Client()
        client.post("/login/", {"username": "ｌｉｎ", "password": "meter-lantern-7"})
        assert get_user(client).is_authenticated  # type: ignore[arg-type]

    def test_capital_letters_do_not_count_at_sign_in(self, admin_client: Client) -> None:
        set_password(invitation_path(admin_client.post(NEW, values(username="Lin"), follow=True)))
        client = Client()
        client.post("/login/", {"username": "lIN", "password": "meter-lantern-7"})
        assert get_user(client).is_authenticated  # type: ignore[arg-type]

    def test_the_database_holds_that_too(self) -> None:
        make_user(username="lin")
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username="LIN")


class TestInvite:
    def test_a_forgotten_password_is_set_anew_and_other_browsers_are_signed_out(
        self, admin_client: Client, manager: User, manager_client: Client
    ) -> None:
        assert manager_client.get("/").status_code == 200
        path = invitation_path(admin_client.post(address(manager, "user_invite"), follow=True))
        assert manager_client.get("/").status_code == 200, "making the link changes nothing yet"
        set_password(path)
        assert manager_client.get("/").status_code == 302

    def test_a_newer_sign_in_does_not_break_what_was_shown(self, admin_client: Client, manager: User) -> None:
        first = invitation_path(admin_client.post(address(manager, "user_invite"), follow=True))
        second = invitation_path(admin_client.post(address(manager, "user_invite"), follow=True))
        set_password(second)
        assert "does not work" in Client().get(first, follow=True).text

    def test_nobody_invites_a_disabled_person(self, admin_client: Client, manager: User) -> None:
        User.objects.filter(pk=manager.pk).update(is_active=False)
        response = admin_client.post(address(manager, "user_invite"), follow=True)
        assert "is disabled: enable the person first." in response.text
        assert response.context["invitation"] == ""

    def test_the_link_of_a_person_disabled_since_is_dead(
        self, admin_client: Client, manager: User, admin: User
    ) -> None:
        path = invitation_path(admin_client.post(address(manager, "user_invite"), follow=True))
        disable_person(user=manager, by=admin)
        client, _ = set_password(path)
        assert not get_user(client).is_authenticated  # type: ignore[arg-type]
        assert client.get("/").status_code == 302

    def test_the_link_is_another_persons_page_never(self, admin_client: Client, manager: User, rep: User) -> None:
        admin_client.post(address(manager, "user_invite"))
        assert admin_client.get(address(rep)).context["invitation"] == ""

    def test_get_makes_no_link(self, admin_client: Client, manager: User) -> None:
        assert admin_client.get(address(manager, "user_invite")).status_code == 405


class TestChange:
    def test_names_and_role(self, admin_client: Client, rep: User, rep_client: Client) -> None:
        assert rep_client.get("/flows/").status_code == 403
        posted = values_of(rep, first_name="Samuel", role=Role.PROGRAM_MANAGER.value)
        assert admin_client.post(address(rep), posted).headers["Location"] == LIST
        person = fresh(rep)
        assert (person.first_name, person.role, person.groups.count()) == ("Samuel", Role.PROGRAM_MANAGER, 1)
        assert rep_client.get("/flows/").status_code == 200, "the new role counts at the next request"

    def test_admin_and_back_opens_and_closes_djangos_admin(self, admin_client: Client, manager: User) -> None:
        admin_client.post(address(manager), values_of(manager, role=Role.ADMIN.value))
        assert fresh(manager).is_staff
        admin_client.post(address(manager), values_of(manager, role=Role.FIELD_REP.value))
        person = fresh(manager)
        assert (person.is_staff, person.role) == (False, Role.FIELD_REP)

    def test_a_superuser_who_becomes_a_rep_is_no_superuser_any_more(self, admin_client: Client) -> None:
        boss = make_user(role=Role.ADMIN, is_superuser=True)
        admin_client.post(address(boss), values_of(boss, role=Role.FIELD_REP.value))
        person = fresh(boss)
        assert (person.is_superuser, person.role, person.has_perm("authorizations.change_flow")) == (
            False,
            Role.FIELD_REP,
            False,
        )

    def test_the_password_stays(self, admin_client: Client, manager: User) -> None:
        admin_client.post(address(manager), values_of(manager, first_name="M"))
        assert fresh(manager).check_password("correct-horse")

    def test_bad_input_changes_nothing_and_keeps_the_heading(self, admin_client: Client, manager: User) -> None:
        response = admin_client.post(address(manager), values_of(manager, first_name="New", username="a b"))
        assert list(errors(response)) == ["username"]
        assert "<h1>Maya</h1>" in response.text
        assert fresh(manager).first_name == "Maya"

    def test_nothing_else_can_be_posted(self, admin_client: Client, manager: User) -> None:
        admin_client.post(
            address(manager), values_of(manager, is_superuser="on", is_staff="on", password="x", is_active="")
        )
        person = fresh(manager)
        assert (person.is_superuser, person.is_staff, person.is_active) == (False, False, True)


class TestLastAdmin:
    """Somebody must always be able to configure the portal."""

    def test_nobody_takes_the_role_from_themself(self, admin_client: Client, admin: User) -> None:
        make_user(role=Role.ADMIN)
        found = errors(admin_client.post(address(admin), values_of(admin, role=Role.FIELD_REP.value)))
        assert found == {"role": ["You cannot take the role of admin from yourself: ask another admin."]}
        assert fresh(admin).role is Role.ADMIN

    def test_nobody_disables_themself(self, admin_client: Client, admin: User) -> None:
        make_user(role=Role.ADMIN)
        assert address(admin, "user_disable") not in admin_client.get(address(admin)).text
        response = admin_client.post(address(admin, "user_disable"), follow=True)
        assert "You cannot disable yourself: ask another admin." in response.text
        assert fresh(admin).is_active

    @pytest.mark.parametrize("superuser", [False, True])
    def test_the_last_admin_stays(self, superuser: bool) -> None:
        """Whoever asks: here somebody who may change people, but is no admin."""
        last = make_user(role=Role.ADMIN, username="last", is_superuser=superuser)
        make_user(role=Role.ADMIN, is_active=False)
        by = make_user(role=Role.PROGRAM_MANAGER)
        with pytest.raises(PersonRefused, match="You cannot disable last: that is the last active admin"):
            disable_person(user=last, by=by)
        with pytest.raises(PersonRefused, match="the last active admin") as refusal:
            update_person(user=last, role=Role.FIELD_REP, by=by)
        assert refusal.value.field == "role"
        assert fresh(last).is_active
        assert fresh(last).role is Role.ADMIN

    def test_a_superuser_counts_as_an_admin(self, admin: User) -> None:
        boss = make_user(role=Role.FIELD_REP, is_superuser=True)
        disable_person(user=admin, by=boss)
        assert not fresh(admin).is_active

    def test_one_of_two_admins_may_go(self, admin_client: Client) -> None:
        other = make_user(role=Role.ADMIN)
        admin_client.post(address(other, "user_disable"))
        assert not fresh(other).is_active

    def test_an_admin_changes_their_own_name(self, admin_client: Client, admin: User) -> None:
        assert admin_client.post(address(admin), values_of(admin, first_name="Adele")).status_code == 302
        assert fresh(admin).first_name == "Adele"


class TestDisable:
    def test_out_at_the_next_request_and_in_again(self, admin_client: Client, rep: User, rep_client: Client) -> None:
        customer = make_customer(assigned_rep=rep)
        assert "Disable Sam?" in admin_client.get(address(rep, "user_disable")).text
        assert fresh(rep).is_active, "asking changes nothing"
        response = admin_client.post(address(rep, "user_disable"), follow=True)
        assert "Sam is disabled, and signed out everywhere." in response.text
        assert rep_client.get("/customers/").status_code == 302
        client = Client()
        client.post("/login/", {"username": "sam", "password": "correct-horse"})
        assert not get_user(client).is_authenticated  # type: ignore[arg-type]
        customer.refresh_from_db()
        assert customer.assigned_rep == rep

        assert "can sign in again" in admin_client.post(address(rep, "user_enable"), follow=True).text
        client.post("/login/", {"username": "sam", "password": "correct-horse"})
        assert get_user(client).pk == rep.pk  # type: ignore[arg-type]

    def test_get_enables_nobody(self, admin_client: Client, rep: User) -> None:
        User.objects.filter(pk=rep.pk).update(is_active=False)
        assert admin_client.get(address(rep, "user_enable")).status_code == 405
        assert not fresh(rep).is_active


class TestList:
    def names(self, response: Any) -> list[str]:
        return sorted(row.record.username for row in response.context["table"].paginated_rows)

    def test_filters(self, admin_client: Client, manager: User, rep: User) -> None:
        make_user(username="gone", role=Role.FIELD_REP, is_active=False)
        make_user(username="boss", role=Role.FIELD_REP, is_superuser=True)
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({}, ["ada", "boss", "gone", "maya", "sam"]),
            ({"role": "admin"}, ["ada", "boss"]),
            ({"role": "field rep"}, ["gone", "sam"]),
            ({"state": "disabled"}, ["gone"]),
            ({"state": "active", "role": "field rep"}, ["sam"]),
            ({"q": "MAYA"}, ["maya"]),
            ({"q": "\x00", "role": "x", "state": "x"}, []),
        ]
        for query, expected in cases:
            assert self.names(admin_client.get(LIST, query)) == expected, query

    def test_states_in_words(self, admin_client: Client) -> None:
        make_user(username="gone", is_active=False)
        admin_client.post(NEW, values())
        User.objects.create(username="nobody")
        text = admin_client.get(LIST).text
        for words in ("active", "invited", "disabled", "none: may do nothing"):
            assert f">{words}</span>" in text

    def test_queries_do_not_grow_with_rows(self, admin_client: Client) -> None:
        admin_client.get(LIST)
        counts = []
        for many in (2, 15):
            for _ in range(many):
                make_user()
            with CaptureQueriesContext(connection) as queries:
                admin_client.get(LIST)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_export_is_safe_and_without_passwords(self, admin_client: Client) -> None:
        make_user(username="evil", first_name="=1+1")
        response = admin_client.get(LIST, {"export": "csv", "q": "evil"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert (row["Name"], row["Role"], row["State"]) == ("'=1+1", "program manager", "active")
        assert "md5" not in text


@pytest.mark.parametrize("name", ["user_update", "user_invite", "user_disable", "user_enable"])
def test_only_admins_change_people(
    manager_client: Client, rep_client: Client, admin_client: Client, manager: User, name: str
) -> None:
    other = make_user(role=Role.FIELD_REP, is_active=name != "user_enable")
    for client in (manager_client, rep_client):
        assert client.get(address(other, name)).status_code == 403
        assert client.post(address(other, name), values_of(other, role="admin")).status_code == 403
        # Nor does anybody make themself an admin.
        assert client.post(address(manager, name), values_of(manager, role="admin")).status_code == 403
    assert fresh(other).is_active is (name != "user_enable")
    assert fresh(other).role is Role.FIELD_REP
    assert fresh(manager).role is Role.PROGRAM_MANAGER
    assert admin_client.post(address(other, name), values_of(other)).status_code == 302
    assert admin_client.post(reverse(name, args=[99_999])).status_code == 404
    assert Client().post(address(other, name)).headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", [LIST, NEW])
def test_only_admins_see_and_add_people(
    manager_client: Client, rep_client: Client, admin_client: Client, path: str
) -> None:
    for client in (manager_client, rep_client):
        assert client.get(path).status_code == 403
        assert client.post(path, values()).status_code == 403
    assert admin_client.get(path).status_code == 200
    assert not User.objects.filter(username="lin").exists()
