"""Charts: places of bars from numbers."""

from itertools import pairwise

import pytest

from portal.authorizations.charts import HEIGHT, WIDTH, Rate, draw_pairs

LABELS = ["Mon", "Tue", "Wed"]


def draw(first: list[int], second: list[int]):
    return draw_pairs(title="Issued", labels=LABELS, first=first, second=second, names=("last week", "this week"))


def test_bars_are_of_one_scale_and_stand_on_the_line() -> None:
    chart = draw([5, 0, 10], [20, 1, 0])
    heights = [[float(bar.height) for bar in bars] for bars in (chart.first, chart.second)]
    assert heights == [[HEIGHT / 4, 0, HEIGHT / 2], [HEIGHT, pytest.approx(HEIGHT / 20), 0]]
    for bar in (*chart.first, *chart.second):
        assert float(bar.y) + float(bar.height) == pytest.approx(HEIGHT)
        assert 0 <= float(bar.x) <= float(bar.x) + float(bar.width) <= WIDTH + 0.01


def test_a_number_above_nothing_is_seen_beside_a_large_one() -> None:
    assert float(draw([1, 0, 0], [100_000, 0, 0]).first[0].height) == 2


def test_nothing_at_all_is_drawn_without_a_bar() -> None:
    chart = draw([0, 0, 0], [0, 0, 0])
    assert chart.is_empty
    assert {bar.height for bar in (*chart.first, *chart.second)} == {"0"}


def test_bars_of_one_row_do_not_overlap_and_pairs_stand_together() -> None:
    chart = draw([1, 2, 3], [3, 2, 1])
    edges = [
        (float(bar.x), float(bar.x) + float(bar.width))
        for pair in zip(chart.first, chart.second, strict=True)
        for bar in pair
    ]
    assert all(end < begin for (_, end), (begin, _) in pairwise(edges))


def test_it_says_its_numbers_in_words() -> None:
    chart = draw([5, 0, 1000], [20, 1, 0])
    assert chart.description == "Mon 5 and 20; Tue 0 and 1; Wed 1,000 and 0"
    assert chart.first[2].name == "Wed, last week: 1,000"


@pytest.mark.parametrize(
    ("count", "of", "percent"), [(0, 0, 0), (0, 9, 0), (1, 1000, 1), (999, 1000, 99), (1000, 1000, 100), (1, 3, 33)]
)
def test_a_rate_is_nothing_only_of_nothing_and_all_only_of_all(count: int, of: int, percent: int) -> None:
    assert Rate("Proven", "leap", count, of).percent == percent
