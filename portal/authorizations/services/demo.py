"""Sample data for a first look: a partner, its people, 300 customers, and links in every state they can be in.

The same customers come from the same seed; only the reference ids, which must be unguessable, differ from one
database to the next.
"""

import random
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import assign_role, sync_roles
from portal.authorizations.models import (
    Address,
    Campaign,
    Channel,
    Customer,
    CustomerTypes,
    DoorKit,
    Flow,
    FlowState,
    Installation,
    Journey,
    Link,
    Utility,
)
from portal.authorizations.services.bulk_links import issue_links
from portal.authorizations.services.customers import door_order_of
from portal.authorizations.services.demo_journeys import send_customers
from portal.authorizations.services.demo_papers import sign_papers
from portal.authorizations.services.demo_people import FAMILY_NAMES, GIVEN_NAMES, PLACES, SHARES, TRADES, Place
from portal.authorizations.services.door_devices import save_kit

#: The same for all: the demo runs on one's own machine and is refused everywhere else.
PASSWORD = "sunny-meter-42"  # noqa: S105
PEOPLE = (
    ("admin", "Ada", "Admin", Role.ADMIN),
    ("manager", "Maya", "R.", Role.PROGRAM_MANAGER),
    ("rep", "Sam", "Diaz", Role.FIELD_REP),
    ("rep2", "Ines", "Kaplan", Role.FIELD_REP),
)
#: How far back the sample data reaches.
DAYS = 90
#: So many customers, the newest, are handed no link.
WITHOUT_LINK = 40
_SEED = 20250711
_CAISO = ("pge", "sce", "sdge")
_NYISO = ("cecony-utilityapi", "oru-utilityapi", "psegli-utilityapi")


class DemoRefused(Exception):  # noqa: N818
    """Sample data has no place in this database; `str()` says why."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Whether the sample data is new, and how much there is of it."""

    created: bool
    customers: int
    links: int
    passwords_changed: tuple[str, ...]
    """Sign-in names whose password somebody has changed since."""


@transaction.atomic
def load_demo() -> DemoResult:
    """Load the sample data, once: a second call changes nothing, whatever has become of it meanwhile.

    Raises DemoRefused outside the sandbox.
    """
    if settings.LEAP_ENVIRONMENT != "sandbox":
        raise DemoRefused(
            f"sample data is for the sandbox, but LEAP_ENVIRONMENT is {settings.LEAP_ENVIRONMENT}: "
            "set LEAP_ENVIRONMENT=sandbox, and DATABASE_URL to a database of its own"
        )
    there = {user.username: user for user in User.objects.filter(username__in=[name for name, *_ in PEOPLE])}
    if there:
        changed = tuple(name for name, user in there.items() if not user.check_password(PASSWORD))
        return DemoResult(False, Customer.objects.count(), Link.objects.count(), changed)
    chance = random.Random(_SEED)  # noqa: S311 (sample data, nothing secret)
    now = timezone.now()
    _name_installation()
    people = _make_people()
    flows = _make_flows(people["admin"], now)
    campaigns = _make_campaigns(flows, people["manager"], now)
    customers = _make_customers(chance, people, now)
    _issue(customers, flows, campaigns, people)
    # The last forty have no link: some of them signed on paper instead.
    sign_papers(customers=customers[-WITHOUT_LINK:], now=now, manager=people["manager"], chance=chance)
    for rep in ("rep", "rep2"):
        save_kit(rep=people[rep], flow=flows[0], reserve=DoorKit.RESERVE, chosen_by=people["manager"])
    send_customers(
        chance=chance, now=now, earliest=now - timedelta(days=DAYS), manager=people["manager"], poster_flow=flows[0]
    )
    return DemoResult(True, Customer.objects.count(), Link.objects.count(), ())


def _name_installation() -> None:
    """Give the partner a name, unless an admin has."""
    unnamed = Installation._meta.get_field("partner_name").default
    installation, _ = Installation.objects.get_or_create(id=1, defaults={"leap_environment": "sandbox"})
    if installation.partner_name == unnamed:
        installation.partner_name = "Acme Energy"
        installation.support_email = "help@acme.example"
        installation.postal_address = "12 Grid Street\nFresno, CA 93721"
        installation.save(update_fields=["partner_name", "support_email", "postal_address"])
        Installation.objects.forget()


def _make_people() -> dict[str, User]:
    sync_roles()
    # One password, so one hash: each takes a third of a second by design.
    password = make_password(PASSWORD)
    people = {}
    for username, first_name, last_name, role in PEOPLE:
        user = User.objects.create(
            username=username,
            first_name=first_name,
            last_name=last_name,
            email=f"{username}@acme.example",
            password=password,
        )
        assign_role(user=user, role=role)
        people[username] = user
    return people


