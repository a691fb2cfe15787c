"""What is too fine to be read is refused, and the refusal says what to change."""

import pytest

from portal.printing.qr import QUIET_ZONE, qr_matrix
from portal.printing.scanning import LEAST_MODULE_MM, NotScannableError, check_scannable
from portal.printing.stocks import STOCKS, Stock, find_stock
from tests.printing.reading import DIRECT_URL, SHORT_LINK

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_the_short_link_at_the_default_level_is_read_on_every_stock(stock: Stock) -> None:
    found = check_scannable(SHORT_LINK, qr_matrix(SHORT_LINK, error_correction="Q"), stock)
    assert found.module_mm > 0.5
    assert found.module_mm * (found.modules + 2 * QUIET_ZONE) == pytest.approx(stock.code_mm)
    assert found.distance_mm == pytest.approx(250 * found.module_mm)


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_exactly_what_is_below_a_third_of_a_millimetre_is_refused(stock: Stock, level: str) -> None:
    for text in (SHORT_LINK, DIRECT_URL, DIRECT_URL * 3, DIRECT_URL * 10):
        matrix = qr_matrix(text, error_correction=level)
        if stock.code_mm / (matrix.size + 8) >= LEAST_MODULE_MM:
            check_scannable(text, matrix, stock)
        else:
            with pytest.raises(NotScannableError):
                check_scannable(text, matrix, stock)


def test_a_refusal_says_what_to_change() -> None:
    stock = find_stock("avery-5160")
    with pytest.raises(NotScannableError) as refusal:
        check_scannable(DIRECT_URL, qr_matrix(DIRECT_URL, error_correction="H"), stock)
    words = str(refusal.value)
    assert "this text of 99 characters at error correction H makes modules of 0.30 mm" in words
    assert "with the quiet zone of 4 modules" in words
    assert "print the short link in capitals" in words
    assert "choose error correction Q" in words
    assert "choose a larger stock (avery-22806 or larger)" in words
    # And each of the changes is enough.
    check_scannable(SHORT_LINK, qr_matrix(SHORT_LINK, error_correction="H"), stock)
    check_scannable(DIRECT_URL, qr_matrix(DIRECT_URL, error_correction="Q"), stock)
    check_scannable(DIRECT_URL, qr_matrix(DIRECT_URL, error_correction="H"), find_stock("avery-22806"))


def test_only_what_helps_is_said() -> None:
    text = "HTTPS://P.ACME.COM/GO/" + "A" * 1400
    with pytest.raises(NotScannableError) as refusal:
        check_scannable(text, qr_matrix(text, error_correction="L"), find_stock("avery-5160"))
    words = str(refusal.value)
    assert "capitals" not in words
    assert "choose error correction" not in words
    assert "choose a larger stock" in words


def test_where_nothing_else_helps_the_text_is_to_be_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.printing.scanning.STOCKS", {"avery-5160": find_stock("avery-5160")})
    text = "A" * 1400
    with pytest.raises(NotScannableError, match="What helps: shorten the text"):
        check_scannable(text, qr_matrix(text, error_correction="L"), find_stock("avery-5160"))
