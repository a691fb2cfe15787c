"""Reading a pasted authorization URL back into its parts, or saying what is wrong with each (R19).

Leap's Partner Portal shows such URLs; people paste them with blanks around, without the final slash, percent-encoded,
or with the placeholders of Leap's page still in them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from portal.leap import reference_ids
from portal.leap.characters import describe, quote, visible
from portal.leap.environments import Environment
from portal.leap.url_rules import GETTING_STARTED, explain_region, explain_slug, explain_variant, split_utilities
from portal.leap.utilities import Address, Journey, Region, Variant

MAX_URL_LENGTH = 2000  # far above any that can be built; a pasted file is refused before it is taken apart

_AROUND = " \t\r\n\v\f\u00a0\u200b\u2060\ufeff"  # what comes along when a URL is copied out of a mail or a table
_URL = re.compile(
    r"(?:(?P<scheme>[^:/?#]*)://|(?P<short>https?):/?)?(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL | re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_MEANINGS = {
    "organization": "the name that Leap made for your organization",
    "account": "the name that Leap made for your organization",
    "title": "the title that Leap gave the flow",
    "utility": "a utility's id, such as pge",
    "requestedUtilities": "a utility's id, such as pge, or leave requestedUtilities out",
    "refId": "the reference id, or leave refId out",
}
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class _Shape(NamedTuple):
    journey: Journey
    address: Address | None
    label: str
    pattern: str
    parameters: tuple[str, ...]


_LEGACY = _Shape(
    Journey.LEGACY, None, "a Legacy URL", "/<org-name>/<utility-id>/getting-started?refId=<refId>", ("refId",)
)
_TITLED = _Shape(
    Journey.CONNECT,
    Address.TITLED,
    "a Connect URL with a title",
    "/<org-name>/<url-friendly-title>/?requestedUtilities=<requested-utility>&refId=<refId>",
    ("requestedUtilities", "refId"),
)
_REGIONAL = _Shape(
    Journey.CONNECT,
    Address.REGIONAL,
    "a Connect URL of the newer address",
    "?transmissionRegion=<region>&variant=<variant>&account=<org-name>&refId=<refId>",
    ("transmissionRegion", "variant", "account", "program", "refId"),
)
_PARAMETERS = frozenset(_TITLED.parameters + _REGIONAL.parameters)
# "…/getting-started?ref-id=<ref-id>" stood in Leap's older quickstart; refId everywhere since.
_SPELLINGS = {name.lower(): name for name in _PARAMETERS} | {"ref-id": "refId", "ref_id": "refId"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a pasted URL.

    ``part`` names it: URL, scheme, host, path, organization, utility, title, fragment or a parameter's name. ``value``
    is that part as it was pasted, percent-encoding undone and what cannot be seen as �. ``reason`` is a sentence that
    stands by itself.
    """

    part: str
    value: str
    reason: str


