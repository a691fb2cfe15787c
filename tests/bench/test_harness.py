"""The measurements' own arithmetic: who goes first, what a ratio is, what counts as missed."""

from collections.abc import Callable

import pytest

from bench import qr
from bench.harness import (
    DifferentWorkError,
    MissingPeerError,
    Result,
    Shares,
    compare,
    compare_costs,
    format_shares,
    format_table,
    require_peer,
)


def costing(name: str, costs: list[float], turns: list[str]) -> Callable[[], float]:
    left = iter(costs)

    def turn() -> float:
        turns.append(name)
        return next(left)

    return turn


def test_the_ratio_is_the_median_of_the_rounds_and_the_sides_take_turns() -> None:
    turns: list[str] = []
    # The first turn of each is not counted.
    ours = costing("ours", [100, 1, 2, 1, 4, 1], turns)
    peer = costing("peer", [1, 3, 2, 8, 2, 5], turns)
    result = compare_costs("job", ours, peer, 5, 3.0, peer_name="other")
    assert result.ratios == (3, 1, 8, 0.5, 5)
    assert result.ratio == 3
    assert result.spread == (0.5, 8)
    assert result.met
    assert turns[2:] == ["ours", "peer", "peer", "ours"] * 2 + ["ours", "peer"]


def test_a_timed_turn_is_prepared_off_the_clock() -> None:
    turns: list[str] = []
    result = compare(
        "job",
        lambda: turns.append("ours"),
        lambda: turns.append("peer"),
        before_each=lambda: turns.append("empty"),
        peer_name="other",
    )
    assert turns[::2] == ["empty"] * 12
    assert (turns.count("ours"), turns.count("peer")) == (6, 6)
    assert len(result.ratios) == 5
    assert all(ratio > 0 for ratio in result.ratios)


@pytest.mark.parametrize(("goal", "met", "word"), [(1.5, True, "met"), (1.51, False, "MISSED")])
def test_a_missed_goal_is_said(goal: float, met: bool, word: str) -> None:
    result = Result("one job", "other 1.0", (1.0, 1.5, 2.25), goal)
    assert result.met is met
    header, line = format_table([result]).splitlines()
    assert header.split() == ["what", "beside", "ratio", "spread", "goal"]
    assert line.split() == ["one", "job", "other", "1.0", "1.50x", "1.00-2.25", ">=", f"{goal:g}x", word]


def test_too_few_rounds_and_free_turns_are_refused() -> None:
    with pytest.raises(ValueError, match="5 is the least"):
        compare_costs("job", lambda: 1, lambda: 1, 4, peer_name="other")
    with pytest.raises(ValueError, match="costs nothing"):
        compare_costs("job", lambda: 0, lambda: 1, peer_name="other")


def test_a_missing_peer_fails_loudly() -> None:
    with pytest.raises(MissingPeerError, match=r"no-such-peer cannot be imported .* requirements-dev\.txt"):
        require_peer("no_such_peer", "no-such-peer")
    assert require_peer("qrcode.image.svg", "qrcode").startswith("qrcode ")


def test_both_sides_of_the_qr_bench_draw_texts_that_differ() -> None:
    for _, level, texts in qr.cases():
        assert level in {"L", "M", "Q", "H"}
        assert len(set(texts)) == len(texts) == qr.CODES_A_TURN


def test_sides_that_do_not_do_the_same_work_are_not_compared() -> None:
    rows: list[int] = []
    with pytest.raises(DifferentWorkError, match=r"job: other left 2, ours had left 1\."):
        compare(
            "job",
            lambda: rows.append(1),
            lambda: rows.extend((1, 1)),
            peer_name="other",
            before_each=rows.clear,
            outcome=lambda: len(rows),
        )


def test_without_a_goal_a_ratio_is_only_told() -> None:
    result = Result("one job", "other 1.0", (0.5,) * 5, None)
    assert result.met
    assert format_table([result]).splitlines()[1].split()[-2:] == ["0.50-0.50", "none"]


def test_shares_stand_in_a_table_of_their_own() -> None:
    good = Shares("one stock", {"none": 4, "blur": 3}, 4, 0.75)
    bad = Shares("another", {"none": 4, "blur": 2}, 4, 0.75)
    told = Shares("a third", {"none": 0, "blur": 0}, 4, None)
    assert [line.met for line in (good, bad, told)] == [True, False, True]
    header, *lines = format_shares([good, bad, told]).splitlines()
    assert header.split() == ["what", "of", "none", "blur", "goal"]
    assert lines[0].split()[-6:] == ["4", "100%", "75%", ">=", "75%", "met"]
    assert lines[1].split()[-1] == "MISSED"
    assert lines[2].split()[-3:] == ["0%", "0%", "none"]
