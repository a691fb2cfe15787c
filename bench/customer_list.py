"""A customer list as CSV: every row good, its values written as the portal stores them, so that any importer can."""

import csv
import random
from pathlib import Path

from portal.authorizations.models import Customer, Utility

HEADER = (
    "external_id",
    "name",
    "company",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "customer_type",
    "utility",
    "language",
)
_FIRST_NAMES = ["Rosa", "José", "María", "Zoë", "Ann", "Bob", "Beth", "Luis", "Natalie", "Søren", "Wei", "Amina"]
_LAST_NAMES = ["Núñez", "O’Brien", "Smith", "García", "Nguyen", "Johnson", "Müller", "Davis", "Park", "Øyvind"]
_COMPANIES = ("", "", "", "Acme Farms", "Smith, Davis and Sons", "Río Verde LLC")
_STREETS = ("Maple St", "W 43rd St", "Oxford Street", "National Drive", "Orchard View Road")
_PLACES = {
    "pge": (("Fresno", "CA", "93722"), ("Berkeley", "CA", "94709")),
    "sce": (("Visalia", "CA", "93277"), ("Irvine", "CA", "92618")),
    "sdge": (("San Diego", "CA", "92101"),),
    "cecony-utilityapi": (("New York", "NY", "10004"),),
    "oru-utilityapi": (("Monroe", "NY", "10916"),),
    "psegli-utilityapi": (("Hicksville", "NY", "11801"),),
}


def write_customer_list(path: Path, rows: int) -> None:
    """Write the list; always the same one for a number of rows."""
    choose = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            utility = choose.choice(tuple(_PLACES))
            writer.writerow(
                (
                    f"C-{number:07}",
                    f"{choose.choice(_FIRST_NAMES)} {choose.choice(_LAST_NAMES)}",
                    choose.choice(_COMPANIES),
                    f"person{number}@example.com",
                    f"(559) 555-{number % 10_000:04}",
                    f"{choose.randint(1, 9999)} {choose.choice(_STREETS)}",
                    *choose.choice(_PLACES[utility]),
                    choose.choice(("residential", "commercial")),
                    utility,
                    choose.choice(("en", "es")),
                )
            )


def read_customers(path: Path) -> list[Customer]:
    """The list's customers as objects that are not saved yet."""
    utilities = dict(Utility.objects.values_list("utility_id", "pk"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Customer(utility_id=utilities[row.pop("utility")], **row) for row in rows]
