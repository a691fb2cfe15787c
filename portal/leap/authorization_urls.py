"""The URLs that customers are handed, built exactly as Leap publishes them; ``parse`` is the inverse.

Three shapes (Leap, Collect Data Authorizations, section 3; the last from Leap's changelog of 2025-10-24)::

    https://www.addleap.com/<org-name>/<utility-id>/getting-started?refId=<refId>
    https://onboarding.leap.energy/<org-name>/<url-friendly-title>/?requestedUtilities=<requested-utility>&refId=<refId>
    https://connect.leap.energy?transmissionRegion=<region>&variant=<variant>&account=<org-name>&refId=<refId>

Every variable part is made of unreserved characters, so nothing is ever percent-encoded, and an absent parameter
leaves no trace. The builders raise ValueError with the reason in words. Which utilities exist, and which of them
Legacy takes, is data: it is not checked here.
"""

import re
from collections.abc import Sequence

from portal.leap import reference_ids
from portal.leap.url_parser import ParsedUrl, Problem, UrlError, parse
from portal.leap.url_rules import (
    GETTING_STARTED,
    explain_region,
    explain_slug,
    explain_variant,
    is_valid_slug,
    join_utilities,
)

__all__ = [
    "ParsedUrl",
    "Problem",
    "UrlError",
    "connect_url",
    "explain_slug",
    "is_valid_slug",
    "legacy_url",
    "mark_variable_parts",
    "parse",
    "regional_url",
]

_QUERY_VALUE = re.compile(r"(?<==)[^&#]+")


def legacy_url(*, base: str, org_name: str, utility_id: str, reference_id: str | None = None) -> str:
    """Return a Legacy ShareMyData URL: ``<base>/<org-name>/<utility-id>/getting-started?refId=<refId>``.

    ``base`` is the environment's ``legacy_url``. Raises ValueError if a part is malformed.
    """
    _require_slug("organization", org_name)
    _require_slug("utility", utility_id)
    url = f"{base.rstrip('/')}/{org_name}/{utility_id}/{GETTING_STARTED}"
    return url if reference_id is None else f"{url}?refId={_require_reference_id(reference_id)}"


def connect_url(
    *,
    base: str,
    org_name: str,
    title: str,
    requested_utilities: Sequence[str] = (),
    reference_id: str | None = None,
) -> str:
    """Return a Leap Connect URL: ``<base>/<org-name>/<title>/?requestedUtilities=<a>,<b>&refId=<refId>``.

    ``base`` is the environment's ``connect_url``. Both parameters are optional ("An optional parameter", "An option
    string"), the slash before ``?`` is not. Raises ValueError if a part is malformed.
    """
    _require_slug("organization", org_name)
    _require_slug("title", title)
    url = f"{base.rstrip('/')}/{org_name}/{title}/"
    separator = "?"
    if requested_utilities:
        if isinstance(requested_utilities, str):
            raise TypeError("requested_utilities is a sequence of utility ids, not one string")
        for utility_id in requested_utilities:
            _require_slug("utility", utility_id)
        url = f"{url}?requestedUtilities={join_utilities(requested_utilities)}"
        separator = "&"
    return url if reference_id is None else f"{url}{separator}refId={_require_reference_id(reference_id)}"


def regional_url(
    *,
    base: str,
    region: str,
    org_name: str,
    variant: str | None = None,
    program: str | None = None,
    reference_id: str | None = None,
) -> str:
    """Return a URL of Connect's newer address: ``<base>?transmissionRegion=…&variant=…&account=…&program=…&refId=…``.

    ``base`` is the environment's ``connect_new_url``. Leap publishes it without a slash before ``?``; an empty path and
    ``/`` are the same address (RFC 3986, section 6.2.3), so a host alone is written as Leap writes it. Under a path
    (the sandbox) they are two addresses, and the slash stands. Leap takes the RESIDENTIAL variant if none is given.
    Raises ValueError if a part is malformed.
    """
    base = base.rstrip("/")
    _require("transmissionRegion", explain_region(region))
    _require_slug("account", org_name)
    url = f"{base}{'/' if '/' in base.partition('://')[2] else ''}?transmissionRegion={region}"
    if variant is not None:
        _require("variant", explain_variant(variant, region=region))
        url += f"&variant={variant}"
    url += f"&account={org_name}"
    if program is not None:
        _require_slug("program", program)
        url += f"&program={program}"
    return url if reference_id is None else f"{url}&refId={_require_reference_id(reference_id)}"


def mark_variable_parts(url: str) -> list[tuple[str, bool]]:
    """Split a built URL into runs of (text, whether it varies): organization, utility or title, and parameters vary.

    The texts joined are ``url``, whatever it is. Only its shape is read, not its base: the last two segments of the
    path vary, before ``getting-started`` or the final slash; at the newer address the path does not.
    """
    address, _, query = url.partition("?")
    end = address.find("://") + 3 if "://" in address else 0
    spans: list[tuple[int, int]] = []
    if not query.startswith("transmissionRegion="):
        segments = list(re.finditer(r"(?<=/)[^/]+", address[end:]))
        if address.endswith(f"/{GETTING_STARTED}"):
            del segments[-1:]
        spans += [(end + segment.start(), end + segment.end()) for segment in segments[-2:]]
    spans += [match.span() for match in _QUERY_VALUE.finditer(url, len(address) + 1)]
    runs: list[tuple[str, bool]] = []
    position = 0
    for start, stop in spans:
        runs += [(url[position:start], False), (url[start:stop], True)]
        position = stop
    runs.append((url[position:], False))
    return [(text, varies) for text, varies in runs if text]


def _require(part: str, reason: str | None) -> None:
    if reason is not None:
        raise ValueError(f"{part}: {reason}")


def _require_slug(part: str, text: str) -> None:
    if not is_valid_slug(text):
        _require(part, explain_slug(text))


def _require_reference_id(text: str) -> str:
    if not reference_ids.is_valid(text):
        _require("refId", reference_ids.explain(text))
    return text
