"""Reading customer lists: encodings, delimiters, line ends, line numbers, and faults in words (issue 2, CSV import)."""

import csv
import gzip
import io
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.authorizations.services import customer_file
from portal.authorizations.services.customer_file import (
    CustomerFile,
    CustomerFileError,
    Row,
    open_customer_file,
    shorten,
)

BOMS = {"utf-8-sig": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def opened(data: bytes | str) -> CustomerFile:
    return open_customer_file(io.BytesIO(data.encode() if isinstance(data, str) else data))


def rows_of(data: bytes | str) -> list[Row]:
    return list(opened(data).rows())


def good(data: bytes | str) -> list[tuple[int, list[str]]]:
    rows = rows_of(data)
    assert [row.fault for row in rows if row.fault] == []
    return [(row.line, row.cells) for row in rows]


def error_of(data: bytes | str) -> str:
    with pytest.raises(CustomerFileError) as caught:
        opened(data)
    return str(caught.value)


def encoded(text: str, encoding: str) -> bytes:
    return BOMS.get(encoding, b"") + text.encode(encoding)


def test_imports_without_django() -> None:
    modules = "customer_file, customer_columns, customer_values, customer_mapper, utility_matcher"
    code = f"import sys\nfrom portal.authorizations.services import {modules}\nsys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


# Encodings, delimiters and line ends


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "windows-1252"])
def test_every_encoding_delimiter_and_line_end(encoding: str, delimiter: str, newline: str) -> None:
    lines = [["name", "city", "notes"], ["Zoë Müller", "Peña", "“hi” – 5 €"], ["Bob", "Fresno", ""]]
    text = newline.join(delimiter.join(cells) for cells in lines) + newline
    file = opened(encoded(text, encoding))
    assert (file.encoding, file.delimiter) == (encoding, delimiter)
    assert file.header == ("name", "city", "notes")
    assert [(row.line, row.cells) for row in file.rows()] == [(2, lines[1]), (3, lines[2])]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(encoding: str) -> None:
    file = opened("name\tcity\r\nZoë\t東京\r\n".encode(encoding))
    assert file.encoding == encoding
    assert next(file.rows()).cells == ["Zoë", "東京"]


@pytest.mark.parametrize(("encoding", "city"), [("windows-1252", "Peña"), ("utf-8", "Peña")])
def test_a_late_umlaut_decides_the_encoding(encoding: str, city: str) -> None:
    """The first 600 KB are plain ASCII; the letter that tells comes on the last line."""
    body = "".join(f"Customer {number},Fresno\n" for number in range(30_000))
    file = opened(f"name,city\n{body}Zoe,{city}\n".encode(encoding))
    assert file.encoding == encoding
    *_, last = file.rows()
    assert (last.line, last.cells, last.fault) == (30_002, ["Zoe", city], None)


def test_damaged_utf_8_stays_utf_8_and_names_the_row() -> None:
    data = "name,city\nZoë,Peña\nJosé,Øst\n".encode() + "Zoë,Fresno\n".encode("windows-1252") + b"Bob,Napa\n"
    file = opened(data)
    first, second, third, fourth = file.rows()
    assert file.encoding == "utf-8"
    assert (first.cells, second.cells, fourth.cells) == (["Zoë", "Peña"], ["José", "Øst"], ["Bob", "Napa"])
    assert third.fault is not None
    assert (third.fault.line, third.fault.column) == (4, "name")
    assert "cannot be read as UTF-8" in third.fault.reason


def test_a_cut_off_utf_8_file_spoils_the_last_row_only() -> None:
    rows = rows_of("name,city\nZoë,Peña\nJosé,Pe".encode() + "ñ".encode()[:1])
    assert rows[0].cells == ["Zoë", "Peña"]
    assert rows[1].fault is not None


def test_a_byte_that_windows_1252_does_not_know() -> None:
    rows = rows_of(b"name,city\nJos\xe9,Pe\xf1a\nB\x81b,Napa\n")
    assert rows[0].cells == ["José", "Peña"]
    assert rows[1].fault is not None
    assert "Windows-1252" in rows[1].fault.reason


def test_a_replacement_character_in_sound_utf_8_is_let_pass() -> None:
    assert good("name,city\nJos\ufffd,Napa\n") == [(2, ["Jos\ufffd", "Napa"])]


