"""What codes are printed on: the paper's geometry as data, in millimetres from the page's top left corner.

`find_stock("avery-5160").placed(offset_x_mm=0.5)` is a stock as one printer needs it; `boxes()` are where labels lie.
Every refusal of `portal.printing` is a PrintRefusedError, a ValueError whose text says what happened and what to do.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

INCH: Final = 25.4
LETTER: Final = (8.5 * INCH, 11 * INCH)
A4: Final = (210.0, 297.0)
_SAME_PLACE = 1e-4  # a tenth of a micrometre: what is left of sums of floats


class PrintRefusedError(ValueError):
    """What was asked for cannot be printed; the text says why and what to change."""


class UnknownStockError(PrintRefusedError):
    """No stock has this name."""


class StartLabelError(PrintRefusedError):
    """The first label lies beyond the sheet."""


class OffPageError(PrintRefusedError):
    """A correction for the printer pushes a label off the page."""


class Layout(StrEnum):
    """How a label is filled."""

    BESIDE = "beside"  # the code on the left, what it says on the right
    STACKED = "stacked"  # the call to action, the code, then what it says, all centred


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the page, in mm from the page's top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def inset(self, by: float) -> "Box":
        """The rectangle without a margin of this width."""
        return Box(self.left + by, self.top + by, self.width - 2 * by, self.height - 2 * by)

    def moved(self, x: float, y: float) -> "Box":
        return Box(self.left + x, self.top + y, self.width, self.height)

    def contains(self, other: "Box") -> bool:
        return (
            self.left <= other.left + _SAME_PLACE
            and self.top <= other.top + _SAME_PLACE
            and other.right <= self.right + _SAME_PLACE
            and other.bottom <= self.bottom + _SAME_PLACE
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One kind of paper. All lengths in mm; text sizes in points."""

    name: str
    title: str
    page: tuple[float, float]
    columns: int = 1
    rows: int = 1
    left: float  # of the first label
    top: float
    pitch_x: float = 0.0  # from one label's left edge to the next one's
    pitch_y: float = 0.0
    width: float
    height: float
    radius: float = 0.0  # of a die-cut label's corners
    inset: float = 0.0  # nothing is printed closer than this to the label's edge
    layout: Layout = Layout.BESIDE
    code_mm: float  # the code's side, its quiet zone of 4 modules on each side included
    above_mm: float = 0.0  # stacked: room for the call to action above the code
    text_pt: float  # the size of texts that are not too long
    clear_top: float = 0.0  # nothing may be printed above this line of the page
    window: Box | None = None  # where an address shows through an envelope's window, however the letter lies in it
    sender: Box | None = None  # where the partner's name stands on a letter, out of the window's sight
    cut_marks: bool = False  # the paper is not die-cut: marks show where to cut
    source: str

    @property
    def labels_per_page(self) -> int:
        return self.columns * self.rows

    def pages_for(self, labels: int, *, start_at: int = 1) -> int:
        """How many pages so many labels take, the first at `start_at` of a sheet that was begun; none take none."""
        return -(-(start_at - 1 + labels) // self.labels_per_page) if labels else 0

    @property
    def page_box(self) -> Box:
        return Box(0, 0, *self.page)

    def box(self, number: int) -> Box:
        """Where a label lies; they count from 1, row by row."""
        self.check_start(number)
        row, column = divmod(number - 1, self.columns)
        return Box(self.left + column * self.pitch_x, self.top + row * self.pitch_y, self.width, self.height)

    def boxes(self) -> list[Box]:
        """Where each label of a page lies, in order."""
        return [self.box(number) for number in range(1, self.labels_per_page + 1)]

    def check_start(self, number: int) -> None:
        """StartLabelError unless a sheet has a label of this number."""
        if 1 <= number <= self.labels_per_page:
            return
        if self.labels_per_page == 1:
            raise StartLabelError(f"{self.title} has one place on each page: start at 1, not at {number}.")
        raise StartLabelError(
            f"A sheet of {self.title} has labels 1 to {self.labels_per_page}, counted row by row: "
            f"it cannot start at {number}. Choose a number from 1 to {self.labels_per_page}."
        )

    def placed(
        self,
        *,
        offset_x_mm: float = 0.0,
        offset_y_mm: float = 0.0,
        left_margin_mm: float | None = None,
        top_margin_mm: float | None = None,
    ) -> "Stock":
        """This stock as one printer needs it: moved right and down by the offset, with its margins measured anew.

        OffPageError, in words, if anything would then not lie on the page.
        """
        move_x = offset_x_mm + (0 if left_margin_mm is None else left_margin_mm - self.left)
        move_y = offset_y_mm + (0 if top_margin_mm is None else top_margin_mm - self.top)
        boxes = [self.box(1), self.box(self.labels_per_page), *filter(None, (self.window, self.sender))]
        room_left, room_right = min(box.left for box in boxes), self.page[0] - max(box.right for box in boxes)
        room_up = min(box.top for box in boxes) - self.clear_top
        room_down = self.page[1] - max(box.bottom for box in boxes)
        # Written so that "not a number" is refused too.
        if not -room_left - _SAME_PLACE <= move_x <= room_right + _SAME_PLACE:
            raise OffPageError(self._off_page(move_x, "right", "left", room_right, room_left))
        if not -room_up - _SAME_PLACE <= move_y <= room_down + _SAME_PLACE:
            raise OffPageError(self._off_page(move_y, "down", "up", room_down, room_up))
        return replace(
            self,
            left=self.left + move_x,
            top=self.top + move_y,
            window=self.window.moved(move_x, move_y) if self.window else None,
            sender=self.sender.moved(move_x, move_y) if self.sender else None,
        )

    def _off_page(self, move: float, ahead: str, back: str, room_ahead: float, room_back: float) -> str:
        edge = "into the hole at the top" if back == "up" and move < 0 and self.clear_top else "off the page"
        return (
            f"Printed {abs(move):.4g} mm further {ahead if move > 0 else back}, {self.title} would run {edge}. "
            f"Choose an offset or a margin that moves it at most {room_ahead:.4g} mm {ahead} "
            f"and {room_back:.4g} mm {back}."
        )


def find_stock(name: str) -> Stock:
    """The stock of this name; UnknownStockError says which there are."""
    try:
        return STOCKS[name]
    except KeyError:
        raise UnknownStockError(f"There is no stock “{name[:40]}”. Choose one of {', '.join(STOCKS)}.") from None


# Avery US: label, pitch and top margin of the open template files of gLabels (templates/avery-us-templates.xml in
# https://github.com/jimevins/glabels-qt), corners too. Side margins: the grid is centred on the sheet, which gives the
# 0.1875 in and 2.75 in that other open label software has for 5160, where gLabels is 1/32 in off.
# Avery A4: templates/avery-iso-templates.xml, with columns 2.5 mm apart and the grid centred on the sheet.
_ALL = (
    Stock(
        name="avery-5160",
        title="Avery 5160, address labels 1 × 2 5/8 in",
        page=LETTER,
        columns=3,
        rows=10,
        left=0.1875 * INCH,
        top=0.5 * INCH,
        pitch_x=2.75 * INCH,
        pitch_y=1 * INCH,
        width=2.625 * INCH,
        height=1 * INCH,
        radius=0.0625 * INCH,
        inset=0.0625 * INCH,
        code_mm=19.4,
        text_pt=8,
        source="gLabels, avery-us-templates.xml; https://wiki.trackandtrace.tools/t3-labels/label-templates/",
    ),
    Stock(
        name="avery-5163",
        title="Avery 5163, shipping labels 2 × 4 in",
        page=LETTER,
        columns=2,
        rows=5,
        left=0.15625 * INCH,
        top=0.5 * INCH,
        pitch_x=4.1875 * INCH,
        pitch_y=2 * INCH,
        width=4 * INCH,
        height=2 * INCH,
        radius=0.125 * INCH,
        inset=0.125 * INCH,
        code_mm=39,
        text_pt=11,
        source="gLabels, avery-us-templates.xml",
    ),
    Stock(
        name="avery-5164",
        title="Avery 5164, shipping labels 3 1/3 × 4 in",
        page=LETTER,
        columns=2,
        rows=3,
        left=0.15625 * INCH,
        top=0.5 * INCH,
        pitch_x=4.1875 * INCH,
        pitch_y=10 / 3 * INCH,
        width=4 * INCH,
        height=10 / 3 * INCH,
        radius=0.125 * INCH,
        inset=0.125 * INCH,
        code_mm=52,
        text_pt=12,
        source="gLabels, avery-us-templates.xml",
    ),
    Stock(
        # 12 squares, evenly spread: 0.625 in to each side of each column, 0.625 in above and below the rows.
        name="avery-22806",
        title="Avery 22806, square labels 2 × 2 in",
        page=LETTER,
        columns=3,
        rows=4,
        left=0.625 * INCH,
        top=0.625 * INCH,
        pitch_x=2.625 * INCH,
        pitch_y=(11 - 2 * 0.625 - 2) / 3 * INCH,
        width=2 * INCH,
        height=2 * INCH,
        radius=0.125 * INCH,
        inset=2.4,
        layout=Layout.STACKED,
        code_mm=27.5,
        above_mm=6.0,
        text_pt=7.5,
        source="2 × 2 in, 12 a sheet, as Avery sells it; spread evenly, as open label software has it",
    ),
    Stock(
        name="avery-l7160",
        title="Avery L7160, address labels 63.5 × 38.1 mm",
        page=A4,
        columns=3,
        rows=7,
        left=7.25,
        top=15.15,
        pitch_x=66.0,
        pitch_y=38.1,
        width=63.5,
        height=38.1,
        radius=1.8,
        inset=2.0,
        code_mm=29,
        text_pt=8.5,
        source="gLabels, avery-iso-templates.xml",
    ),
    Stock(
        name="avery-l7163",
        title="Avery L7163, address labels 99.1 × 38.1 mm",
        page=A4,
        columns=2,
        rows=7,
        left=4.65,
        top=15.15,
        pitch_x=101.6,
        pitch_y=38.1,
        width=99.1,
        height=38.1,
        radius=1.8,
        inset=2.0,
        code_mm=30,
        text_pt=10,
        source="gLabels, avery-iso-templates.xml",
    ),
    Stock(
        # Ten cards touch each other, so that one cut parts two.
        name="card-85x55",
        title="Cards 85 × 55 mm, ten on A4, to be cut",
        page=A4,
        columns=2,
        rows=5,
        left=20.0,
        top=11.0,
        pitch_x=85.0,
        pitch_y=55.0,
        width=85.0,
        height=55.0,
        inset=4.0,
        code_mm=38,
        text_pt=9.5,
        cut_marks=True,
        source="the sheet divided evenly",
    ),
    Stock(
        # The grid of Avery 5371, so that its perforated sheets fit too.
        name="card-35x20",
        title="Cards 3.5 × 2 in, ten on Letter, to be cut",
        page=LETTER,
        columns=2,
        rows=5,
        left=0.75 * INCH,
        top=0.5 * INCH,
        pitch_x=3.5 * INCH,
        pitch_y=2 * INCH,
        width=3.5 * INCH,
        height=2 * INCH,
        inset=0.125 * INCH,
        code_mm=38,
        text_pt=9.5,
        cut_marks=True,
        source="the sheet divided evenly, as Avery 5371 is",
    ),
    Stock(
        # Two hangers of 4.25 × 11 in side by side on Letter. The box is what may be printed: 0.25 in from the edges,
        # and 5 mm below the 1.75 in at the top that the hole takes, so that a printer can be corrected upwards.
        name="door-hanger",
        title="Door hangers 4.25 × 11 in, two on Letter",
        page=LETTER,
        columns=2,
        left=0.25 * INCH,
        top=1.75 * INCH + 5,
        pitch_x=4.25 * INCH,
        width=3.75 * INCH,
        height=11 * INCH - 1.75 * INCH - 5 - 0.25 * INCH,
        layout=Layout.STACKED,
        code_mm=88,
        above_mm=48,
        text_pt=15,
        clear_top=1.75 * INCH,
        source="a Letter sheet divided in two; the hole's 1.75 in are the portal's rule",
    ),
    Stock(
        # A letter folded in three in a no. 10 envelope (4⅛ × 9½ in), whose window of 1⅛ × 4½ in is ⅞ in from the
        # envelope's left and ½ in from its bottom. The letter (8.5 × 3⅔ in when folded) has 1 in of play across and
        # 0.458 in up: what shows in every position is 0.875 to 4.375 in from the left, 2.5 to 3.167 in from the top.
        # The box is the middle and lower third, and the code ends above the second fold.
        name="letter-window",
        title="Letter for a window envelope, with the address and the code",
        page=LETTER,
        left=0.75 * INCH,
        top=3.85 * INCH,
        width=7 * INCH,
        height=6.65 * INCH,
        layout=Layout.STACKED,
        code_mm=56,
        above_mm=20,
        text_pt=12,
        window=Box(0.875 * INCH, 2.5 * INCH, 3.5 * INCH, (3.167 - 2.5) * INCH),
        sender=Box(0.875 * INCH, 0.6 * INCH, 3.5 * INCH, 0.4 * INCH),
        source="the usual window, http://answers.google.com/answers/threadview?id=712795 (USPS, csus.edu)",
    ),
    Stock(
        name="poster-a4",
        title="Poster, A4",
        page=A4,
        left=15,
        top=15,
        width=180,
        height=267,
        layout=Layout.STACKED,
        code_mm=150,
        above_mm=52,
        text_pt=24,
        source="ISO 216",
    ),
    Stock(
        name="poster-letter",
        title="Poster, Letter",
        page=LETTER,
        left=15,
        top=15,
        width=8.5 * INCH - 30,
        height=11 * INCH - 30,
        layout=Layout.STACKED,
        code_mm=145,
        above_mm=46,
        text_pt=24,
        source="ANSI/ASME Y14.1",
    ),
)
STOCKS: Final = {stock.name: stock for stock in _ALL}
