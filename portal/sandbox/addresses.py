"""What a link says: the sandbox's own reading of the three addresses that Leap publishes.

    /<org-name>/<utility-id>/getting-started?refId=…                          Legacy ShareMyData
    /<org-name>/<url-friendly-title>/?requestedUtilities=a,b&refId=…          Connect
    /?transmissionRegion=…&variant=…&program=…&account=<org-name>&refId=…     Connect, since October 2025

`ref-id` is the older spelling of `refId`. Whatever else stands in the query comes back with the final redirect.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from portal.sandbox.utilities import CUSTOMER_TYPES, REGIONS, find_utility

#: Where the sandbox is mounted: the path of a link begins with it.
MOUNT = "/sandbox"
#: Where the portal's short links are: they lead to one of the three.
_SHORT = re.compile(r"/go/[^/]+/?\Z", re.IGNORECASE)
_NAME = re.compile(r"[0-9A-Za-z._~-]{1,100}\Z")
_REFERENCE_ID = re.compile(r"[0-9A-Za-z._~-]{1,50}\Z")
_AGREEMENTS_ONLY = "_AGREEMENTS_ONLY"
_PARAMETERS = {"requestedutilities", "refid", "ref-id", "transmissionregion", "variant", "program", "account"}


class UnreadableError(ValueError):
    """A link that Leap would not know what to do with; the reason in words."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One link, read. `journey`: legacy, connect or regional. Without a region or customer type, Connect asks."""

    journey: str
    org_name: str
    title: str = ""
    utility_id: str = ""
    requested_utilities: tuple[str, ...] = ()
    region: str = ""
    customer_type: str = ""
    program: str = ""
    agreements_only: bool = False
    reference_id: str = ""
    extra_query: tuple[tuple[str, str], ...] = ()


def is_short_url(url: str) -> bool:
    """Whether this is a short link of the portal's: it has to be opened for where it leads."""
    try:
        return bool(_SHORT.match(urlsplit(url.strip()).path))
    except ValueError:
        return False


def read_url(url: str) -> Opening:
    """Return what a whole URL says, whatever its host. Raises UnreadableError."""
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise UnreadableError("This is no URL.") from error
    segments = [segment for segment in parts.path.removeprefix(MOUNT).split("/") if segment]
    query = parse_qsl(parts.query, keep_blank_values=True)
    match segments:
        case []:
            return read_regional(query)
        case [org_name, utility_id, "getting-started"]:
            return read_legacy(org_name, utility_id, query)
        case [org_name, title]:
            return read_titled(org_name, title, query)
    raise UnreadableError("This address is none of Leap’s.")


def read_legacy(org_name: str, utility_id: str, query: Sequence[tuple[str, str]]) -> Opening:
    """Return what a Legacy link says. Raises UnreadableError."""
    utility = find_utility(utility_id)
    if utility is None:
        raise UnreadableError(f"There is no utility “{utility_id}”.")
    if not utility.legacy:
        raise UnreadableError(f"Legacy ShareMyData does not take {utility.name}: only pge, sce and sdge.")
    return Opening(
        journey="legacy",
        org_name=_name("organization", org_name),
        utility_id=utility_id,
        region=utility.region,
        reference_id=_reference_id(query),
        extra_query=_extra(query),
    )


def read_titled(org_name: str, title: str, query: Sequence[tuple[str, str]]) -> Opening:
    """Return what a Connect link under a title says. Raises UnreadableError."""
    asked = ",".join(value for name, value in query if name.lower() == "requestedutilities")
    requested = tuple(dict.fromkeys(part.strip() for part in asked.split(",") if part.strip()))
    for utility_id in requested:
        if find_utility(utility_id) is None:
            raise UnreadableError(f"There is no utility “{utility_id}”.")
    regions = [utility.region for utility in map(find_utility, requested) if utility]
    return Opening(
        journey="connect",
        org_name=_name("organization", org_name),
        title=_name("title", title),
        requested_utilities=requested,
        # Connect is multi-market (R20): utilities of two regions are asked for in one session, begun in the first.
        region=regions[0] if regions else "",
        reference_id=_reference_id(query),
        extra_query=_extra(query),
    )


def read_regional(query: Sequence[tuple[str, str]]) -> Opening:
    """Return what a link of the newer address says: region and account are required. Raises UnreadableError."""
    given = {name.lower(): value for name, value in query}
    region, variant = given.get("transmissionregion", ""), given.get("variant") or "RESIDENTIAL"
    if region not in REGIONS:
        raise UnreadableError(f"transmissionRegion is “{region}”: it has to be one of {', '.join(REGIONS)}.")
    customer_type = variant.removesuffix(_AGREEMENTS_ONLY)
    if customer_type not in CUSTOMER_TYPES:
        raise UnreadableError(f"There is no variant “{variant}”.")
    if variant.endswith(_AGREEMENTS_ONLY) and region != "PJM":
        raise UnreadableError("A variant with agreements only exists in PJM alone.")
    return Opening(
        journey="regional",
        org_name=_name("account", given.get("account", "")),
        region=region,
        customer_type=customer_type,
        program=_storable(given.get("program", ""))[:40],
        agreements_only=variant.endswith(_AGREEMENTS_ONLY),
        reference_id=_reference_id(query),
        extra_query=_extra(query),
    )


def _name(part: str, text: str) -> str:
    if not _NAME.match(text):
        raise UnreadableError(f"The {part} is “{text[:100]}”: it is made of letters, digits and - . _ ~ only.")
    return text


def _reference_id(query: Sequence[tuple[str, str]]) -> str:
    """Return the refId, or nothing where there is none: an empty one is none, too."""
    given = [value for name, value in query if name.lower() in {"refid", "ref-id"} and value]
    if given and not _REFERENCE_ID.match(given[0]):
        raise UnreadableError("The refId of this link cannot be used: at most 50 letters, digits and - . _ ~.")
    return given[0] if given else ""


def _extra(query: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the parameters that are not Leap's, at most twenty, as they came."""
    kept = [(_storable(name), _storable(value)[:500]) for name, value in query if name.lower() not in _PARAMETERS]
    return tuple(kept[:20])


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL, and anybody may write one into an address."""
    return text.replace("\0", "\ufffd")