class UrlError(ValueError):
    """A pasted URL is malformed; ``problems`` holds everything that is wrong with it, one at least."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.part}: {problem.reason}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """The parts of an authorization URL; None or empty where it has none.

    ``address`` is None for Legacy. ``extra`` holds parameters that Leap does not list, (name, value) in order: "any
    custom URL parameters that you included in the original link" come back to the confirmation page (Leap, Test
    Utilities). Whether the utilities exist is not checked.
    """

    journey: Journey
    address: Address | None
    org_name: str
    environment: Environment
    utility_id: str | None = None
    title: str | None = None
    requested_utilities: tuple[str, ...] = ()
    region: Region | None = None
    variant: Variant | None = None
    program: str | None = None
    reference_id: str | None = None
    extra: tuple[tuple[str, str], ...] = ()


def parse(url: str, environments: Iterable[Environment]) -> ParsedUrl:
    """Return the parts of ``url``, an authorization URL of one of ``environments``.

    Understood beside the published shapes: blanks around, scheme and host in capitals, a missing or additional
    slash before ``?``, no ``https://`` before a known host, the default port, addleap.com without www, ``ref-id``
    for refId, ``%2C`` for the comma, repeated requestedUtilities, blank parameters (as absent ones). Raises
    UrlError, and nothing else, if it is malformed.
    """
    return _Reading(environments).read(url.strip(_AROUND))


@dataclass(frozen=True, slots=True)
class _Base:
    environment: Environment
    shape: _Shape
    scheme: str
    hosts: tuple[str, ...]
    prefix: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.hosts[0]}{self.prefix}"


class _Reading:
    """One URL being read: collects the problems, so that all of them are told at once."""

    def __init__(self, environments: Iterable[Environment]) -> None:
        self.bases = [base for environment in environments for base in _bases(environment)]
        self.problems: list[Problem] = []

    def read(self, text: str) -> ParsedUrl:
        if not text or len(text) > MAX_URL_LENGTH:
            length = f"The URL has {len(text)} characters: {MAX_URL_LENGTH} are the limit"
            raise UrlError(
                [Problem("URL", visible(text[:80]), length if text else "Nothing was pasted: paste the whole URL")]
            )
        match = _URL.fullmatch(text)
        assert match is not None  # every part of the expression may be empty, and together they take any character
        bases = self.read_host(match)
        path = match["path"]
        prefix = bases[0].prefix if bases else ""
        segments = path.removeprefix(prefix).removeprefix("/").removesuffix("/").split("/")
        segments = [] if segments == [""] else segments
        base, shape = _choose(bases, segments)
        if not bases and not segments and "transmissionRegion" not in (match["query"] or ""):
            raise UrlError(self.problems)  # nothing tells what shape it was meant to have
        names = self.read_path(shape, segments)
        values, extra = self.read_query(shape, match["query"] or "")
        if match["fragment"]:
            reason = "Leap's URLs have nothing after a “#”: leave it out"
            self.refuse("fragment", match["fragment"], reason)
        region = self.read_one(values, "transmissionRegion", explain_region)
        variant = self.read_one(values, "variant", lambda text: explain_variant(text, region=region))
        account = self.read_one(values, "account", explain_slug)
        program = self.read_one(values, "program", explain_slug)
        requested = tuple(
            self.accept("requestedUtilities", utility_id, explain_slug)
            for value in values.get("requestedUtilities", ())
            for utility_id in split_utilities(value)
        )
        reference_id = self.read_one(values, "refId", reference_ids.explain)
        if shape is _REGIONAL:
            for name, value in (("transmissionRegion", region), ("account", account)):
                if value is None:
                    self.refuse(name, "", f"{name} is missing: {_REGIONAL.label} needs it")
        if self.problems or base is None:
            raise UrlError(self.problems)
        return ParsedUrl(
            journey=shape.journey,
            address=shape.address,
            org_name=account or names[0],
            environment=base.environment,
            utility_id=names[1] if shape is _LEGACY else None,
            title=names[1] if shape is _TITLED else None,
            requested_utilities=requested,
            region=Region(region) if region else None,
            variant=Variant(variant) if variant else None,
            program=program,
            reference_id=reference_id,
            extra=extra,
        )

    def refuse(self, part: str, value: str, reason: str) -> None:
        problem = Problem(visible(part), visible(value), reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def accept(self, part: str, value: str, explain: Callable[[str], str | None]) -> str:
        placeholder = _PLACEHOLDER.search(value)
        if placeholder:
            meaning = _MEANINGS.get(part, "the real value")
            self.refuse(part, value, f"{quote(placeholder.group())} is a placeholder: put in its place {meaning}")
        elif reason_in_words := explain(value):
            self.refuse(part, value, reason_in_words)
        return value

    def read_host(self, match: re.Match[str]) -> list[_Base]:
        """Return the bases that the URL may belong to, none if it belongs to none."""
        scheme = (match["scheme"] or "").lower()
        user, at, host = match["authority"].rpartition("@")
        if at:
            self.refuse(
                "host", match["authority"], f"{quote(user + at)} is a sign-in before the host: Leap's URLs have none"
            )
        if host.isascii():  # others have capitals that turn into ASCII letters, and are no host of Leap's
            host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":443"))
        here = [base for base in self.bases if host in base.hosts]
        schemes = dict.fromkeys(f"{base.scheme}://" for base in here or self.bases)
        if match["short"]:
            self.refuse("scheme", match["short"], f"“{match['short']}:” needs two slashes: https://")
        elif f"{scheme}://" not in schemes and not (here and match["scheme"] is None):
            wanted = " or ".join(schemes)
            said = (
                f"{quote(match['scheme'] + '://')} is not how it begins"
                if match["scheme"]
                else "The beginning is missing"
            )
            self.refuse("scheme", match["scheme"] or "", f"{said}: Leap's URLs begin with {wanted}")
        if not here:
            known = ", ".join(dict.fromkeys(base.hosts[0] for base in self.bases))
            placeholder = _PLACEHOLDER.search(host)
            said = f"{quote(host)} is not the host of an authorization URL" if host else "The host is missing"
            said = f"{quote(host)} holds a placeholder" if placeholder else said
            self.refuse("host", host, f"{said}: that is one of {known}")
            return []
        mounted = [base for base in here if f"{match['path']}/".startswith(f"{base.prefix}/")]
        if not mounted:
            prefixes = " or ".join(dict.fromkeys(f"{base.prefix}/" for base in here))
            self.refuse("path", match["path"], f"On {host} the path begins with {prefixes}")
        mounted = [base for base in mounted if base.scheme == scheme] or mounted
        deepest = max((len(base.prefix) for base in mounted), default=0)
        return [base for base in mounted if len(base.prefix) == deepest]

    def read_path(self, shape: _Shape, segments: list[str]) -> tuple[str, str]:
        """Return (organization, utility or title), each empty if the URL lacks it."""
        rest = list(segments)
        if shape is _LEGACY:
            if rest and rest[-1] == GETTING_STARTED:
                rest.pop()
            else:
                self.refuse("path", "/".join(rest), f"A Legacy URL's path ends in /{GETTING_STARTED}")
        wanted = {_LEGACY: ("organization", "utility"), _TITLED: ("organization", "title"), _REGIONAL: ()}[shape]
        if len(rest) > len(wanted):
            surplus = "/".join(rest[len(wanted) :])
            legacy = " or ".join(base.url for base in self.bases if base.shape is _LEGACY)
            hint = f"Legacy URLs begin with {legacy}" if rest[-1] == GETTING_STARTED else f"it is {shape.pattern}"
            self.refuse("path", surplus, f"{quote(surplus)} is more path than {shape.label} has: {hint}")
        names = ["", ""]
        for position, part in enumerate(wanted):
            raw = rest[position] if position < len(rest) else ""
            if raw:
                names[position] = self.accept(part, unquote(raw), explain_slug)
            else:
                self.refuse(part, "", f"The {part} is missing: {shape.label} is {shape.pattern}")
        return names[0], names[1]

    def read_query(self, shape: _Shape, query: str) -> tuple[dict[str, list[str]], tuple[tuple[str, str], ...]]:
        """Return the values of Leap's parameters by name, blank ones left out, and all other parameters."""
        values: dict[str, list[str]] = {}
        extra: list[tuple[str, str]] = []
        for field in filter(None, query.split("&")):
            raw_name, _, raw_value = field.partition("=")
            name = unquote(raw_name)
            spelled = _SPELLINGS.get(name.lower())
            if spelled is None:
                self.read_extra(name, unquote_plus(raw_value), extra)
                continue
            value = unquote(raw_value)
            if name not in (spelled, "ref-id"):
                self.refuse(spelled, name, f"{quote(name)} is spelled {spelled}, capitals included")
            elif value and spelled not in shape.parameters:
                reason = f"{shape.label[0].upper()}{shape.label[1:]} takes no {spelled}: leave it out"
                self.refuse(spelled, value, reason)
            elif value:
                values.setdefault(spelled, []).append(value)
        return values, tuple(extra)

    def read_extra(self, name: str, value: str, extra: list[tuple[str, str]]) -> None:
        hidden = next((character for character in name + value if not character.isprintable()), None)
        if name.startswith("amp;"):
            self.refuse(name, value, "“&amp;” is how HTML writes “&”: put “&” in its place")
        elif hidden is not None:
            self.refuse(name or "parameter", value, f"The parameter has {describe(hidden)} in it")
        else:
            extra.append((name, value))

    def read_one(self, values: dict[str, list[str]], name: str, explain: Callable[[str], str | None]) -> str | None:
        different = list(dict.fromkeys(values.get(name, ())))
        if len(different) > 1:
            self.refuse(name, ", ".join(different), f"{name} stands there {len(different)} times: keep one")
        return self.accept(name, different[0], explain) if different else None


def _bases(environment: Environment) -> Iterable[_Base]:
    for shape, url in (
        (_LEGACY, environment.legacy_url),
        (_TITLED, environment.connect_url),
        (_REGIONAL, environment.connect_new_url),
    ):
        scheme, _, rest = url.rstrip("/").partition("://")
        scheme = scheme.lower()
        authority, slash, path = rest.partition("/")
        host = authority.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ""))
        hosts = (host, host.removeprefix("www.")) if shape is _LEGACY else (host,)
        yield _Base(environment, shape, scheme, hosts, slash + path)


def _choose(bases: list[_Base], segments: list[str]) -> tuple[_Base | None, _Shape]:
    """Return the base and shape that a path speaks for, where the host leaves a choice (the sandbox has one host)."""
    if not segments:
        shape = _REGIONAL
    elif segments[-1] == GETTING_STARTED and len(segments) > 2:
        shape = _LEGACY
    else:
        shape = _TITLED
    fitting = [base for base in bases if base.shape is shape] or bases
    return (fitting[0], fitting[0].shape) if fitting else (None, shape)
