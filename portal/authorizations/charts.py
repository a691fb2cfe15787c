"""Charts as plain numbers: data in, places of rectangles out; templates/includes/chart_*.html draw them as SVG.

Every chart has its numbers in a table behind it: both are made from the same object, so that they cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: A chart's own units; the page scales them to its width.
WIDTH, HEIGHT = 280, 84
#: Between two days, and between a day's two bars.
GAP, SLIT = 10, 2


@dataclass(frozen=True)
class Bar:
    """A rectangle. Places as text: no language writes them with a comma of its own."""

    x: str
    y: str
    width: str
    height: str
    value: int
    name: str


@dataclass(frozen=True)
class PairChart:
    """Two rows of numbers side by side, one pair for each label: this week's days and the last's."""

    labels: tuple[str, ...]
    first: tuple[Bar, ...]
    second: tuple[Bar, ...]
    title: str
    description: str
    ticks: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        return not any(bar.value for bar in (*self.first, *self.second))


@dataclass(frozen=True)
class Rate:
    """A part of a whole in percent, with whose word it is."""

    label: str
    source: str
    count: int
    of: int

    @property
    def percent(self) -> int:
        """Whole percent; above nothing it is one at least, and all only when it is all."""
        if not self.of or not self.count:
            return 0
        share = self.count * 100 / self.of
        return min(max(1, round(share)), 99 if self.count < self.of else 100)


def draw_pairs(
    *, title: str, labels: Sequence[str], first: Sequence[int], second: Sequence[int], names: tuple[str, str]
) -> PairChart:
    """Return bars in pairs, all of one scale: the highest number reaches the top. A number above nothing is seen."""
    top = max([*first, *second, 1])
    pair = (WIDTH - GAP * (len(labels) - 1)) / max(len(labels), 1)
    width = (pair - SLIT) / 2

    def bars(values: Sequence[int], offset: float, name: str) -> tuple[Bar, ...]:
        drawn = []
        for place, value in enumerate(values):
            height = max(value * HEIGHT / top, 2) if value else 0
            x = place * (pair + GAP) + offset
            words = f"{labels[place]}, {name}: {value:,}"
            drawn.append(Bar(_text(x), _text(HEIGHT - height), _text(width), _text(height), value, words))
        return tuple(drawn)

    return PairChart(
        labels=tuple(labels),
        first=bars(first, 0, names[0]),
        second=bars(second, width + SLIT, names[1]),
        title=title,
        description="; ".join(
            f"{label} {one:,} and {other:,}" for label, one, other in zip(labels, first, second, strict=True)
        ),
        ticks=tuple((_text(place * (pair + GAP) + pair / 2), label) for place, label in enumerate(labels)),
    )


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
