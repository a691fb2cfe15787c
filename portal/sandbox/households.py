"""The fictitious customers behind a sign-in: the same sign-in at the same utility has the same accounts, always."""

import hashlib
from dataclasses import dataclass
from typing import Any

from portal.sandbox.utilities import Utility

ACCOUNTS = 3
_STREETS = ("Alder Street", "Harbor View", "Juniper Lane", "Mission Road", "Orchard Avenue", "Quarry Way")
_NAMES = ("Robin Example", "Dana Sample", "Alex Specimen", "Kim Instance", "Jo Placeholder")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One account that a customer can share: `number` is Leap's electric_service_account_number."""

    number: str
    street: str


def household_of(sign_in: str) -> str:
    """Return the household behind a sign-in, as a digest: what was typed is not kept."""
    return hashlib.sha256(sign_in.strip().casefold().encode()).hexdigest()


def accounts_of(utility: Utility, household: str) -> list[ServiceAccount]:
    """Return the accounts that the utility has for a household."""
    accounts = []
    for place in range(ACCOUNTS):
        number = _digits(f"{utility.utility_id}:{household}:{place}")
        street = f"{1 + number % 980} {_STREETS[number % len(_STREETS)]}"
        accounts.append(ServiceAccount(f"{number:010d}", street))
    return accounts


def details_of(utility: Utility, account: ServiceAccount, *, reference_id: str, is_commercial: bool) -> dict[str, Any]:
    """Return the blocks of a meter's detail record: customer and utility, all made up."""
    number = int(account.number)
    name = _NAMES[number % len(_NAMES)]
    city, state, postal_code = utility.town
    customer = {
        "street_1": account.street,
        "city": city,
        "state_or_province_code": state,
        "postal_code": postal_code,
        "country_code": "US",
        "end_customer_name": name,
        "end_customer_email": f"{name.split()[0].lower()}.{number % 10_000}@customer.example",
    }
    if is_commercial:
        customer["end_customer_company_name"] = f"{name.split()[1]} Works"
    if len(reference_id) >= 3:
        customer["partner_customer_reference"] = reference_id
    return {
        "customer": customer,
        "utility": {
            "utility_name": utility.leap_name,
            "load_serving_entity": utility.leap_name,
            "electric_service_account_number": account.number,
            "tariff": "B-19" if is_commercial else "E-TOU-C",
            "bill_customer_account_number": f"{number * 7 % 10**9:09d}-{number % 10}",
        },
    }


def _digits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 10**10
