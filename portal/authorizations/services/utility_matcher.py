"""Which utility of the catalogue a text means: pure, fast on values that come again and again."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_BRACKETS = re.compile(r"\s*\([^()]*\)\s*\Z")
_BLANKS = re.compile(r"\s+")
# Unknown texts are remembered and compared with the whole catalogue only up to these counts: a file may hold 100,000.
_MAX_REMEMBERED = 10_000
_MAX_COMPARED = 500
_MAX_LISTED = 8


@dataclass(frozen=True, slots=True)
class _Known:
    pk: int
    utility_id: str
    title: str
    spellings: tuple[str, ...]


class UtilityMatcher:
    """Matches texts with a catalogue of (pk, utility_id, name, short_name, leap_name).

    In any case: the utility id, the name in Leap's API, the full name with or without its bracket ("&" or "and").
    Exactly as published: the short name, because "coned" is nobody's id and would be guessed. An id wins over a name.
    """

    def __init__(self, utilities: Iterable[tuple[int, str, str, str, str]]) -> None:
        self._known: list[_Known] = []
        self._exact: dict[str, int] = {}
        ids: dict[str, int | None] = {}
        names: dict[str, int | None] = {}
        for pk, utility_id, name, short_name, leap_name in utilities:
            title = _BRACKETS.sub("", name)
            spellings = (utility_id, short_name, leap_name, title, name)
            self._known.append(_Known(pk, utility_id, title, tuple({text.casefold() for text in spellings if text})))
            self._exact[short_name] = pk
            _add(ids, utility_id.casefold(), pk)
            _add(names, leap_name.casefold(), pk)
            for text in (name, title):
                _add(names, _name_key(text), pk)
        self._by_key = names | ids
        self._found: dict[str, int | None] = {}
        self._suggestions: dict[str, str] = {}

    def match(self, text: str) -> int | None:
        """Return the primary key of the utility that ``text`` (trimmed) means, None if it means none or several."""
        try:
            return self._found[text]
        except KeyError:
            found = self._exact.get(text) or self._by_key.get(text.casefold()) or self._by_key.get(_name_key(text))
            if len(self._found) < _MAX_REMEMBERED:
                self._found[text] = found
            return found

    def suggest(self, text: str) -> str:
        """Return the utility that looks most like ``text``, as "pge (Pacific Gas & Electric)"; "" if none does."""
        key = text.casefold()[:80]
        if key in self._suggestions:
            return self._suggestions[key]
        if len(self._suggestions) >= _MAX_COMPARED:
            return ""
        owners = {spelling: known for known in self._known for spelling in known.spellings}
        close = difflib.get_close_matches(key, owners, n=1, cutoff=0.6)
        self._suggestions[key] = _shown(owners[close[0]]) if close else ""
        return self._suggestions[key]

    def explain(self, text: str) -> str:
        """Return why ``text`` is refused, and what to write instead."""
        suggestion = self.suggest(text)
        if suggestion:
            return f"Not a utility of the catalogue. Did you mean {suggestion}?"
        ids = [known.utility_id for known in self._known]
        listed = ", ".join(ids[:_MAX_LISTED]) + (" …" if len(ids) > _MAX_LISTED else "")
        return f"Not a utility of the catalogue. Write one of its ids ({listed}), or leave it empty."


def _add(keys: dict[str, int | None], key: str, pk: int) -> None:
    """Note what ``key`` means; one that two utilities share means neither."""
    if key:
        keys[key] = pk if keys.get(key, pk) == pk else None


def _name_key(text: str) -> str:
    return _BLANKS.sub(" ", text.casefold().replace("&", " and ")).strip()


def _shown(known: _Known) -> str:
    return f"{known.utility_id} ({known.title})"
