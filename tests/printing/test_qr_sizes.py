"""Lengths as people write them, and from how far a code is read."""

import pytest

from portal.printing.qr import module_mm, parse_size, qr_matrix, scan_distance_mm
from tests.printing.reading import DIRECT_URL, SHORT_LINK


@pytest.mark.parametrize(
    ("text", "size_mm"),
    [
        ("30", 30),
        ("30mm", 30),
        (" 30 mm ", 30),
        ("30.5 MM", 30.5),
        ("3 cm", 30),
        ("3.cm", 30),
        ("1.25in", 31.75),
        ("1.25 inch", 31.75),
        ("2 inches", 50.8),
        ('1.25"', 31.75),
        ("1.25″", 31.75),
        ("1.25”", 31.75),
        (".5in", 12.7),
        ("10", 10),
        ("300 mm", 300),
    ],
)
def test_a_size_is_read(text: str, size_mm: float) -> None:
    assert parse_size(text) == pytest.approx(size_mm)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "mm",
        "thirty",
        "30 pt",
        "-30",
        "+30",
        "3e1",
        "nan",
        "inf",
        "30 mm mm",
        "3 0",
        "1,25",
        "٣٠",
        "30mm\x00",
        ".",
    ],
)
def test_what_is_no_size_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size\. Write it like 30 mm, 3 cm or 1\.25 in\."):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "said"), [("9.9", "9.9 mm"), ("0", "0 mm"), ("12in", "304.8 mm"), ("31 cm", "310 mm")]
)
def test_a_size_out_of_range_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"10 to 300 mm wide .*, not {said}"):
        parse_size(text)


def test_module_and_scanning_distance() -> None:
    short = qr_matrix(SHORT_LINK)
    # Version 2 with its quiet zone is 25 + 8 modules: at 33 mm, 1 mm each, and the symbol is 25 mm: ten times that.
    assert module_mm(short, 33) == 1
    assert scan_distance_mm(short, 33) == 250
    assert scan_distance_mm(short, 66) == 500


def test_c4_the_short_link_is_read_from_further() -> None:
    # Version 6 with its quiet zone is 41 + 8 modules, so at the same width everything is 33/49 of version 2's.
    assert qr_matrix(DIRECT_URL).version == 6
    near, far = scan_distance_mm(qr_matrix(DIRECT_URL), 30), scan_distance_mm(qr_matrix(SHORT_LINK), 30)
    assert near / far == pytest.approx(33 / 49)
