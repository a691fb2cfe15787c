"""What Leap publishes of the answers and requests that the portal relies on: our own transcription, as JSON Schema.

`make contract LEAP_API=…` compares it with Leap's OpenAPI files, field by field. An `allOf` there is one object here.
"""

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]


def obj(required: Iterable[str] = (), **properties: Schema) -> Schema:
    """An object; further properties are allowed, as everywhere in Leap's schemas."""
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": sorted(required)} if required else schema


def text(**limits: Any) -> Schema:
    return {"type": "string", **limits}


def words(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def lists(items: Schema, **limits: Any) -> Schema:
    return {"type": "array", "items": items, **limits}


def number(low: int, high: int) -> Schema:
    return {"type": "number", "minimum": low, "maximum": high}


def integer(low: int, high: int, **more: Any) -> Schema:
    return {"type": "integer", "format": "int32", "minimum": low, "maximum": high, **more}


FLAG: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
MOMENT = text(format="date-time")
DAY = text(format="date")
UUID = text(format="uuid")
