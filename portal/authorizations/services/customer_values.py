"""Values of a customer list as the portal stores them: pure functions, text in, text out, or Refused with the reason.

Pure Python, no Django. Every function takes a trimmed text and gives its own result back unchanged, so that a list
imported twice is the same the second time.
"""

import re
import unicodedata

from portal.authorizations.services.customer_file import BLANKS

# As the columns of the customer's table.
MAX_LENGTHS: dict[str, int] = {
    "external_id": 100,
    "reference_id": 50,
    "name": 200,
    "company": 200,
    "email": 254,
    "phone": 40,
    "street": 200,
    "city": 100,
    "state": 50,
    "postal_code": 20,
    "notes": 2000,
}

_LINE_END = re.compile(r"[ \t]*(?:\r\n|\r|\n|\u2028|\u2029)[ \t]*")
_WORD = re.compile(r"[^\W_]+|&")


class Refused(ValueError):  # noqa: N818 - what happened, in one word: the value was refused
    """A value cannot be taken; the message is a sentence that says why and what to do."""


def tidy(text: str, *, line_break: str = " ") -> str:
    """Return ``text`` without blanks around it, on one line (``line_break`` where it had several).

    Blanks are spaces of any width, no-break spaces, zero-width characters and direction marks. Inside, a tab or
    no-break space becomes a space; everything else stays: ’, accents, Chinese, the joiners of Persian.
    """
    text = text.strip(BLANKS)
    if text.isprintable():
        return text
    lines = [line.strip(BLANKS) for line in _LINE_END.split(text)]
    if line_break != "\n":  # not of several lines: empty ones go, and commas that would stand twice
        lines = [kept for line in lines if (kept := line.rstrip(line_break + BLANKS))]
    return line_break.join(lines).replace("\t", " ").replace("\xa0", " ")


_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}(?<!-)",
    re.IGNORECASE | re.ASCII,
)
_SEVERAL = re.compile(r"@.*[,;\s/].*@", re.DOTALL)


def is_plain_email(text: str) -> bool:
    """Return whether ``text`` is an email address of ASCII characters that needs no second look."""
    return _EMAIL.fullmatch(text) is not None and len(text) <= 254


def check_email(text: str) -> str:
    """Return an email address as it is, if mail can reach it. Stricter than Django: no quotation marks, no IP."""
    if is_plain_email(text) or not text:
        return text
    if len(text) > 254:
        raise Refused(f"An email address of {len(text)} characters: 254 are the most. Correct it or leave it empty.")
    name, _, domain = text.rpartition("@")
    if not domain.isascii() and name.isascii():
        try:
            encoded = domain.encode("idna").decode("ascii")
        except UnicodeError:
            encoded = ""
        if _EMAIL.fullmatch(f"{name}@{encoded}"):
            return text
    if _SEVERAL.search(text):
        raise Refused("More than one email address. Keep one: the others can go into the notes.")
    if "<" in text or text.lower().startswith("mailto:"):
        raise Refused("Not an email address alone. Keep only the address itself, as in ann@example.com.")
    raise Refused("Not an email address. Write it as in ann@example.com, or leave it empty.")


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _keys(residential: str, commercial: str) -> dict[str, str]:
    keys = dict.fromkeys((key.strip() for key in residential.split(",")), "residential")
    return keys | dict.fromkeys((key.strip() for key in commercial.split(",")), "commercial")


_CUSTOMER_TYPES = _keys(
    "residential, residential customer, residence, resident, resi, res, r, home, homeowner, household, house,"
    "single family, single family home, multi family, multifamily, apartment, condo, consumer, domestic, private,"
    "private customer, individual, residencial, hogar, vivienda, casa, privat, privatkunde, privathaushalt, haushalt",
    "commercial, commercial customer, comm, com, c, c&i, c & i, ci, commercial & industrial, commercial and industrial,"
    "small commercial, medium commercial, large commercial, business, biz, small business, b2b, smb, sme, company,"
    "corporate, enterprise, organization, organisation, industrial, agricultural, nonresidential, non residential,"
    "non res, nonprofit, non profit, municipal, government, public sector, comercial, empresa, negocio, industrial,"
    "gewerbe, gewerblich, gewerbekunde, geschaftskunde, firma, unternehmen, industrie",
)


