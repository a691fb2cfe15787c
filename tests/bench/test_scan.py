"""The measurement of printed codes: what it prints is what was read."""

import pytest
from PIL import Image

from bench import scan
from portal.printing.stocks import STOCKS, find_stock

pytestmark = pytest.mark.pure


def test_every_stock_is_measured_and_counts_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def blank(image: Image.Image) -> Image.Image:
        return Image.new("L", image.size, 255)

    monkeypatch.setattr(scan, "DAMAGES", {"none": lambda image: image, "painted over": blank})
    monkeypatch.setattr(scan, "_MOST_LABELS", 2)
    monkeypatch.setattr(scan, "_MOST_PAGES", 1)
    found = scan.run()
    default = {line.name.split(",")[0]: line for line in found if "short link, Q" in line.name}
    assert list(default) == list(STOCKS)
    assert default["avery-5160"].succeeded == {"none": 2, "painted over": 0}
    assert not default["avery-5160"].met
    assert default["poster-a4"].of == 1
    assert f"{find_stock('poster-a4').code_mm / 37:.2f} mm a module" in default["poster-a4"].name
    # Leap's own URL is only told, and so are small inputs.
    assert {line.goal for line in found if "direct URL" in line.name} == {None}
    monkeypatch.setattr(scan, "_QUICK_LABELS", 1)
    assert {line.goal for line in scan.run(quick=True)} == {None}
