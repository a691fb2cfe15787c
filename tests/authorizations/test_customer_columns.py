"""Guessing which column fills which field, from the headers of other systems (issue 2, CSV import)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.authorizations.services.customer_columns import FIELDS, check_columns, guess_columns, words_of


def guessed(header: str) -> dict[str, str]:
    names = header.split(",")
    return {names[index]: field for index, field in guess_columns(names).items()}


# Header → field, for every column that shall be mapped; the columns in the list behind it must not be.
SYSTEMS: dict[str, tuple[dict[str, str], list[str]]] = {
    "HubSpot": (
        {
            "Record ID": "external_id",
            "First Name": "first_name",
            "Last Name": "last_name",
            "Company name": "company",
            "Email": "email",
            "Phone Number": "phone",
            "Street Address": "street",
            "City": "city",
            "State/Region": "state",
            "Postal Code": "postal_code",
            "Preferred language": "language",
            "Utility": "utility",
            "Customer Type": "customer_type",
        },
        ["Contact owner", "Lead Status", "Create Date", "Marketing contact status"],
    ),
    "Salesforce accounts": (
        {
            "Account ID": "external_id",
            "Account Name": "company",
            "Contact: Full Name": "name",
            "Contact: Email": "email",
            "Phone": "phone",
            "Billing Street": "street",
            "Billing City": "city",
            "Billing State/Province": "state",
            "Billing Zip/Postal Code": "postal_code",
            "Type": "customer_type",
            "Utility Provider": "utility",
        },
        ["Account Owner", "Billing Country", "Utility Account Number"],
    ),
    "Salesforce contacts": (
        {
            "18-digit Contact ID": "external_id",
            "First Name": "first_name",
            "Last Name": "last_name",
            "Account Name": "company",
            "Mailing Street": "street",
            "Mailing City": "city",
            "Mailing State/Province": "state",
            "Mailing Zip/Postal Code": "postal_code",
            "Email": "email",
            "Mobile": "phone",
        },
        ["Email Opt Out", "Fax", "Title"],
    ),
    "Excel": (
        {
            "Zip": "postal_code",
            "Utility": "utility",
            "Name": "name",
            "E-mail": "email",
            "Customer no.": "external_id",
            "Address": "street",
            "City": "city",
            "State": "state",
        },
        ["Account Number", "Meter no."],
    ),
    "Excel in capitals": (
        {
            "ID": "external_id",
            "FULL NAME": "name",
            "CELL #": "phone",
            "STREET ADDRESS": "street",
            "APT": "street2",
            "ST": "state",
            "ZIP+4": "postal_code",
            "RES/COMM": "customer_type",
            "COMMENTS": "notes",
            "SALES REP": "rep",
        },
        ["COUNTRY"],
    ),
    "Zoho": (
        {
            "Record Id": "external_id",
            "First Name": "first_name",
            "Last Name": "last_name",
            "Account Name": "company",
            "Email": "email",
            "Phone": "phone",
            "Mailing Street": "street",
            "Mailing Zip": "postal_code",
            "Description": "notes",
        },
        ["Contact Owner.id", "Contact Owner", "Account Name.id", "Other Street", "Home Phone", "Lead Source"],
    ),
    "Pipedrive": (
        {
            "Person - ID": "external_id",
            "Person - Name": "name",
            "Person - Email": "email",
            "Person - Phone": "phone",
            "Organization - Name": "company",
            "Organization - Address": "street",
        },
        ["Organization - ID", "Person - Owner"],
    ),
    "QuickBooks": (
        {
            "Customer": "name",
            "Company": "company",
            "Street Address": "street",
            "Zip": "postal_code",
            "Customer type": "customer_type",
        },
        ["Open balance", "Attachments", "Account no."],
    ),
    "Shopify": (
        {
            "Customer ID": "external_id",
            "Default Address Company": "company",
            "Default Address Address1": "street",
            "Default Address Address2": "street2",
            "Default Address City": "city",
            "Default Address Province Code": "state",
            "Default Address Zip": "postal_code",
            "Phone": "phone",
            "Note": "notes",
        },
        ["Accepts Email Marketing", "Default Address Phone", "Default Address Country Code", "Accepts SMS Marketing"],
    ),
    "Mailchimp": (
        {"Email Address": "email", "First Name": "first_name", "Phone Number": "phone", "NOTES": "notes"},
        ["MEMBER_RATING", "OPTIN_IP", "LEID", "EUID", "TAGS"],
    ),
    "Google": (
        {
            "Name": "name",
            "Given Name": "first_name",
            "Family Name": "last_name",
            "E-mail 1 - Value": "email",
            "Phone 1 - Value": "phone",
            "Address 1 - Street": "street",
            "Address 1 - City": "city",
            "Address 1 - Region": "state",
            "Address 1 - Postal Code": "postal_code",
            "Organization 1 - Name": "company",
        },
        ["E-mail 1 - Type", "E-mail 2 - Value", "Phone 1 - Type", "Additional Name", "Address 1 - Formatted"],
    ),
    "Jobber": (
        {
            "J-ID": "external_id",
            "Display Name": "name",
            "Company Name": "company",
            "Main Phone #s": "phone",
            "E-mails": "email",
            "Service Street 1": "street",
            "Service Street 2": "street2",
            "Service City": "city",
            "Service ZIP code": "postal_code",
        },
        ["Billing Street 1", "Billing Street 2", "Billing City", "Billing ZIP code", "Service Property Name"],
    ),
    "ServiceTitan": (
        {
            "Customer ID": "external_id",
            "Customer Name": "name",
            "Location Street": "street",
            "Location Zip": "postal_code",
        },
        ["Customer Address", "Location ID", "Location Name"],
    ),
    "Aurora": (
        {
            "Project ID": "external_id",
            "Customer First Name": "first_name",
            "Customer Email": "email",
            "Property Address": "street",
        },
        ["Project Name", "Mailing Address"],
    ),
    "Enphase": (
        {"System ID": "external_id", "System Name": "name", "State/Province": "state", "Electric Utility": "utility"},
        ["Gas Utility", "Status"],
    ),
    "Spanish": (
        {
            "Nº cliente": "external_id",
            "Nombre": "first_name",
            "Apellidos": "last_name",
            "Correo electrónico": "email",
            "Teléfono móvil": "phone",
            "Dirección": "street",
            "Código postal": "postal_code",
            "Tipo de cliente": "customer_type",
            "Idioma": "language",
            "Compañía eléctrica": "utility",
        },
        ["País"],
    ),
    "German": (
        {
            "Kundennr.": "external_id",
            "Vorname": "first_name",
            "Name": "last_name",
            "Firma": "company",
            "E-Mail-Adresse": "email",
            "Straße und Hausnummer": "street",
            "PLZ": "postal_code",
            "Ort": "city",
            "Stromversorger": "utility",
            "Bemerkung": "notes",
        },
        ["Zählernummer"],
    ),
    "a program": (
        {
            "customerId": "external_id",
            "companyName": "company",
            "emailAddress": "email",
            "address_line_2": "street2",
            "zipCode": "postal_code",
            "utility_id": "utility",
            "preferredLanguage": "language",
            "refId": "reference_id",
            "assigned_rep": "rep",
        },
        ["url", "short_url", "createdAt"],
    ),
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("backwards", [False, True])
def test_headers_of_other_systems_in_any_order(system: str, backwards: bool) -> None:
    mapped, left = SYSTEMS[system]
    header = [*mapped, *left]
    if backwards:
        header.reverse()
    assert {header[index]: field for index, field in guess_columns(header).items()} == mapped


def test_an_account_is_a_company_beside_a_person_and_a_name_alone() -> None:
    assert guessed("Account Name,Contact Name")["Account Name"] == "company"
    assert guessed("Account Name,Last Name")["Account Name"] == "company"
    assert guessed("Account Name,Email")["Account Name"] == "name"


@pytest.mark.parametrize("header", ["Company name", "company", "Email,Company Name", "Organization"])
def test_a_company_is_never_a_name(header: str) -> None:
    assert "name" not in guessed(header).values()
    assert "company" in guessed(header).values()


@pytest.mark.parametrize(
    "header",
    [
        "Utility account number",
        "Utility Account ID",
        "Account Number",
        "Service Account ID",
        "Meter Number",
        "Utility bill",
        "Gas utility",
        "Reference",
        "Owner",
        "Email status",
        "File name",
        "User name",
    ],
)
def test_left_alone(header: str) -> None:
    assert guessed(header) == {}


def test_exact_wins_over_loose() -> None:
    assert guessed("Work Email,Email,Contact Email") == {"Email": "email"}
    assert guessed("Customer Utility,Utility") == {"Utility": "utility"}


def test_the_parts_of_one_address_stay_together() -> None:
    """A street of the site is never put beside the city of the bill, even if no other city is there."""
    assert guessed("Service Address,Billing City,Billing Zip") == {"Service Address": "street"}
    assert guessed("Address,City,Service Address,Service City") == {"Service Address": "street", "Service City": "city"}
    assert guessed("Billing Street,Billing City,Shipping Street,Shipping City") == {
        "Shipping Street": "street",
        "Shipping City": "city",
    }
    assert guessed("Address,City,Billing Zip") == {"Address": "street", "City": "city", "Billing Zip": "postal_code"}


def test_a_type_is_the_customer_type_only_if_its_values_are() -> None:
    header = ["Name", "Type"]
    assert guess_columns(header)[1] == "customer_type"
    assert guess_columns(header, [["Ann", ""], ["Bob", ""]])[1] == "customer_type"
    assert guess_columns(header, [["Ann", "Prospect"], ["Bob", "Commercial"]])[1] == "customer_type"
    assert 1 not in guess_columns(header, [["Ann", "Prospect"], ["Bob", "Customer - Direct"], ["short"]])
    assert guess_columns(["Name", "Customer type"], [["Ann", "Prospect"]])[1] == "customer_type"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Billing Zip/Postal Code", "billing zip postal code"),
        ("billingZip_postalCode", "billing zip postal code"),
        ("  E-Mail #2 ", "email no 2"),
        ("Straße", "strasse"),
        ("Dirección 2", "direccion 2"),
        ("PGECustomerID", "pge customer id"),
        ("Contact: Contact ID", "contact id"),
        ("address1", "address 1"),
        ("…", ""),
        ("", ""),
    ],
)
def test_words_of_a_header(header: str, words: str) -> None:
    assert " ".join(words_of(header)) == words


@given(st.lists(st.text() | st.sampled_from([name for mapped, _ in SYSTEMS.values() for name in mapped]), max_size=30))
def test_any_header_gives_each_field_at_most_once(header: list[str]) -> None:
    columns = guess_columns(header)
    assert len(set(columns.values())) == len(columns)
    assert set(columns.values()) <= set(FIELDS)
    assert all(0 <= index < len(header) for index in columns)


def test_check_columns() -> None:
    header = ["A", "B", "C"]
    assert check_columns({0: "name", 1: "email"}, header) == []
    assert check_columns({0: "last_name"}, header) == []
    assert check_columns({2: "company"}, header) == []
    assert check_columns({0: "name", 2: "name"}, header) == ["“A” and “C” are both chosen as Name. Keep one of them."]
    assert len(check_columns({0: "name", 1: "colour"}, header)) == 1
    assert len(check_columns({0: "name", 3: "email"}, header)) == 1
    (missing,) = check_columns({0: "email"}, header)
    assert "Name or Company" in missing


def test_pipedrives_address_in_many_columns_wins_over_the_one_line() -> None:
    at = "of Postal address"
    header = (
        f"Person - ID,Person - Name,Person - Organization,Person - Postal address,Person - Street/road name {at},"
        f"Person - House number {at},Person - City/town/village/locality {at},Person - State/county {at},"
        f"Person - ZIP/Postal code {at},Person - Owner"
    )
    found = ["external_id", "name", "company", None, "street", "house_number", "city", "state", "postal_code", None]
    columns = guess_columns(header.split(","))
    assert [columns.get(index) for index in range(10)] == found


def test_remarks_in_brackets_change_nothing_and_other_brackets_do() -> None:
    header = "Kd.-Nr.,Last Name (required),State (2-letter),ZIP (5 digits)*,Site Address [optional],Usage (kWh)"
    fields = ["external_id", "last_name", "state", "postal_code", "street"]
    assert list(guess_columns(header.split(",")).values()) == fields
    assert words_of("Address (billing)") == ("address", "billing")
