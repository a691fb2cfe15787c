"""Sheets as they come out: every stock rendered by PDFium, every code decoded by zxing, at its place."""

import gc
import io
import re
import subprocess
import sys
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageChops

from portal.printing.drawing import code_box
from portal.printing.proof import read_codes
from portal.printing.qr import QUIET_ZONE, qr_matrix
from portal.printing.scanning import NotScannableError
from portal.printing.sheets import (
    Label,
    NothingToPrintError,
    SheetOptions,
    SheetResult,
    check_options,
    page_png,
    write_pdf,
    write_test_page,
)
from portal.printing.stocks import STOCKS, Box, OffPageError, PrintRefusedError, StartLabelError, Stock, find_stock
from tests.printing.reading import DIRECT_URL, dark_box
from tests.printing.sheet_reading import PX, Page, labels, pages_of, pdf_of

pytestmark = pytest.mark.pure

every_stock = pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
ROOT = Path(__file__).parents[2]
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 20


def printed_areas(stock: Stock) -> list[Box]:
    """Everything that may have ink: the labels without their inset, and what a letter has beside."""
    return [*(box.inset(stock.inset) for box in stock.boxes()), *filter(None, (stock.window, stock.sender))]


def assert_quiet_zone(page: Page, place: Box, text: str, level: str = "Q") -> None:
    """The code fills its place but for exactly four light modules on each side."""
    module = place.width / qr_matrix(text, error_correction=level).width
    image = page.crop(place)
    left, top, right, bottom = dark_box(image)
    around = [left, top, image.width - right, image.height - bottom]
    assert around == pytest.approx([QUIET_ZONE * module * PX] * 4, abs=2)


@every_stock
def test_a_full_sheet_and_one_label_more(stock: Stock) -> None:
    printed = labels(stock.labels_per_page + 1)
    pdf, result = pdf_of(printed, SheetOptions(stock=stock, partner="Acme Energy"))
    assert result == SheetResult(pages=2, labels=len(printed))
    first, second = pages_of(pdf)
    for box, label in zip(stock.boxes(), printed, strict=False):
        place = code_box(stock, box)
        assert read_codes(first.crop(place)) == [label.url_text]
        assert_quiet_zone(first, place, label.url_text)
        said = first.said_in(box)
        # Under the code, and nowhere else.
        assert label.code in first.said_in(Box(place.left, place.bottom, place.width, box.bottom - place.bottom))
        assert said.count(label.code) == 1
        assert all(line in said.replace("\n", " ") for line in label.lines)
        assert label.call_to_action in said.replace("\n", " ")
        if not stock.sender:
            assert "Acme Energy" in said
    assert len(read_codes(second.image)) == 1
    assert read_codes(second.crop(code_box(stock, stock.box(1)))) == [printed[-1].url_text]
    if not stock.cut_marks:
        assert first.dark_outside(printed_areas(stock)) is None
    if stock.window and stock.sender:
        assert first.said_in(stock.window).splitlines() == list(printed[0].address)
        assert first.said_in(stock.sender) == "Acme Energy"


@every_stock
def test_pages_are_the_papers_size_in_vectors_with_embedded_fonts(stock: Stock) -> None:
    pdf, _ = pdf_of(labels(2), SheetOptions(stock=stock, partner="Acme Energy", title="Summer, 2 labels"))
    with closing(pypdfium2.PdfDocument(pdf)) as document, closing(document[0]) as page:
        width, height = page.get_size()
        assert (width / 72 * 25.4, height / 72 * 25.4) == pytest.approx(stock.page, abs=0.01)
        assert document.get_metadata_dict()["Title"] == "Summer, 2 labels"
        # Text and paths only: no picture of a code.
        kinds = {item.type for item in page.get_objects()}
        assert kinds == {pypdfium2.raw.FPDF_PAGEOBJ_TEXT, pypdfium2.raw.FPDF_PAGEOBJ_PATH}
    fonts = re.findall(rb"/BaseFont /(\S+)", pdf)
    assert fonts
    assert len(fonts) == pdf.count(b"/FontFile2") == len(re.findall(rb"/BaseFont /[A-Z]{6}\+BitstreamVera", pdf))


@every_stock
def test_a_partly_used_sheet_starts_where_it_is_told(stock: Stock) -> None:
    start = stock.labels_per_page
    printed = labels(2)
    pdf, result = pdf_of(printed, SheetOptions(stock=stock, start_at=start))
    assert result == SheetResult(2, 2)
    first, second = pages_of(pdf)
    assert read_codes(first.image) == [printed[0].url_text]
    assert read_codes(first.crop(code_box(stock, stock.box(start)))) == [printed[0].url_text]
    assert read_codes(second.crop(code_box(stock, stock.box(1)))) == [printed[1].url_text]


