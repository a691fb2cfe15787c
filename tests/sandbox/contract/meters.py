"""Leap's meter services: details (v2) and enrollments (v2)."""

from tests.sandbox.contract import DAY, FLAG, MOMENT, TEXT, UUID, Schema, integer, lists, number, obj, text, words
from tests.sandbox.contract.values import (
    ACTION_TYPE,
    CLASSIFICATION,
    DEVICE_TYPE,
    FUEL,
    LOAD_TYPE,
    METER_TYPE,
    PREFERENCE,
    PROGRAM,
    REFERENCE,
    REGION,
    STATUS,
    UTILITY,
)

_NAME = text(minLength=1, maxLength=128)
_LONG_NAME = text(minLength=1, maxLength=256)
_CODE = text(minLength=2, maxLength=2)
_COUNTRY = {**_CODE, "default": "US"}
_POSTAL_CODE = text(pattern=r"^[0-9]{5}(?:-[0-9]{4})?$")
_STREET = {**_NAME, "pattern": r"""^[’'+#"@()/&.,;\sA-Za-zÀ-ɏḀ-ỿ0-9\-|\\]{1,128}$"""}
_BILLING_STREET = {**_NAME, "pattern": r"""^[’'+#"@()/&.,;\sA-Za-zÀ-ɏḀ-ỿ0-9\-\\|]{1,128}$"""}
_CITY = {**_NAME, "pattern": r"""^[’'+#"@()/&.,;\sA-Za-zÀ-ɏḀ-ỿ0-9\-]{1,128}$"""}
_TAG = text(pattern=_STREET["pattern"])
_KILO = number(0, 999999)
_ADDRESS = ("street_1", "city", "postal_code", "state_or_province_code", "country_code")

_IDENTIFIERS = {
    "meter_id": UUID,
    "partner_reference": REFERENCE,
    "transmission_region": REGION,
    "customer_classification": CLASSIFICATION,
    "load_types": lists(LOAD_TYPE, minItems=1),
    "meter_type": METER_TYPE,
    "connection_references": lists(REFERENCE, uniqueItems=True),
    "customer_group": text(pattern=r"""^[’'+#\"@()/&.,;A-Za-z\u00C0-\u024F\u1E00-\u1EFF0-9\s_\-]{0,128}$"""),
    "tags": lists(_TAG),
    "is_archived": FLAG,
}
_AUDIT = obj(created_by=words("PARTNER", "LEAP", "UTILITY"), created_at=MOMENT, updated_at=MOMENT)

_BATTERY = {
    "battery_max_discharge_rate_kw": _KILO,
    "battery_max_charge_rate_kw": _KILO,
    "battery_max_state_of_charge_percentage": number(2, 100),
    "battery_min_state_of_charge_percentage": number(0, 100),
    "installer": _LONG_NAME,
    "is_connected_to_solar": FLAG,
}
_DEVICE = obj(
    device_type=DEVICE_TYPE,
    device_serial_number=_LONG_NAME,
    device_model=_NAME,
    device_manufacturer=_NAME,
    install_date=DAY,
    battery_power_capacity_kw=_KILO,
    battery_energy_capacity_kwh=_KILO,
    battery_duration_hours=integer(0, 100),
    permission_to_operate_date=DAY,
    **_BATTERY,
)
_SITE_DEVICE = obj(
    ["device_type"],
    device_type=DEVICE_TYPE,
    model=_NAME,
    manufacturer=_NAME,
    serial_number=_LONG_NAME,
    energy_capacity_kwh=_KILO,
    power_capacity_kw=_KILO,
    energy_capacity_duration_hours=integer(0, 100),
    voltage_level=words("EVSE_LEVEL_1", "EVSE_LEVEL_2"),
    model_year=integer(1900, 2100),
    fuel_type=FUEL,
    **_BATTERY,
)
_SITE = obj(
    load_zone=_NAME,
    number_of_devices=integer(0, 99),
    on_site_fossil_generator=FLAG,
    renewable_generator=FLAG,
    generator_capacity_kw=_KILO,
    generator_model_year=integer(1900, 2100),
    generator_manufacturer=_NAME,
    generator_fuel_type=FUEL,
    generator_serial_number=_LONG_NAME,
    site_devices=lists(_SITE_DEVICE, minItems=0),
)
_CUSTOMER = obj(
    _ADDRESS,
    street_1=_STREET,
    street_2=_STREET,
    postal_code=_POSTAL_CODE,
    city=_CITY,
    state_or_province_code=_CODE,
    country_code=_COUNTRY,
    end_customer_name={**_NAME, "pattern": "^(?!.*[\ufffd\\u00A0\\uFFFD?])[\\s\\S]{1,128}$"},
    end_customer_title=text(minLength=1, maxLength=15, pattern=_CITY["pattern"]),
    end_customer_email=text(format="email", minLength=3, maxLength=128),
    end_customer_phone_number=text(minLength=3, maxLength=32),
    end_customer_company_name=_CITY,
    partner_offering_name=_NAME,
    partner_offering_date=DAY,
    is_in_wholesale_capacity_market=FLAG,
    dispatch_option=words("DAILY", "TARGETED"),
    billing=obj(
        _ADDRESS,
        street_1=_BILLING_STREET,
        street_2=_BILLING_STREET,
        postal_code=_POSTAL_CODE,
        city=_CITY,
        state_or_province_code=_CODE,
        country_code=_COUNTRY,
    ),
    partner_customer_reference=REFERENCE,
)
_UTILITY = obj(
    utility_name=UTILITY,
    load_serving_entity=_NAME,
    electric_service_account_number=_NAME,
    tariff=_NAME,
    voltage=_NAME,
    utility_meter_serial_number=_LONG_NAME,
    bill_service_agreement_number=TEXT,
    bill_customer_account_number=TEXT,
)
_NYISO = obj(
    cbl_method=words("AVERAGE_DAY", "WEATHER_ADJUSTED"),
    company_type=words(
        *("INDIVIDUAL_OR_SOLE_PROPRIETOR", "LIMITED_LIABILITY_COMPANY", "PARTNERSHIP", "CORPORATION", "OTHER"),
        "EXEMPT_PAYEE",
    ),
    existing_nyiso_resource_id=TEXT,
    partner_nyiso_resource_name=TEXT,
)

