"""The way from door to door: town, postal code, street, then the house number as a number, on both databases."""

import importlib
import random

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import Customer
from portal.authorizations.services.customer_check import Staging, check_list
from portal.authorizations.services.customer_import import apply_list
from portal.authorizations.services.customers import add_customer, change_customer
from portal.authorizations.services.door_order import make_door_order

#: In walking order.
DOORS = [
    ("9 Maple St", "Clovis", "93611"),
    ("2 Ash Ave", "Fresno", "93701"),
    ("10 Ash Avenue", "Fresno", "93701"),
    ("9 Maple Street", "Fresno", "93701"),
    ("20 Maple St", "Fresno", "93701"),
    ("112 Maple St", "Fresno", "93701"),
    ("112A Maple St", "Fresno", "93701"),
    ("Apt 3, 114 Maple St", "Fresno", "93701-1234"),
    ("114 Maple St, Apt 12", "Fresno", "93701"),
    ("116 1/2 Maple St", "Fresno", "93701"),
    ("118-120 Maple St", "fresno", "93701"),
    ("1001 Maple St", "Fresno", "93701"),
    ("37-2 82nd St", "New York", "10118"),
    ("37-12 82nd St", "New York", "10118"),
    ("20 E 2nd St", "New York", "10118"),
    ("3 East 43 St", "New York", "10118"),
    ("11 E 43rd Street", "New York", "10118"),
    ("1 E 110th St", "New York", "10118"),
    ("Calle Mayor, 2", "San José", "95112"),
    ("Calle Mayor 12", "San Jose", "95112"),
    ("Hauptstraße 3b", "Ulm", "89073"),
    ("Hauptstr. 10", "Ulm", "89073"),
]


def shuffled() -> list[tuple[str, str, str]]:
    return random.Random(7).sample(DOORS, len(DOORS))


@pytest.mark.parametrize(
    "street", ["5th Avenue", "12", "", "99999999999 x", "#", "No. 5", "PO Box 12", "中山路 8", "½"]
)
def test_any_street_has_a_key_of_letters_and_digits(street: str) -> None:
    key = make_door_order(city="Fresno", postal_code="93701", street=street)
    assert key.startswith("fresno0093701")
    assert key.isalnum()
    assert make_door_order(city="", postal_code="", street="") == ""
    assert len(make_door_order(city="x" * 100, postal_code="9" * 20, street="y " * 100)) == 255


@pytest.mark.django_db
def test_a_reps_doors_stand_as_one_walks(rep: User, rep_client: Client) -> None:
    nowhere = add_customer(customer=Customer(name="nowhere"), added_by=rep)
    for street, city, postal_code in shuffled():
        add_customer(customer=Customer(name="Ann", street=street, city=city, postal_code=postal_code), added_by=rep)
    shown = [door.customer for door in rep_client.get("/").context["doors"]]
    assert [customer.street for customer in shown[:-1]] == [street for street, _, _ in DOORS]
    assert shown[-1] == nowhere


@pytest.mark.django_db
def test_a_changed_address_moves_the_door(rep: User) -> None:
    customer = add_customer(customer=Customer(name="Ann", street="9 Maple St", city="Fresno"), added_by=rep)
    customer.street = "20 Maple St"
    change_customer(customer=customer, fields=["street"])
    customer.refresh_from_db()
    assert customer.door_order == make_door_order(city="Fresno", postal_code="", street="20 Maple St")


@pytest.mark.django_db
def test_an_import_writes_the_order_also_when_the_list_has_a_part_of_the_address(tmp_path) -> None:
    def bring(text: str, columns: dict[int, str]) -> None:
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        staging = Staging(tmp_path / "staging")
        counts = check_list(path=path, columns=columns, staging=staging)
        apply_list(staging=staging, total=counts.good, by=None)

    bring(
        "id,name,city,zip,street\na,Ann,Fresno,93701,9 Maple St\nb,Bo,Fresno,93701,1 Oak St\n",
        {0: "external_id", 1: "name", 2: "city", 3: "postal_code", 4: "street"},
    )
    bring("id,name,street\na,Ann,20 Maple St\nc,Cy,3 Elm St\nd,Di,\n", {0: "external_id", 1: "name", 2: "street"})
    bring("id,name\nb,Bob\ne,Ed\n", {0: "external_id", 1: "name"})
    assert dict(Customer.objects.values_list("external_id", "door_order")) == {
        "a": make_door_order(city="Fresno", postal_code="93701", street="20 Maple St"),
        "b": make_door_order(city="Fresno", postal_code="93701", street="1 Oak St"),
        "c": make_door_order(city="", postal_code="", street="3 Elm St"),
        "d": "",
        "e": "",
    }


@pytest.mark.django_db
def test_the_migration_gives_the_same_keys() -> None:
    migration = importlib.import_module("portal.authorizations.migrations.0031_door_order_by_numbers")
    Customer.objects.bulk_create(Customer(name="Ann", street=s, city=c, postal_code=p) for s, c, p in shuffled())
    Customer.objects.create(name="Bo")
    with connection.schema_editor() if connection.vendor == "postgresql" else connection.cursor() as editor:
        migration.fill(apps, editor)
    for customer in Customer.objects.all():
        assert customer.door_order == make_door_order(
            city=customer.city, postal_code=customer.postal_code, street=customer.street
        )
    assert list(Customer.objects.in_walking_order().values_list("street", flat=True)) == [*(s for s, _, _ in DOORS), ""]
