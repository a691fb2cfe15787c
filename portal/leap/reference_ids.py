"""The one rule for reference ids (``refId`` on the wire, ``partner_reference`` in Leap's API), and new ones.

Leap, Collect Data Authorizations, "Reference ID": "The reference-id has a 50-character limit"; its characters are
0-9 A-Z a-z - . _ ~. Leap's meter details OpenAPI gives ``partner_reference`` 3 to 256 characters, so one or two would
pass the page's rule and break the API's: they are refused here.
"""

import re
import secrets
from collections.abc import Callable

from portal.leap.characters import ALLOWED, describe_refused

MIN_LENGTH = 3
MAX_LENGTH = 50
_VALID = re.compile(rf"[A-Za-z0-9\-._~]{{{MIN_LENGTH},{MAX_LENGTH}}}")
_RULE = f"use {MIN_LENGTH} to {MAX_LENGTH} of {ALLOWED}"

# 31 characters, a prime number, that nobody takes for one another by eye: no 0 o, no 1 i l.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
GENERATED_LENGTH = 12
_BODY_LENGTH = GENERATED_LENGTH - 1
_BASE = len(ALPHABET)
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
# One weight a position, the check character's being 1. They are distinct and not 0 modulo a prime, so one wrong
# character, or any two that changed places, always moves the sum away from 0.
_WEIGHTS = tuple(range(GENERATED_LENGTH, 0, -1))

# A random byte becomes a character by its remainder; the bytes from 248 on are thrown away, since keeping them would
# favour the first 8 characters.
_UNBIASED = 256 - 256 % _BASE
_BYTE_TO_VALUE = bytes(byte % _BASE for byte in range(256))
_BIASED_BYTES = bytes(range(_UNBIASED, 256))

_DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212")


def is_valid(text: str) -> bool:
    """Return whether ``text`` may be a reference id: 3 to 50 characters of 0-9 A-Z a-z - . _ ~, and nothing else."""
    return _VALID.fullmatch(text) is not None


def explain(text: str) -> str | None:
    """Return one sentence that says what is wrong with ``text`` as a reference id, None if nothing is."""
    if is_valid(text):
        return None
    if not text:
        return f"The reference id is empty: {_RULE}"
    refused = describe_refused(text)
    if refused is not None:
        return f"{refused[0].upper()}{refused[1:]} cannot stand in a reference id: {_RULE}"
    if len(text) > MAX_LENGTH:
        return f"{len(text)} characters are too many for a reference id: Leap takes {MAX_LENGTH} at most"
    return f"“{text}” is too short for a reference id: Leap's API wants {MIN_LENGTH} characters at least"


def generate(randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """Return a new reference id: 11 random characters (54 bits) and a check character, lower case.

    It is unguessable and says nothing about anybody. ``randbelow(n)`` returns an integer from 0 to n - 1.
    """
    body = [randbelow(_BASE) for _ in range(_BODY_LENGTH)]
    check = -sum(weight * value for weight, value in zip(_WEIGHTS, body, strict=False)) % _BASE
    return "".join(ALPHABET[value] for value in (*body, check))


def generate_many(count: int, randbytes: Callable[[int], bytes] = secrets.token_bytes) -> list[str]:
    """Return ``count`` new reference ids as ``generate`` makes them, all different, from few calls of ``randbytes``.

    ``randbytes(n)`` returns n random bytes. Raises ValueError if ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"{count} reference ids cannot be generated")
    found: dict[str, None] = {}
    while missing := count - len(found):
        # One byte in 32 is thrown away; a twentieth more, and a few for small counts, makes one round the rule.
        raw = randbytes(missing * _BODY_LENGTH * 21 // 20 + 64)
        values = raw.translate(_BYTE_TO_VALUE, _BIASED_BYTES)
        bodies = zip(*[iter(values)] * _BODY_LENGTH, strict=False)  # an incomplete last one is left out
        text = ALPHABET
        for (a, b, c, d, e, f, g, h, i, j, k), _ in zip(bodies, range(missing), strict=False):
            # Written out, as the sum over _WEIGHTS takes four times as long.
            check = -(12 * a + 11 * b + 10 * c + 9 * d + 8 * e + 7 * f + 6 * g + 5 * h + 4 * i + 3 * j + 2 * k) % 31
            found[
                f"{text[a]}{text[b]}{text[c]}{text[d]}{text[e]}{text[f]}{text[g]}{text[h]}{text[i]}{text[j]}{text[k]}"
                f"{text[check]}"
            ] = None
    return list(found)


def has_valid_check(text: str) -> bool:
    """Return whether ``text`` is a generated reference id, or its code in capitals, without a slip in it.

    False for a partner's own reference id, which carries no check character (one in 31 of those that look generated
    passes by chance).
    """
    values = [_VALUES.get(character) for character in (text.lower() if text.isascii() else "")]
    if len(values) != GENERATED_LENGTH:
        return False
    total = 0
    for weight, value in zip(_WEIGHTS, values, strict=True):
        if value is None:
            return False
        total += weight * value
    return total % _BASE == 0


def is_misread(text: str) -> bool:
    """Return whether ``text`` looks like a generated id or its code, with digits in it, but has a slip in it."""
    code = normalise_code(text)
    looks = len(code) == GENERATED_LENGTH and all(character in _VALUES for character in code.lower())
    return looks and any(character.isdigit() for character in code) and not has_valid_check(code)


def to_code(reference_id: str) -> str:
    """Return the code of a short link: the generated reference id in capitals (QR codes pack capitals tighter)."""
    return reference_id.upper()


def normalise_code(text: str) -> str:
    """Return a code as it is stored, from one that a person typed or pasted: capitals, without blanks or dashes.

    Characters that cannot be seen go too (a pasted zero-width space, a NUL), so the result can be sent to any database.
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    return "".join(c for c in text if c.isprintable() and not c.isspace() and c not in _DASHES).upper()


def group_code(code: str) -> str:
    """Return ``code`` in groups of four for reading aloud: 7F3K-9X2M-4QAB. ``normalise_code`` undoes it."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