def _make_flows(admin: User, now: datetime) -> list[Flow]:
    """One flow of each kind and state; the first is the one that takes everybody."""
    live = {"state": FlowState.LIVE, "requested_at": now - timedelta(days=110), "live_at": now - timedelta(days=95)}
    connect = {"journey": Journey.CONNECT, "address": Address.TITLED}
    rows = (
        ({"name": "Summer Savings", "title": "summer-savings", **connect, **live}, (*_CAISO, *_NYISO)),
        (
            {
                "name": "California ShareMyData",
                "journey": Journey.LEGACY,
                "address": "",
                "customer_types": CustomerTypes.RESIDENTIAL,
                **live,
            },
            _CAISO,
        ),
        (
            {
                "name": "New York Business",
                "title": "new-york-business",
                "customer_types": CustomerTypes.COMMERCIAL,
                "terms": "Acme Demand Response Agreement\nNYISO SCR Customer Consent",
                **connect,
                **live,
            },
            _NYISO,
        ),
        (
            {
                "name": "Battery Pilot",
                "title": "battery-pilot",
                "customer_types": CustomerTypes.RESIDENTIAL,
                "state": FlowState.REQUESTED,
                "requested_at": now - timedelta(days=4),
                **connect,
            },
            _CAISO,
        ),
        (
            {
                "name": "Spring Pilot",
                "title": "spring-pilot",
                **connect,
                **live,
                "state": FlowState.RETIRED,
                "retired_at": now - timedelta(days=60),
            },
            ("pge", "sce"),
        ),
    )
    utilities = {utility.utility_id: utility for utility in Utility.objects.all()}
    flows = []
    for fields, utility_ids in rows:
        flow = Flow.objects.create(org_name="acme-energy", created_by=admin, **fields)
        flow.utilities.set([utilities[utility_id] for utility_id in utility_ids])
        flows.append(flow)
    return flows


def _make_campaigns(flows: list[Flow], owner: User, now: datetime) -> dict[str, Campaign]:
    today = timezone.localdate(now)
    rows = (
        ("doors", "Summer doors", flows[0], Channel.DOOR, 85, -20),
        ("letters", "Letters to PG&E homes", flows[1], Channel.POST, 70, 10),
        ("business", "New York storefronts", flows[2], Channel.EVENT, 60, -30),
        ("newsletter", "Newsletter", flows[0], Channel.EMAIL, 40, -5),
    )
    return {
        key: Campaign.objects.create(
            name=name,
            flow=flow,
            channel=channel,
            owner=owner,
            starts_on=today - timedelta(days=starts),
            ends_on=today - timedelta(days=ends),
        )
        for key, name, flow, channel, starts, ends in rows
    }


def _make_customers(chance: random.Random, people: dict[str, User], now: datetime) -> list[Customer]:
    """300 sites whose town and utility fit, a quarter of them commercial, a few of unknown type."""
    utilities = {utility.utility_id: utility for utility in Utility.objects.all()}
    places = [
        chance.choice([place for place in PLACES if place.utility_id == utility_id])
        for utility_id, count in SHARES.items()
        for _ in range(count)
    ]
    chance.shuffle(places)
    customers = []
    for number, place in enumerate(places, start=1):
        customer = _make_customer(chance, number, place)
        customer.utility = utilities[place.utility_id]
        # Sam walks California, Ines New York; every fifth customer has nobody yet.
        if number % 5:
            customer.assigned_rep = people["rep" if place.state == "CA" else "rep2"]
        customer.added_by = people["rep" if place.state == "CA" else "rep2"] if number % 12 == 0 else people["manager"]
        customer.door_order = door_order_of(customer)
        customers.append(customer)
    Customer.objects.bulk_create(customers)
    for number, customer in enumerate(customers):
        customer.created_at = now - timedelta(days=DAYS - 5 * number / len(customers))
    # auto_now_add would have all of them added today.
    Customer.objects.bulk_update(customers, ["created_at"], batch_size=100)
    return customers


def _make_customer(chance: random.Random, number: int, place: Place) -> Customer:
    (given, may_prefer_spanish), family = chance.choice(GIVEN_NAMES), chance.choice(FAMILY_NAMES)
    kind = chance.random()
    commercial = kind < 0.25
    street = chance.choice(place.streets)
    company = f"{chance.choice((place.city, street.rsplit(' ', 1)[0]))} {chance.choice(TRADES)}" if commercial else ""
    return Customer(
        external_id=f"AE-{10000 + number}",
        name=f"{given} {family}",
        company=company,
        email=f"{_plain(given)}.{_plain(family)}{number}@example.com",
        phone=f"({place.area_code}) 555-01{chance.randrange(100):02}",
        street=f"{chance.randrange(1, 2400)} {street}",
        city=place.city,
        state=place.state,
        postal_code=place.postal_code,
        customer_type="commercial" if commercial else "" if kind > 0.95 else "residential",
        language="es" if may_prefer_spanish and chance.random() < 0.8 else "en",
    )


def _plain(name: str) -> str:
    """Return the ASCII letters of a name, for a mail address."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("’", ""))
    return re.sub(r"[^a-z]+", "-", text.encode("ascii", "ignore").decode()).strip("-")


def _issue(
    customers: list[Customer], flows: list[Flow], campaigns: dict[str, Campaign], people: dict[str, User]
) -> None:
    """Issue each campaign's links, the oldest campaign first; forty customers stay without one."""
    everybody = customers[:-WITHOUT_LINK]
    homes = [customer for customer in everybody if customer.customer_type != "commercial"]
    of_rep = {
        "rep": [c for c in homes[: len(homes) // 2] if c.state == "CA"],
        "rep2": [c for c in homes[: len(homes) // 2] if c.state == "NY"],
    }
    for username, walked in of_rep.items():
        issue_links(customers=walked, flow=flows[0], campaign=campaigns["doors"], issued_by=people[username])
    rest = homes[len(homes) // 2 :]
    batches = (
        ("letters", flows[1], [c for c in rest if c.utility is not None and c.utility.utility_id == "pge"]),
        ("business", flows[2], [c for c in everybody if c.customer_type == "commercial" and c.state == "NY"]),
        ("newsletter", flows[0], [c for c in rest if c.utility is None or c.utility.utility_id != "pge"]),
    )
    for key, flow, chosen in batches:
        issue_links(customers=chosen, flow=flow, campaign=campaigns[key], issued_by=people["manager"])
    stores = [c for c in everybody if c.customer_type == "commercial" and c.state == "CA"]
    issue_links(customers=stores, flow=flows[0], issued_by=people["manager"])