@every_stock
def test_an_offset_moves_all_that_is_printed(stock: Stock) -> None:
    options = SheetOptions(stock=stock, partner="Acme", offset_x_mm=3, offset_y_mm=-2)
    before, after = (
        pages_of(pdf_of(labels(1), with_options)[0])[0]
        for with_options in (SheetOptions(stock=stock, partner="Acme"), options)
    )
    for place in [code_box(stock, stock.box(1)), *filter(None, (stock.window, stock.sender))]:
        one = dark_box(before.crop(place))
        other = dark_box(after.crop(place.moved(3, -2)))
        assert one == pytest.approx(other, abs=1)
    assert read_codes(after.crop(code_box(stock, options.placed.box(1)))) == [labels(1)[0].url_text]


@every_stock
def test_texts_too_long_are_shrunk_and_cut_and_never_touch_the_code(stock: Stock) -> None:
    long = labels(stock.labels_per_page, lines=(LONG,) * 30, call_to_action=LONG, address=(LONG,) * 9)
    pdf, _ = pdf_of(long, SheetOptions(stock=replace(stock, cut_marks=False), partner=LONG))
    page = pages_of(pdf)[0]
    assert page.dark_outside(printed_areas(stock)) is None
    for box, label in zip(stock.boxes(), long, strict=True):
        place = code_box(stock, box)
        assert read_codes(page.crop(place)) == [label.url_text]
        assert_quiet_zone(page, place, label.url_text)
        said = page.said_in(box)
        assert "…" in said
        assert label.code in said


@every_stock
def test_a_code_for_people_is_never_cut(stock: Stock) -> None:
    # The widest letters of the portal's alphabet.
    widest = [replace(labels(1)[0], code="WMWM-WMWM-WMWM")]
    page = pages_of(pdf_of(widest, SheetOptions(stock=stock))[0])[0]
    assert "WMWM-WMWM-WMWM" in page.said_in(stock.box(1))


@every_stock
def test_a_label_without_texts_still_has_its_code(stock: Stock) -> None:
    bare = Label("HTTPS://P.ACME.COM/GO/7F3K9X2M4QAB", "7F3K-9X2M-4QAB")
    page = pages_of(pdf_of([bare], SheetOptions(stock=stock))[0])[0]
    assert read_codes(page.image) == [bare.url_text]
    assert page.said_in(stock.page_box) == bare.code


def test_only_cards_have_cut_marks_and_they_lie_outside_of_the_cards() -> None:
    assert [name for name, stock in STOCKS.items() if stock.cut_marks] == ["card-85x55", "card-35x20"]
    stock = find_stock("card-85x55")
    page = pages_of(pdf_of(labels(10), SheetOptions(stock=stock))[0])[0]
    grid = Box(20, 11, 170, 275)
    marks = page.dark_outside([grid])
    assert marks is not None
    # From 7 to 2 mm away from the grid, on all four sides, in line with the cuts.
    assert (marks.left, marks.top, marks.right, marks.bottom) == pytest.approx((13, 4, 197, 293), abs=0.2)
    for x, y in [(20, 6), (105, 6), (190, 6), (15, 11), (15, 66), (195, 286), (105, 291)]:
        assert dark_box(page.crop(Box(x - 0.3, y - 0.3, 0.6, 0.6)))
    assert page.dark_outside([grid.inset(-1.5)]) == marks
    # Between the cards there is nothing: a cut that is a little off shows no line.
    around = [Box(0, 0, 210, 11), Box(0, 286, 210, 11), Box(0, 0, 20, 297), Box(190, 0, 20, 297)]
    assert page.dark_outside([*printed_areas(stock), *around]) is None


@pytest.mark.parametrize("name", ["avery-5160", "letter-window", "card-35x20"])
def test_the_same_labels_give_the_same_bytes(name: str) -> None:
    options = SheetOptions(stock=find_stock(name), partner="Acme Energy")
    assert pdf_of(labels(3), options) == pdf_of(labels(3), options)


def test_a_page_is_written_before_the_next_one_is_drawn() -> None:
    file = io.BytesIO()
    written = []
    result = write_pdf(
        file,
        iter(labels(8)),
        SheetOptions(stock=find_stock("avery-5164")),
        progress=lambda drawn: written.append((drawn, file.tell())),
    )
    assert result == SheetResult(2, 8)
    assert [drawn for drawn, _ in written] == [6, 8]
    # A code takes some hundreds of bytes even when compressed.
    assert 6 * 300 < written[0][1] < written[1][1] - 2 * 300


def write_growth() -> None:
    """Write how many bytes more are kept after 120 labels than after 24: 16 pages later."""

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    kept: dict[int, int] = {}

    def measure(drawn: int) -> None:
        if drawn in {24, 120}:
            gc.collect()
            kept[drawn] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    options = SheetOptions(stock=find_stock("avery-5164"))
    write_pdf(Nowhere(), iter(labels(120)), options, progress=measure)  # type: ignore[arg-type]
    sys.stdout.write(str(kept[120] - kept[24]))


