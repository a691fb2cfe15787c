"""From rows to a customer's values, with every fault named (issue 2, CSV import)."""

import csv
import io
from typing import Any

import pytest

from portal.authorizations.services.customer_columns import guess_columns
from portal.authorizations.services.customer_file import Fault, open_customer_file
from portal.authorizations.services.customer_mapper import CustomerMapper
from portal.authorizations.services.utility_matcher import UtilityMatcher

UTILITIES = [
    (11, "pge", "Pacific Gas & Electric (PG&E)", "PG&E", "PGE"),
    (21, "cecony-utilityapi", "Consolidated Edison (ConEd)", "ConEd", "CECONY"),
]
PEOPLE = {"sam": 5, "sam@example.com": 5}


def read(data: str) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Read a list with the columns as guessed: the customers and the faults."""
    file = open_customer_file(io.BytesIO(data.encode()))
    mapper = CustomerMapper(
        header=file.header,
        columns=guess_columns(file.header),
        utilities=UtilityMatcher(UTILITIES),
        people=PEOPLE,
    )
    customers, faults = [], []
    for row in file.rows():
        values, wrong = mapper.read(row)
        assert bool(values) != bool(wrong)
        faults += wrong
        if values:
            customers.append(dict(zip(mapper.fields, values, strict=True)))
    return customers, faults


def one(header: str, *cells: str) -> dict[str, Any]:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    customers, faults = read(f"{header}\n{out.getvalue()}")
    assert faults == []
    return customers[0]


def test_every_field_of_a_row() -> None:
    header = (
        "External ID,Reference ID,First name,Last name,Company,Email,Phone,Street,Apt,City,State,Zip,Customer type,"
        "Utility,Language,Notes,Assigned rep,Favourite colour"
    )
    cells = [
        " A-1 ",
        "ref-1",
        "María\u00a0",
        "O’Brien",
        "Peña & Sons",
        "maria@example.com",
        "'+1 555 0100",
        "1 Main St",
        "Unit 2",
        "Jersey City",
        "NJ",
        "7302",
        "RES",
        "PG&E",
        "Español",
        "one\r\ntwo",
        "SAM@example.com",
        "blue",
    ]
    assert one(header, *cells) == {
        "external_id": "A-1",
        "reference_id": "ref-1",
        "name": "María O’Brien",
        "company": "Peña & Sons",
        "email": "maria@example.com",
        "phone": "+1 555 0100",
        "street": "1 Main St, Unit 2",
        "city": "Jersey City",
        "state": "NJ",
        "postal_code": "07302",
        "customer_type": "residential",
        "utility_id": 11,
        "language": "es",
        "notes": "one\ntwo",
        "assigned_rep_id": 5,
    }


def test_empty_cells() -> None:
    """What the database keeps as null is None: ids that are unique, and relations."""
    header = "External ID,Reference ID,Name,Email,Zip,Type,Utility,Language,Rep"
    assert one(header, " ", "", "Ann", "\u200b", "", " ", "", "", "\u00a0") == {
        "external_id": None,
        "reference_id": None,
        "name": "Ann",
        "email": "",
        "postal_code": "",
        "customer_type": "",
        "utility_id": None,
        "language": "en",
        "assigned_rep_id": None,
    }


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("First name,Last name", ["Ann", "Lee"], "Ann Lee"),
        ("Last name,First name", ["Lee", "Ann"], "Ann Lee"),
        ("First name,Last name", ["", "Lee"], "Lee"),
        ("First name,Last name", ["Ann", " "], "Ann"),
        ("First name,Last name,Name", ["Ann", "Lee", "Dr. Ann Lee"], "Dr. Ann Lee"),
        ("Last name,Name,First name", ["Lee", "", "Ann"], "Ann Lee"),
        ("Name", ["荣 傅"], "荣 傅"),
    ],
)
def test_names_are_joined(header: str, cells: list[str], name: str) -> None:
    assert one(header, *cells) == {"name": name}


@pytest.mark.parametrize(
    ("header", "cells", "street"),
    [
        ("Name,Street,Apt", ["x", "1 Main St", ""], "1 Main St"),
        ("Name,Apt,Street", ["x", "Unit 2", "1 Main St"], "1 Main St, Unit 2"),
        ("Name,Apt", ["x", "Unit 2"], "Unit 2"),
        ("Name,Billing Street", ["x", "800 California 116\nUnit 1"], "800 California 116, Unit 1"),
    ],
)
def test_streets_are_joined(header: str, cells: list[str], street: str) -> None:
    assert one(header, *cells)["street"] == street


def test_a_company_is_name_enough() -> None:
    assert one("First name,Company", "", "Acme") == {"name": "", "company": "Acme"}
    assert one("Company", "Acme") == {"company": "Acme"}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("External ID,Name,Company", "Name"),
        ("External ID,Company,Last name", "Last name"),
        ("External ID,Last name,First name", "First name"),
        ("External ID,Company,City", "Company"),
    ],
)
def test_neither_name_nor_company(header: str, column: str) -> None:
    _, (fault,) = read(f"{header}\nA-1, ,\n")
    assert (fault.line, fault.column, fault.value) == (2, column, "")
    assert "needs a name or a company" in fault.reason


def test_every_bad_row_is_refused_with_its_line_its_cell_and_the_reason() -> None:
    customers, faults = read(
        "external_id,name,email,utility\r\n"
        "A-1,Ann,ann@example.com,pge\r\n"
        "A-2,Bob,not-an-email,pge\r\n"
        "A-3,,c@example.com,pge\r\n"
        "A-4,Dee,d@example.com,coned\r\n"
        f"A-6,{'Eve ' * 80},e@example.com,pge\r\n"
        "A-7,Flo\0,f@example.com,pge\r\n"
        "A-8,Gus,g@example.com\r\n"
        "A-9,Hal,h@example.com,pge,too,many\r\n"
        ",,,\r\n"
        "A-11,Ivy,ivy@example.com,cecony-utilityapi\r\n"
    )
    assert [customer["external_id"] for customer in customers] == ["A-1", "A-11"]
    assert [(fault.line, fault.column) for fault in faults] == [
        (3, "email"),
        (4, "name"),
        (5, "utility"),
        (6, "name"),
        (7, "name"),
        (8, ""),
        (9, ""),
    ]
    by_line = {fault.line: fault for fault in faults}
    assert by_line[3].value == "not-an-email"
    reason = "Not a utility of the catalogue. Did you mean cecony-utilityapi (Consolidated Edison)?"
    assert by_line[5] == Fault(5, "utility", "coned", reason)
    assert by_line[6].reason.startswith("319 characters are too many: Name holds 200.")
    assert len(by_line[6].value) == 60


def test_all_faults_of_a_row_in_the_order_of_its_columns() -> None:
    _, faults = read(
        "Rep,Type,Language,Name,E-mail,External ID,Reference ID,Utility\n"
        'nobody,Prospect,Klingon,,x,1.2E+17,a/b,"Duke\nPower"\n'
    )
    assert [fault.column for fault in faults] == [
        "Rep",
        "Type",
        "Language",
        "Name",
        "E-mail",
        "External ID",
        "Reference ID",
        "Utility",
    ]
    assert {fault.line for fault in faults} == {2}
    assert faults[-1].value == "Duke ⏎ Power"
    assert all(fault.reason.endswith((".", "?")) for fault in faults)


def test_a_name_that_is_refused_is_not_missing_as_well() -> None:
    _, (fault,) = read(f"First name,Last name\n{'x' * 201},\n")
    assert fault.reason.startswith("201 characters")


@pytest.mark.parametrize(
    ("header", "cells", "column", "limit"),
    [
        ("Name,Company", ["x", "c" * 201], "Company", 200),
        ("Name,Phone", ["x", "1" * 41], "Phone", 40),
        ("Name,City", ["x", "c" * 101], "City", 100),
        ("Name,State", ["x", "s" * 51], "State", 50),
        ("Name,Zip", ["x", "1" * 21], "Zip", 20),
        ("Name,Notes", ["x", "n" * 2001], "Notes", 2000),
        ("Name,ID", ["x", "i" * 101], "ID", 100),
        ("First name,Last name", ["a" * 100, "b" * 100], "First name", 200),
        ("Name,Address 1,Address 2", ["x", "a" * 150, "b" * 60], "Address 1", 200),
    ],
)
def test_texts_beyond_the_columns_of_the_database(header: str, cells: list[str], column: str, limit: int) -> None:
    _, (fault,) = read(f"{header}\n{','.join(cells)}\n")
    assert fault.column == column
    assert f"holds {limit}" in fault.reason
    one(
        header,
        *[cell[:-1] if len(cell) > 1 else cell for cell in cells[:-1]],
        cells[-1][:limit][: -1 - len(cells[-1]) // 4],
    )


@pytest.mark.parametrize("text", ["ab", "x" * 51, "a/b", "a b", "ü"])
def test_r12_an_own_reference_id_follows_the_rule(text: str) -> None:
    _, (fault,) = read(f"Name,Reference ID\nAnn,{text}\n")
    assert (fault.column, fault.value) == ("Reference ID", text)


def test_what_a_file_repeats_is_remembered_without_limit_to_what_it_may_hold() -> None:
    rows = "".join(f"N{number},City {number},pge\n" for number in range(12_000))
    customers, faults = read(f"Name,City,Utility\n{rows}")
    assert faults == []
    assert [customer["city"] for customer in customers] == [f"City {number}" for number in range(12_000)]


@pytest.mark.parametrize(
    ("header", "cells", "street"),
    [
        ("Name,Straße,Hausnummer", ("Ann", "Hauptstr.", "12a"), "Hauptstr. 12a"),
        ("Name,Street,House number", ("Ann", "Maple St", "12"), "12 Maple St"),
        ("Name,Street,House number,Apt", ("Ann", "12 Maple St", "12", "3"), "12 Maple St, 3"),
        ("Name,Street,House number", ("Ann", "Maple St", ""), "Maple St"),
        ("Name,House number", ("Ann", "12"), "12"),
    ],
)
def test_house_number_of_its_own_column(header: str, cells: tuple[str, ...], street: str) -> None:
    assert one(header, *cells)["street"] == street
