"""A meter's record as Leap has it, made readable: names in words, nested values as sections, unknown ones as they came.

Personal data stays out even where a record still holds it (Leap's meter OpenAPI: `customer`, and account numbers).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Never shown: the customer is the portal's own row, and an account number opens doors at a utility.
WITHHELD = frozenset(
    {
        "customer",
        "electric_service_account_number",
        "bill_customer_account_number",
        "bill_service_agreement_number",
    }
)
_IN_CAPITALS = {
    "id": "ID",
    "nem": "NEM",
    "sgip": "SGIP",
    "cbl": "CBL",
    "caiso": "CAISO",
    "nyiso": "NYISO",
    "ami": "AMI",
}


@dataclass(frozen=True)
class Fact:
    """One name and value of a record."""

    name: str
    value: str


@dataclass(frozen=True)
class Section:
    """A block of a record: the meter's own values (no title), its utility's, its site's."""

    title: str
    facts: list[Fact]


def read_facts(record: Mapping[str, Any]) -> list[Section]:
    """Return the record in sections, the meter's own plain values first. Deeper blocks join into "Site: devices"."""
    own = Section("", [])
    sections = [own]
    _collect(record, own, sections, path=())
    return [section for section in sections if section.facts]


def name_of(key: str) -> str:
    """Return a key in words: `load_serving_entity` → Load serving entity."""
    words = [_IN_CAPITALS.get(word, word) for word in key.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _collect(values: Mapping[str, Any], into: Section, sections: list[Section], path: tuple[str, ...]) -> None:
    for key, value in values.items():
        if key in WITHHELD:
            continue
        if isinstance(value, Mapping):
            _open_section(value, sections, (*path, key))
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, start=1):
                inner = item if isinstance(item, Mapping) else {"value": item}
                _open_section(inner, sections, (*path, f"{key}_{number}" if len(value) > 1 else key))
        else:
            into.facts.append(Fact(name_of(key), _write(value)))


def _open_section(values: Mapping[str, Any], sections: list[Section], path: tuple[str, ...]) -> None:
    section = Section(": ".join(name_of(part) for part in path), [])
    sections.append(section)
    _collect(values, section, sections, path)


def _write(value: Any) -> str:
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_write(item) for item in value)
    return str(value)
