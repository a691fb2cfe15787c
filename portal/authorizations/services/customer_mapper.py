"""From the cells of a row to the values of a customer: columns joined, values normalised, every fault named.

Pure Python, no Django: utilities and people come in as plain values. This runs for each of 100,000 rows, so a good
row takes one list comprehension over prepared functions; only a bad one is gone through again for its faults in words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from portal.authorizations.services.customer_columns import FIELDS
from portal.authorizations.services.customer_file import Fault, Row, shorten
from portal.authorizations.services.customer_values import (
    MAX_LENGTHS,
    Refused,
    check_email,
    check_external_id,
    is_plain_email,
    normalise_customer_type,
    normalise_language,
    normalise_postal_code,
    tidy,
    unwrap,
)
from portal.authorizations.services.utility_matcher import UtilityMatcher
from portal.leap import reference_ids

_Convert = Callable[[str], Any]

_PARTS = ("first_name", "last_name", "house_number", "street2")
_ATTRIBUTES = {"utility": "utility_id", "rep": "assigned_rep_id"}
_LINE_BREAKS = {"street": ", ", "street2": ", ", "notes": "\n"}
_MAX_REMEMBERED = 10_000


class _RefusedRowError(Refused):
    """The fields of a row do not go together; ``fields``: where to show it, the first that has a column."""

    def __init__(self, message: str, value: str, fields: tuple[str, ...]) -> None:
        super().__init__(message)
        self.value = value
        self.fields = fields


class _Remembered(dict[str, Any]):
    """What a text means, computed once for each text that a file repeats."""

    def __init__(self, convert: _Convert) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> Any:
        value = self._convert(text)
        if len(self) < _MAX_REMEMBERED:
            self[text] = value
        return value


class CustomerMapper:
    """Reads rows by a choice of columns (column number → field of FIELDS) that ``check_columns`` has passed.

    ``fields`` names what ``read`` returns, in order, as attributes of the customer's model: utility_id and
    assigned_rep_id are primary keys or None, an empty external_id or reference_id is None, all others are texts.
    """

    fields: tuple[str, ...]

    def __init__(
        self,
        *,
        header: tuple[str, ...],
        columns: Mapping[int, str],
        utilities: UtilityMatcher,
        people: Mapping[str, int],
    ) -> None:
        """``people``: user name and email address, in lower case, of whoever may be assigned → primary key."""
        self._header = header
        self._utilities = utilities
        self._people = people
        self._column_of = column_of = {field: index for index, field in columns.items()}
        # A list may have a part without the whole; the whole then starts empty.
        whole = {"first_name": "name", "last_name": "name", "house_number": "street", "street2": "street"}
        given = set(column_of) | {whole[part] for part in _PARTS if part in column_of}
        targets = [field for field in FIELDS if field in given and field not in _PARTS]
        parts = [part for part in _PARTS if part in given]
        self.fields = tuple(_ATTRIBUTES.get(field, field) for field in targets)
        self._plan = [
            (column_of[field], self._converter(field)) if field in column_of else (0, _nothing)
            for field in (*targets, *parts)
        ]
        self._count = len(targets)
        position = {field: number for number, field in enumerate((*targets, *parts))}
        self._name, self._company = position.get("name", -1), position.get("company", -1)
        self._name_parts = [position[part] for part in ("first_name", "last_name") if part in position]
        self._street, self._street2 = position.get("street", -1), position.get("street2", -1)
        self._house_number = position.get("house_number", -1)
        # Written behind the street where its header is German or Spanish.
        house = header[column_of["house_number"]].casefold() if "house_number" in column_of else ""
        self._house_last = house.startswith(("haus", "num", "núm"))
        self._postal_code, self._state = position.get("postal_code", -1), position.get("state", -1)

    def read(self, row: Row) -> tuple[tuple[Any, ...], list[Fault]]:
        """Return the values of a row in the order of ``fields``, or nothing and its faults."""
        if row.fault is not None:
            return (), [row.fault]
        cells = row.cells
        try:
            values = [convert(cells[index]) for index, convert in self._plan]
            self._join(values)
        except Refused:
            return (), self._faults(row)
        return tuple(values), []

    def _join(self, values: list[Any]) -> None:
        """Put together what several columns hold, and drop the parts. Raises _RefusedRowError."""
        name, street, postal_code = self._name, self._street, self._postal_code
        if self._name_parts and not values[name]:
            values[name] = _bounded("name", " ".join([values[part] for part in self._name_parts if values[part]]))
        if not (name >= 0 and values[name]) and not (self._company >= 0 and values[self._company]):
            reason = "A customer needs a name or a company. Fill in one of them."
            raise _RefusedRowError(reason, "", ("name", "first_name", "last_name", "company"))
        if self._house_number >= 0 and values[self._house_number] not in values[street].split():
            words = [values[self._house_number], values[street]]
            joined = " ".join(reversed(words) if self._house_last else words)
            values[street] = _bounded("street", joined.strip())
        if self._street2 >= 0 and values[self._street2]:
            lines = [line for line in (values[street], values[self._street2]) if line]
            values[street] = _bounded("street", ", ".join(lines))
        if postal_code >= 0:
            code = values[postal_code]
            if code and not (len(code) == 5 and code.isdecimal()):
                state = values[self._state] if self._state >= 0 else ""
                values[postal_code] = normalise_postal_code(code, state)
        del values[self._count :]

    def _faults(self, row: Row) -> list[Fault]:
        """Go through a refused row again and return all that is wrong with it, in the order of the columns."""
        found: list[tuple[int, Fault]] = []
        values: list[Any] = []
        for index, convert in self._plan:
            try:
                values.append(convert(row.cells[index]))
            except Refused as refused:
                values.append("?")  # there, but unusable: no reason to say that it is missing
                found.append((index, self._fault(row, index, row.cells[index], str(refused))))
        try:
            self._join(values)
        except _RefusedRowError as refused:
            index = next(self._column_of[field] for field in refused.fields if field in self._column_of)
            found.append((index, self._fault(row, index, refused.value, str(refused))))
        return [fault for _, fault in sorted(found, key=lambda pair: pair[0])]

    def _fault(self, row: Row, index: int, value: str, reason: str) -> Fault:
        return Fault(row.line, self._header[index] or f"column {index + 1}", shorten(value), reason)

    def _converter(self, field: str) -> _Convert:
        """Return the function from a cell's text to the value of ``field``; it raises Refused."""
        text = _text_converter(field)
        match field:
            case "external_id":
                return lambda cell: check_external_id(text(cell)) or None
            case "reference_id":
                return lambda cell: _check_reference_id(text(cell))
            case "email":
                # Nothing that passes needs tidying: most addresses are done after one match.
                return lambda cell: cell if is_plain_email(cell) else check_email(text(cell))
            case "customer_type":
                return _Remembered(lambda cell: normalise_customer_type(text(cell))).__getitem__
            case "language":
                return _Remembered(lambda cell: normalise_language(text(cell))).__getitem__
            case "utility":
                return _Remembered(lambda cell: self._match_utility(text(cell))).__getitem__
            case "rep":
                return _Remembered(lambda cell: self._match_person(text(cell))).__getitem__
            case "city" | "state" | "postal_code":
                return _Remembered(text).__getitem__
        return text

    def _match_utility(self, text: str) -> int | None:
        found = self._utilities.match(text)
        if found is None and text:
            raise Refused(self._utilities.explain(text))
        return found

    def _match_person(self, text: str) -> int | None:
        found = self._people.get(text.lower())
        if found is None and text:
            raise Refused("Nobody signs in with this. Write the user name or the email address of a field rep.")
        return found


def _nothing(cell: str) -> str:
    return ""


def _text_converter(field: str) -> Callable[[str], str]:
    line_break = _LINE_BREAKS.get(field, " ")
    limit = MAX_LENGTHS.get(field, 200)

    def convert(cell: str) -> str:
        text = cell.strip()
        if not text:
            return text
        # No line break, no zero-width character, no blank but the space: all in one fast question.
        if not text.isprintable():
            text = tidy(text, line_break=line_break)
        if text and text[0] in "='":
            text = unwrap(text)
        return text if len(text) <= limit else _bounded(field, text)

    return convert


def _bounded(field: str, text: str) -> str:
    """Return ``text`` if the column can hold it. Raises _RefusedRowError, shown at the field or its first part."""
    limit = MAX_LENGTHS.get(field, 200)
    if len(text) <= limit:
        return text
    reason = f"{len(text)} characters are too many: {FIELDS[field]} holds {limit}. Shorten it."
    raise _RefusedRowError(reason, text, (field, "first_name", "last_name") if field == "name" else (field, "street2"))


def _check_reference_id(text: str) -> str | None:
    reason = reference_ids.explain(text) if text else None
    if reason:
        raise Refused(f"{reason}.")
    return text or None
