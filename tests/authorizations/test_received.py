"""How a stranger's values are shown."""

import pytest

from portal.authorizations.templatetags.received import SHOWN, Part, received, visible_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("7f3k9x2m4q", ["7f3k9x2m4q"]),
        ("a b", ["a b"]),
        (" a", ["<blank>", "a"]),
        ("a ", ["a", "<blank>"]),
        ("a  b", ["a ", "<blank>", "b"]),
        ("a\u00a0b", ["a", "<blank, non-breaking>", "b"]),
        ("a\u200bb", ["a", "<U+200B>", "b"]),
        ("\u202eabc", ["<U+202E>", "abc"]),
        ("\x00", ["<U+0000>"]),
        ("\ufffd", ["<U+FFFD>"]),
        ("a\r\nb", ["a", "<line break>", "<line break>", "b"]),
        ("Núñez 李", ["Núñez 李"]),
    ],
)
def test_odd_characters_are_parts_of_their_own(value: str, expected: list[str]) -> None:
    assert [f"<{part.text}>" if part.odd else part.text for part in received(value)] == expected


def test_exactly_as_long_as_shown_is_not_cut() -> None:
    assert received("a" * SHOWN) == [Part("a" * SHOWN)]
    assert received("a" * (SHOWN + 1)) == [Part("a" * SHOWN + "…")]


def test_tooltip_is_one_visible_line() -> None:
    assert visible_text("a\n\u202eb") == "a[U+000A][U+202E]b"
