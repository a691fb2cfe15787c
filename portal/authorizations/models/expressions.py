"""What each database can check and compute by itself, without Django's functions loaded."""

import json
from typing import Any

from django.db.models import BooleanField, CharField, Func, IntegerField, Lookup, Q, Subquery, Value
from django.db.models.sql.compiler import SQLCompiler


class IsUnreserved(Func):
    """Whether a text has `minimum` to `maximum` characters, all of 0-9 A-Z a-z - . _ ~ (RFC 3986's unreserved).

    Django's own regex lookup needs a Python function in SQLite, which other programs on the same file do not have.
    SQLite's length and GLOB stop at a NUL, hence the comparison with the length in bytes. PostgreSQL's `$` matches
    only at the very end, not before a last newline.
    """

    output_field = BooleanField()

    def __init__(self, expression: Any, *, minimum: int, maximum: int) -> None:
        super().__init__(expression)
        self.minimum = int(minimum)
        self.maximum = int(maximum)

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        text = (
            f"(length({sql}) BETWEEN {self.minimum} AND {self.maximum}"
            f" AND length(CAST({sql} AS BLOB)) = length({sql})"
            f" AND {sql} NOT GLOB '*[^0-9A-Za-z._~-]*')"
        )
        return text, (*params, *params, *params, *params)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"({sql} ~ '^[0-9A-Za-z._~-]{{{self.minimum},{self.maximum}}}$')", tuple(params)


class TenthsOfDays(Func):
    """From one moment to a later one in tenths of a day, rounded. Django's own difference is Python in SQLite."""

    output_field = IntegerField()

    def __init__(self, earlier: Any, later: Any) -> None:
        super().__init__(earlier, later)

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        (earlier, first), (later, second) = (compiler.compile(part) for part in self.source_expressions)
        return f"CAST(ROUND((julianday({later}) - julianday({earlier})) * 10) AS INTEGER)", (*second, *first)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        (earlier, first), (later, second) = (compiler.compile(part) for part in self.source_expressions)
        return f"CAST(ROUND(EXTRACT(EPOCH FROM ({later} - {earlier})) / 8640) AS INTEGER)", (*second, *first)


@IntegerField.register_lookup
@CharField.register_lookup
class AnyOf(Lookup[Any]):
    """`name__any_of=[…]`: as `in`, with all values in one parameter.

    Django looks at each value of an `in` on its own, which for thousands takes longer than the database does, and
    SQLite takes a limited number of parameters. Both databases read the values as the rows of a subquery: they are
    looked up one by one, rather than all rows walked in the order that is asked for.
    """

    lookup_name = "any_of"

    def get_prep_lookup(self) -> list[str] | list[int]:
        convert: Any = int if isinstance(self.lhs.output_field, IntegerField) else str
        return [convert(value) for value in self.rhs]

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.lhs)
        return f"{sql} IN (SELECT value FROM json_each(%s))", (*params, json.dumps(self.rhs))  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.lhs)
        kind = "bigint" if isinstance(self.lhs.output_field, IntegerField) else "text"
        return f"{sql} IN (SELECT unnest(%s::{kind}[]))", (*params, self.rhs)


#: Lists say "more than 10,000" instead of counting a million rows to show fifty.
COUNTED_UP_TO = 10_000


class CountUpTo(Subquery):
    """How many rows a sliced queryset has: counting ends with the slice, however many there are."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


class RowIsBeyond(Func):
    """(a, b) > (x, y) as one comparison, which an index on both is entered by; `less`: <."""

    output_field = BooleanField()

    def __init__(self, columns: list[Any], values: list[Any], *, less: bool) -> None:
        super().__init__(*columns, *values)
        self.less = less

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, tuple[Any, ...]]:
        columns = self.source_expressions[: len(self.source_expressions) // 2]
        sides, params = [], []
        for part in (columns, self._values_like(columns)):
            compiled = [compiler.compile(expression) for expression in part]
            sides.append(", ".join(sql for sql, _ in compiled))
            params += [param for _, some in compiled for param in some]
        return f"({sides[0]}) {'<' if self.less else '>'} ({sides[1]})", tuple(params)

    def _values_like(self, columns: list[Any]) -> list[Any]:
        """A moment is written as its column is: SQLite compares texts."""
        values: list[Any] = self.source_expressions[len(columns) :]
        return [
            Value(value.value, output_field=column.output_field) for column, value in zip(columns, values, strict=True)
        ]


class InCapitals(Func):
    """A text as its beginnings are looked for: a to z as A to Z, compared byte by byte, so that an index serves."""

    output_field = CharField()
    #: Of columns that are never null. (Lists sort by it; pages.py)
    nullable = False

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"UPPER({sql})", tuple(params)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f'(UPPER({sql} COLLATE "C"))', tuple(params)


def begins_with(path: str, text: str) -> Q:
    """Condition: what `path` names, an InCapitals, begins with the text, its capitals aside."""
    first = "".join(character.upper() if character.isascii() else character for character in text)
    return Q(**{f"{path}__gte": first, f"{path}__lt": f"{first}\U0010ffff"})


class HasNoValue(Func):
    """x IS NULL, where nearly every row has none: SQLite would take a unique index for the best way to find them."""

    output_field = BooleanField()

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"(+{sql} IS NULL)", tuple(params)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"({sql} IS NULL)", tuple(params)
