"""docs/printing.md says what the code does."""

from pathlib import Path

import pytest

from portal.printing.qr import qr_matrix
from portal.printing.scanning import scannability
from portal.printing.stocks import STOCKS
from tests.printing.reading import SHORT_LINK

pytestmark = pytest.mark.pure

DOCUMENT = Path(__file__).parents[2] / "docs" / "printing.md"


def stock_rows() -> list[str]:
    """The table of stocks, as it has to stand in the document."""
    rows = ["| name | | label | on a page | code | module | read from |", "|---|---|--:|--:|--:|--:|--:|"]
    matrix = qr_matrix(SHORT_LINK, error_correction="Q")
    for name, stock in STOCKS.items():
        scan = scannability(matrix, stock)
        rows.append(
            f"| `{name}` | {stock.title} | {stock.width:.1f} × {stock.height:.1f} | {stock.labels_per_page} | "
            f"{stock.code_mm:.1f} mm | {scan.module_mm:.2f} mm | {scan.distance_mm / 10:.0f} cm |"
        )
    return rows


def test_the_table_of_stocks_is_what_is_printed() -> None:
    assert "\n".join(stock_rows()) in DOCUMENT.read_text()
