"""The typeface of printed texts: Bitstream Vera, which ReportLab ships, embedded in every PDF that uses it."""

import unicodedata
from functools import lru_cache
from threading import Lock
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "Vera"
BOLD_FONT = "VeraBd"
# ReportLab reads from the one shared file of a font while it embeds it: one thread at a time saves a document.
EMBEDDING = Lock()


@lru_cache(maxsize=2)
def _font(name: str) -> Any:
    font = TTFont(name, f"{name}.ttf")
    pdfmetrics.registerFont(font)
    return font


def font_name(*, bold: bool = False) -> str:
    """The name to give to ReportLab's `setFont`; the font is registered by then."""
    name = BOLD_FONT if bold else FONT
    _font(name)
    return name


def text_width(text: str, size_pt: float, *, bold: bool = False) -> float:
    """How wide a line of text is, in points."""
    return float(pdfmetrics.stringWidth(text, font_name(bold=bold), size_pt))


def printable(text: str) -> str:
    """The text as one line in letters that the font has.

    Vera has all of Latin-1 (Núñez, Müller, Ångström), typographic quotes and dashes, and few letters beyond. A letter
    that it lacks loses its accent (Gdańsk is printed Gdansk, Ħamrun as Hamrun); what has no Latin base prints as "?",
    because an empty box looks like a fault of the printer.
    """
    glyphs = _font(FONT).face.charToGlyph
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(letter if ord(letter) in glyphs else _without_accent(letter, glyphs) for letter in line)


def _without_accent(letter: str, glyphs: Any) -> str:
    if unicodedata.category(letter) in {"Cc", "Cf", "Mn"}:
        return ""
    # "LATIN SMALL LETTER L WITH STROKE" does not decompose; its name still says what it is.
    name = unicodedata.name(letter, "").split(" WITH ")[0]
    try:
        base = unicodedata.lookup(name)
    except KeyError:
        base = ""
    return base if base and ord(base) in glyphs else "?"


def shortened(text: str, size_pt: float, width_pt: float) -> str:
    """The text, or as much of its beginning as fits into the width with an ellipsis."""
    if text_width(text, size_pt) <= width_pt:
        return text
    while text and text_width(text + "…", size_pt) > width_pt:
        text = text[:-1]
    return text.rstrip() + "…"
