"""One SVG through a real browser, which reads the file by its own rules."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from portal.printing.qr import qr_matrix, qr_svg
from tests.printing.reading import DIRECT_URL, dark_box, decode

SCALE = 4


@pytest.mark.browser
def test_chromium_shows_the_svg_at_its_size_with_its_quiet_zone(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "code.svg"
    file.write_bytes(qr_svg(DIRECT_URL, size_mm=50))
    context = browser.new_context(viewport={"width": 400, "height": 400}, device_scale_factor=SCALE)
    page = context.new_page()
    page.goto(file.as_uri())
    image = Image.open(io.BytesIO(page.screenshot())).convert("L")
    context.close()
    assert decode(image).text == DIRECT_URL
    matrix = qr_matrix(DIRECT_URL)
    module = 50 / 25.4 * 96 * SCALE / matrix.width  # a browser's inch has 96 pixels
    left, top, right, bottom = dark_box(image)
    assert [left, top] == pytest.approx([4 * module] * 2, abs=1)
    assert [right - left, bottom - top] == pytest.approx([matrix.size * module] * 2, abs=1)
