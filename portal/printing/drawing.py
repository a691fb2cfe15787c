"""One label, the cut marks and the test page on a ReportLab canvas. Boxes are in mm from the page's top left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.units import mm

from portal.printing import fonts
from portal.printing.logos import LARGEST_SHARE, Logo
from portal.printing.qr import QUIET_ZONE, Matrix, draw_matrix
from portal.printing.stocks import INCH, Box, Layout, Stock
from portal.printing.texts import LINE_HEIGHT, Text, fitted, height_of, texts_of

_HAIRLINE_PT = 0.25
_ADDRESS_PT = 10.5  # what post offices read by machine is 10 to 12 points
_MARK_GAP_MM, _MARK_MM = 2.0, 5.0
_TEXT_GAP_MM = 1.5  # between a code's quiet zone and the text beside it


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. Texts too long are shrunk, then cut with an ellipsis."""

    url_text: str  # what the code carries
    code: str  # what a person can read and type, printed under the code: 7F3K-9X2M-4QAB
    lines: tuple[str, ...] = ()  # name, address, campaign: whatever was chosen
    call_to_action: str = ""
    address: tuple[str, ...] = ()  # what shows through the window of an envelope; other stocks do not print it


def code_box(stock: Stock, box: Box) -> Box:
    """Where the code lies in a label, its quiet zone included; nothing else is ever printed there."""
    safe = box.inset(stock.inset)
    side = stock.code_mm
    if stock.layout is Layout.STACKED:
        return Box(safe.left + (safe.width - side) / 2, safe.top + stock.above_mm, side, side)
    below = _code_text("", stock).size_pt * LINE_HEIGHT / mm
    return Box(safe.left, safe.top + max(0, (safe.height - side - below) / 2), side, side)


def _code_text(code: str, stock: Stock) -> Text:
    # A code that is cut is of no use, and capitals are read at 4 points too.
    return Text(code, 1.1 * stock.text_pt, bold=True, smallest_share=0, smallest_pt=4)


def draw_label(
    canvas: Any, stock: Stock, box: Box, label: Label, matrix: Matrix, *, partner: str, logo: Logo | None
) -> None:
    """Draw one label into its box."""
    place = code_box(stock, box)
    safe = box.inset(stock.inset)
    page_height = stock.page[1]
    _draw_code(canvas, matrix, place, page_height, logo)
    room = Box(place.left, place.bottom, place.width, safe.bottom - place.bottom)
    code_height = _draw_texts(canvas, [_code_text(label.code, stock)], room, page_height, centred=True)
    call, name = label.call_to_action, Text(partner, stock.text_pt, bold=True, most_lines=2)
    details = [
        Text(line, stock.text_pt, most_lines=2, gap=0 if number else 0.3) for number, line in enumerate(label.lines)
    ]
    if stock.layout is Layout.BESIDE:
        left = place.right + _TEXT_GAP_MM
        beside = Box(left, safe.top, safe.right - left, safe.height)
        texts = [name, Text(call, stock.text_pt, most_lines=4, gap=0.2), *details]
        _draw_texts(canvas, texts, beside, page_height, from_middle=True)
        return
    above = Box(safe.left, safe.top, safe.width, stock.above_mm)
    texts = [Text(call, 1.5 * stock.text_pt, bold=True, most_lines=3)]
    _draw_texts(canvas, texts, above, page_height, centred=True, from_middle=True)
    if stock.window:
        _draw_texts(canvas, [Text(line, _ADDRESS_PT) for line in label.address], stock.window, page_height)
    if stock.sender:
        _draw_texts(canvas, [name], stock.sender, page_height)
    else:
        details.insert(0, name)
    top = place.bottom + code_height
    _draw_texts(canvas, details, Box(safe.left, top, safe.width, safe.bottom - top), page_height, centred=True)


def _draw_code(canvas: Any, matrix: Matrix, place: Box, page_height: float, logo: Logo | None) -> None:
    left, bottom, side, _ = _points(place, page_height)
    draw_matrix(canvas, matrix, x=left, y=bottom, side=side)
    if not logo:
        return
    module = place.width / matrix.width
    # A whole number of modules, odd as the code's own, so that none is cut.
    modules = (int(LARGEST_SHARE * matrix.size) - 1) // 2 * 2 + 1
    ground = place.inset((QUIET_ZONE + (matrix.size - modules) / 2) * module)
    canvas.saveState()
    canvas.setFillGray(1)
    canvas.rect(*_points(ground, page_height), stroke=0, fill=1)
    # Half a module stays white around the picture.
    canvas.drawImage(logo.image, *_points(ground.inset(module / 2), page_height), preserveAspectRatio=True)
    canvas.restoreState()


def _points(box: Box, page_height: float) -> tuple[float, float, float, float]:
    return box.left * mm, (page_height - box.bottom) * mm, box.width * mm, box.height * mm


