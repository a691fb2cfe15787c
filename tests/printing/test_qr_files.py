"""The files themselves: sizes, quiet zone, sharpness, and nothing in them that does not belong."""

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image

from portal.printing.qr import QUIET_ZONE, qr_matrix, qr_pdf, qr_png, qr_svg
from tests.printing.reading import (
    DIRECT_URL,
    SHORT_LINK,
    SVG,
    UMLAUTS,
    dark_box,
    decode,
    paint_pdf,
    paint_png,
    paint_svg,
)

REPOSITORY = Path(__file__).parents[2]
POINTS_PER_MM = 72 / 25.4


def text_box(text: pypdfium2.PdfTextPage) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of all text on the page, in points."""
    boxes = [text.get_rect(number) for number in range(text.count_rects())]
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


@pytest.mark.parametrize("size_mm", [10, 30, 31.75, 300])
def test_the_svg_is_a_white_ground_and_one_path(size_mm: float) -> None:
    svg = qr_svg(DIRECT_URL, size_mm=size_mm)
    root = ElementTree.fromstring(svg)
    matrix = qr_matrix(DIRECT_URL)
    assert root.tag == f"{SVG}svg"
    assert root.attrib == {
        "width": f"{size_mm}mm",
        "height": f"{size_mm}mm",
        "viewBox": f"0 0 {matrix.width} {matrix.width}",
        "shape-rendering": "crispEdges",
    }
    assert [element.tag for element in root.iter()] == [f"{SVG}svg", f"{SVG}rect", f"{SVG}path"]
    ground = root[0].attrib
    assert (ground["width"], ground["height"], ground["fill"]) == (str(matrix.width), str(matrix.width), "#fff")
    # Nothing to run, nothing to fetch, nothing that a browser would show as a tooltip.
    assert svg.count(b"http") == 1
    assert svg.startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')


@pytest.mark.parametrize("text", [SHORT_LINK, DIRECT_URL, UMLAUTS])
@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_the_svg_path_is_the_matrix_module_by_module(text: str, level: str) -> None:
    matrix = qr_matrix(text, error_correction=level)
    image = paint_svg(qr_svg(text, error_correction=level), pixels_per_module=1)
    painted = ["".join("01"[image.getpixel((x, y)) == 0] for x in range(matrix.width)) for y in range(matrix.width)]
    blank = "0" * matrix.width
    edge = "0" * QUIET_ZONE
    assert painted == [blank] * QUIET_ZONE + [edge + row + edge for row in matrix.rows()] + [blank] * QUIET_ZONE


def test_the_svg_has_no_bars() -> None:
    # As bars, a code of 41 rows has hundreds of subpaths; as outlines, one for each island or hole.
    assert qr_svg(DIRECT_URL).count(b"z") < 60


@pytest.mark.parametrize("text", [SHORT_LINK, DIRECT_URL])
@pytest.mark.parametrize("size_mm", [15, 30, 100])
@pytest.mark.parametrize(
    ("write", "paint"), [(qr_svg, paint_svg), (qr_png, paint_png), (qr_pdf, paint_pdf)], ids=["svg", "png", "pdf"]
)
def test_the_quiet_zone_is_four_modules_inside_the_size(
    write: Callable[..., bytes], paint: Callable[[bytes], Image.Image], text: str, size_mm: float
) -> None:
    image = paint(write(text, size_mm=size_mm))
    module = image.width / qr_matrix(text).width
    left, top, right, bottom = dark_box(image)
    margins = [left, top, image.width - right, image.height - bottom]
    # PDFium renders the page on a grid of its own: half a pixel either way there, none elsewhere.
    assert margins == pytest.approx([4 * module] * 4, abs=0 if write is not qr_pdf else 1)
    assert image.crop((0, 0, image.width, top - 1)).getextrema() == (255, 255)


@pytest.mark.parametrize("dpi", [72, 203, 300, 600])
@pytest.mark.parametrize("size_mm", [10, 15, 30, 47.3, 100])
def test_the_png_is_sharp_and_prints_at_the_size_asked(size_mm: float, dpi: int) -> None:
    png = qr_png(DIRECT_URL, size_mm=size_mm, dpi=dpi)
    matrix = qr_matrix(DIRECT_URL)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, bit_depth, colour_type = struct.unpack(">IIBB", png[16:26])
    assert (bit_depth, colour_type) == (1, 0)
    assert width == height
    per_module, rest = divmod(width, matrix.width)
    assert rest == 0
    assert per_module >= 1
    exact = size_mm / 25.4 * dpi / matrix.width
    assert abs(per_module - exact) <= 0.5 or (per_module == 1 and exact < 1)
    # pHYs counts in whole pixels per metre, so the printed width is right to a few parts in ten thousand.
    position = png.index(b"pHYs") + 4
    across, down, unit = struct.unpack(">IIB", png[position : position + 9])
    assert unit == 1
    assert width / across * 1000 == pytest.approx(size_mm, rel=2e-4)
    assert across == down
    # Every module is one square of one colour.
    image = paint_png(png)
    by_module = image.resize((matrix.width, matrix.width), Image.Resampling.NEAREST)
    assert by_module.resize(image.size, Image.Resampling.NEAREST).tobytes() == image.tobytes()
    inner = by_module.crop((QUIET_ZONE, QUIET_ZONE, QUIET_ZONE + matrix.size, QUIET_ZONE + matrix.size))
    assert inner.tobytes() == bytes(255 * (bit == "0") for row in matrix.rows() for bit in row)


@pytest.mark.parametrize("size_mm", [10, 30, 300])
def test_the_pdf_is_one_page_of_the_size_asked_in_vectors(size_mm: float) -> None:
    document = pypdfium2.PdfDocument(qr_pdf(DIRECT_URL, size_mm=size_mm))
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((size_mm * POINTS_PER_MM, size_mm * POINTS_PER_MM), abs=0.01)
    kinds = [item.type for item in document[0].get_objects()]
    # The white ground and the code: paths, no picture and no text.
    assert kinds == [pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_PATH]
    document.close()


@pytest.mark.parametrize(
    ("caption", "printed"),
    [
        ("Rosa Núñez", "Rosa Núñez"),
        ("  two\nlines\t here ", "two lines here"),
        ("Müller-Ångström “L’Été” – 5 €", "Müller-Ångström “L’Été” – 5 €"),
        ("Nu\u0301n\u0303ez", "Núñez"),  # accents as characters of their own, as macOS writes them
        ("Gdańsk", "Gdansk"),
        ("Ħamrun", "Hamrun"),
        ("李 Wei", "? Wei"),
        ("a\u200bb\x07c", "abc"),
    ],
)
def test_the_caption_stands_below_the_code_in_letters_that_the_font_has(caption: str, printed: str) -> None:
    pdf = qr_pdf(SHORT_LINK, size_mm=60, caption=caption)
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    width, height = page.get_size()
    below = height - width
    text = page.get_textpage()
    assert text.get_text_bounded().strip() == printed
    left, bottom, right, top = text_box(text)
    assert 0 < left < right < width
    assert 0 <= bottom < top <= below
    assert left - (width - right) == pytest.approx(0, abs=1)
    assert b"/FontFile2" in pdf
    document.close()


def test_the_code_with_a_caption_keeps_its_size_and_quiet_zone() -> None:
    pdf = qr_pdf(SHORT_LINK, size_mm=30, caption="Rosa Núñez")
    image = paint_pdf(pdf)
    width = image.width
    left, top, right, bottom = dark_box(image.crop((0, 0, width, width)))
    module = width / qr_matrix(SHORT_LINK).width
    assert [left, top, width - right, width - bottom] == pytest.approx([4 * module] * 4, abs=1)
    assert image.height > width
    assert decode(image).text == SHORT_LINK


def test_a_long_caption_is_made_smaller_and_then_cut() -> None:
    caption = (
        "Rosa Núñez · 112 Maple Street, Apartment 4, Santa Barbara, California · account 1234567890 · at the back door"
    )
    document = pypdfium2.PdfDocument(qr_pdf(SHORT_LINK, size_mm=20, caption=caption))
    text = document[0].get_textpage()
    line = text.get_text_bounded().strip()
    assert line.endswith("…")
    assert caption.startswith(line[:-1])
    assert len(line) > 10
    left, _, right, _ = text_box(text)
    assert 0 < left < right < document[0].get_width()
    document.close()


def test_an_empty_caption_is_none() -> None:
    assert qr_pdf(SHORT_LINK, caption=" \n ") == qr_pdf(SHORT_LINK)


def test_the_same_input_gives_the_same_bytes_in_another_process_too() -> None:
    program = (
        "import hashlib, sys; from portal.printing.qr import *; text = sys.argv[1]; "
        "files = qr_svg(text) + qr_png(text) + qr_pdf(text, caption='Rosa Núñez'); "
        "print(hashlib.sha256(files).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program, DIRECT_URL],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
    assert qr_pdf(DIRECT_URL, caption="Núñez") == qr_pdf(DIRECT_URL, caption="Núñez")


def test_the_svg_is_at_most_half_of_the_librarys() -> None:
    import qrcode
    from qrcode.image.svg import SvgPathImage

    for text in (SHORT_LINK, DIRECT_URL):
        code = qrcode.QRCode()
        code.add_data(text)
        assert len(qr_svg(text)) * 2 <= len(code.make_image(image_factory=SvgPathImage).to_string())


@pytest.mark.parametrize("write", [qr_svg, qr_png, qr_pdf])
@pytest.mark.parametrize("size_mm", [0, -30, 9.99, 300.01, float("nan"), float("inf")])
def test_a_size_out_of_range_is_refused(write: Callable[..., bytes], size_mm: float) -> None:
    with pytest.raises(ValueError, match="A QR code is 10 to 300 mm wide"):
        write(SHORT_LINK, size_mm=size_mm)


@pytest.mark.parametrize("dpi", [0, 71, 601, -300])
def test_a_resolution_out_of_range_is_refused(dpi: int) -> None:
    with pytest.raises(ValueError, match="72 to 600 dots per inch"):
        qr_png(SHORT_LINK, dpi=dpi)


@pytest.mark.parametrize("write", [qr_svg, qr_png, qr_pdf])
def test_a_text_that_does_not_fit_is_refused(write: Callable[..., bytes]) -> None:
    with pytest.raises(ValueError, match="the largest QR code holds"):
        write("x" * 3000)


def test_the_largest_code_is_still_whole_pixels() -> None:
    image = Image.open(io.BytesIO(qr_png("x" * 2331, size_mm=10, dpi=72)))
    assert image.size == (185, 185)


def test_captions_written_at_the_same_time_do_not_mix() -> None:
    # ReportLab reads every embedded font through one shared position in one file.
    captions = [f"Rosa Núñez, door {number}" for number in range(24)]
    one_by_one = [qr_pdf(SHORT_LINK, caption=caption) for caption in captions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda caption: qr_pdf(SHORT_LINK, caption=caption), captions))
    assert together == one_by_one
