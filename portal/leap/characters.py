"""The characters that may stand in an authorization URL unescaped, and words for those that may not.

Leap, Collect Data Authorizations, "Reference ID": "digits (0-9), letters (A-Z, a-z), and a few special characters
("-", ".", "_", "~")". These are the unreserved characters of RFC 3986, section 2.3.
"""

import re
import unicodedata

ALLOWED = "A–Z a–z 0–9 - . _ ~"
_REFUSED = re.compile(r"[^A-Za-z0-9\-._~]")
_NAMES = {
    "\0": "a NUL character",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a line break",
    " ": "a blank",
    "\u00a0": "a non-breaking blank",
    "\ufffd": "a character that is not UTF-8",
}


def describe(character: str) -> str:
    """Return words for one character: itself in quotes if it can be seen, its name and number otherwise."""
    if character in _NAMES:
        return _NAMES[character]
    if character.isprintable():
        return f"“{character}”"
    name = unicodedata.name(character, "")
    number = f"U+{ord(character):04X}"
    return f"an invisible character ({name}, {number})" if name else f"an invisible character ({number})"


def visible(text: str) -> str:
    """Return ``text`` with every character that cannot be seen as �, so that it can be shown, logged and stored."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def quote(text: str) -> str:
    """Return ``text`` in quotes for a message: visible, and cut to 60 characters."""
    return f"“{visible(text[:60])}{'…' if len(text) > 60 else ''}”"


def describe_refused(text: str) -> str | None:
    """Return words for the first character of ``text`` that is not allowed, None if all are.

    One that cannot be seen at either end of the text is said to be there: that is where nobody looks for it.
    """
    found = _REFUSED.search(text)
    if found is None:
        return None
    character = found.group()
    words = describe(character)
    if character.isspace() or not character.isprintable():
        if not _REFUSED.sub("", text[found.start() :]) and found.start() > 0:
            return f"{words} at the end"
        if found.start() == 0:
            return f"{words} at the start"
    return words
