"""Which utility of the catalogue a cell means (R9; issue 2, CSV import)."""

import difflib

import pytest

from portal.authorizations.services import utility_matcher
from portal.authorizations.services.utility_matcher import UtilityMatcher

# Leap, Collect Data Authorizations, section 3.
CATALOGUE = [
    (11, "pge", "Pacific Gas & Electric (PG&E)", "PG&E", "PGE"),
    (12, "sce", "Southern California Edison (SCE)", "SCE", "SCE"),
    (13, "sdge", "San Diego Gas & Electric (SDG&E)", "SDG&E", "SDGE"),
    (21, "cecony-utilityapi", "Consolidated Edison (ConEd)", "ConEd", "CECONY"),
    (22, "oru-utilityapi", "Orange and Rockland Utilities (O&RU)", "O&RU", "ORU"),
    (23, "psegli-utilityapi", "PSEG Long Island (PSEG-LI)", "PSEG-LI", "PSEGLI"),
]


@pytest.fixture
def matcher() -> UtilityMatcher:
    return UtilityMatcher(CATALOGUE)


@pytest.mark.parametrize(
    ("text", "pk"),
    [
        ("pge", 11),
        ("PGE", 11),
        ("Pge", 11),
        ("PG&E", 11),
        ("Pacific Gas & Electric (PG&E)", 11),
        ("pacific gas & electric (pg&e)", 11),
        ("Pacific Gas & Electric", 11),
        ("PACIFIC GAS AND ELECTRIC", 11),
        ("SDGE", 13),
        ("CECONY-UtilityAPI", 21),
        ("cecony", 21),
        ("ConEd", 21),
        ("consolidated edison", 21),
        ("ORU", 22),
        ("O&RU", 22),
        ("Orange & Rockland Utilities", 22),
        ("PSEG-LI", 23),
        ("psegli", 23),
        ("PSEG Long Island", 23),
    ],
)
def test_r9_matches(matcher: UtilityMatcher, text: str, pk: int) -> None:
    assert matcher.match(text) == pk
    assert matcher.match(text) == pk  # from memory


@pytest.mark.parametrize("text", ["", "coned", "CONED", "pg&e", "pseg-li", "Edison", "oru-utilityapi-2", "(PG&E)"])
def test_r9_no_match(matcher: UtilityMatcher, text: str) -> None:
    assert matcher.match(text) is None
    assert matcher.match(text) is None


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("coned", "cecony-utilityapi (Consolidated Edison)"),
        ("Con Ed", "cecony-utilityapi (Consolidated Edison)"),
        ("pg&e", "pge (Pacific Gas & Electric)"),
        ("Pacific Gas & Electrik", "pge (Pacific Gas & Electric)"),
        ("Southern Calif Edison", "sce (Southern California Edison)"),
        ("pseg-li", "psegli-utilityapi (PSEG Long Island)"),
    ],
)
def test_r9_suggestions(matcher: UtilityMatcher, text: str, suggestion: str) -> None:
    assert matcher.suggest(text) == suggestion
    assert matcher.explain(text) == f"Not a utility of the catalogue. Did you mean {suggestion}?"


def test_without_a_suggestion_the_ids_are_listed(matcher: UtilityMatcher) -> None:
    assert matcher.suggest("Duke Power of Ohio") == ""
    said = matcher.explain("Duke Power of Ohio")
    assert "pge, sce, sdge, cecony-utilityapi, oru-utilityapi, psegli-utilityapi" in said


def test_an_empty_catalogue_matches_nothing() -> None:
    assert UtilityMatcher([]).match("pge") is None
    assert UtilityMatcher([]).explain("pge").startswith("Not a utility of the catalogue.")


def test_a_name_of_two_utilities_means_neither() -> None:
    matcher = UtilityMatcher([(1, "a-east", "Alpha (East)", "AE", ""), (2, "a-west", "Alpha (West)", "AW", "")])
    assert matcher.match("Alpha") is None
    assert matcher.match("alpha (west)") == 2


def test_an_id_wins_over_a_name() -> None:
    matcher = UtilityMatcher([(1, "abc", "First", "F", ""), (2, "second", "Second", "S", "ABC")])
    assert matcher.match("ABC") == 1


def test_a_file_full_of_unknown_utilities_is_compared_only_so_often(
    matcher: UtilityMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    original = difflib.get_close_matches

    def counted(word: str, *args: object, **kwargs: object) -> list[str]:
        compared.append(word)
        return original(word, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(utility_matcher.difflib, "get_close_matches", counted)
    for number in range(3 * utility_matcher._MAX_COMPARED):
        matcher.explain(f"unknown {number}")
        matcher.explain("coned")
    assert len(compared) == utility_matcher._MAX_COMPARED
