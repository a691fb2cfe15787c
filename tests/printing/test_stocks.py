"""The paper's geometry: every box on its page, whatever the printer needs, and what is refused."""

import math
from itertools import combinations

import pytest

from portal.printing.drawing import code_box
from portal.printing.stocks import (
    INCH,
    LETTER,
    STOCKS,
    Box,
    Layout,
    OffPageError,
    PrintRefusedError,
    StartLabelError,
    Stock,
    UnknownStockError,
    find_stock,
)

pytestmark = pytest.mark.pure

every_stock = pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)


def overlap(one: Box, other: Box) -> bool:
    near = 1e-6
    return (
        one.left < other.right - near
        and other.left < one.right - near
        and one.top < other.bottom - near
        and other.top < one.bottom - near
    )


def test_the_stocks_have_the_names_that_were_asked_for() -> None:
    assert list(STOCKS) == [
        "avery-5160",
        "avery-5163",
        "avery-5164",
        "avery-22806",
        "avery-l7160",
        "avery-l7163",
        "card-85x55",
        "card-35x20",
        "door-hanger",
        "letter-window",
        "poster-a4",
        "poster-letter",
    ]
    assert all(find_stock(name) is stock and stock.name == name for name, stock in STOCKS.items())
    assert all(stock.source for stock in STOCKS.values())


@pytest.mark.parametrize(
    ("name", "labels", "width", "height"),
    [
        # Numbers on the makers' boxes, in mm.
        ("avery-5160", 30, 66.675, 25.4),
        ("avery-5163", 10, 101.6, 50.8),
        ("avery-5164", 6, 101.6, 84.667),
        ("avery-22806", 12, 50.8, 50.8),
        ("avery-l7160", 21, 63.5, 38.1),
        ("avery-l7163", 14, 99.1, 38.1),
        ("card-85x55", 10, 85, 55),
        ("card-35x20", 10, 88.9, 50.8),
    ],
)
def test_labels_are_as_large_as_sold(name: str, labels: int, width: float, height: float) -> None:
    stock = find_stock(name)
    assert stock.labels_per_page == labels
    assert (stock.width, stock.height) == pytest.approx((width, height), abs=0.001)


@every_stock
def test_every_box_lies_on_its_page_and_apart_from_the_others(stock: Stock) -> None:
    boxes = stock.boxes()
    assert len(boxes) == stock.labels_per_page
    assert all(stock.page_box.contains(box) for box in boxes)
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    # They count row by row.
    assert boxes == sorted(boxes, key=lambda box: (round(box.top, 3), box.left))


@every_stock
def test_a_grid_is_centred_across_its_page(stock: Stock) -> None:
    boxes = stock.boxes()
    assert boxes[0].left == pytest.approx(stock.page[0] - boxes[-1].right, abs=0.01)


@every_stock
def test_the_code_lies_in_the_label_with_room_for_what_is_under_it(stock: Stock) -> None:
    for box in stock.boxes():
        place = code_box(stock, box)
        assert box.inset(stock.inset).contains(place)
        # A line of 5 points at least.
        assert box.bottom - stock.inset - place.bottom > 5 * 1.22 / 72 * INCH
        if stock.layout is Layout.BESIDE:
            assert box.right - place.right > 25


@every_stock
@pytest.mark.parametrize(("x", "y"), [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1)])
def test_an_offset_moves_every_box_as_far_as_the_page_allows(stock: Stock, x: int, y: int) -> None:
    printed = [*stock.boxes(), *filter(None, (stock.window, stock.sender))]
    room_x = min(box.left for box in printed) if x < 0 else stock.page[0] - max(box.right for box in printed)
    room_y = min(box.top for box in printed) - stock.clear_top
    if y > 0:
        room_y = stock.page[1] - max(box.bottom for box in printed)
    furthest = stock.placed(offset_x_mm=x * room_x, offset_y_mm=y * room_y)
    moved = [*furthest.boxes(), *filter(None, (furthest.window, furthest.sender))]
    assert all(furthest.page_box.contains(box) for box in moved)
    assert all(box.top >= stock.clear_top - 1e-4 for box in furthest.boxes())
    for before, after in zip(stock.boxes(), furthest.boxes(), strict=True):
        assert after.left - before.left == pytest.approx(x * room_x)
        assert after.top - before.top == pytest.approx(y * room_y)
    with pytest.raises(OffPageError):
        stock.placed(offset_x_mm=x * (room_x + 0.01), offset_y_mm=y * (room_y + 0.01))


