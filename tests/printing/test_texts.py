"""Texts in a box: never wider, never higher, never smaller than can be read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.printing import fonts
from portal.printing.texts import SMALLEST_PT, Text, fitted, height_of, texts_of

pytestmark = pytest.mark.pure

paragraphs = st.builds(
    Text,
    text=st.text(alphabet="WMil áñ.,-0123456789", max_size=120),
    size_pt=st.floats(5, 40),
    bold=st.booleans(),
    most_lines=st.integers(1, 4),
    gap=st.floats(0, 1),
)


@example([Text("00000", 12), Text("0", 5)], 30, 10)  # the ellipsis for the second line does not fit beside the first
@given(st.lists(paragraphs, max_size=6), st.floats(30, 500), st.floats(10, 300))
def test_lines_lie_in_the_box_and_say_what_was_given(texts: list[Text], width: float, height: float) -> None:
    printed = texts_of(*texts)
    lines = fitted(printed, width, height)
    assert height_of(lines) <= height + 0.001
    for line in lines:
        assert line.size_pt >= SMALLEST_PT
        assert fonts.text_width(line.text, line.size_pt, bold=line.bold) <= width + 0.001
    said = " ".join(text.text for text in printed)
    shown = " ".join(line.text for line in lines)
    if "…" not in shown and lines:
        assert shown == said


def test_a_text_that_fits_keeps_its_size() -> None:
    text = Text("Rosa Núñez", 12)
    assert fitted([text], 200, 20) == [text]


def test_all_shrink_together_and_only_as_far_as_needed() -> None:
    texts = [Text("Acme Energy", 12, bold=True), Text("112 Maple Street, Santa Barbara", 10)]
    room = 0.8 * fonts.text_width(texts[1].text, 10)
    lines = fitted(texts, room, 100)
    assert [line.text for line in lines] == [text.text for text in texts]
    assert lines[0].size_pt / lines[1].size_pt == pytest.approx(1.2)
    assert 7.5 < lines[1].size_pt <= 8


def test_a_text_is_broken_between_words() -> None:
    lines = fitted([Text("Scan to authorize your utility data", 10, most_lines=3)], 100, 100)
    assert [line.text for line in lines] == ["Scan to authorize", "your utility data"]
    assert {line.size_pt for line in lines} == {10}


def test_what_is_too_long_at_the_limit_ends_in_an_ellipsis() -> None:
    [line] = fitted([Text("W" * 100, 10)], 100, 100)
    assert line.size_pt == 6
    assert line.text.startswith("WWW")
    assert line.text.endswith("W…")


def test_lines_without_room_are_left_out_and_that_is_shown() -> None:
    lines = fitted([Text(f"Line {number}", 10) for number in range(9)], 100, 30)
    assert [line.text for line in lines] == ["Line 0", "Line 1", "Line 2", "Line 3…"]


def test_an_empty_text_takes_no_room() -> None:
    assert texts_of(Text("", 9), Text(" \n\x00", 9), Text(" a\nb ", 9)) == [Text("a b", 9)]
    assert fitted([], 10, 10) == []


def test_a_novel_is_not_measured() -> None:
    [text] = texts_of(Text("word " * 100_000, 9))
    assert len(text.text) <= 400