DETAILS: Schema = obj(
    ["meter_id", "audit", "is_archived", "meter_type", "transmission_region", "customer"],
    **_IDENTIFIERS,
    customer=_CUSTOMER,
    device=_DEVICE,
    site=_SITE,
    caiso=obj(is_receiving_sgip_funding=FLAG, nem_type=words("NEM2", "NEM3")),
    isone=obj(in_connected_solutions=FLAG),
    nyiso=_NYISO,
    utility=_UTILITY,
    audit=_AUDIT,
)
DETAILS_PAGE: Schema = obj(["meters"], meters=lists(DETAILS), next_page_token=TEXT)

ACTION: Schema = obj(
    (
        *("action_code", "action_description", "action_type", "delivery_period"),
        *("enrollment_deadline_date_time", "program_identifier"),
    ),
    program_identifier=PROGRAM,
    delivery_period=TEXT,
    enrollment_deadline_date_time=MOMENT,
    action_type=ACTION_TYPE,
    action_description=TEXT,
    action_code=TEXT,
)
ENROLLMENT: Schema = obj(
    (
        *("meter_id", "audit", "is_archived", "transmission_region", "global_enrollment_status", "load_types", "tags"),
        *("program_enrollment", "required_actions"),
    ),
    **_IDENTIFIERS,
    audit=_AUDIT,
    global_enrollment_status=STATUS,
    participation_preferences=lists(
        obj(
            ["participation_preference", "start_time"],
            participation_preference=PREFERENCE,
            start_time=MOMENT,
            end_time=MOMENT,
            reason=TEXT,
        )
    ),
    program_enrollment=lists(
        obj(
            (
                *("delivery_period_start_date_time", "delivery_period_end_date_time"),
                *("enrollment_deadlines", "enrollment_status"),
            ),
            program_identifier=PROGRAM,
            delivery_period=TEXT,
            delivery_period_start_date_time=MOMENT,
            delivery_period_end_date_time=MOMENT,
            enrollment_status=STATUS,
            enrollment_deadlines=lists(
                obj(
                    ["enrollment_deadline_date_time", "activation_date_time"],
                    enrollment_deadline_date_time=MOMENT,
                    activation_date_time=MOMENT,
                )
            ),
            market_group_id=UUID,
            market_group_name=TEXT,
        )
    ),
    required_actions=obj(partner=lists(ACTION), leap=lists(ACTION)),
)
ENROLLMENT_PAGE: Schema = obj(meters=lists(ENROLLMENT), next_page_token=TEXT)

ERROR: Schema = obj(title=text(minLength=1, maxLength=2000), status={"type": "integer"}, details={"type": "object"})
#: 500 of the meter services.
BARE_TEXT: Schema = TEXT

_MANY = {"minItems": 1, "maxItems": 20, "uniqueItems": True}
SEARCH: Schema = obj(
    page_token=TEXT,
    page_size=integer(1, 500, default=500),
    transmission_region=REGION,
    customer_classification=CLASSIFICATION,
    meter_ids=lists(UUID, minItems=0, maxItems=1000, uniqueItems=True),
    partner_references=lists(REFERENCE, minItems=1, maxItems=1000, uniqueItems=True),
    global_enrollment_statuses=lists(STATUS, minItems=1, maxItems=5, uniqueItems=True),
    meter_types=lists(METER_TYPE, **_MANY),
    load_types=lists(LOAD_TYPE, **_MANY),
    customer_groups=lists(TEXT, **_MANY),
    tags=lists(TEXT, **_MANY),
    last_modified_date_time=MOMENT,
    created_after_date_time=MOMENT,
    created_before_date_time=MOMENT,
    partner_action_required={**FLAG, "default": False},
    exclude_archived={**FLAG, "default": False},
    connection_reference_ids=lists(REFERENCE, minItems=1, maxItems=100, uniqueItems=True),
    action_type=lists(ACTION_TYPE, **_MANY),
)
