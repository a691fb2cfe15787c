"""Sheets of codes as PDF: vectors, embedded fonts, one label for each link.

    options = SheetOptions(find_stock("avery-5160"), partner="Acme Energy", start_at=4, offset_x_mm=0.5)
    scan = check_options(options, longest_text)     # Scannability, or NotScannableError that says what to change
    with open(path, "wb") as file:
        result = write_pdf(file, labels, options)   # SheetResult(pages, labels); labels may be a generator
    proof = proof_pdf(path, texts)                  # portal.printing.proof

    write_test_page(file, options)                  # rulers and every label's outline
    page_png(labels, options)                       # the first page of that PDF as a picture for the browser

`SheetOptions` refuses what cannot be printed when it is made (PrintRefusedError of `stocks.py`, a ValueError).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from portal.printing.stocks import Stock


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. Texts too long are shrunk, then cut with an ellipsis."""

    url_text: str  # what the code carries
    code: str  # what a person can read and type, printed under the code: 7F3K-9X2M-4QAB
    lines: tuple[str, ...] = ()  # name, address, campaign: whatever was chosen
    call_to_action: str = ""
    address: tuple[str, ...] = ()  # what shows through the window of an envelope; other stocks do not print it


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOptions:
    """How labels are printed. Made with anything that cannot be printed, it raises a PrintRefusedError."""

    stock: Stock
    partner: str = ""
    start_at: int = 1
    offset_x_mm: float = 0.0  # right
    offset_y_mm: float = 0.0  # down
    left_margin_mm: float | None = None  # None: the stock's own
    top_margin_mm: float | None = None
    error_correction: str = "Q"
    logo: bytes = b""  # PNG or JPEG up to 2 MB; needs level H
    title: str = "Labels"  # of the PDF


@dataclass(frozen=True, slots=True)
class Scannability:
    """How well a code reads when printed."""

    module_mm: float
    code_mm: float
    distance_mm: float  # the furthest from which a phone is expected to read it
    modules: int  # along one side, without the quiet zone
    error_correction: str


@dataclass(frozen=True, slots=True)
class SheetResult:
    """What was written."""

    pages: int
    labels: int


def check_options(options: SheetOptions, longest_text: str) -> Scannability:
    """How a code of this text reads on this stock; NotScannableError says what to change."""
    raise NotImplementedError


def write_pdf(file: BinaryIO, labels: Iterable[Label], options: SheetOptions) -> SheetResult:
    """Write the sheets page by page: memory does not grow with the number of labels."""
    raise NotImplementedError


def write_test_page(file: BinaryIO, options: SheetOptions) -> None:
    """Write one page with rulers and the outline of every label, to be held against the sheet."""
    raise NotImplementedError


def page_png(labels: Iterable[Label], options: SheetOptions, *, dpi: int = 110) -> bytes:
    """The first page of the PDF that `write_pdf` would write, rendered as PNG."""
    raise NotImplementedError
