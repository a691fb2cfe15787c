"""Printed codes after what printers and cameras do to them: the share that still decodes, for each stock.

Real sheets are written, rendered at 300 dpi by PDFium, damaged label by label and read by zxing. Nothing is timed.
"""

import io
from collections.abc import Sequence

from bench.harness import MIN_ROUNDS, Shares
from bench.qr import cases
from portal.printing.drawing import Label
from portal.printing.rendering import page_images
from portal.printing.scanning import NotScannableError
from portal.printing.sheets import SheetOptions, check_options, write_pdf
from portal.printing.stocks import STOCKS, Stock
from tests.printing.damage import DAMAGES, DPI, is_read, seen

GOAL = 0.9  # of the default (short link, Q), after every damage
_MOST_LABELS, _MOST_PAGES = 60, 8
_QUICK_LABELS, _QUICK_PAGES = 12, 1


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Shares]:
    """Two results for each stock: the default, and Leap's own URL at the level that suits it."""
    _, _, short = cases(_MOST_LABELS)[0]
    _, _, direct = cases(_MOST_LABELS)[2]
    most_labels, most_pages = (_QUICK_LABELS, _QUICK_PAGES) if quick else (_MOST_LABELS, _MOST_PAGES)
    # One code in twelve says too little to judge by.
    goal = None if quick else GOAL
    results = []
    for stock in STOCKS.values():
        labels = min(most_labels, most_pages * stock.labels_per_page)
        results.append(_shares(stock, "short link, Q", short[:labels], "Q", goal))
        try:
            results.append(_shares(stock, "direct URL, M", direct[:labels], "M", None))
        except NotScannableError:
            continue
    return results


def _shares(stock: Stock, what: str, texts: Sequence[str], level: str, goal: float | None) -> Shares:
    options = SheetOptions(stock=stock, partner="Acme Energy", error_correction=level)
    scan = check_options(options, max(texts, key=len))
    lines = ("Rosa Núñez", "112 Maple Street, Santa Barbara", "Summer Savings")
    pdf = io.BytesIO()
    write_pdf(pdf, (Label(text, "7F3K-9X2M-4QAB", lines, "Scan to authorize") for text in texts), options)
    read = dict.fromkeys(DAMAGES, 0)
    coming = iter(texts)
    for page in page_images(pdf.getvalue(), DPI):
        for box, text in zip(stock.boxes(), coming, strict=False):
            pixels_per_mm = DPI / 25.4
            view = seen(stock, box)
            corners = (view.left, view.top, view.right, view.bottom)
            label = page.crop(tuple(round(edge * pixels_per_mm) for edge in corners))
            for name, damage in DAMAGES.items():
                read[name] += is_read(damage(label), text)
    name = f"{stock.name}, {what}: {scan.module_mm:.2f} mm a module, read from {scan.distance_mm / 10:.0f} cm"
    return Shares(name, read, len(texts), goal)
