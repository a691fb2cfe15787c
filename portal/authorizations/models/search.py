"""Search by the beginnings of words, from an index on both databases: FTS5 on SQLite, a tsvector on PostgreSQL.

Each noun has a table of words beside its own, one row for each of its rows, which triggers keep (migration 0027): bulk
writes, imports and erasure reach it whoever makes them. Besides words it holds marks: what a filter asks that would
otherwise span several tables, such as the utility of a link. The index yields rows in the order of their keys, so that
a page of a search with 300,000 hits is read as quickly as one with three.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import F
from django.db.models.lookups import Lookup

from portal.leap.reference_ids import normalise_code

#: More words, and longer ones, say no more than these.
MOST_WORDS, LONGEST_WORD = 8, 64
#: In front of a mark: what no search holds once it is split into words. FTS5 takes a character for private use for a
#: letter; the other one is not beyond ASCII, which spares PostgreSQL much work.
MARK, POSTGRESQL_MARK = "\ue000", "\x01"
#: In front of a word that is no beginning.
WHOLE = "="

_Row = TypeVar("_Row", bound=models.Model, covariant=True)
_ACCENT = re.compile("[\u0300-\u036f]")
# Signs of New Tai Lue and of Vedic that are letters to Python and none to FTS5: what it splits is no word to it.
_WORD = re.compile(r"[^\W_\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]+")


@dataclass(frozen=True)
class WordQuery:
    """Any of the alternatives; of each, all of its words: beginnings, but for marks and what is WHOLE."""

    alternatives: tuple[tuple[str, ...], ...]

    def for_sqlite(self) -> str:
        return " OR ".join(f"({' AND '.join(map(_fts5_term, words))})" for words in self.alternatives)

    def for_postgresql(self) -> str:
        return " | ".join(f"({' & '.join(map(_tsquery_term, words))})" for words in self.alternatives)


def find_words(text: str) -> WordQuery | None:
    """Return what to look for; None if the text holds no word at all.

    All words; or the whole text as one word, as a code in groups, a meter's id or a phone number is written.
    """
    words = split_words(text)
    if not words:
        return None
    # Within an email address all but the last word are whole. Asked for so, frequent ones cost next to nothing.
    inner = {word for part in text.split() if "@" in part for word in split_words(part)[:-1]}
    all_of_them = tuple(dict.fromkeys(f"{WHOLE}{word}" if word in inner else word for word in words))
    whole = {"".join(words)[:LONGEST_WORD], "".join(split_words(normalise_code(text[:200])))[:LONGEST_WORD]}
    others = sorted((word,) for word in whole if word and (word,) != tuple(words))
    return WordQuery((all_of_them, *others))


def find_marks(*marks: str) -> WordQuery:
    """Return what carries any of the marks: a letter for the kind, then a key or a value of ours."""
    return WordQuery(tuple((f"{MARK}{mark.lower()}",) for mark in marks))


def split_words(text: str) -> list[str]:
    """Return the words of a text in small letters, without punctuation."""
    composed = unicodedata.normalize("NFC", text).lower()
    return [word[:LONGEST_WORD] for word in _WORD.findall(composed)[:MOST_WORDS]]


def _without_accents(word: str) -> str:
    """As `portal_words` of migration 0027 does to what is found; FTS5 does it to both."""
    return word if word.isascii() else unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", word)))


def _fts5_term(word: str) -> str:
    return f'"{word.removeprefix(WHOLE)}"' if word.startswith((MARK, WHOLE)) else f'"{word}"*'


def _tsquery_term(word: str) -> str:
    if word.startswith((MARK, WHOLE)):
        return f"'{_without_accents(word.removeprefix(WHOLE)).replace(MARK, POSTGRESQL_MARK)}'"
    return f"'{_without_accents(word)}':*"


class WordsField(models.TextField):
    """The words of a row. It can be searched, not read."""


@WordsField.register_lookup
class Match(Lookup[Any]):
    lookup_name = "match"

    def get_prep_lookup(self) -> WordQuery:
        if not isinstance(self.rhs, WordQuery):
            raise TypeError(f"{self.rhs!r} is no WordQuery")
        return self.rhs

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[str, ...]]:
        # The column that bears the table's name stands for the whole row.
        quote = connection.ops.quote_name
        return f"{quote(self.lhs.alias)}.{quote(self.lhs.target.model._meta.db_table)} MATCH %s", (
            self.rhs.for_sqlite(),
        )

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str, ...]]:
        sql, params = compiler.compile(self.lhs)
        return f"{sql} @@ %s::tsquery", (*params, self.rhs.for_postgresql())


class SearchableQuerySet(models.QuerySet[_Row]):
    """Rows that have words."""

    def search(self, text: str) -> Self:
        """Each word must be the beginning of one of the row's words, accents or not."""
        query = find_words(text)
        return self.none() if query is None else self.matching(query)

    def marked(self, *marks: str) -> Self:
        """Those that carry one of the marks."""
        return self.matching(find_marks(*marks)) if marks else self.none()

    def matching(self, query: WordQuery) -> Self:
        """`found` is the row's key as the index of words holds it: in its order the index yields without sorting."""
        return self.filter(words__text__match=query).annotate(found=F("words__pk"))


class Words(models.Model):
    """One noun's words. The tables are the migration's: on SQLite no table that Django could make."""

    text = WordsField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"words of {self.pk}"


def _words_of(noun: str) -> type[Words]:
    row = models.OneToOneField(
        noun,
        primary_key=True,
        db_column="rowid",
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="words",
    )
    meta = type("Meta", (), {"managed": False, "app_label": "authorizations", "default_permissions": ()})
    return type(f"{noun}Words", (Words,), {"row": row, "Meta": meta, "__module__": __name__})


CustomerWords = _words_of("Customer")
LinkWords = _words_of("Link")
PaperAuthorizationWords = _words_of("PaperAuthorization")
MeterWords = _words_of("Meter")
EventWords = _words_of("Event")
