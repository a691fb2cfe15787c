"""QR codes: text in, an SVG, PNG or PDF file out. Every size includes the quiet zone of 4 modules on each side.

The `qrcode` library draws: it splits the text into segments, picks the version, computes the error correction and
places every module. What is done here is what it does slowly or at length: choosing the mask (`masks.py`) and writing
the files.

One difference from the library, on purpose: it compares the masks before format, version and the dark module are drawn
(https://github.com/lincolnloop/python-qrcode/issues/388), where the standard says that "the area to be evaluated is the
complete symbol" (ISO/IEC 18004:2015, §7.8.3.1). So our mask may be another than the library's; every reader reads both.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress, count
from typing import Any, Final

import qrcode
from PIL import Image
from qrcode import constants, util
from qrcode.exceptions import DataOverflowError
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import FILL_EVEN_ODD, Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from portal.printing import fonts
from portal.printing.masks import grid_of, penalty

QUIET_ZONE: Final = 4  # modules on each side, ISO/IEC 18004:2015, §6.3.8
MIN_SIZE_MM: Final = 10.0
MAX_SIZE_MM: Final = 300.0
DEFAULT_SIZE_MM: Final = 30.0
MIN_DPI: Final = 72
MAX_DPI: Final = 600
ERROR_CORRECTIONS: Final = {
    "L": constants.ERROR_CORRECT_L,  # about 7 % of the code may be damaged
    "M": constants.ERROR_CORRECT_M,  # 15 %
    "Q": constants.ERROR_CORRECT_Q,  # 25 %
    "H": constants.ERROR_CORRECT_H,  # 30 %
}

_MOST_CHARACTERS = 7089  # digits in version 40 at level L: nothing longer needs to be tried
_MM_PER_UNIT = {"": 1.0, "mm": 1.0, "cm": 10.0} | dict.fromkeys(("in", "inch", "inches", '"', "″", "”"), 25.4)
_SIZE = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})\s*([a-z]{0,6}|[\"″”])\s*\Z")
_CAPTION_PT = (9.0, 4.5)  # the size tried first, and the smallest one that is still read
_BITS_TO_BYTES = bytes.maketrans(b"01", b"\x00\x01")
_BYTES_TO_BITS = bytes.maketrans(b"\x00\x01", b"01")
_BITS_TO_PIXELS = bytes.maketrans(b"01", b"\xff\x00")


@dataclass(frozen=True, slots=True)
class Matrix:
    """The modules of one QR code, without the quiet zone."""

    version: int
    error_correction: str
    mask: int
    dark: int  # one bit a module, laid out as masks.py says

    @property
    def size(self) -> int:
        """Modules along one side: 21 (version 1) to 177 (version 40)."""
        return 17 + 4 * self.version

    @property
    def width(self) -> int:
        """Modules along one side, the quiet zone included."""
        return self.size + 2 * QUIET_ZONE

    def rows(self) -> list[str]:
        """One text of 0 (light) and 1 (dark) for each row, from the top, left to right."""
        step = self.size + 1
        bits = f"{self.dark:0{step * self.size}b}"[::-1]
        return [bits[start : start + self.size] for start in range(0, len(bits), step)]

    def outlines(self) -> list[list[tuple[int, int]]]:
        """The dark area as closed outlines, to be filled by the even-odd rule.

        Each outline is its corners (column, row), counted in modules from the top left of the symbol; the first edge
        runs across, and across and down take turns. Areas, not rows of bars: no renderer shows seams between them.
        """
        step = self.size + 1
        dark = self.dark
        # A point of the grid is a corner when one or three of the four modules around it are dark. Where two dark
        # modules touch by their corners only, both lines run straight on, which the even-odd rule allows.
        odd = dark ^ dark << 1 ^ dark << step ^ dark << (step + 1)
        corners = list(compress(count(), f"{odd:b}"[::-1].encode().translate(_BITS_TO_BYTES)))
        # Along each line of the grid, an edge joins the first corner to the second, the third to the fourth, ...
        across = _partners(corners)
        down = _partners(sorted(corners, key=lambda corner: corner % step))
        outlines = []
        for start in corners:
            if start not in across:
                continue
            outline: list[tuple[int, int]] = []
            corner = start
            while corner in across:
                end = across.pop(corner)
                del across[end]
                outline += ((corner % step, corner // step), (end % step, end // step))
                corner = down[end]
            outlines.append(outline)
        return outlines


def _partners(corners: Sequence[int]) -> dict[int, int]:
    first, second = corners[::2], corners[1::2]
    return dict(zip(first, second, strict=True)) | dict(zip(second, first, strict=True))


def qr_matrix(text: str, *, error_correction: str = "M") -> Matrix:
    """The smallest QR code that holds the text, with the mask of the lowest penalty (of two equals the lower number).

    Digits and capitals (0-9 A-Z space $ % * + - . / :) take the short alphanumeric mode, other texts are UTF-8 bytes.
    ValueError, in words, for an empty text, one that fits no version, or a level other than L, M, Q, H.
    """
    if error_correction not in ERROR_CORRECTIONS:
        raise ValueError(f"Error correction is one of L, M, Q and H, not “{error_correction}”.")
    if not text:
        raise ValueError("A QR code needs a text to carry; this one is empty.")
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(_too_long(text, error_correction))
    try:
        symbol = _drawn([text], text, error_correction)
    except _BlockOfZerosError:
        symbol = _drawn([text[start : start + 6] for start in range(0, len(text), 6)], text, error_correction)
    masked = _masked_blanks(symbol.version, error_correction)
    data = _bits(symbol.modules) ^ masked[0]
    grid = grid_of(symbol.modules_count)
    mask = min(range(8), key=lambda number: penalty(data ^ masked[number], grid))
    return Matrix(symbol.version, error_correction, mask, data ^ masked[mask])


class _BlockOfZerosError(Exception):
    """The library divides by zero, in effect, where all bytes of an error correction block are 0 ("glog(0)").

    Dozens of zeros in a row do that, digits or NUL characters. In segments of six characters, each with its own header
    that is not 0, no block (9 bytes at least) is without a 1, and the code says the same.
    """


def _drawn(segments: Sequence[str], text: str, error_correction: str) -> Any:
    """The library's symbol with mask 0."""
    symbol: Any = qrcode.QRCode(error_correction=ERROR_CORRECTIONS[error_correction], mask_pattern=0)
    try:
        for segment in segments:
            symbol.add_data(segment)
        symbol.best_fit()
    except UnicodeEncodeError as error:
        raise ValueError(f"Character {error.start + 1} of the text is half of one and cannot be encoded.") from None
    except (DataOverflowError, ValueError):  # the library says "Invalid version (was 41 …)" with a ValueError
        raise ValueError(_too_long(text, error_correction)) from None
    try:
        symbol.make(fit=False)
    except ValueError:
        raise _BlockOfZerosError from None
    return symbol


