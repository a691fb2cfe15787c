"""The customers of a population: names with accents, companies, emails, addresses. Plain Python: no Django here."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from bench.population.plan import MINUTES, Plan, moment
from portal.authorizations.services.door_order import make_door_order

_FIRST_NAMES = """
Rosa José María Zoë Ann Bob Beth Luis Natalie Søren Wei Amina Chloé Diego Elena François Grace Hugo Inés Jürgen
Kofi Lucía Miguel Nadia Óscar Priya Quentin Renée Sofía Tomás Ursula Víctor Wanda Ximena Yusuf Zara
"""
_LAST_NAMES = """
Núñez O’Brien Smith García Nguyen Johnson Müller Davis Park Øyvind Álvarez Brown Chen Díaz Evans Fernández Green
Hernández Ibáñez Jones Kim López Martínez Nowak Ortiz Peña Quiñones Rivera Sánchez Taylor Ueda Vega Williams Xu
Young Zúñiga Adams Baker Clark Dvořák
"""
_FIRST, _LAST = _FIRST_NAMES.split(), _LAST_NAMES.split()
_COMPANIES = ("Acme Farms", "Smith, Davis and Sons", "Río Verde LLC", "Café Zoë", "Bright Homes Inc.", "Peña & Hijos")
_STREETS = ("Maple St", "W 43rd St", "Oxford Street", "National Drive", "Orchard View Road", "Calle Sol", "10th Ave")
_DOMAINS = ("example.com", "example.org", "mail.example.net")
#: Utility, its share of a hundred customers, and where these live.
UTILITIES = {
    "pge": (40, (("Fresno", "CA", "937"), ("Berkeley", "CA", "947"))),
    "sce": (25, (("Visalia", "CA", "932"), ("Irvine", "CA", "926"))),
    "sdge": (10, (("San Diego", "CA", "921"),)),
    "cecony-utilityapi": (15, (("New York", "NY", "100"),)),
    "oru-utilityapi": (4, (("Monroe", "NY", "109"),)),
    "psegli-utilityapi": (6, (("Hicksville", "NY", "118"),)),
}
#: One in every population: what a search for somebody in particular finds.
RARE_NAME, RARE_AT = "Zoë Quixano", 77

CUSTOMER_COLUMNS = (
    *("id", "external_id", "name", "company", "email", "phone", "street", "city", "state", "postal_code"),
    *("customer_type", "utility_id", "language", "assigned_rep_id", "door_order", "refused_at", "mail_stopped_at"),
    *("notes", "created_at", "updated_at"),
)


def customers(plan: Plan, utilities: dict[str, int], rep_keys: list[int]) -> Iterator[tuple[Any, ...]]:
    """Every customer as a row of CUSTOMER_COLUMNS."""
    choose = plan.chance("customers")
    pick = choose.choice
    share = [name for name, (count, _) in UTILITIES.items() for _ in range(count)]
    plain = {name: _plain(name) for name in (*_FIRST, *_LAST)}
    for number in range(1, plan.customers + 1):
        first, last, utility = pick(_FIRST), pick(_LAST), pick(share)
        chance = choose.randrange(1000)
        name = RARE_NAME if number == RARE_AT else f"{first} {last}"
        commercial = chance % 4 == 0
        city, state, zone = pick(UTILITIES[utility][1])
        street = f"{choose.randrange(1, 9999)} {pick(_STREETS)}"
        postal_code = f"{zone}{choose.randrange(100):02}"
        rep = plan.rep_of(number)
        created = moment(number * (MINUTES // 2) // plan.customers)
        yield (
            number,
            None if chance < 50 else f"C-{number:07}",
            name,
            pick(_COMPANIES) if commercial else "",
            "" if 50 <= chance < 130 else f"{plain[first]}.{plain[last]}{number}@{pick(_DOMAINS)}",
            f"(559) 555-{number % 10_000:04}",
            street,
            city,
            state,
            postal_code,
            "commercial" if commercial else "residential",
            None if chance == 999 else utilities[utility],
            "es" if chance % 5 == 1 else "en",
            None if rep is None else rep_keys[rep],
            make_door_order(city=city, postal_code=postal_code, street=street),
            moment(MINUTES - number % 90_000 - 1) if 130 <= chance < 140 else None,
            moment(MINUTES - number % 90_000 - 1) if 140 <= chance < 155 else None,
            "",
            created,
            created,
        )


def utilities_of(plan: Plan) -> list[str]:
    """The utility of each customer, as `customers` chooses it; what links ask for."""
    return [row[11] for row in customers(plan, {name: name for name in UTILITIES}, list(range(plan.reps)))]  # type: ignore[misc]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower().replace("ø", "o"))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())
