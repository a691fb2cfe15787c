"""Reading JSON that Leap wrote: typed values out of an object, and a ValueError that names the field when it is wrong.

Leap declares new fields to be no breaking change and its enums grow: whatever is not asked for is ignored, and a value
of an enum stays the text that came. Messages never repeat a value, which may be personal. Null counts as absent.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

#: Leap's longest text that is a key of something is a partner reference, 256 characters (meter details OpenAPI).
TEXT_LIMIT = 256
#: No object of Leap's is nested deeper than five levels.
_DEPTH_LIMIT = 20


class Fields:
    """The fields of one JSON object. ``place`` is where it stands in the payload, as in “required_actions.partner”."""

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, Mapping):
            raise ValueError(f"{place or 'the record'} is not an object")
        self.values: Mapping[str, object] = value
        self.place = place

    def text(self, name: str, *, required: bool = False, limit: int = TEXT_LIMIT) -> str:
        """Return a text, "" if absent. Raises ValueError if it is none, is too long, or is absent but required."""
        value = self.values.get(name)
        if value is None or value == "":
            if required:
                raise ValueError(f"{self._path(name)} is missing")
            return ""
        if not isinstance(value, str):
            raise ValueError(f"{self._path(name)} is not a text")
        if len(value) > limit:
            raise ValueError(f"{self._path(name)} is longer than {limit} characters")
        return storable_text(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts in its order, each once."""
        found: dict[str, None] = {}
        for position, value in enumerate(self._list(name)):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{self._path(name)}[{position}] is not a text")
            if len(value) > TEXT_LIMIT:
                raise ValueError(f"{self._path(name)}[{position}] is longer than {TEXT_LIMIT} characters")
            found[storable_text(value)] = None
        return tuple(found)

    def uuid(self, name: str) -> UUID:
        """Return an id. Raises ValueError if it is absent."""
        return _uuid(self.text(name, required=True), self._path(name))

    def uuids(self, name: str) -> tuple[UUID, ...]:
        """Return a list of ids."""
        return tuple(_uuid(text, f"{self._path(name)}[{at}]") for at, text in enumerate(self.texts(name)))

    def flag(self, name: str) -> bool:
        """Return true or false; absent is false."""
        value = self.values.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise ValueError(f"{self._path(name)} is neither true nor false")
        return value

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        """Return a moment in UTC, None if it is absent. Leap's are ISO 8601, with up to nine digits of a second."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f"{self._path(name)} is not a date and time") from None

    def fields(self, name: str) -> "Fields":
        """Return the object inside; an empty one if it is absent."""
        value = self.values.get(name)
        return Fields({} if value is None else value, self._path(name))

    def rows(self, name: str) -> list["Fields"]:
        """Return a list of objects; empty if it is absent."""
        return [Fields(value, f"{self._path(name)}[{at}]") for at, value in enumerate(self._list(name))]

    def _list(self, name: str) -> list[object]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"{self._path(name)} is not a list")
        return value

    def _path(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def storable_text(text: str) -> str:
    """Return ``text`` with � for what no database stores: NUL, and half of a surrogate pair (JSON can say both)."""
    if "\0" in text or not text.isprintable():
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def storable(value: object, *, leave_out: Callable[[str], bool] = lambda name: False, depth: int = 0) -> Any:
    """Return a JSON value as both databases store it: `storable_text`, and null for a number without end.

    Fields whose name ``leave_out`` is true for are left out, wherever they stand. Raises ValueError if the value is
    nested beyond reason.
    """
    if depth > _DEPTH_LIMIT:
        raise ValueError("the record is nested too deep")
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {
            storable_text(name): storable(inner, leave_out=leave_out, depth=depth + 1)
            for name, inner in value.items()
            if not leave_out(name)
        }
    if isinstance(value, list):
        return [storable(inner, leave_out=leave_out, depth=depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _uuid(text: str, path: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(f"{path} is not a UUID") from None
