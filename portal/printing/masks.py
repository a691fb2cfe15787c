"""The penalty by which a QR code's data mask is chosen (ISO/IEC 18004:2015, §7.8.3), computed on whole-symbol integers.

A symbol is one integer. Module (row, column) is bit `row * (size + 1) + column`, 1 is dark. The one spare column that
is always 0 keeps a shift from running over into the next row, so that a rule is a few shifts over the whole symbol,
once across (step 1) and once down (step size + 1), where the `qrcode` library looks at each module in a Python loop.
"""

from dataclasses import dataclass
from functools import lru_cache

# The weights of the standard's table 11 for its four features.
RUN_OF_FIVE, BLOCK_OF_FOUR, FINDER_LIKE, EACH_FIVE_PERCENT = 3, 3, 40, 10


@dataclass(frozen=True, slots=True)
class Grid:
    """The places of a symbol of `size` × `size` modules, as bits."""

    size: int
    step_down: int
    every: int
    with_right: int  # those that have a right neighbour
    with_below: int  # those that have a neighbour below


@lru_cache(maxsize=40)
def grid_of(size: int) -> Grid:
    """The grid for one side length; the same object each time."""
    step_down = size + 1
    first_column = sum(1 << (row * step_down) for row in range(size))
    every = first_column * ((1 << size) - 1)
    with_right = first_column * ((1 << (size - 1)) - 1)
    return Grid(size, step_down, every, with_right, every & ((1 << ((size - 1) * step_down)) - 1))


def penalty(dark: int, grid: Grid) -> int:
    """The penalty points of one complete symbol, the four features of §7.8.3.1 added up: the fewer, the better."""
    light = dark ^ grid.every
    down = grid.step_down
    same_right = grid.with_right & ~(dark ^ dark >> 1)
    same_below = grid.with_below & ~(dark ^ dark >> down)
    blocks = same_right & same_below & same_right >> down
    # The standard: k steps of 5 % away from half. In whole numbers, |dark/all - 1/2| / 5 % = |20 dark - 10 all| / all.
    modules = grid.size * grid.size
    steps_from_half = abs(20 * dark.bit_count() - 10 * modules) // modules
    return (
        _points_for_runs(same_right, 1)
        + _points_for_runs(same_below, down)
        + BLOCK_OF_FOUR * blocks.bit_count()
        + _points_for_finders(dark, light, 1)
        + _points_for_finders(dark, light, down)
        + EACH_FIVE_PERCENT * steps_from_half
    )


def _points_for_runs(same_as_next: int, step: int) -> int:
    """Five equal modules in a line cost 3, and each further one 1.

    Four "same as the next" in a line are five equal modules. A run of n holds n - 4 such fives, so it costs that many
    points and two more for the run itself.
    """
    pairs = same_as_next & same_as_next >> step
    fives = pairs & pairs >> 2 * step
    run_starts = fives & ~(fives << step)
    return fives.bit_count() + (RUN_OF_FIVE - 1) * run_starts.bit_count()


def _points_for_finders(dark: int, light: int, step: int) -> int:
    """Dark-light-dark-light-dark as 1:1:3:1:1, with four light modules before it or after it, costs 40.

    Four light modules on both sides count twice, and the quiet zone does not count as light, as in `qrcode`.
    """
    finder = (
        dark
        & light >> step
        & dark >> 2 * step
        & dark >> 3 * step
        & dark >> 4 * step
        & light >> 5 * step
        & dark >> 6 * step
    )
    if not finder:
        return 0
    pairs = light & light >> step
    four_light = pairs & pairs >> 2 * step
    after = finder & four_light >> 7 * step
    before = four_light & finder >> 4 * step
    return FINDER_LIKE * (after.bit_count() + before.bit_count())
