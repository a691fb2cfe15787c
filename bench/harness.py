"""Two ways of doing one job, measured in turns. Plain Python: no Django here.

A ratio above 1 means that ours is ahead: it is what the peer's turn cost, divided by what our turn cost right beside
it.
Only ratios are printed: a time says more about the machine than about the code.
"""

import gc
import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import ClassVar

MIN_ROUNDS = 5


class MissingPeerError(RuntimeError):
    """What we measure ourselves against is not installed: there is nothing to print, and no way to pass."""


class DifferentWorkError(RuntimeError):
    """The two sides did not do the same work: their times say nothing beside each other."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `ratios` holds one peer/ours ratio for each round; without a goal it is only told."""

    name: str
    peer_name: str
    ratios: tuple[float, ...]
    goal: float | None

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of any round."""
        return min(self.ratios), max(self.ratios)

    @property
    def met(self) -> bool:
        return self.goal is None or self.ratio >= self.goal


@dataclass(frozen=True, slots=True)
class Shares:
    """One line of a table of shares: how many of `of` tries succeeded in each column. No peer, so no ratio."""

    name: str
    succeeded: dict[str, int]
    of: int
    goal: float | None  # the least share in every column; without a goal they are only told

    @property
    def met(self) -> bool:
        return self.goal is None or all(number >= self.goal * self.of for number in self.succeeded.values())


@dataclass(frozen=True, slots=True)
class Growth:
    """One line of a table of growth: one thing done at several sizes, the smallest first."""

    name: str
    sizes: tuple[int, ...]
    queries: tuple[int, ...]
    milliseconds: tuple[float, ...]
    goal: float | None
    """The most that the largest may take of the smallest's time; without it it is only told."""
    plain: float = 0.0
    """Milliseconds of the list's first page at the largest size, with nothing asked: what showing a full page costs."""

    #: A filter may find three rows of the smallest and a full page of the largest: it may take so many plain pages.
    AS_PLAIN: ClassVar[float] = 1.25
    #: What is quicker than that is at its floor: there the ratio says nothing.
    QUICK_ENOUGH: ClassVar[float] = 25.0
    #: An empty page asks for less than a full one does.
    MORE_QUERIES: ClassVar[int] = 4

    @property
    def ratio(self) -> float:
        return self.milliseconds[-1] / self.milliseconds[0]

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        last = self.milliseconds[-1]
        in_time = self.ratio <= self.goal or last <= max(self.QUICK_ENOUGH, self.plain * self.AS_PLAIN)
        return in_time and self.queries[-1] <= self.queries[0] + self.MORE_QUERIES


@dataclass(frozen=True, slots=True)
class Stream:
    """One line of a table of streams: a file that is written as it is sent, at several sizes, the smallest first."""

    name: str
    sizes: tuple[int, ...]
    first_milliseconds: tuple[float, ...]
    """Until the first row was out."""
    rows_per_second: tuple[float, ...]
    floor_rows_per_second: tuple[float, ...]
    megabytes: tuple[float, ...]
    """The most that its process ever held."""

    #: The first row comes within half a second, and ten times the rows take at most a fifth more memory.
    FIRST: ClassVar[float] = 500.0
    MORE_MEMORY: ClassVar[float] = 1.2

    @property
    def met(self) -> bool:
        return max(self.first_milliseconds) <= self.FIRST and self.megabytes[-1] <= self.megabytes[0] * self.MORE_MEMORY


def require_peer(module: str, distribution: str) -> str:
    """Import the peer and return its name with its version ("qrcode 8.2"); MissingPeerError says what to install."""
    try:
        importlib.import_module(module)
        return f"{distribution} {metadata.version(distribution)}"
    except (ImportError, metadata.PackageNotFoundError) as error:
        raise MissingPeerError(
            f"The peer {distribution} cannot be imported ({error}): pip install -r requirements-dev.txt"
        ) from error


def compare(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int = MIN_ROUNDS,
    goal: float | None = 1.5,
    *,
    peer_name: str,
    before_each: Callable[[], object] | None = None,
    outcome: Callable[[], object] | None = None,
    warm_up: bool = True,
) -> Result:
    """Time both sides in turns.

    `before_each` runs untimed before every turn (to empty a table, for example). `outcome` runs untimed after it and
    returns what the turn has done: DifferentWorkError if it is not the same every time.
    """
    same = _SameWork(name)

    def timed(side: Callable[[], object], side_name: str) -> Callable[[], float]:
        def turn() -> float:
            if before_each:
                before_each()
            # One side's garbage must not be collected on the other side's clock.
            gc.collect()
            start = time.perf_counter()
            side()
            seconds = time.perf_counter() - start
            if outcome:
                same.check(side_name, outcome())
            return seconds

        return turn

    return compare_costs(
        name, timed(ours, "ours"), timed(peer, peer_name), rounds, goal, peer_name=peer_name, warm_up=warm_up
    )