def key_of(text: str) -> str:
    """Return the words of ``text`` without accents, case and punctuation, to look it up in a list."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_WORD.findall(plain.casefold()))


def normalise_customer_type(text: str) -> str:
    """Return residential or commercial, "" for an empty text."""
    key = key_of(text)
    if not key and not text:
        return ""
    found = _CUSTOMER_TYPES.get(key)
    if found is None:
        raise Refused("Not a customer type. Write residential or commercial, or leave it empty.")
    return found


_ENGLISH = frozenset(("en", "eng", "english", "ingles", "englisch", "anglais"))
_SPANISH = frozenset(("es", "spa", "esp", "spanish", "espanol", "castellano", "castilian", "spanisch", "espagnol"))
# ISO 639-1 without en and es, and names, native ones too: languages that the portal has no texts for.
_OTHER_LANGUAGES = _split(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el eo "
    "et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg "
    "ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl "
    "nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv "
    "sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    "ara chi zho cmn deu ger fra fre fas per fil hat heb hin hmn hye arm ita jpn khm kor lao pan pol por rus tgl tha "
    "tur ukr urd vie yue "
    "arabic armenian bengali bosnian bulgarian burmese cantonese catalan chinese creole croatian czech danish dari "
    "dutch estonian farsi filipino finnish french german greek gujarati haitian hebrew hindi hmong hungarian icelandic "
    "ilocano indonesian italian japanese kannada khmer korean kurdish lao latvian lithuanian malay malayalam mandarin "
    "marathi mixteco mongolian nahuatl navajo nepali norwegian pashto persian polish portuguese punjabi romanian "
    "russian samoan serbian sinhala slovak slovenian somali swahili swedish tagalog tamil telugu thai tigrinya tongan "
    "turkish ukrainian urdu uzbek vietnamese welsh yiddish yoruba zulu "
    "deutsch francais italiano portugues aleman frances chino vietnamita coreano ruso 中文 普通话 廣東話 日本語 한국어 "
    "русский tieng العربية فارسی עברית"
)
_UNSAID = frozenset(("n a", "na", "none", "unknown", "other", "not specified", "any", "default", "multiple"))


def normalise_language(text: str) -> str:
    """Return en or es. Another real language becomes en: the portal has no texts in it. Empty is en too."""
    key = key_of(text)
    if key in _UNSAID or not text:
        return "en"
    # "en-US", "Español (México)", "Spanish / English": the first that says something.
    for word in key.split():
        if word in _SPANISH:
            return "es"
        if word in _ENGLISH or word in _KNOWN_LANGUAGES:
            return "en"
    raise Refused("Not a language. Write en or es, or leave it empty for English.")


_KNOWN_LANGUAGES = frozenset(key_of(name) for name in _OTHER_LANGUAGES)

# Postal codes that begin with 0 in the whole state: there, a code of four digits has lost its zero in a spreadsheet.
_ZERO_STATES = _split("ct ma me nh nj ri vt pr vi connecticut massachusetts maine vermont") | {
    "new hampshire",
    "new jersey",
    "rhode island",
    "puerto rico",
}
# New York's own codes with a zero: Holtsville and Fishers Island.
_ZERO_IN_NEW_YORK = frozenset(("501", "544", "6390"))
_DIGITS = re.compile(r"(\d{3,5})(?:\.0)?", re.ASCII)


def normalise_postal_code(text: str, state: str) -> str:
    """Return a postal code with the leading zeros that a spreadsheet took, where ``state`` leaves no doubt.

    "7302" in NJ is 07302. Anywhere else four digits stay four: they may be right in another country.
    """
    if len(text) == 5 and text.isdecimal():
        return text
    digits = _DIGITS.fullmatch(text)
    if digits is None:
        return text
    code, place = digits[1], key_of(state)
    if place in _ZERO_STATES or (place in {"ny", "new york"} and code in _ZERO_IN_NEW_YORK):
        return code.zfill(5)
    return code


_SHORTENED_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE | re.ASCII)
_FORCED_TEXT = re.compile(r'="([^"]*)"')


def unwrap(text: str) -> str:
    """Return what a cell means that was written so that a spreadsheet leaves it alone: ="007" and '+1 555 0100."""
    if text.startswith("="):
        forced = _FORCED_TEXT.fullmatch(text)
        return forced[1].strip(BLANKS) if forced else text
    return text[1:] if text[:1] == "'" and text[1:2] in set("=+-@") else text


def check_external_id(text: str) -> str:
    """Return an id as it is, unless a spreadsheet has already lost its digits."""
    if "+" in text and _SHORTENED_NUMBER.fullmatch(text):
        raise Refused(
            "The spreadsheet has shortened this number and lost digits. Format the column as text, export again."
        )
    return text