@cache
def _masked_blanks(version: int, error_correction: str) -> tuple[int, ...]:
    """The symbol that carries no data, with each of the eight masks: a symbol with data is this XOR its data bits."""
    symbol = qrcode.QRCode(version=version, error_correction=ERROR_CORRECTIONS[error_correction])
    symbol.data_cache = []
    blanks = []
    for mask in range(8):
        symbol.makeImpl(False, mask)
        blanks.append(_bits(symbol.modules))
    return tuple(blanks)


def _bits(modules: Sequence[Sequence[bool]]) -> int:
    spare = b"\x00"
    return int(b"".join(bytes(row) + spare for row in modules)[::-1].translate(_BYTES_TO_BITS), 2)


def _too_long(text: str, error_correction: str) -> str:
    header_bits = 4 + 16  # of a byte segment in version 40
    most = (util.BIT_LIMIT_TABLE[ERROR_CORRECTIONS[error_correction]][40] - header_bits) // 8
    length = len(text.encode("utf-8", errors="replace"))
    return (
        f"The text has {length:,} bytes; at error correction {error_correction} the largest QR code holds {most:,} "
        "(more when they are only digits or capitals). Shorten the text, or choose a lower error correction."
    )


def qr_svg(text: str, *, size_mm: float = DEFAULT_SIZE_MM, error_correction: str = "M") -> bytes:
    """A standalone SVG file, `size_mm` wide: a white ground and one path.

    ValueError as in `qr_matrix`, or for the size.
    """
    _check_size(size_mm)
    matrix = qr_matrix(text, error_correction=error_correction)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size_mm:.6g}mm" height="{size_mm:.6g}mm" '
        f'viewBox="0 0 {matrix.width} {matrix.width}" shape-rendering="crispEdges">'
        f'<rect width="{matrix.width}" height="{matrix.width}" fill="#fff"/>'
        f'<path fill-rule="evenodd" d="{_svg_path(matrix)}"/></svg>'
    ).encode("ascii")


