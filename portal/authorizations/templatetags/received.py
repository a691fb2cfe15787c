"""Show what a stranger sent: every character visible, nothing in it able to disguise the rest."""

from dataclasses import dataclass

from django import template

from portal.leap.characters import describe

register = template.Library()

#: As much as a list shows of one value; `title` shows the rest.
SHOWN = 48

_SHORT = {" ": "blank", "\u00a0": "blank, non-breaking", "\t": "tab", "\n": "line break", "\r": "line break"}


@dataclass(frozen=True)
class Part:
    """A piece of a received value: plain text, or one odd character with its short name and its description."""

    text: str
    odd: str = ""


@register.filter
def received(value: str) -> list[Part]:
    """Cut a received value into plain text and odd characters: invisible ones, and blanks where nobody sees them.

    Values longer than SHOWN characters are cut, and end in an ellipsis.
    """
    text = value[:SHOWN]
    parts: list[Part] = []
    plain = ""
    for position, character in enumerate(text):
        if _is_plain(text, position):
            plain += character
            continue
        if plain:
            parts.append(Part(plain))
            plain = ""
        parts.append(Part(_SHORT.get(character) or f"U+{ord(character):04X}", odd=describe(character)))
    if len(value) > SHOWN:
        plain += "…"
    return [*parts, Part(plain)] if plain else parts


def _is_plain(text: str, position: int) -> bool:
    character = text[position]
    if character == " ":
        return 0 < position < len(text) - 1 and text[position - 1] != " "
    return character.isprintable() and character != "\ufffd"


@register.filter
def visible_text(value: str) -> str:
    """Return all of a received value as one line of text with odd characters written as U+…: for a tooltip."""
    return "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in value)