@pytest.mark.parametrize(
    ("header", "row", "delimiter", "cells"),
    [
        ('"Address, City, State";Zip', '"1 Main St, Napa, CA";94558', ";", ["1 Main St, Napa, CA", "94558"]),
        ("Name;City, State;Zip", "Ann;Napa, CA;94558", ";", ["Ann", "Napa, CA", "94558"]),
        ("Name;A, B, C;Zip", "Ann;x;1", ";", ["Ann", "x", "1"]),
        ("Name|Notes, private, long", "Ann|none", "|", ["Ann", "none"]),
        ("Email", "ann@example.com", ",", ["ann@example.com"]),
    ],
)
def test_the_delimiter_is_chosen_outside_quotation_marks(
    header: str, row: str, delimiter: str, cells: list[str]
) -> None:
    file = opened(f"{header}\n{row}\n{row}\n")
    assert file.delimiter == delimiter
    assert next(file.rows()).cells == cells


@pytest.mark.parametrize("said", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;"])
def test_a_line_that_names_the_delimiter(said: str) -> None:
    file = opened(f"{said}\r\nname;a,b,c\r\nAnn;x\r\n")
    assert (file.delimiter, file.header) == (";", ("name", "a,b,c"))
    assert [(row.line, row.cells) for row in file.rows()] == [(3, ["Ann", "x"])]


def test_a_space_before_the_quotation_mark() -> None:
    assert good('name, city\n"Smith, Ann", "Napa, CA"\n') == [(2, ["Smith, Ann", "Napa, CA"])]


# Lines and cells


def test_line_numbers_after_quoted_newlines() -> None:
    data = 'name,"no\r\ntes"\r\nAnn,"one\r\ntwo\nthree"\r\nBob,\r\n"C\ry","x"\r\nDee,d'
    assert opened(data).header == ("name", "no tes")
    assert good(data) == [
        (3, ["Ann", "one\r\ntwo\nthree"]),
        (6, ["Bob", ""]),
        (7, ["C\ry", "x"]),
        (9, ["Dee", "d"]),
    ]


def test_line_numbers_and_cells_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place where a chunk may end: within a letter, between CR and LF, within a quoted cell."""
    data = 'name,notes\r\nZoë,"öne\r\ntwo"\r\n東京,"a""b"\r\nBob,\r\n'.encode()
    expected = [(2, ["Zoë", "öne\r\ntwo"]), (4, ["東京", 'a"b']), (5, ["Bob", ""])]
    for size in range(1, 40):
        monkeypatch.setattr("portal.authorizations.services.file_encoding._CHUNK", size)
        assert good(data) == expected, size


def test_blank_lines_and_empty_rows_are_skipped_and_counted() -> None:
    data = '\r\n,,\r\n  \r\nname,city,zip\r\nAnn,Napa,1\r\n,,\r\n\r\n\u00a0, ,\r\nBob,,\r\n"","",""\r\n\r\n'
    file = opened(data)
    for _ in range(2):  # counted anew each time
        assert [(row.line, row.cells) for row in file.rows()] == [(5, ["Ann", "Napa", "1"]), (9, ["Bob", "", ""])]
        assert file.empty_rows == 5


def test_empty_cells_too_many_are_dropped() -> None:
    file = opened("name,city,,\nAnn,Napa,,\nBob,Fresno\nCy,Napa,,, ,\n")
    assert file.header == ("name", "city")
    assert [row.cells for row in file.rows()] == [["Ann", "Napa"], ["Bob", "Fresno"], ["Cy", "Napa"]]


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("A-8,Gus,g@example.com", "3 cells where the header has 4: add"),
        ("A-8", "1 cell where the header has 4: add"),
        ("A-9,Hal,h@example.com,sce,too,many", "6 cells where the header has 4: remove"),
    ],
)
def test_a_wrong_number_of_cells(line: str, begins: str) -> None:
    before, row, after = rows_of(f"id,name,email,utility\n1,a,b,c\n{line}\n2,a,b,c\n")
    assert before.fault is None
    assert after.cells == ["2", "a", "b", "c"]
    assert row.fault is not None
    assert (row.line, row.fault.line, row.fault.column) == (3, 3, "")
    assert row.fault.reason.startswith(begins)


@pytest.mark.parametrize(
    ("character", "shown", "named"), [("\0", "␀", "NUL"), ("\x1b", "␛", "code 27"), ("\x85", "�", "133")]
)
def test_a_control_character_in_a_cell(character: str, shown: str, named: str) -> None:
    _, row, last = rows_of(f"id,name\nA-6,Eve\tx\nA-7,Flo{character}\nA-8,Gus\n")
    assert row.fault is not None
    assert (row.fault.line, row.fault.column, row.fault.value) == (3, "name", f"Flo{shown}")
    assert named in row.fault.reason
    assert last.cells == ["A-8", "Gus"]


def test_a_control_character_in_utf_16() -> None:
    (row,) = rows_of(encoded("id,name\nA-7,Flo\0\n", "utf-16-le"))
    assert row.fault is not None
    assert row.fault.column == "name"


def test_a_column_without_a_name_is_kept_and_called_by_its_letter() -> None:
    file = opened(",name,\u200b,city\n0,Ann,x,Napa\n1,Bob,\x01,Napa\n")
    assert file.header == ("", "name", "", "city")
    first, second = file.rows()
    assert first.cells == ["0", "Ann", "x", "Napa"]
    assert second.fault is not None
    assert second.fault.column == "column C"


# Quotation marks that go wrong


def test_an_unclosed_quotation_mark_costs_one_row_only() -> None:
    lines = [f"A-{number},Customer {number},x" for number in range(2, 700)]
    lines[3] = 'A-5,"Customer 5,x'
    found = rows_of("id,name,notes\n" + "\n".join(lines) + "\n")
    faults = [row.fault for row in found if row.fault]
    assert [(fault.line, fault.column, fault.value) for fault in faults] == [(5, "name", "Customer 5,x ⏎ ")]
    assert "opens this cell on line 5 is not closed" in faults[0].reason
    assert [row.line for row in found] == list(range(2, 700))


@pytest.mark.parametrize("later", ['A-4,"Dee, D",x', 'A-4,Dee,"x"', 'A-4,Dee,"one\ntwo"'])
def test_an_unclosed_quotation_mark_does_not_swallow_the_next_quoted_cell(later: str) -> None:
    found = rows_of(f'id,name,notes\nA-1,Ann,x\nA-2,"Bob,x\nA-3,Cy,x\n{later}\nA-5,Eve,x\n')
    assert [row.line for row in found if row.fault] == [3]
    assert [row.cells[0] for row in found if not row.fault] == ["A-1", "A-3", "A-4", "A-5"]


def test_an_unclosed_quotation_mark_on_the_last_line() -> None:
    (_, row) = rows_of('id,name,notes\nA-1,Ann,x\nA-2,Bob,"x')
    assert row.fault is not None
    assert (row.fault.line, row.fault.column, row.fault.value) == (3, "notes", "x")
    assert row.cells == ['A-2,Bob,"x']  # as it came, for the list of refused rows


def test_the_line_named_is_where_the_quotation_mark_opens() -> None:
    found = rows_of('id,name,notes\nA-1,"Ann\nof two lines","never closed\nA-2,Bob,x\n')
    assert found[0].fault is not None
    assert (found[0].line, found[0].fault.line, found[0].fault.column) == (2, 3, "notes")
    assert [row.cells for row in found[1:]] == [["A-2", "Bob", "x"]]


def test_text_after_the_closing_quotation_mark() -> None:
    bad, fine = rows_of('id,name\nA-1,"Joe "Bud" Miller"\nA-2,5" pipe\n')
    assert bad.fault is not None
    assert (bad.fault.line, bad.fault.column) == (2, "name")
    assert "twice" in bad.fault.reason
    assert fine.cells == ["A-2", '5" pipe']


@pytest.mark.parametrize(
    "lines",
    [
        ['x","'],  # closes one cell and opens the next
        ['"x'],
        ['"x', *["y"] * 199],  # opened, and without another mark until the bound
        ['"x', *['y,""z""'] * 199],
        ['"x', *['y,"",z'] * 198, '"x'],
    ],
)
def test_a_file_of_unclosed_quotation_marks_is_read_in_linear_time(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = itertools.count()
    original = customer_file._Lines.__next__

    def counted(lines: customer_file._Lines) -> str:
        next(asked)
        return original(lines)

    monkeypatch.setattr(customer_file._Lines, "__next__", counted)
    count = 10_000 // len(lines)
    found = rows_of("id,name\n" + "\n".join(lines * count))
    assert sum(row.fault is not None for row in found) >= count // 200
    assert next(asked) < 3.5 * count * len(lines)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_beyond_the_limit_of_the_csv_module(quote: str) -> None:
    big = "x" * (csv.field_size_limit() + 1)
    before, row, after = rows_of(f"id,notes\nA-1,a\nA-2,{quote}{big}{quote}\nA-3,c\n")
    assert (before.cells, after.cells, after.line) == (["A-1", "a"], ["A-3", "c"], 4)
    assert row.fault is not None
    assert row.fault.line == 3
    assert "more than 131,072 characters" in row.fault.reason
    assert len(row.fault.value) <= 60


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_a_line_without_end_is_a_fault_in_bounded_memory(newline: str) -> None:
    """The lines are cut while they are read: none longer than two chunks ever exists."""
    data = newline.join(["id,notes", "A-1," + "x" * 3_000_000, "A-2,b", "A-3," + "y" * 250_000, "A-4,d"])
    found = rows_of(data)
    assert [row.line for row in found] == [2, 3, 4, 5]
    assert [row.fault is not None for row in found] == [True, False, True, False]
    assert found[0].fault is not None
    assert "The line has more than 200,000 characters" in found[0].fault.reason
    assert found[2].fault is not None
    longest = max(map(len, customer_file._split_lines(["x" * 262_144] * 40)))
    assert longest == customer_file.MAX_RECORD_LENGTH + 1


def test_a_line_cut_short_keeps_its_end() -> None:
    r"""The CR that ends a chunk may be half of a CRLF, even behind a line that is cut."""
    long = "x" * 250_000
    for texts in ([long + "\r", "\nnext\n"], [long, "\r", "\nnext\n"], [long + "\r\n", "next\n"]):
        _, following = customer_file._split_lines(texts)
        assert following == "next\n"
    _, following = customer_file._split_lines([long + "\r", "next"])
    assert following == "next"


def test_a_long_record_within_the_bounds_is_read() -> None:
    note = "\n".join(["note"] * 190)
    assert good(f'id,notes\nA-1,"{note}"\nA-2,x\n') == [(2, ["A-1", note]), (192, ["A-2", "x"])]


# Faults of the whole file


def _zip(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "x" * 100)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "kind", "advice"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a PDF document", "Ask for the list"),
        (b"#!/bin/sh\nexec true\n", "a program", "Ask for the list"),
        (b"\x7fELF\x02\x01\x01", "a program", "Ask for the list"),
        (_zip("xl/workbook.xml"), "an Excel workbook (.xlsx)", "Save As, “CSV UTF-8"),
        (_zip("word/document.xml"), "a Word document", "Ask for the list"),
        (_zip("customers.csv"), "a ZIP archive", "Unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an Excel workbook (.xls)", "Save As"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "an image (PNG)", "Ask for"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "an image (JPEG)", "Ask for"),
        (gzip.compress(b"name\nAnn\n"), "a gzip archive", "Unpack it"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html></html>", "a web page", "Export"),
    ],
    # Not the bytes: archives hold the time, and pytest-xdist's processes have to agree on the names.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_another_kind_of_file_is_named(data: bytes, kind: str, advice: str) -> None:
    said = error_of(data)
    assert kind in said
    assert advice in said


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b",,,\n,,,\n", b"\xff\xfe", b" \n", b"sep=;\n"])
def test_an_empty_file(data: bytes) -> None:
    assert error_of(data).startswith("The file is empty")


@pytest.mark.parametrize("data", ["name,city", "name,city\n", "name,city\r\n\r\n,\r\n"])
def test_a_header_without_rows(data: str) -> None:
    assert "a header but no rows" in error_of(data)


@pytest.mark.parametrize("data", [bytes(range(256)) * 20, b"\0\1\2\3" * 5, b"name\n" + b"\x01\x02\x03ab" * 100])
def test_garbage_is_no_text(data: bytes) -> None:
    assert "not a text file" in error_of(data)


@pytest.mark.parametrize("second", ["Email", "email", " EMAIL\u00a0"])
def test_a_header_that_appears_twice_names_both_columns(second: str) -> None:
    said = error_of(f"name,Email,city,{second}\nAnn,a,b,c\n")
    assert said.startswith(f"The header “{second.strip()}” stands twice: column B (number 2) and column D (number 4).")


def test_the_columns_beyond_z_have_two_letters() -> None:
    header = ",".join(f"c{number}" for number in range(26))
    assert "column AA (number 27) and column AB (number 28)" in error_of(f"{header},x,x\n")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('name,"city\nAnn,x\nBob,y\n', "quotation mark in the header, on line 1"),
        ('\n"na"me,city"\nAnn,x\n', "quotation mark"),
        ('name,"ci"ty"x\nAnn,x\n', "quotation mark"),
        ("A-1,ann@example.com,Napa\nA-2,bob@example.com,Napa\n", "column B holds an email address, ann@example.com"),
        ("x" * 500_000 + "\nAnn", "more than 200,000 characters"),
    ],
)
def test_a_header_that_cannot_serve(data: str, says: str) -> None:
    assert says in error_of(data)


def test_a_path_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CustomerFileError, match="cannot be opened"):
        open_customer_file(tmp_path / "none.csv")


def test_a_path_is_read_as_often_as_wanted_and_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"name\n" + b"Ann\n" * 300_000)
    file = open_customer_file(path)
    rows = file.rows()
    next(rows)
    assert 0 < file.fraction_read < 0.5
    assert 1 + sum(1 for _ in rows) == 300_000
    assert file.fraction_read == 1
    assert next(file.rows()).line == 2


def test_shorten() -> None:
    assert shorten("a\r\nb\tc") == "a ⏎ b c"
    assert shorten("x" * 60) == "x" * 60
    assert shorten("x" * 61) == "x" * 59 + "…"


# Any table, any bytes

# Text that a spreadsheet may hold: no control characters but tab and line breaks, no halves of UTF-16 pairs.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\r\n")) | st.sampled_from(
    ['"', '""', " ", ",", "a;b", "\r\n", "x\ry", "l\n", "|", "'", "é", "–"]
)
WESTERN = st.text(st.characters(codec="cp1252", exclude_categories=("Cc",), include_characters="\t\r\n"))


@st.composite
def tables(draw: st.DrawFn, text: st.SearchStrategy[str]) -> list[list[str]]:
    width = draw(st.integers(2, 5))  # the header of one column names no delimiter
    # The first cell is not empty, or a row might be skipped as empty.
    row = st.builds(
        lambda first, rest: [f"a{first}", *rest], text, st.lists(text, min_size=width - 1, max_size=width - 1)
    )
    return draw(st.lists(row, min_size=1, max_size=6))


def _written(table: list[list[str]], delimiter: str, newline: str, quoting: int) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow([f"column {number}" for number in range(len(table[0]))])
    writer.writerows(table)
    return out.getvalue()


# With CRLF the csv module quotes what needs it; with the others it would leave a lone CR bare.
LINE_ENDS = st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)])


@settings(max_examples=200, deadline=None)
@given(
    tables(TEXT),
    st.sampled_from([",", ";", "\t", "|"]),
    LINE_ENDS,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]),
)
def test_what_csv_wrote_is_read_back(
    table: list[list[str]], delimiter: str, line_end: tuple[str, int], encoding: str
) -> None:
    text = _written(table, delimiter, *line_end)
    rows = rows_of(encoded(text, encoding))
    assert [row.cells for row in rows] == table
    assert rows[0].line == 2


@settings(max_examples=100, deadline=None)
@given(tables(WESTERN), st.sampled_from([",", ";", "\t", "|"]), LINE_ENDS)
def test_what_csv_wrote_in_windows_1252_is_read_back(
    table: list[list[str]], delimiter: str, line_end: tuple[str, int]
) -> None:
    # Letters enough to outweigh those of the table that happen to be valid UTF-8.
    table = [*table, ["é" * 300, *[""] * (len(table[0]) - 1)]]
    rows = rows_of(_written(table, delimiter, *line_end).encode("cp1252"))
    assert [row.cells for row in rows] == table


BYTES = st.binary(max_size=300) | st.lists(
    st.sampled_from([b'"', b",", b";", b"\n", b"\r", b"\0", b"a", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"sep=", b"\x81"]),
    max_size=60,
).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(BYTES, st.booleans())
def test_no_bytes_raise_anything_else(data: bytes, below_a_header: bool) -> None:
    try:
        file = opened(b"a,b\n" + data if below_a_header else data)
    except CustomerFileError:
        return
    line = 0
    for row in file.rows():
        assert row.line > line
        line = row.line
        assert row.fault is not None or len(row.cells) == len(file.header)