def _svg_path(matrix: Matrix) -> str:
    """The outlines in relative commands, the last edge of each left to `z`: shorter than bars, stroked or filled."""
    subpaths = []
    # At the very start, m counts from 0,0 of the viewBox, which is where the quiet zone begins.
    from_column, from_row = -QUIET_ZONE, -QUIET_ZONE
    for outline in matrix.outlines():
        starts, ends = outline[::2], outline[1::2]
        (column, row), (last_column, _), (end_column, _) = starts[0], starts[-1], ends[-1]
        edges = "".join(
            [
                f"h{end[0] - start[0]}v{following[1] - end[1]}"
                for start, end, following in zip(starts, ends, starts[1:], strict=False)
            ]
        )
        subpaths.append(f"m{column - from_column} {row - from_row}{edges}h{end_column - last_column}z")
        from_column, from_row = column, row
    return "".join(subpaths)


def qr_png(text: str, *, size_mm: float = DEFAULT_SIZE_MM, dpi: int = 300, error_correction: str = "M") -> bytes:
    """A PNG file of one bit a pixel, never blurred: each module is a whole number of pixels.

    That number is what comes nearest to `dpi` (72 to 600), and at least 1. The physical size in the file (pHYs) is then
    set from the pixels that came out, so that the code prints `size_mm` wide exactly; what gives way is the resolution,
    by half a pixel a module at most. ValueError as in `qr_matrix`, or for the size or the resolution.
    """
    _check_size(size_mm)
    if not MIN_DPI <= dpi <= MAX_DPI:
        raise ValueError(f"The resolution is {MIN_DPI} to {MAX_DPI} dots per inch, not {dpi}.")
    matrix = qr_matrix(text, error_correction=error_correction)
    side = matrix.width
    edge = "0" * QUIET_ZONE
    blank_rows = "0" * (side * QUIET_ZONE)
    bits = blank_rows + "".join(f"{edge}{row}{edge}" for row in matrix.rows()) + blank_rows
    pixels_per_module = max(1, round(size_mm / 25.4 * dpi / side))
    pixels = side * pixels_per_module
    image = Image.frombytes("L", (side, side), bits.encode().translate(_BITS_TO_PIXELS))
    image = image.convert("1", dither=Image.Dither.NONE).resize((pixels, pixels), Image.Resampling.NEAREST)
    file = io.BytesIO()
    true_dpi = pixels / (size_mm / 25.4)
    image.save(file, "PNG", dpi=(true_dpi, true_dpi))
    return file.getvalue()


