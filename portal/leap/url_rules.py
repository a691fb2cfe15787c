"""What may stand in each part of an authorization URL: one rule each, for the builders, the parser and the forms."""

import re
from collections.abc import Iterable

from portal.leap.characters import ALLOWED, describe_refused, quote
from portal.leap.utilities import Region, Variant

GETTING_STARTED = "getting-started"

# Leap Connect takes several requestedUtilities, and Leap does not publish what stands between them. If it is not a
# comma, this is the one line to change. It may not be a character of ALLOWED.
UTILITY_SEPARATOR = ","

_SLUG = re.compile(r"[A-Za-z0-9\-._~]+")
_REGIONS = frozenset(region.value for region in Region)
_VARIANTS = frozenset(variant.value for variant in Variant)
_PJM_ONLY = frozenset({Variant.RESIDENTIAL_AGREEMENTS_ONLY.value, Variant.COMMERCIAL_AGREEMENTS_ONLY.value})


def join_utilities(utility_ids: Iterable[str]) -> str:
    """Return the value of ``requestedUtilities`` for several utilities, unescaped."""
    return UTILITY_SEPARATOR.join(utility_ids)


def split_utilities(value: str) -> tuple[str, ...]:
    """Return the utility ids in a value of ``requestedUtilities``; empty ones are left out."""
    return tuple(utility_id for utility_id in value.split(UTILITY_SEPARATOR) if utility_id)


def is_valid_slug(text: str) -> bool:
    """Return whether ``text`` may be an organization's name, a title or a utility id in a URL.

    Unreserved characters of RFC 3986, at least one. Not ``.`` or ``..``: a browser takes those out of a path.
    """
    return _SLUG.fullmatch(text) is not None and text not in (".", "..")


def explain_slug(text: str) -> str | None:
    """Return one sentence that says why ``text`` cannot stand in a URL as a name, None if it can."""
    if is_valid_slug(text):
        return None
    if not text:
        return f"A name is missing: use {ALLOWED}"
    if text in (".", ".."):
        return f"“{text}” alone is a step in a path, not a name: browsers remove it"
    return f"{quote(text)} has {describe_refused(text)}: use only {ALLOWED}"


def explain_region(text: str) -> str | None:
    """Return why ``text`` is no ``transmissionRegion`` of Connect's newer address, None if it is one."""
    if text in _REGIONS:
        return None
    return f"{quote(text)} is not a region of Leap Connect: use {_either(Region)}, in capitals"


def explain_variant(text: str, *, region: str | None) -> str | None:
    """Return why ``text`` is no ``variant`` for ``region`` at Connect's newer address, None if it is one.

    The two AGREEMENTS_ONLY variants are "PJM only" (Leap, Leap Connect); with an unknown region that is not judged.
    """
    if text not in _VARIANTS:
        return f"{quote(text)} is not a variant of Leap Connect: use {_either(Variant)}, in capitals"
    if text in _PJM_ONLY and region in _REGIONS and region != Region.PJM:
        return f"Leap has the variant {text} in PJM only, not in {region}"
    return None


def _either(values: Iterable[str]) -> str:
    *most, last = (str(value) for value in values)
    return f"{', '.join(most)} or {last}"
