"""How well a code reads when it is printed, and what is refused because it would not."""

from dataclasses import dataclass
from typing import Final

from portal.printing.qr import ERROR_CORRECTIONS, QUIET_ZONE, Matrix, module_mm, qr_matrix, scan_distance_mm
from portal.printing.stocks import STOCKS, PrintRefusedError, Stock

# Four dots of a 300 dpi printer are 0.339 mm. Denso Wave, who made the code, asks for four dots a module at least:
# https://www.qrcode.com/en/howto/cell.html
LEAST_MODULE_MM: Final = 0.33


class NotScannableError(PrintRefusedError):
    """The code would be too small to be read; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Scannability:
    """How well a code reads when printed."""

    module_mm: float
    code_mm: float  # its side, the quiet zone included
    distance_mm: float  # the furthest from which a phone is expected to read it
    modules: int  # along one side, without the quiet zone
    error_correction: str


def scannability(matrix: Matrix, stock: Stock) -> Scannability:
    """How this code reads on this stock, whose place for a code has room for the quiet zone as well."""
    return Scannability(
        module_mm(matrix, stock.code_mm),
        stock.code_mm,
        scan_distance_mm(matrix, stock.code_mm),
        matrix.size,
        matrix.error_correction,
    )


def check_scannable(text: str, matrix: Matrix, stock: Stock) -> Scannability:
    """How this code reads; NotScannableError if a module is narrower than 0.33 mm with the quiet zone around it."""
    found = scannability(matrix, stock)
    if found.module_mm >= LEAST_MODULE_MM:
        return found
    raise NotScannableError(
        f"On {stock.title}, this text of {len(text)} characters at error correction {matrix.error_correction} makes "
        f"modules of {found.module_mm:.2f} mm, with the quiet zone of {QUIET_ZONE} modules that a reader needs. "
        f"Phones read {LEAST_MODULE_MM} mm and more. {_what_to_change(text, matrix, stock)}"
    )


def _what_to_change(text: str, matrix: Matrix, stock: Stock) -> str:
    """Every single change that would be enough, the one that costs least first."""
    changes = []
    if text != text.upper():
        changes.append("print the short link in capitals, which makes a coarser code")
    levels = list(ERROR_CORRECTIONS)
    for level in reversed(levels[: levels.index(matrix.error_correction)]):
        if module_mm(qr_matrix(text, error_correction=level), stock.code_mm) >= LEAST_MODULE_MM:
            changes.append(f"choose error correction {level}")
            break
    larger = [name for name, other in STOCKS.items() if module_mm(matrix, other.code_mm) >= LEAST_MODULE_MM]
    if larger:
        smallest = min(larger, key=lambda name: STOCKS[name].code_mm)
        changes.append(f"choose a larger stock ({smallest} or larger)")
    if not changes:
        changes.append("shorten the text")
    return f"What helps: {'; or '.join(changes)}."
