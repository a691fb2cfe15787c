"""Every route of the staff's screens says what the audit records of it, and what shows a customer is recorded."""

import re
from typing import Any

import pytest
from django.urls import reverse

from portal.accounts.roles import Role
from portal.authorizations.models import AuditEntry, Customer
from portal.authorizations.views.audited import AUDITED
from tests import factories
from tests.test_routes import LOGINS, Route, World, client_of, walk

#: What stands nowhere but in the customer's row.
MARKS = {"name": "Zebulonia Quattlebaum", "email": "zq@marker.example", "street": "77 Markerstone Rd"}


@pytest.fixture
def world(db: None) -> World:
    world = World()
    Customer.objects.filter(pk=world.objects["customer"].pk).update(**MARKS)
    return world


def is_staffs(route: Route) -> bool:
    """The portal's own screens; Django's admin is recorded by model, and the sandbox acts as Leap."""
    outside = ("admin:", "admin/", "sandbox:")
    return not (route.is_public or route.name.startswith(outside))


def text_of(response: Any) -> str:
    return b"".join(response).decode("utf-8", "replace")


def test_every_screen_says_what_the_audit_records_of_it(world: World) -> None:
    names = {route.name for route in walk(world) if is_staffs(route)}
    assert names - AUDITED.keys() == set(), "say in views/audited.py what the new screen shows or hands out"
    assert AUDITED.keys() - names - LOGINS == set(), "these routes are gone"


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_what_shows_a_customer_is_recorded(world: World, role: Role) -> None:
    """Walked as a reader: wherever a customer's name, address or email stands, an entry has been made before."""
    user = factories.make_user(role=role)
    Customer.objects.filter(pk=world.objects["customer"].pk).update(assigned_rep=user)
    client = client_of(user)
    silent, shown = [], set()
    for route in walk(world):
        if route.is_public or route.name == "logout":
            continue
        before = AuditEntry.objects.count()
        response = client.get(route.address)
        text = text_of(response)
        if response.status_code in {200, 422} and any(mark in text for mark in MARKS.values()):
            shown.add(route.name)
            if AuditEntry.objects.count() == before:
                silent.append(route.name)
    assert silent == [], "say in views/audited.py what these show"
    assert {"customer_detail", "customer_list", "link_detail"} <= shown, "else nothing was walked"


def test_what_is_handed_out_by_a_form_is_recorded(world: World) -> None:
    client = client_of(factories.make_user(role=Role.ADMIN))
    for name, key in (("customer_export", "customer"), ("link_export", "link")):
        response = client.post(reverse(name), {"select": [world.objects[key].pk]})
        assert MARKS["name"] in text_of(response)
        first, last = AuditEntry.objects.filter(action="exported", noun=key).order_by("pk")
        assert (first.details, last.count, last.details["ended"]) == ({"chosen": 1}, 1, True)


def test_the_admins_pages_are_recorded_by_model(world: World) -> None:
    client = client_of(factories.make_user(role=Role.ADMIN))
    customer = world.objects["customer"]
    client.get(reverse("admin:authorizations_customer_changelist"))
    client.get(reverse("admin:authorizations_customer_change", args=[customer.pk]))
    shown = AuditEntry.objects.filter(action="saw").order_by("pk").values_list("noun", "row", "count")
    assert list(shown) == [("customer", None, Customer.objects.count()), ("customer", customer.pk, 1)]


def test_no_entry_of_the_walk_holds_personal_data(world: World) -> None:
    client = client_of(factories.make_user(role=Role.ADMIN))
    for route in walk(world):
        if not route.is_public and route.name != "logout":
            list(client.get(route.address, {"q": "Zebulonia", "zq@marker.example": "1", "noun": "zq@marker.example"}))
    said = str(list(AuditEntry.objects.values_list("noun", "details")))
    assert "Zebulonia" not in said
    assert "marker" not in said
    assert not re.search(r"[^\x20-\x7e]", said)