def test_an_offset_off_the_page_says_how_much_there_is() -> None:
    with pytest.raises(OffPageError) as refusal:
        find_stock("avery-5160").placed(offset_x_mm=5)
    assert str(refusal.value) == (
        "Printed 5 mm further right, Avery 5160, address labels 1 × 2 5/8 in would run off the page. "
        "Choose an offset or a margin that moves it at most 4.762 mm right and 4.762 mm left."
    )
    with pytest.raises(OffPageError, match="into the hole at the top"):
        find_stock("door-hanger").placed(offset_y_mm=-6)


@every_stock
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_an_offset_that_is_no_length_is_refused(stock: Stock, number: float) -> None:
    with pytest.raises(OffPageError):
        stock.placed(offset_x_mm=number)
    with pytest.raises(OffPageError):
        stock.placed(top_margin_mm=number)


def test_margins_are_measured_anew_and_the_offset_comes_on_top() -> None:
    stock = find_stock("avery-l7163")
    placed = stock.placed(left_margin_mm=5, top_margin_mm=14, offset_x_mm=-0.5, offset_y_mm=0.25)
    assert (placed.left, placed.top) == pytest.approx((4.5, 14.25))
    assert placed.pitch_x == stock.pitch_x
    assert stock.placed() == stock


@every_stock
def test_a_start_beyond_the_sheet_is_refused(stock: Stock) -> None:
    for number in (1, stock.labels_per_page):
        stock.check_start(number)
    for number in (0, -1, stock.labels_per_page + 1):
        with pytest.raises(StartLabelError):
            stock.check_start(number)


def test_a_start_beyond_the_sheet_names_the_range() -> None:
    with pytest.raises(StartLabelError, match=r"labels 1 to 30, .* Choose a number from 1 to 30\."):
        find_stock("avery-5160").check_start(31)
    with pytest.raises(StartLabelError, match="one place on each page: start at 1, not at 2"):
        find_stock("poster-a4").check_start(2)


def test_an_unknown_stock_names_those_that_exist() -> None:
    with pytest.raises(UnknownStockError, match=r"There is no stock “avery-9999”\. Choose one of avery-5160, .*poster"):
        find_stock("avery-9999")
    assert issubclass(UnknownStockError, PrintRefusedError)
    assert issubclass(PrintRefusedError, ValueError)


def test_nothing_of_a_door_hanger_lies_where_the_hole_is() -> None:
    hanger = find_stock("door-hanger")
    assert hanger.page == LETTER
    assert hanger.pitch_x == 4.25 * INCH
    assert hanger.clear_top == pytest.approx(44.45)
    for number, box in enumerate(hanger.boxes()):
        assert box.top > 1.75 * INCH
        # Each within its own half.
        assert number * 4.25 * INCH < box.left < box.right < (number + 1) * 4.25 * INCH


def test_the_letter_shows_its_address_only_and_is_not_folded_through_the_code() -> None:
    letter = find_stock("letter-window")
    assert letter.window is not None
    third = 11 * INCH / 3
    # What a window of 1 1/8 by 4 1/2 in can show while the letter slides in a no. 10 envelope of 9.5 by 4 1/8 in.
    across, up = (9.5 - 8.5) * INCH, 4.125 * INCH - third
    bottom = third - 0.5 * INCH
    seen = [
        Box(0.875 * INCH - x, bottom - 1.125 * INCH + y, 4.5 * INCH, 1.125 * INCH) for x in (0, across) for y in (0, up)
    ]
    assert all(view.inset(-0.02).contains(letter.window) for view in seen)
    assert letter.sender is not None
    assert not any(overlap(view, letter.sender) for view in seen)
    box = letter.box(1)
    assert all(view.bottom <= box.top for view in seen)
    code = code_box(letter, box)
    assert third < code.top
    assert code.bottom < 2 * third


def test_a_window_moves_with_the_letter() -> None:
    letter = find_stock("letter-window")
    moved = letter.placed(offset_x_mm=2, offset_y_mm=-1)
    assert letter.window is not None
    assert letter.sender is not None
    assert (moved.window, moved.sender) == (letter.window.moved(2, -1), letter.sender.moved(2, -1))


@pytest.mark.parametrize(
    ("labels", "start_at", "pages"),
    [(0, 1, 0), (0, 30, 0), (1, 30, 1), (2, 30, 2), (30, 1, 1), (31, 1, 2), (32, 30, 3)],
)
def test_pages_of_a_sheet_that_was_begun(labels: int, start_at: int, pages: int) -> None:
    assert STOCKS["avery-5160"].pages_for(labels, start_at=start_at) == pages
