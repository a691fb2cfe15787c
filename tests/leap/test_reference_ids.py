"""The rule for reference ids, the generated ones and their check character (R12)."""

import itertools
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.leap.reference_ids import (
    ALPHABET,
    explain,
    generate,
    generate_many,
    group_code,
    has_valid_check,
    is_valid,
    normalise_code,
    to_code,
)

UNRESERVED = string.ascii_letters + string.digits + "-._~"
RULE = "use 3 to 50 of A–Z a–z 0–9 - . _ ~"


@pytest.mark.parametrize("text", ["abc", "a" * 50, "A-Z.a_z~09", "...", "HS-SAMPLE-07000000"])
def test_r12_valid(text: str) -> None:
    assert is_valid(text)
    assert explain(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", f"The reference id is empty: {RULE}"),
        ("a", "“a” is too short for a reference id: Leap's API wants 3 characters at least"),
        ("ab", "“ab” is too short for a reference id: Leap's API wants 3 characters at least"),
        ("a" * 51, "51 characters are too many for a reference id: Leap takes 50 at most"),
        ("a/b", f"“/” cannot stand in a reference id: {RULE}"),
        ("a,b", f"“,” cannot stand in a reference id: {RULE}"),
        ("a%20", f"“%” cannot stand in a reference id: {RULE}"),
        ("José", f"“é” cannot stand in a reference id: {RULE}"),
        ("١٢٣", f"“١” cannot stand in a reference id: {RULE}"),
        ("a b", f"A blank cannot stand in a reference id: {RULE}"),
        ("abc\n", f"A line break at the end cannot stand in a reference id: {RULE}"),
        (" abc", f"A blank at the start cannot stand in a reference id: {RULE}"),
        ("ab\0c", f"A NUL character cannot stand in a reference id: {RULE}"),
        ("abc\t", f"A tab at the end cannot stand in a reference id: {RULE}"),
        (
            "ab\u200bc",
            f"An invisible character (ZERO WIDTH SPACE, U+200B) cannot stand in a reference id: {RULE}",
        ),
        ("ab\x07c", f"An invisible character (U+0007) cannot stand in a reference id: {RULE}"),
        ("a/" * 40, f"“/” cannot stand in a reference id: {RULE}"),
    ],
)
def test_r12_refused_with_the_reason(text: str, reason: str) -> None:
    assert not is_valid(text)
    assert explain(text) == reason


@given(st.text(max_size=60) | st.text(UNRESERVED, max_size=60))
@settings(deadline=None)
def test_r12_exactly_the_published_rule(text: str) -> None:
    assert is_valid(text) == (3 <= len(text) <= 50 and set(text) <= set(UNRESERVED))
    reason = explain(text)
    assert (reason is None) == is_valid(text)
    assert reason is None or reason.isprintable()


def test_r12_the_alphabet_has_31_characters_and_no_look_alikes() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert set(ALPHABET) == set(string.ascii_lowercase + string.digits) - set("01ilo")


def test_r12_generated_from_eleven_draws_and_a_check_character() -> None:
    asked: list[int] = []

    def first_then_zero(below: int) -> int:
        asked.append(below)
        return 1 if len(asked) == 1 else 0

    # 12 × 1 = 12; 31 - 12 = 19; the character of value 19 is n.
    assert generate(first_then_zero) == "32222222222n"
    assert asked == [31] * 11


def test_r12_generated_are_valid_and_differ() -> None:
    ids = [generate() for _ in range(200)]
    assert len(set(ids)) == 200
    for reference_id in ids:
        assert len(reference_id) == 12
        assert set(reference_id) <= set(ALPHABET)
        assert is_valid(reference_id)
        assert has_valid_check(reference_id)


def test_r12_many_differ_and_each_carries_its_check() -> None:
    ids = generate_many(100_000)
    assert len(ids) == len(set(ids)) == 100_000
    assert all(has_valid_check(reference_id) for reference_id in ids)
    for position in range(12):
        assert {reference_id[position] for reference_id in ids} == set(ALPHABET)


