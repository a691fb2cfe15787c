"""Texts in a box: as large as they may be, smaller where they are too long, and cut with an ellipsis at the limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from portal.printing import fonts

LINE_HEIGHT = 1.22  # of the size: Vera's letters reach from 0.76 above to 0.24 below the line
_SMALLEST_PT = 4.5  # smaller letters are not read
_STEPS = 16


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph: its size if it is not too long, and how many lines it may take."""

    text: str
    size_pt: float
    bold: bool = False
    most_lines: int = 1
    gap: float = 0.0  # room above, as a share of the size; none above the first
    smallest_share: float = 0.6  # how far it is shrunk, though never below 4.5 points, before it is cut


def texts_of(*wanted: Text) -> list[Text]:
    """Those that say something, in letters that the font has."""
    printed = [replace(text, text=fonts.printable(text.text)) for text in wanted]
    return [text for text in printed if text.text]


def fitted(texts: Sequence[Text], width_pt: float, height_pt: float) -> list[Text]:
    """The lines to print, each at its size, none wider than the width and all of them within the height.

    All shrink together, so that what is large stays larger. What is too long even at the limit ends in an ellipsis, and
    lines for which there is no room are left out, the last one printed ending in an ellipsis then.
    """
    for step in range(_STEPS + 1):
        smaller = [replace(text, size_pt=_shrunk(text, step)) for text in texts]
        lines = list(_broken(smaller, width_pt))
        if height_of(lines) <= height_pt and all(_fits(line, width_pt) for line in lines):
            return lines
    while lines and height_of(lines) > height_pt:
        lines.pop()
        if lines:
            lines[-1] = replace(lines[-1], text=lines[-1].text.rstrip("…") + "…")
    return [_cut(line, width_pt) for line in lines]


def height_of(lines: Sequence[Text]) -> float:
    """The height of the lines one below the other, in points."""
    return sum(line.size_pt * (LINE_HEIGHT + (line.gap if number else 0)) for number, line in enumerate(lines))


def _shrunk(text: Text, step: int) -> float:
    smallest = min(text.size_pt, max(_SMALLEST_PT, text.size_pt * text.smallest_share))
    return text.size_pt - (text.size_pt - smallest) * step / _STEPS


def _fits(line: Text, width_pt: float) -> bool:
    return fonts.text_width(line.text, line.size_pt, bold=line.bold) <= width_pt


def _cut(line: Text, width_pt: float) -> Text:
    # What ended in an ellipsis before gets no second one.
    if _fits(line, width_pt):
        return line
    return replace(line, text=fonts.shortened(line.text.rstrip("…"), line.size_pt, width_pt, bold=line.bold))


def _broken(texts: Sequence[Text], width_pt: float) -> Iterator[Text]:
    """The paragraphs as lines, broken between words; the last one of each takes what is left, too long or not."""
    for text in texts:
        if text.most_lines == 1 or _fits(text, width_pt):
            yield text
            continue
        words = text.text.split(" ")
        for number in range(text.most_lines):
            taken = 1
            if number == text.most_lines - 1:
                taken = len(words)
            while taken < len(words) and _fits(replace(text, text=" ".join(words[: taken + 1])), width_pt):
                taken += 1
            yield replace(text, text=" ".join(words[:taken]), gap=0 if number else text.gap)
            words = words[taken:]
            if not words:
                break