def _draw_texts(
    canvas: Any,
    texts: Sequence[Text],
    box: Box,
    page_height: float,
    *,
    centred: bool = False,
    from_middle: bool = False,
) -> float:
    """Draw texts from the top of a box, or around its middle; the height that they take, in mm."""
    lines = fitted(texts_of(*texts), box.width * mm, box.height * mm)
    canvas.setFillGray(0)
    y = (page_height - box.top) * mm
    if from_middle:
        y -= (box.height * mm - height_of(lines)) / 2
    for number, line in enumerate(lines):
        y -= line.size_pt * (LINE_HEIGHT + (line.gap if number else 0))
        canvas.setFont(fonts.font_name(bold=line.bold), line.size_pt)
        # Half of what a line has beyond the size lies above the letters, and the part below the base line under them.
        base = y + line.size_pt * (LINE_HEIGHT - 1) / 2 + 0.24 * line.size_pt
        if centred:
            canvas.drawCentredString((box.left + box.width / 2) * mm, base, line.text)
        else:
            canvas.drawString(box.left * mm, base, line.text)
    return height_of(lines) / float(mm)


def draw_cut_marks(canvas: Any, stock: Stock) -> None:
    """Draw a short line at each end of every cut, outside of the labels."""
    boxes = stock.boxes()
    top, bottom = stock.page[1] - boxes[0].top, stock.page[1] - boxes[-1].bottom
    left, right = boxes[0].left, boxes[-1].right
    lines = []
    for x in sorted({round(edge, 4) for box in boxes for edge in (box.left, box.right)}):
        lines += [(x, top + _MARK_GAP_MM, x, top + _MARK_GAP_MM + _MARK_MM)]
        lines += [(x, bottom - _MARK_GAP_MM, x, bottom - _MARK_GAP_MM - _MARK_MM)]
    for y in sorted({round(stock.page[1] - edge, 4) for box in boxes for edge in (box.top, box.bottom)}):
        lines += [(left - _MARK_GAP_MM, y, left - _MARK_GAP_MM - _MARK_MM, y)]
        lines += [(right + _MARK_GAP_MM, y, right + _MARK_GAP_MM + _MARK_MM, y)]
    canvas.setLineWidth(_HAIRLINE_PT)
    canvas.setStrokeGray(0)
    canvas.lines([tuple(number * mm for number in line) for line in lines])


def draw_test_page(canvas: Any, stock: Stock, said: Sequence[str]) -> None:
    """Draw every label's outline with its number, and rulers that count from the edges of the page."""
    canvas.setStrokeGray(0)
    canvas.setLineWidth(_HAIRLINE_PT)
    height = stock.page[1]
    for number, box in enumerate(stock.boxes(), start=1):
        canvas.roundRect(*_points(box, height), radius=stock.radius * mm, stroke=1, fill=0)
        corner = Box(box.left + 2, box.top + 1.5, min(box.width - 4, 60), min(box.height - 3, 24))
        texts = [Text(str(number), 9, bold=True)]
        if number == 1:
            texts += [Text(line, 7, most_lines=4) for line in said]
        _draw_texts(canvas, texts, corner, height)
    if stock.window:
        canvas.rect(*_points(stock.window, height), stroke=1, fill=0)
    _draw_ruler(canvas, stock, down=False)
    _draw_ruler(canvas, stock, down=True)


def _draw_ruler(canvas: Any, stock: Stock, *, down: bool) -> None:
    """A ruler through the middle of the page, millimetres on one side and inches on the other."""
    length, across = (stock.page[1], stock.page[0]) if down else stock.page
    middle = across / 2

    def line(at: float, to: float) -> tuple[float, ...]:
        ends = (middle, at, middle + to, at) if down else (at, middle, at, middle + to)
        x1, y1, x2, y2 = ends
        # Rulers count from the top and from the left; on the canvas the page's height is where a ruler begins.
        page_height = stock.page[1]
        y1, y2 = page_height - y1, page_height - y2
        return x1 * mm, y1 * mm, x2 * mm, y2 * mm

    ticks = [line(at, 4.0 if at % 10 == 0 else 3.0 if at % 5 == 0 else 2.0) for at in range(int(length) + 1)]
    eighths = [line(n * INCH / 8, -4.0 if n % 8 == 0 else -2.0) for n in range(int(length / INCH * 8) + 1)]
    canvas.lines(ticks + eighths)
    for at, said, side in [
        *((float(at), str(at), 4.5) for at in range(10, int(length), 10)),
        *((inch * INCH, f"{inch} in", -4.5) for inch in range(1, int(length / INCH) + 1)),
    ]:
        if down:
            place = Box(middle + side - (10 if side < 0 else 0), at - 1.2, 10, 2.4)
        else:
            place = Box(at - 5, stock.page[1] / 2 + side - (2.4 if side < 0 else 0), 10, 2.4)
        _draw_texts(canvas, [Text(said, 5)], place, stock.page[1], centred=True)
