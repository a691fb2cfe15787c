"""Read many rows a chunk at a time, so that neither memory nor a transaction grows with them.

By key, newest first, each chunk a query of its own that goes on below the last key: alike on both databases. A
server-side cursor would do it on PostgreSQL only, and there outside a transaction first copies the whole result.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Model, QuerySet

#: Rows of a chunk. The first one is small: whoever waits sees at once that something comes.
CHUNK, FIRST_CHUNK = 2000, 100
#: Up to so many rows come in an order of their own, whose keys are all read at first.
SORTED_UP_TO = 10_000


def read_rows(*, found: QuerySet[Any], shown: QuerySet[Any], few: Sequence[str] = ()) -> Iterator[Any]:
    """Yield the rows whose keys `found` has, as `shown` reads them: in the order of `found`, or newest first.

    `few` names relations to rows that many have in common: each of those is read once, and kept to the end.
    More than SORTED_UP_TO rows come newest first whatever their order: others would be sorted before the first comes.
    """
    common = _Common(shown.model, few)
    if not _is_newest_first(found):
        can_sort = found.order_by().values("pk")[: SORTED_UP_TO + 1].count() <= SORTED_UP_TO
        keys = list(found.values_list("pk", flat=True)) if can_sort else []
        for start in range(0, len(keys), CHUNK):
            yield from _read(shown, keys[start : start + CHUNK], common)
        if can_sort:
            return
    found = found.order_by("-pk")
    size = FIRST_CHUNK
    keys = list(found.values_list("pk", flat=True)[:size])
    while keys:
        yield from _read(shown, keys, common)
        if len(keys) < size:
            return
        size = CHUNK
        keys = list(found.filter(pk__lt=keys[-1]).values_list("pk", flat=True)[:size])


def _is_newest_first(found: QuerySet[Any]) -> bool:
    order = tuple(found.query.order_by or found.model._meta.ordering)
    return order in (("-pk",), ("-id",))


class _Common:
    """Sets rows' relations to objects that are read once: foreign keys, and sets of a few (many-to-many).

    `prefetch_related` would read them anew for each chunk, makes a queryset for each row's set, and on SQLite asks for
    a thousand of them in a condition that is too deep for it (Django 5.2: TupleIn).
    """

    def __init__(self, model: type[Model], names: Sequence[str]) -> None:
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        self._keys = [field for field in fields if not field.many_to_many]
        self._sets = [field for field in fields if field.many_to_many]
        self._known: dict[str, dict[Any, Any]] = {field.name: {None: None} for field in self._keys}
        # All there are, in their order.
        self._all = {
            field.name: {row.pk: row for row in field.related_model._default_manager.all()} for field in self._sets
        }

    def attach(self, rows: Iterable[Any]) -> None:
        rows = list(rows)
        for field in self._keys:
            known = self._known[field.name]
            if missing := {getattr(row, field.attname) for row in rows} - known.keys():
                known |= field.related_model._default_manager.in_bulk(missing)
            for row in rows:
                setattr(row, field.name, known[getattr(row, field.attname)])
        for field in self._sets:
            chosen = self._read_sets(field, [row.pk for row in rows])
            for row in rows:
                ours = chosen.get(row.pk, ())
                # Where `row.<name>.all()` looks first.
                found = [other for key, other in self._all[field.name].items() if key in ours] if ours else []
                row._prefetched_objects_cache = {**getattr(row, "_prefetched_objects_cache", {}), field.name: found}

    def _read_sets(self, field: Any, keys: list[Any]) -> dict[Any, set[Any]]:
        ours, theirs = field.m2m_column_name(), field.m2m_reverse_name()
        pairs = field.remote_field.through._default_manager.filter(**{f"{ours}__in": keys})
        chosen: dict[Any, set[Any]] = {}
        for key, other in pairs.values_list(ours, theirs):
            chosen.setdefault(key, set()).add(other)
        return chosen


def _read(shown: QuerySet[Any], keys: list[int], common: _Common) -> Iterator[Any]:
    rows = {row.pk: row for row in shown.filter(pk__in=keys).order_by()}
    common.attach(rows.values())
    # One that is deleted in between is left out; one that is there twice stands once.
    return (rows[key] for key in dict.fromkeys(keys) if key in rows)