@pytest.mark.parametrize("count", [0, 1, 2, 31])
def test_r12_many_are_as_many_as_asked(count: int) -> None:
    assert len(generate_many(count)) == count


def test_r12_many_refuses_a_negative_count() -> None:
    with pytest.raises(ValueError, match="-1 reference ids"):
        generate_many(-1)


def test_r12_bytes_that_would_favour_some_characters_are_thrown_away() -> None:
    def randbytes(size: int) -> bytes:
        return bytes(range(248, 256)) + bytes(range(1, 12)) + b"\xff" * (size - 19)

    # 12×1 + 11×2 + … + 2×11 = 352 = 11 × 31 + 11; 31 - 11 = 20; the character of value 20 is p.
    assert generate_many(1, randbytes) == ["3456789abcdp"]


def test_r12_each_character_is_drawn_by_equally_many_bytes() -> None:
    drawn = []
    for byte in range(248):
        [reference_id] = generate_many(1, lambda size, drawn=bytes([byte]): drawn * size)
        drawn.append(reference_id[0])
    assert {drawn.count(character) for character in ALPHABET} == {8}


def test_r12_a_duplicate_is_drawn_again() -> None:
    rounds = itertools.count()
    # 12 + 11 + … + 2 = 77 = 2 × 31 + 15; 31 - 15 = 16; the character of value 16 is j.
    assert generate_many(2, lambda size: bytes([next(rounds)]) * size) == ["222222222222", "33333333333j"]


def generate_from(values: list[int]) -> str:
    draws = iter(values)
    return generate(lambda _: next(draws))


IDS = st.lists(st.integers(0, 30), min_size=11, max_size=11).map(generate_from)


@given(IDS)
@settings(deadline=None, max_examples=60)
def test_r12_every_wrong_character_is_caught(reference_id: str) -> None:
    assert has_valid_check(reference_id)
    for position, right in enumerate(reference_id):
        for wrong in ALPHABET:
            text = reference_id[:position] + wrong + reference_id[position + 1 :]
            assert has_valid_check(text) == (wrong == right)


@given(IDS)
@settings(deadline=None)
def test_r12_every_two_characters_that_changed_places_are_caught(reference_id: str) -> None:
    for first, second in itertools.combinations(range(12), 2):
        swapped = list(reference_id)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert has_valid_check("".join(swapped)) == (reference_id[first] == reference_id[second])


@pytest.mark.parametrize(
    "text",
    ["", "2", "22222222222", "2222222222222", "222222222222\n", "22222222222l", "22222222222\u2082", "İ22222222222"],
)
def test_r12_no_check_in_what_was_not_generated(text: str) -> None:
    assert not has_valid_check(text)


@given(st.text(max_size=20))
@settings(deadline=None)
def test_r12_any_text_may_be_checked(text: str) -> None:
    assert has_valid_check(text) in (True, False)


@given(IDS)
@settings(deadline=None)
def test_c4_a_code_read_aloud_comes_back(reference_id: str) -> None:
    code = to_code(reference_id)
    assert code.lower() == reference_id
    assert has_valid_check(code)
    assert normalise_code(group_code(code)) == code
    assert normalise_code(f"  {group_code(reference_id).replace('-', ' – ')}\n") == code


def test_c4_codes_are_grouped_by_four() -> None:
    assert group_code("7F3K9X2M4QAB") == "7F3K-9X2M-4QAB"
    assert group_code("") == ""


@pytest.mark.parametrize(
    "typed", ["7f3k9x2m4qab", " 7F3K 9X2M 4QAB ", "7f3k-9x2m\u20114qab", "7f3k9x2m\u200b4qab", "7f3k9x2m4qab\0\r\n"]
)
def test_c4_codes_are_normalised(typed: str) -> None:
    assert normalise_code(typed) == "7F3K9X2M4QAB"


@given(st.text())
@settings(deadline=None)
def test_c4_a_normalised_code_can_be_sent_to_any_database(text: str) -> None:
    code = normalise_code(text)
    assert normalise_code(code) == code
    assert "\0" not in code
    code.encode()