def compare_costs(
    name: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
    rounds: int = MIN_ROUNDS,
    goal: float | None = 1.5,
    *,
    peer_name: str,
    warm_up: bool = True,
) -> Result:
    """Compare what both sides say that their turn cost: seconds that they took themselves, or bytes. Less is better.

    One turn of each comes first and is not counted: imports, caches and connections are warm for both (`warm_up`
    False: the caller has seen to it). Who goes first changes from round to round, so that a machine that slows down or
    speeds up favours neither.
    """
    if rounds < MIN_ROUNDS:
        raise ValueError(f"{name}: {rounds} rounds say too little, {MIN_ROUNDS} is the least.")
    if warm_up:
        ours()
        peer()
    ratios = []
    for number in range(rounds):
        if number % 2:
            theirs, mine = peer(), ours()
        else:
            mine, theirs = ours(), peer()
        if not mine > 0 or not theirs > 0:
            raise ValueError(f"{name}: a turn that costs nothing cannot be compared (ours {mine}, peer {theirs}).")
        ratios.append(theirs / mine)
    return Result(name, peer_name, tuple(ratios), goal)


class _SameWork:
    """Remembers the first outcome and compares every later one with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: tuple[str, object] | None = None

    def check(self, side: str, outcome: object) -> None:
        if self._first is None:
            self._first = (side, outcome)
        elif outcome != self._first[1]:
            before, expected = self._first
            raise DifferentWorkError(f"{self._name}: {side} left {outcome!r}, {before} had left {expected!r}.")


def format_table(results: Sequence[Result]) -> str:
    """The table that `make bench` prints."""
    header = ("what", "beside", "ratio", "spread", "goal", "")
    lines: list[tuple[str, ...]] = [header]
    for result in results:
        low, high = result.spread
        lines.append(
            (
                result.name,
                result.peer_name,
                f"{result.ratio:.2f}x",
                f"{low:.2f}-{high:.2f}",
                "none" if result.goal is None else f">= {result.goal:g}x",
                "" if result.goal is None else "met" if result.met else "MISSED",
            )
        )
    return _aligned(lines)


def format_shares(shares: Sequence[Shares]) -> str:
    """The table of shares; all of them have the same columns."""
    columns = list(shares[0].succeeded)
    header = ("what", "of", *columns, "goal", "")
    lines = [
        (
            line.name,
            str(line.of),
            *(f"{line.succeeded[column] / line.of:.0%}" for column in columns),
            "none" if line.goal is None else f">= {line.goal:.0%}",
            "" if line.goal is None else "met" if line.met else "MISSED",
        )
        for line in shares
    ]
    return _aligned([header, *lines])


def format_growth(lines: Sequence[Growth]) -> str:
    """The table of growth: queries and milliseconds at each size; all lines have the same sizes."""
    header = ("what", *(f"{size:,}" for size in lines[0].sizes), "ratio", "goal", "")
    table: list[tuple[str, ...]] = [header]
    for line in lines:
        cells = (f"{q} q {ms:.1f} ms" for q, ms in zip(line.queries, line.milliseconds, strict=True))
        goal = "none" if line.goal is None else f"<= {line.goal:g}"
        if line.goal is not None and line.plain:
            goal += f" or {line.plain * line.AS_PLAIN:.0f} ms"
        met = "" if line.goal is None else "met" if line.met else "MISSED"
        table.append((line.name, *cells, f"{line.ratio:.2f}", goal, met))
    return _aligned(table)


def format_streams(streams: Sequence[Stream]) -> str:
    """The table of streams, a line for each size."""
    table: list[tuple[str, ...]] = [("what", "rows", "first row", "rows/s", "floor rows/s", "of it", "memory", "")]
    for stream in streams:
        for place, size in enumerate(stream.sizes):
            rate, floor = stream.rows_per_second[place], stream.floor_rows_per_second[place]
            table.append(
                (
                    stream.name,
                    f"{size:,}",
                    f"{stream.first_milliseconds[place]:.0f} ms",
                    f"{rate:,.0f}",
                    f"{floor:,.0f}",
                    f"{rate / floor:.0%}",
                    f"{stream.megabytes[place]:.0f} MB",
                    ("met" if stream.met else "MISSED") if place + 1 == len(stream.sizes) else "",
                )
            )
    return _aligned(table)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
