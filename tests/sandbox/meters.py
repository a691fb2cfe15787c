"""Meters for the sandbox's tests, made without a journey."""

import itertools
from datetime import timedelta
from typing import Any

from portal.sandbox import clock
from portal.sandbox.models import ConnectionReference, Meter

_numbers = itertools.count(1)

CUSTOMER = {
    "street_1": "12 Main Street",
    "city": "Fresno",
    "postal_code": "93701",
    "state_or_province_code": "CA",
    "country_code": "US",
    "end_customer_name": "Rosa Marín",
    "end_customer_email": "rosa@example.com",
}


def make_meter(*, references: tuple[str, ...] = (), **values: Any) -> Meter:
    """Make a meter that appeared a minute ago, with a row for each refId it was authorized under."""
    moment = values.pop("at", clock.now() - timedelta(minutes=1))
    number = next(_numbers)
    fields: dict[str, Any] = {
        "transmission_region": "CAISO",
        "customer_classification": "RESIDENTIAL",
        "utility_name": "PGE",
        "service_account": f"SA-{number:06}",
        "load_types": ["HVAC"],
        "required_actions": {"partner": [], "leap": []},
        "details": {
            "customer": CUSTOMER,
            "utility": {"utility_name": "PGE", "electric_service_account_number": f"SA-{number:06}"},
        },
        "created_at": moment,
        "updated_at": moment,
        "appears_at": moment,
        **values,
    }
    meter = Meter.objects.create(**fields)
    for reference in references:
        ConnectionReference.objects.create(meter=meter, reference_id=reference)
    return meter