def test_memory_does_not_grow_with_the_number_of_labels() -> None:
    """In a process of its own: other tests' threads would be counted, too."""
    code = f"from {__name__} import write_growth; write_growth()"
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    # Of each page its place in the file is kept, and not the 50 kB that it draws.
    assert int(grown.stdout) < 16 * 10_000


def test_nothing_selected_is_refused_before_a_byte_is_written() -> None:
    file = io.BytesIO()
    with pytest.raises(NothingToPrintError, match="Nothing is selected to be printed"):
        write_pdf(file, iter([]), SheetOptions(stock=find_stock("avery-5160")))
    assert file.getvalue() == b""


def test_what_cannot_be_printed_makes_no_options() -> None:
    stock = find_stock("avery-5160")
    with pytest.raises(StartLabelError, match="labels 1 to 30"):
        SheetOptions(stock=stock, start_at=31)
    with pytest.raises(OffPageError, match="off the page"):
        SheetOptions(stock=stock, offset_x_mm=-5)
    with pytest.raises(PrintRefusedError, match="one of L, M, Q and H, not “X”"):
        SheetOptions(stock=stock, error_correction="X")


def test_a_text_too_long_for_the_stock_is_refused_before_a_byte_is_written() -> None:
    file = io.BytesIO()
    options = SheetOptions(stock=find_stock("avery-5160"), error_correction="H")
    with pytest.raises(NotScannableError):
        write_pdf(file, [replace(labels(1)[0], url_text=DIRECT_URL)], options)
    assert file.getvalue() == b""


def test_a_later_text_too_long_is_named() -> None:
    options = SheetOptions(stock=find_stock("avery-5160"), error_correction="H")
    first, second = labels(2)
    with pytest.raises(NotScannableError, match=r"^Label 2 \(7F3K-9X2M-0001\): On Avery 5160"):
        write_pdf(io.BytesIO(), [first, replace(second, url_text=DIRECT_URL)], options)


def test_letters_that_the_font_lacks_do_not_stop_a_sheet() -> None:
    said = ("Łukasz Gdańsk", "日本", "\x00\u202e", "Ḧ")
    page = pages_of(pdf_of(labels(1, lines=said), SheetOptions(stock=find_stock("avery-5163")))[0])[0]
    text = page.said_in(find_stock("avery-5163").box(1))
    assert "Lukasz Gdansk" in text.replace("Ł", "L")
    assert "??" in text


@every_stock
def test_the_preview_is_the_first_page_of_the_pdf(stock: Stock) -> None:
    options = SheetOptions(stock=stock, partner="Acme", start_at=stock.labels_per_page)
    printed = labels(3)
    preview = Image.open(io.BytesIO(page_png(iter(printed), options, dpi=100)))
    with closing(pypdfium2.PdfDocument(pdf_of(printed, options)[0])) as document, closing(document[0]) as first:
        page = first.render(scale=100 / 72).to_pil().copy()
    assert preview.mode == page.mode == "RGB"
    assert ImageChops.difference(preview, page).getbbox() is None


@every_stock
def test_the_test_page_outlines_every_label_and_has_rulers(stock: Stock) -> None:
    file = io.BytesIO()
    options = SheetOptions(stock=stock, offset_x_mm=1.5, offset_y_mm=-1)
    write_test_page(file, options)
    [page] = pages_of(file.getvalue())
    for number, box in enumerate(options.placed.boxes(), start=1):
        middle_y, middle_x = box.top + box.height * 0.4, box.left + box.width * 0.4
        for x, y in [(box.left, middle_y), (box.right, middle_y), (middle_x, box.top), (middle_x, box.bottom)]:
            assert dark_box(page.crop(Box(x - 0.2, y - 0.2, 0.4, 0.4)))
        assert page.said_in(Box(box.left, box.top, 12, 7)).startswith(str(number))
    assert "Moved 1.5 mm to the right and 1 mm up." in page.said_in(options.placed.box(1)).replace("\n", " ")
    # The rulers count from the edges, whatever the offset: a tick each millimetre, a longer one each ten.
    across, down = stock.page[1] / 2, stock.page[0] / 2
    for at in (10, 50, 100, 200):
        assert dark_box(page.crop(Box(at - 0.15, across + 3.5, 0.3, 0.3)))
        assert dark_box(page.crop(Box(down + 3.5, at - 0.15, 0.3, 0.3)))
    for at in (25.4, 127):
        assert dark_box(page.crop(Box(at - 0.15, across - 3.8, 0.3, 0.3)))
    said = page.said_in(stock.page_box)
    assert {"10", "200", "8 in"} <= set(said.splitlines())


def test_checked_options_say_how_far_a_code_is_read() -> None:
    options = SheetOptions(stock=find_stock("avery-5160"))
    found = check_options(options, labels(1)[0].url_text)
    assert (found.modules, found.error_correction, found.code_mm) == (29, "Q", 19.4)
    assert found.module_mm == pytest.approx(19.4 / 37)
    assert found.distance_mm == pytest.approx(250 * 19.4 / 37)
