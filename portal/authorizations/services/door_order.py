"""The order in which somebody walks from door to door: town, postal code, street, then the house number as a number.

Pure Python, no Django. A key is made of small letters and digits alone, accents taken off. Of ASCII, which every
database sorts alike, whatever its collation: digits before letters; the rest (ø, 中) as the database does. “0”
therefore stands between words, “00” between parts. A number within a street's name or of an apartment is led by how
many digits it has, so that "2nd St" comes before "10th St"; what follows the digits of an ordinal is left off.
"""

import re
import unicodedata
from functools import lru_cache

#: As the column of the customer's table.
MAX_KEY = 255

_WORD = re.compile(r"[^\W_]+")
_NUMBER_FIRST = re.compile(
    r"(\d{1,7})(?!\d|st\b|nd\b|rd\b|th\b)(?:\s*[-–]\s*(\d{1,7}))?([a-z]?)\b\s*(?:\d\s*[/⁄]\s*\d)?\s*(?=\D)(.*)",
    re.DOTALL,
)
_NUMBER_LAST = re.compile(
    r"(.*\D)[\s,]+(?:no\.?\s*|nr\.?\s*|#\s*)?(\d{1,7})(?:\s*[-/–]\s*(\d{1,7}))?\s*([a-z]?)", re.DOTALL
)
# "2nd", "12b", "43"
_NUMBERED = re.compile(r"(\d{1,9})(st|nd|rd|th)?([^\W_]*)")
_UNIT_FIRST = re.compile(r"(?:apt|apartment|unit|suite|ste|#|rm|room|floor|fl)\b.*|#.*")
# Hauptstraße, Hauptstr.
_STREET = re.compile(r"str(?:asse)?\Z")
_SHORT = {
    "street": "st",
    "str": "st",
    "strasse": "st",
    "avenue": "ave",
    "av": "ave",
    "boulevard": "blvd",
    "road": "rd",
    "drive": "dr",
    "lane": "ln",
    "court": "ct",
    "place": "pl",
    "terrace": "ter",
    "highway": "hwy",
    "circle": "cir",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
}


def make_door_order(*, city: str, postal_code: str, street: str) -> str:
    """Return the key of an address; empty if there is none."""
    if not (city or postal_code or street):
        return ""
    name, number, rest = _split_street(_plain(street))
    doors = "0".join(_number(word) for word in _WORD.findall(rest))
    # A number of up to seven digits: what is smaller comes first.
    return f"{_place(city, postal_code)}00{_words(name)}00{number:07}00{doors}"[:MAX_KEY]


@lru_cache(maxsize=5000)
def _place(city: str, postal_code: str) -> str:
    # Of ZIP+4 the first five: the rest tells blocks apart, by no order that one could walk.
    return f"{_join(_plain(city))}00{_join(_plain(postal_code.split('-')[0]))}"


@lru_cache(maxsize=5000)
def _words(name: str) -> str:
    """Remembered, as a list has many doors of each street."""
    return "0".join(_SHORT.get(word) or _STREET.sub("st", _number(word)) for word in _WORD.findall(name))


def _split_street(street: str) -> tuple[str, int, str]:
    """Return the street's name, the house number (0: none) and what tells doors of one house apart."""
    head, comma, rest = street.partition(",")
    if comma and _UNIT_FIRST.fullmatch(head.strip()):
        head, rest = rest.strip(), head
    head = head.strip()
    # "37-12 82nd St" is a door of its own in Queens: the second number follows the first.
    if (found := _NUMBER_FIRST.fullmatch(head)) and found[4].strip():
        return found[4], int(found[1]), f"{found[2] or ''} {found[3]} {rest}"
    if found := _NUMBER_LAST.fullmatch(head):
        return found[1], int(found[2]), f"{found[3] or ''} {found[4]} {rest}"
    # "Calle Mayor, 12, 3.º B"
    if found := re.fullmatch(r"\s*(?:no\.?|nr\.?|#)?\s*(\d{1,7})\b(.*)", rest, re.DOTALL):
        return head, int(found[1]), found[2]
    return head, 0, rest


def _plain(text: str) -> str:
    text = text.casefold().replace("ß", "ss")
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _number(word: str) -> str:
    """Return a word that begins with a number so that numbers sort as numbers: 2nd as "12", 10 as "210"."""
    found = _NUMBERED.fullmatch(word)
    if found is None:
        return word
    digits = str(int(found[1]))
    return f"{len(digits)}{digits}{found[3]}"


def _join(text: str) -> str:
    return "0".join(word.zfill(4) if word.isdecimal() else word for word in _WORD.findall(text))
