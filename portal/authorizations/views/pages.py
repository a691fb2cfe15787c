"""Pages of a list by key: after this row, before that one. However far, a page is read from where it begins.

What stands in the address is opaque and holds keys only, never what a list is sorted by (a name): that is read from the
database. `django-cursor-pagination` (last release 2024) and `django-keyset-pagination-plus` put the values there.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, OrderBy, Q, QuerySet, Value
from django_tables2.data import TableData
from django_tables2.rows import BoundRows

from portal.authorizations.models.expressions import RowIsBeyond

#: Rows of a page, and the most that `per_page` in the address may ask for.
ROWS, MOST_ROWS = 50, 200
#: A cursor names so many rows from its page's end, the outermost first: one of them may be gone.
NAMED = 3

LAST = "last"
_KEYS = frozenset({"pk", "id", "found"})


@dataclass(frozen=True)
class Term:
    """One value that rows are sorted by. Those without one come last, whatever the direction, on both databases."""

    path: str
    descending: bool
    nullable: bool

    def order(self, *, backwards: bool) -> OrderBy:
        nulls = {"nulls_first" if backwards else "nulls_last": True} if self.nullable else {}
        return OrderBy(F(self.path), descending=self.descending != backwards, **nulls)

    def equals(self, value: Any) -> Q:
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def beyond(self, value: Any, *, backwards: bool) -> Q | None:
        """Rows after this value (backwards: before it); None if there are none."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if backwards else None
        further = Q(**{f"{self.path}__{'lt' if self.descending != backwards else 'gt'}": value})
        return further | Q(**{f"{self.path}__isnull": True}) if self.nullable and not backwards else further


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after these rows (of which the first is the nearest), or before them."""

    keys: tuple[int, ...] = ()
    backwards: bool = False
    #: How many rows stand before the page, as far as it is known.
    skipped: int | None = 0

    def encode(self) -> str:
        if self.backwards and not self.keys:
            return LAST
        text = json.dumps([int(self.backwards), self.skipped, *self.keys], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Return the page that an address asks for; the first one if it makes no sense."""
        if text == LAST:
            return cls(backwards=True, skipped=None)
        try:
            padded = text[:200].encode() + b"=="
            backwards, skipped, *keys = json.loads(base64.urlsafe_b64decode(padded))
            numbers = [*keys, 0 if skipped is None else skipped]
            if backwards in (0, 1) and keys and all(type(key) is int and 0 <= key < 2**63 for key in numbers):
                return cls(tuple(keys[:NAMED]), bool(backwards), skipped)
        except (ValueError, TypeError):
            pass
        return cls()


class KeysetPage(Page):
    """A page, and the cursors of those around it; None where there is none."""

    def __init__(self, rows: Any, paginator: "KeysetPages", *, cursor: Cursor, keys: list[int], more: bool) -> None:
        super().__init__(rows, 1, paginator)
        self.cursor, self._keys = cursor, keys
        self._before, self._after = (more, bool(cursor.keys)) if cursor.backwards else (bool(cursor.keys), more)

    def has_previous(self) -> bool:
        return self._before

    def has_next(self) -> bool:
        return self._after

    @property
    def previous_cursor(self) -> str:
        return Cursor(tuple(self._keys[:NAMED]), True, self.cursor.skipped).encode()

    @property
    def next_cursor(self) -> str:
        skipped = None if self.cursor.skipped is None else self.cursor.skipped + len(self._keys)
        return Cursor(tuple(self._keys[::-1][:NAMED]), False, skipped).encode()

    @property
    def last_cursor(self) -> str:
        return LAST

    @property
    def first_number(self) -> int | None:
        return None if self.cursor.skipped is None else self.cursor.skipped + 1

    @property
    def last_number(self) -> int | None:
        return None if self.cursor.skipped is None else self.cursor.skipped + len(self._keys)


