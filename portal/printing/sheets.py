"""Sheets of codes as PDF: vectors, embedded fonts, one label for each link.

    options = SheetOptions(stock=find_stock("avery-5160"), partner="Acme Energy", start_at=4, offset_x_mm=0.5)
    scan = check_options(options, longest_text)     # Scannability, or NotScannableError that says what to change
    with open(path, "wb") as file:
        result = write_pdf(file, labels, options)   # SheetResult(pages, labels); labels may be a generator
    proof = proof_pdf(path, texts, stock=options.placed, start_at=options.start_at)   # portal.printing.proof

    write_test_page(file, options)                  # rulers and every label's outline
    page_png(labels, options)                       # the first page of that PDF as a picture for the browser

`SheetOptions` refuses what cannot be printed when it is made (PrintRefusedError of `stocks.py`, a ValueError).
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from reportlab.lib.units import mm

from portal.printing.drawing import Label, draw_cut_marks, draw_label, draw_test_page
from portal.printing.logos import Logo, LogoError, read_logo
from portal.printing.proof import read_codes
from portal.printing.qr import ERROR_CORRECTIONS, Matrix, qr_matrix
from portal.printing.rendering import page_images
from portal.printing.scanning import NotScannableError, Scannability, check_scannable
from portal.printing.stocks import PrintRefusedError, Stock
from portal.printing.streamed_pdf import StreamedCanvas

__all__ = [
    "Label",
    "NothingToPrintError",
    "Scannability",
    "SheetOptions",
    "SheetResult",
    "check_options",
    "page_png",
    "write_pdf",
    "write_test_page",
]
_LOGO_PROOF_DPI = 300


class NothingToPrintError(PrintRefusedError):
    """There is not one label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOptions:
    """How labels are printed. Made with anything that cannot be printed, it raises a PrintRefusedError."""

    stock: Stock
    partner: str = ""
    start_at: int = 1
    offset_x_mm: float = 0.0  # right
    offset_y_mm: float = 0.0  # down
    left_margin_mm: float | None = None  # of the first label; None: the stock's own
    top_margin_mm: float | None = None
    error_correction: str = "Q"
    logo: bytes = b""  # PNG or JPEG up to 2 MB; needs level H
    title: str = "Labels"  # of the PDF
    placed: Stock = field(init=False)  # the stock as this printer needs it
    logo_picture: Logo | None = field(init=False)

    def __post_init__(self) -> None:
        self.stock.check_start(self.start_at)
        if self.error_correction not in ERROR_CORRECTIONS:
            raise PrintRefusedError(f"Error correction is one of L, M, Q and H, not “{self.error_correction[:9]}”.")
        if self.logo and self.error_correction != "H":
            raise LogoError(
                f"A logo covers part of the code, which only error correction H makes up for, not "
                f"{self.error_correction}. Choose H, or print without the logo."
            )
        placed = self.stock.placed(
            offset_x_mm=self.offset_x_mm,
            offset_y_mm=self.offset_y_mm,
            left_margin_mm=self.left_margin_mm,
            top_margin_mm=self.top_margin_mm,
        )
        object.__setattr__(self, "placed", placed)
        object.__setattr__(self, "logo_picture", read_logo(self.logo) if self.logo else None)


@dataclass(frozen=True, slots=True)
class SheetResult:
    """What was written."""

    pages: int
    labels: int


def check_options(options: SheetOptions, longest_text: str) -> Scannability:
    """How a code of this text reads on this stock.

    NotScannableError says what to change where it would not be read; LogoError where it does not decode with the logo.
    """
    found = check_scannable(longest_text, _matrix(longest_text, options), options.placed)
    if options.logo_picture:
        page = io.BytesIO()
        _write(page, [Label(longest_text, "")], options)
        [image] = page_images(page.getvalue(), _LOGO_PROOF_DPI)
        if read_codes(image) != [longest_text]:
            raise LogoError("With this logo the code can no longer be read. Choose a simpler logo, or print without.")
    return found


def write_pdf(
    file: BinaryIO,
    labels: Iterable[Label],
    options: SheetOptions,
    *,
    progress: Callable[[int], object] | None = None,
) -> SheetResult:
    """Write the sheets page by page: memory does not grow with the number of labels.

    `progress` is told the number of labels drawn, after each page. NothingToPrintError without a label, before a byte
    is written; NotScannableError names the label whose text makes too fine a code, and the file is of no use then.
    """
    coming = iter(labels)
    first = next(coming, None)
    if first is None:
        raise NothingToPrintError("Nothing is selected to be printed. Choose at least one link that is not void.")
    check_options(options, first.url_text)

    def all_labels() -> Iterable[Label]:
        yield first
        yield from coming

    return _write(file, all_labels(), options, progress)


def _write(
    file: BinaryIO,
    labels: Iterable[Label],
    options: SheetOptions,
    progress: Callable[[int], object] | None = None,
) -> SheetResult:
    stock = options.placed
    boxes = stock.boxes()
    canvas = StreamedCanvas(file, page=_page_points(stock), title=options.title)
    coming = iter(labels)
    pages = drawn = 0
    places = boxes[options.start_at - 1 :]
    while page := list(islice(coming, len(places))):
        if stock.cut_marks:
            draw_cut_marks(canvas, stock)
        for box, label in zip(places, page, strict=False):
            matrix = _matrix(label.url_text, options)
            try:
                check_scannable(label.url_text, matrix, stock)
            except NotScannableError as error:
                raise NotScannableError(f"Label {drawn + 1} ({label.code}): {error}") from None
            draw_label(canvas, stock, box, label, matrix, partner=options.partner, logo=options.logo_picture)
            drawn += 1
        canvas.showPage()
        pages += 1
        places = boxes
        if progress:
            progress(drawn)
    canvas.save()
    return SheetResult(pages, drawn)


def _matrix(text: str, options: SheetOptions) -> Matrix:
    try:
        return qr_matrix(text, error_correction=options.error_correction)
    except ValueError as error:
        raise NotScannableError(str(error)) from None


def write_test_page(file: BinaryIO, options: SheetOptions) -> None:
    """Write one page with rulers and the outline of every label, to be held against the sheet."""
    stock = options.placed
    canvas = StreamedCanvas(file, page=_page_points(stock), title=f"Test page: {stock.title}")
    moved = [
        f"{abs(by):.4g} mm {ahead if by > 0 else back}"
        for by, ahead, back in (
            (stock.left - options.stock.left, "to the right", "to the left"),
            (stock.top - options.stock.top, "down", "up"),
        )
        if abs(by) > 1e-6
    ]
    said = [stock.title, f"Moved {' and '.join(moved)}." if moved else "Not moved.", "Print at 100 %, not fit to page."]
    draw_test_page(canvas, stock, said)
    canvas.showPage()
    canvas.save()


def page_png(labels: Iterable[Label], options: SheetOptions, *, dpi: int = 110) -> bytes:
    """The first page of the PDF that `write_pdf` would write, rendered as PNG."""
    pdf = io.BytesIO()
    room = options.stock.labels_per_page - options.start_at + 1
    write_pdf(pdf, islice(labels, room), options)
    file = io.BytesIO()
    next(page_images(pdf.getvalue(), dpi, grey=False)).save(file, "PNG")
    return file.getvalue()


def _page_points(stock: Stock) -> tuple[float, float]:
    return stock.page[0] * mm, stock.page[1] * mm
