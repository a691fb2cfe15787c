"""Texts in a box: as large as they may be, smaller where they are too long, and cut with an ellipsis at the limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from portal.printing import fonts

LINE_HEIGHT = 1.22  # of the size: Vera's letters reach from 0.76 above to 0.24 below the line
SMALLEST_PT = 4.5  # smaller letters are hard to read
_STEPS = 16
_MOST_LETTERS = 400  # more has no place on any paper, and would only be measured


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph: its size if it is not too long, and how many lines it may take."""

    text: str
    size_pt: float
    bold: bool = False
    most_lines: int = 1
    gap: float = 0.0  # room above, as a share of the size; none above the first
    smallest_share: float = 0.6  # how far it is shrunk before it is cut
    smallest_pt: float = SMALLEST_PT  # and below which size never


def texts_of(*wanted: Text) -> list[Text]:
    """Those that say something, in letters that the font has."""
    printed = [replace(text, text=fonts.printable(text.text[:_MOST_LETTERS])) for text in wanted]
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
    smallest = min(text.size_pt, max(text.smallest_pt, text.size_pt * text.smallest_share))
    return text.size_pt - (text.size_pt - smallest) * step / _STEPS


def _fits(line: Text, width_pt: float) -> bool:
    return _width(line.text, line.bold) * line.size_pt <= width_pt


@lru_cache(maxsize=4096)
def _width(text: str, bold: bool) -> float:
    """For size 1: widths grow with the size, and the same words come on every label."""
    return fonts.text_width(text, 1, bold=bold)


def _cut(line: Text, width_pt: float) -> Text:
    if _fits(line, width_pt):
        return line
    # A line may end in an ellipsis already, for those that had no room below it.
    kept = line.text.rstrip("…")
    while kept and not _fits(replace(line, text=kept + "…"), width_pt):
        kept = kept[:-1]
    return replace(line, text=kept.rstrip() + "…")


def _broken(texts: Sequence[Text], width_pt: float) -> Iterator[Text]:
    """The paragraphs as lines, broken between words; the last one of each takes what is left, too long or not."""
    for text in texts:
        if text.most_lines == 1 or _fits(text, width_pt):
            yield text
            continue
        words = text.text.split(" ")
        room = width_pt / text.size_pt
        space = _width(" ", text.bold)
        start = 0
        for number in range(text.most_lines):
            end, used = start + 1, _width(words[start], text.bold)
            while end < len(words) and used + space + _width(words[end], text.bold) <= room:
                used += space + _width(words[end], text.bold)
                end += 1
            if number == text.most_lines - 1:
                end = len(words)
            yield replace(text, text=" ".join(words[start:end]), gap=0 if number else text.gap)
            start = end
            if start == len(words):
                break