def qr_pdf(text: str, *, size_mm: float = DEFAULT_SIZE_MM, error_correction: str = "M", caption: str = "") -> bytes:
    """A PDF file of one page, as large as the code, in vectors; the same input gives the same bytes.

    A caption makes the page higher by one line: it stands below the quiet zone, in an embedded font (fonts.py says
    which letters), as large as fits up to 9 points, and ends in an ellipsis where even 4.5 points are too wide.
    ValueError as in `qr_matrix`, or for the size.
    """
    _check_size(size_mm)
    matrix = qr_matrix(text, error_correction=error_correction)
    side = size_mm * mm
    line = fonts.printable(caption)
    below = 0.0
    font_pt = 0.0
    if line:
        largest, smallest = _CAPTION_PT
        margin = side * QUIET_ZONE / matrix.width / 2
        room = side - 2 * margin
        font_pt = max(smallest, min(largest, largest * room / fonts.text_width(line, largest)))
        line = fonts.shortened(line, font_pt, room)
        below = 1.6 * font_pt
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(side, side + below), invariant=1, pageCompression=1)
    canvas.setTitle("QR code")
    draw_matrix(canvas, matrix, x=0, y=below, side=side)
    if not line:
        canvas.save()
        return file.getvalue()
    with fonts.EMBEDDING:
        canvas.setFont(fonts.font_name(), font_pt)
        canvas.setFillGray(0)
        canvas.drawCentredString(side / 2, 0.6 * font_pt, line)
        canvas.save()
    return file.getvalue()


def draw_matrix(canvas: Any, matrix: Matrix, *, x: float, y: float, side: float) -> None:
    """Paint a code with its quiet zone on a ReportLab canvas: (x, y) is the lower left, `side` the width, in points."""
    canvas.saveState()
    canvas.translate(x, y + side)
    # From here on in modules, rows counted downwards: every number in the path is a small whole one.
    canvas.scale(side / matrix.width, -side / matrix.width)
    canvas.setFillGray(1)
    canvas.rect(0, 0, matrix.width, matrix.width, stroke=0, fill=1)
    canvas.translate(QUIET_ZONE, QUIET_ZONE)
    canvas.setFillGray(0)
    # The operators are written here: moveTo and lineTo spend their time on fractions that these numbers do not have.
    operators = []
    for outline in matrix.outlines():
        (column, row), *others = outline
        operators.append(f"{column} {row} m")
        operators += [f"{column} {row} l" for column, row in others]
        operators.append("h")
    canvas.drawPath(PDFPathObject(code=operators), stroke=0, fill=1, fillMode=FILL_EVEN_ODD)
    canvas.restoreState()


def parse_size(text: str) -> float:
    """A length as people write it ("30", "30 mm", "3 cm", "1.25in", '1.25"') in millimetres; without a unit it is mm.

    ValueError, in words, for anything else and outside 10 to 300 mm.
    """
    match = _SIZE.match(text.lower())
    if not match or match[2] not in _MM_PER_UNIT:
        raise ValueError(f"“{text[:40]}” is not a size. Write it like 30 mm, 3 cm or 1.25 in.")
    size_mm = float(match[1]) * _MM_PER_UNIT[match[2]]
    _check_size(size_mm)
    return size_mm


def _check_size(size_mm: float) -> None:
    if not MIN_SIZE_MM <= size_mm <= MAX_SIZE_MM:
        raise ValueError(
            f"A QR code is {MIN_SIZE_MM:g} to {MAX_SIZE_MM:g} mm wide (0.4 to 11.8 in), not {size_mm:.6g} mm."
        )


def module_mm(matrix: Matrix, size_mm: float) -> float:
    """The width of one module, in mm, when the code with its quiet zone is printed `size_mm` wide."""
    return size_mm / matrix.width


def scan_distance_mm(matrix: Matrix, size_mm: float) -> float:
    """The furthest distance, in mm, from which a phone is expected to read the code printed `size_mm` wide.

    The field's rule of thumb is ten times the width of the symbol without its margin (https://delivr.com/faq/1289/),
    for a version 2 symbol of 25 modules; a denser one is read from proportionally nearer, which is the "data density
    factor" of columns / 25 (http://orangeqr.com/qr-code-size-specifications/). Together: 250 modules' widths.
    """
    return 10 * 25 * module_mm(matrix, size_mm)
