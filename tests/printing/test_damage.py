"""Printed codes at the default (short link in capitals, level Q) are read after print and camera damage."""

from collections.abc import Callable

import pytest
from PIL import Image

from portal.printing.sheets import SheetOptions
from portal.printing.stocks import STOCKS, Stock
from tests.printing.damage import DAMAGES, is_read, seen
from tests.printing.sheet_reading import labels, pages_of, pdf_of

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_codes_are_read_after_damage(stock: Stock) -> None:
    printed = labels(min(2, stock.labels_per_page))
    page = pages_of(pdf_of(printed, SheetOptions(stock=stock, partner="Acme Energy"))[0])[0]
    unread = [
        (name, label.url_text)
        for box, label in zip(stock.boxes(), printed, strict=False)
        for name, damage in DAMAGES.items()
        if not is_read(damage(page.crop(seen(stock, box))), label.url_text)
    ]
    assert unread == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_the_same_each_time(damage: Callable[[Image.Image], Image.Image]) -> None:
    image = Image.radial_gradient("L")
    assert damage(image).tobytes() == damage(image).tobytes()


def test_damages_are_as_strong_as_they_say() -> None:
    half = Image.new("L", (400, 400), 255)
    half.paste(0, (0, 0, 200, 400))
    noisy = DAMAGES["noise 15 %"](half).tobytes()
    wrong = sum(one != other for one, other in zip(half.tobytes(), noisy, strict=True))
    # Half of the grains have the colour that was there.
    assert wrong / 160_000 == pytest.approx(0.15 / 2, abs=0.005)
    darkest, lightest = DAMAGES["grey 40 %"](half).getextrema()
    assert (lightest - darkest) / 255 == pytest.approx(0.4, abs=0.005)
    assert DAMAGES["150 dpi"](half).size == (200, 200)
    # A line that was upright leans by 5 degrees and a little more.
    upright = Image.new("L", (400, 400), 255)
    upright.paste(0, (198, 0, 202, 400))
    box = DAMAGES["tilt 5°"](upright).point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box is not None
    assert 30 < box[2] - box[0] < 60
    blurred = DAMAGES["blur"](half)
    assert 0 < blurred.getpixel((199, 200)) < blurred.getpixel((201, 200)) < 255  # type: ignore[operator]
