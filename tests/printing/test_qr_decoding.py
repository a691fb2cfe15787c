"""Every variant that is offered, read back by an independent decoder (zxing-cpp)."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from portal.printing.qr import qr_pdf, qr_png, qr_svg
from tests.printing.reading import DIRECT_URL, SHORT_LINK, UMLAUTS, decode, paint_pdf, paint_png, paint_svg

Draw = Callable[..., Image.Image]


def svg(text: str, *, size_mm: float, level: str) -> Image.Image:
    return paint_svg(qr_svg(text, size_mm=size_mm, error_correction=level), pixels_per_module=4)


def png(text: str, *, size_mm: float, level: str) -> Image.Image:
    return paint_png(qr_png(text, size_mm=size_mm, error_correction=level))


def pdf(text: str, *, size_mm: float, level: str) -> Image.Image:
    return paint_pdf(qr_pdf(text, size_mm=size_mm, error_correction=level))


def pdf_with_caption(text: str, *, size_mm: float, level: str) -> Image.Image:
    return paint_pdf(qr_pdf(text, size_mm=size_mm, error_correction=level, caption="Rosa Núñez · 112 Maple St"))


@pytest.mark.parametrize("size_mm", [15, 20, 30, 50, 100])
@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("text", [SHORT_LINK, DIRECT_URL, UMLAUTS], ids=["short", "direct", "utf8"])
@pytest.mark.parametrize("draw", [svg, png, pdf, pdf_with_caption])
def test_c4_r2_every_variant_is_read_back(draw: Draw, text: str, level: str, size_mm: float) -> None:
    code = decode(draw(text, size_mm=size_mm, level=level))
    assert code.text == text
    assert code.ec_level == level


@pytest.mark.parametrize("dpi", [72, 150, 203, 300, 600])
def test_every_resolution_is_read_back(dpi: int) -> None:
    assert decode(paint_png(qr_png(DIRECT_URL, size_mm=40, dpi=dpi))).text == DIRECT_URL


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize(
    "text", ["0" * 60, "0" * 600, "\x00" * 60, "https://p.acme.com/" + "0" * 100 + "/ñ", "é" + "\x00" * 99]
)
def test_long_rows_of_zeros_come_back(text: str, level: str) -> None:
    """The library fails at an error correction block of zeros, `qrcode.QRCode().add_data("0" * 60)` at H for one."""
    assert decode(paint_png(qr_png(text, size_mm=80, error_correction=level))).bytes == text.encode("utf-8")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_any_text_comes_back(text: str) -> None:
    # Bytes, not characters: a code carries no word about its encoding, and readers guess it from the bytes.
    assert decode(paint_png(qr_png(text, size_mm=60))).bytes == text.encode("utf-8")


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=200))
def test_any_capitals_and_digits_come_back(text: str) -> None:
    assert decode(paint_svg(qr_svg(text), pixels_per_module=3)).text == text