class KeysetPages(Paginator):
    """First, previous, next and last pages of a table's rows, which are a queryset in its order.

    `shown`: the list without filters, from which a page's rows are read by their keys, and a cursor's row wherever it
    is now. `keys`: of all rows of the list, None where they are too many for anybody to have found them all.
    """

    def __init__(
        self, rows: BoundRows, per_page: int, *, shown: "QuerySet[Any]", keys: list[int] | None, **kwargs: Any
    ) -> None:
        super().__init__(rows, per_page if 0 < per_page <= MOST_ROWS else ROWS, **kwargs)
        self.table, self.shown, self.keys = rows.table, shown, keys
        self.total = None if keys is None else len(keys)
        self.rows: QuerySet[Any] = rows.data.data
        self.terms = read_terms(self.rows)

    def page(self, number: Any) -> KeysetPage:
        cursor = Cursor.decode(number) if isinstance(number, str) else Cursor()
        found = self._find(cursor)
        if found is None or (cursor.backwards and cursor.keys and len(found) <= self.per_page):
            # Nobody knows that row any more, or the page would begin with the list's first row: that one is full.
            cursor = Cursor()
            found = self._find(cursor) or []
        size = self._size(cursor)
        keys, more = found[:size], len(found) > size
        if cursor.backwards:
            keys.reverse()
            cursor = replace(cursor, skipped=self._skipped(cursor, len(keys)))
        by_key = {row.pk: row for row in self.shown.filter(pk__in=keys).order_by()}
        records = [by_key[key] for key in keys if key in by_key]
        data = TableData.from_data(records)
        data.set_table(self.table)
        return KeysetPage(BoundRows(data, self.table), self, cursor=cursor, keys=keys, more=more)

    def _size(self, cursor: Cursor) -> int:
        """The last page of a counted list holds what is left."""
        if cursor.backwards and not cursor.keys and self.total:
            return self.total % self.per_page or self.per_page
        return self.per_page

    def _skipped(self, cursor: Cursor, shown: int) -> int | None:
        if not cursor.keys:
            return None if self.total is None else max(0, self.total - shown)
        return None if cursor.skipped is None else max(0, cursor.skipped - shown)

    def _find(self, cursor: Cursor) -> list[int] | None:
        """The keys of a page and of one row more, in the direction of reading; None if the cursor's rows are gone."""
        if self.total == 0:
            return []
        # So few rows that they were found are sorted, and not found again.
        rows = self.rows if self.keys is None else self.shown.filter(pk__any_of=self.keys)
        rows = rows.order_by(*(term.order(backwards=cursor.backwards) for term in self.terms))
        if cursor.keys:
            values = self._values(cursor.keys)
            if values is None:
                return None
            rows = rows.filter(beyond(self.terms, values, backwards=cursor.backwards))
        return list(rows.values_list("pk", flat=True)[: self._size(cursor) + 1])

    def _values(self, keys: Sequence[int]) -> list[Any] | None:
        """What the nearest row that is still there is sorted by, as it is now."""
        paths = [term.path for term in self.terms if term.path not in _KEYS]
        if not paths:
            return [keys[0]] * len(self.terms)
        there = {key: values for key, *values in self.shown.filter(pk__in=keys).order_by().values_list("pk", *paths)}
        key = next((key for key in keys if key in there), None)
        if key is None:
            return None
        values = iter(there[key])
        return [key if term.path in _KEYS else next(values) for term in self.terms]


def read_terms(rows: "QuerySet[Any]") -> list[Term]:
    """Return what a queryset is sorted by, to the last: a key, without which equal rows have no order."""
    paths = [str(path) for path in rows.query.order_by or rows.model._meta.ordering]
    terms = [Term(path.lstrip("-"), path.startswith("-"), _is_nullable(rows, path.lstrip("-"))) for path in paths]
    keys = [index for index, term in enumerate(terms) if term.path in _KEYS]
    return terms[: keys[0] + 1] if keys else [*terms, Term("pk", bool(terms and terms[-1].descending), nullable=False)]


def _is_nullable(rows: "QuerySet[Any]", path: str) -> bool:
    if path in _KEYS:
        return False
    if path in rows.query.annotations:
        return bool(getattr(rows.query.annotations[path], "nullable", True))
    model: Any = rows.model
    for name in path.split("__"):
        field = model._meta.get_field(name)
        if field.null:
            return True
        model = field.related_model
    return False


def beyond(terms: list[Term], values: list[Any], *, backwards: bool) -> Q:
    """Return the condition for all rows after the one with these values; backwards: before it."""
    if len(terms) > 1 and not any(term.nullable for term in terms) and len({term.descending for term in terms}) == 1:
        # One comparison of rows: an index on all of them is entered right there.
        less = terms[0].descending != backwards
        return Q(RowIsBeyond([F(term.path) for term in terms], [Value(value) for value in values], less=less))
    found = Q(pk__in=[])
    same = Q()
    for term, value in zip(terms, values, strict=True):
        further = term.beyond(value, backwards=backwards)
        if further is not None:
            found |= same & further
        same &= term.equals(value)
    return found
