"""Proof of a PDF: every page rendered, every code on it decoded and compared with what was to be printed there.

The reader (zxing-cpp) shares no code with what draws. One wrong code is a failed proof.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

import zxingcpp
from PIL import Image

from portal.printing.drawing import code_box
from portal.printing.rendering import page_images
from portal.printing.stocks import Box, Stock

# 0.33 mm, the narrowest module that is ever printed, is four pixels then.
PROOF_DPI: Final = 300
MOST_FAULTS_KEPT: Final = 100
_QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


class FaultKind(StrEnum):
    """What is wrong with one place on the paper."""

    UNREADABLE = "unreadable"  # no code can be read where one should be
    WRONG = "wrong"  # another text is read there, or more than one
    UNEXPECTED = "unexpected"  # a code is read where none should be
    NO_PAGE = "no page"  # the file has too few pages


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the paper is not what it should be."""

    kind: FaultKind
    page: int  # from 1
    label: int  # the place on the sheet, from 1; 0: outside of every label's code
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found. The first hundred faults are kept, all are counted."""

    pages: int
    codes: int  # that should be there
    right: int  # that were read and say what they should, where they should
    faults: tuple[Fault, ...]
    fault_count: int

    @property
    def passed(self) -> bool:
        return self.fault_count == 0 and self.codes > 0


def read_codes(image: Image.Image) -> list[str]:
    """The text of every QR code in the picture that can be read, in the order in which they were found."""
    found = zxingcpp.read_barcodes(image, formats=_QR_CODES, text_mode=zxingcpp.TextMode.Plain)
    return [code.text for code in found]


def proof_pdf(
    pdf: bytes | Path,
    expected: Iterable[str],
    *,
    stock: Stock,
    start_at: int = 1,
    dpi: int = PROOF_DPI,
    progress: Callable[[int], object] | None = None,
) -> Proof:
    """Compare the codes of a PDF with the texts that were to be printed, in order, from label `start_at` on.

    `stock` is the stock as it was placed (`SheetOptions.placed`). One page is in memory at a time; `progress` is told
    the number of codes looked at, after each page. PrintRefusedError if the file cannot be opened as PDF.
    """
    faults: list[Fault] = []
    codes = pages = right = fault_count = 0
    for page in _pages(pdf, expected, stock=stock, start_at=start_at, dpi=dpi):
        pages += page.exists
        codes += page.codes
        right += page.codes - sum(fault.label > 0 for fault in page.faults)
        fault_count += len(page.faults)
        faults += page.faults[: MOST_FAULTS_KEPT - len(faults)]
        if progress:
            progress(codes)
    return Proof(pages, codes, right, tuple(faults), fault_count)


@dataclass(frozen=True, slots=True)
class _Page:
    exists: bool
    codes: int
    faults: list[Fault]


def _pages(pdf: bytes | Path, expected: Iterable[str], *, stock: Stock, start_at: int, dpi: int) -> Iterator[_Page]:
    texts = iter(expected)
    first = start_at
    number = 0
    for number, image in enumerate(page_images(pdf, dpi), start=1):
        wanted = dict(enumerate(islice(texts, stock.labels_per_page - first + 1), start=first))
        yield _Page(True, len(wanted), list(_page_faults(image, wanted, stock, number, dpi)))
        first = 1
    while wanted := dict(enumerate(islice(texts, stock.labels_per_page - first + 1), start=first)):
        number += 1
        missing = [Fault(FaultKind.NO_PAGE, number, label, text, "") for label, text in wanted.items()]
        yield _Page(False, len(wanted), missing)
        first = 1


def _page_faults(image: Image.Image, wanted: dict[int, str], stock: Stock, page: int, dpi: int) -> Iterator[Fault]:
    if not wanted:
        yield Fault(FaultKind.UNEXPECTED, page, 0, "", "a page more than expected")
    for label, text in wanted.items():
        place = _pixels(code_box(stock, stock.box(label)), dpi)
        read = read_codes(image.crop(place))
        if read != [text]:
            kind = FaultKind.WRONG if read else FaultKind.UNREADABLE
            yield Fault(kind, page, label, text, ", ".join(read)[:200])
        # What is left on the page in the end must have no code.
        image.paste(255, place)
    for found in read_codes(image):
        yield Fault(FaultKind.UNEXPECTED, page, 0, "", found[:200])


def _pixels(box: Box, dpi: int) -> tuple[int, int, int, int]:
    pixels_per_mm = dpi / 25.4
    return (
        round(box.left * pixels_per_mm),
        round(box.top * pixels_per_mm),
        round(box.right * pixels_per_mm),
        round(box.bottom * pixels_per_mm),
    )
