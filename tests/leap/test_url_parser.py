"""Pasted URLs: the builders' inverse, and malformed ones explained part by part (R19)."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.leap.authorization_urls import (
    ParsedUrl,
    UrlError,
    connect_url,
    is_valid_slug,
    legacy_url,
    parse,
    regional_url,
)
from portal.leap.environments import PRODUCTION, STAGING, Environment, sandbox
from portal.leap.utilities import Address, Journey, Region, Variant

SANDBOX = sandbox("http://127.0.0.1:8000")
ALL = (PRODUCTION, STAGING, SANDBOX)
UNRESERVED = string.ascii_letters + string.digits + "-._~"
SLUGS = (
    st.just("getting-started") | st.just("sandbox") | st.text(UNRESERVED, min_size=1, max_size=20).filter(is_valid_slug)
)
REFERENCE_IDS = st.none() | st.text(UNRESERVED, min_size=3, max_size=50)


def build(parsed: ParsedUrl) -> str:
    """Build the URL of parsed parts."""
    if parsed.journey == Journey.LEGACY:
        assert parsed.utility_id is not None
        return legacy_url(
            base=parsed.environment.legacy_url,
            org_name=parsed.org_name,
            utility_id=parsed.utility_id,
            reference_id=parsed.reference_id,
        )
    if parsed.address == Address.TITLED:
        assert parsed.title is not None
        return connect_url(
            base=parsed.environment.connect_url,
            org_name=parsed.org_name,
            title=parsed.title,
            requested_utilities=parsed.requested_utilities,
            reference_id=parsed.reference_id,
        )
    assert parsed.region is not None
    return regional_url(
        base=parsed.environment.connect_new_url,
        region=parsed.region,
        org_name=parsed.org_name,
        variant=parsed.variant,
        program=parsed.program,
        reference_id=parsed.reference_id,
    )


PARTS = st.one_of(
    st.builds(
        ParsedUrl,
        journey=st.just(Journey.LEGACY),
        address=st.none(),
        org_name=SLUGS,
        environment=st.sampled_from(ALL),
        utility_id=SLUGS,
        reference_id=REFERENCE_IDS,
    ),
    st.builds(
        ParsedUrl,
        journey=st.just(Journey.CONNECT),
        address=st.just(Address.TITLED),
        org_name=SLUGS,
        environment=st.sampled_from(ALL),
        title=SLUGS,
        requested_utilities=st.lists(SLUGS, max_size=4).map(tuple),
        reference_id=REFERENCE_IDS,
    ),
    st.builds(
        ParsedUrl,
        journey=st.just(Journey.CONNECT),
        address=st.just(Address.REGIONAL),
        org_name=SLUGS,
        environment=st.sampled_from(ALL),
        region=st.sampled_from(Region),
        variant=st.sampled_from([None, Variant.RESIDENTIAL, Variant.COMMERCIAL]),
        program=st.none() | SLUGS,
        reference_id=REFERENCE_IDS,
    ),
)


def problems(url: str, environments: tuple[Environment, ...] = (PRODUCTION,)) -> list[tuple[str, str, str]]:
    with pytest.raises(UrlError) as error:
        parse(url, environments)
    return [(problem.part, problem.value, problem.reason) for problem in error.value.problems]


@given(PARTS)
@settings(deadline=None)
def test_r19_parts_are_built_and_read_back(parts: ParsedUrl) -> None:
    url = build(parts)
    assert parse(url, ALL) == parts
    assert build(parse(url, ALL)) == url


@given(PARTS)
@settings(deadline=None)
def test_r19_the_same_url_in_other_clothes(parts: ParsedUrl) -> None:
    url = build(parts)
    scheme, _, rest = url.partition("://")
    host_length = next((place for place, character in enumerate(rest) if character in "/?"), len(rest))
    capitals = f"{scheme}://{rest[:host_length]}".upper() + rest[host_length:]
    assert parse(rest, ALL) == parts
    assert parse(f"\n\t {capitals}\u200b ", ALL) == parts
    assert parse(url.replace(",", "%2C").replace("refId=", "ref-id="), ALL) == parts
    assert parse(url.replace("/?", "?").removesuffix("/"), ALL) == parts
    address, question_mark, query = url.partition("?")
    assert parse(f"{address.removesuffix('/')}/{question_mark}{query}", ALL) == parts


def test_r4_legacy() -> None:
    assert parse("https://www.addleap.com/acme/pge/getting-started?refId=abc", ALL) == ParsedUrl(
        journey=Journey.LEGACY,
        address=None,
        org_name="acme",
        environment=PRODUCTION,
        utility_id="pge",
        reference_id="abc",
    )


def test_r6_titled() -> None:
    url = "https://onboarding.leap.energy/acme/summer-dr/?requestedUtilities=pge,sce&refId=7f3k9x2m4qab"
    assert parse(url, ALL) == ParsedUrl(
        journey=Journey.CONNECT,
        address=Address.TITLED,
        org_name="acme",
        environment=PRODUCTION,
        title="summer-dr",
        requested_utilities=("pge", "sce"),
        reference_id="7f3k9x2m4qab",
    )


@pytest.mark.parametrize("slash", ["", "/"])
def test_r6_regional_with_and_without_the_slash(slash: str) -> None:
    url = f"https://connect.leap.energy{slash}?transmissionRegion=CAISO&variant=COMMERCIAL&account=acme&refId=abc"
    assert parse(url, ALL) == ParsedUrl(
        journey=Journey.CONNECT,
        address=Address.REGIONAL,
        org_name="acme",
        environment=PRODUCTION,
        region=Region.CAISO,
        variant=Variant.COMMERCIAL,
        reference_id="abc",
    )


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://addleap.com/acme/pge/getting-started", PRODUCTION),
        ("https://www.addleap.com:443/acme/pge/getting-started", PRODUCTION),
        ("https://staging.addleap.com/acme/pge/getting-started", STAGING),
        ("http://127.0.0.1:8000/sandbox/acme/pge/getting-started", SANDBOX),
    ],
)
def test_r19_the_environment_is_told_by_the_host(url: str, environment: Environment) -> None:
    assert parse(url, ALL).environment == environment


@pytest.mark.parametrize(
    ("query", "utilities"),
    [
        ("", ()),
        ("?", ()),
        ("?requestedUtilities=", ()),
        ("?requestedUtilities=pge", ("pge",)),
        ("?requestedUtilities=pge%2Csce%2csdge", ("pge", "sce", "sdge")),
        ("?requestedUtilities=pge&refId=abc&requestedUtilities=sce,sdge", ("pge", "sce", "sdge")),
        ("?requestedUtilities=pge,,sce,", ("pge", "sce")),
    ],
)
def test_r6_r8_requested_utilities(query: str, utilities: tuple[str, ...]) -> None:
    parsed = parse(f"https://onboarding.leap.energy/acme/summer-dr{query}", ALL)
    assert parsed.requested_utilities == utilities


def test_r13_a_blank_reference_id_is_none() -> None:
    assert parse("https://onboarding.leap.energy/acme/summer-dr/?refId=", ALL).reference_id is None


def test_r6_the_older_spelling_of_ref_id() -> None:
    assert parse("https://www.addleap.com/acme/pge/getting-started?ref-id=abc", ALL).reference_id == "abc"
    assert parse("https://www.addleap.com/acme/pge/getting-started?ref-id=abc&refId=abc", ALL).reference_id == "abc"


def test_r19_other_parameters_are_kept() -> None:
    parsed = parse("https://onboarding.leap.energy/acme/t/?utm_source=news+letter&refId=abc&n=%C3%A9&x", ALL)
    assert parsed.extra == (("utm_source", "news letter"), ("n", "é"), ("x", ""))


def test_r19_a_path_may_be_percent_encoded() -> None:
    parsed = parse("https://onboarding.leap.energy/%61cme/summer%2Ddr/?refId=a%7Ebc", ALL)
    assert (parsed.org_name, parsed.title, parsed.reference_id) == ("acme", "summer-dr", "a~bc")


def test_r19_the_deepest_mount_wins() -> None:
    root = Environment(*["http://localhost:9000"] * 4)
    inner = sandbox("http://localhost:9000")
    assert parse("http://localhost:9000/sandbox/acme/title/", [root, inner]).environment == inner
    assert parse("http://localhost:9000/acme/title/", [root, inner]).environment == root


RULE = "use only A–Z a–z 0–9 - . _ ~"
LEGACY_SHAPE = "/<org-name>/<utility-id>/getting-started?refId=<refId>"
TITLED_SHAPE = "/<org-name>/<url-friendly-title>/?requestedUtilities=<requested-utility>&refId=<refId>"
HOSTS = "www.addleap.com, onboarding.leap.energy, connect.leap.energy"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", [("URL", "", "Nothing was pasted: paste the whole URL")]),
        (" \n", [("URL", "", "Nothing was pasted: paste the whole URL")]),
        (
            "http://onboarding.leap.energy/acme/summer-dr/",
            [("scheme", "http", "“http://” is not how it begins: Leap's URLs begin with https://")],
        ),
        (
            "://onboarding.leap.energy/acme/summer-dr/",
            [("scheme", "", "The beginning is missing: Leap's URLs begin with https://")],
        ),
        (
            "https:/onboarding.leap.energy/acme/summer-dr/",
            [("scheme", "https", "“https:” needs two slashes: https://")],
        ),
        (
            "https://onboarding.leap.example/acme/summer-dr/",
            [
                (
                    "host",
                    "onboarding.leap.example",
                    f"“onboarding.leap.example” is not the host of an authorization URL: that is one of {HOSTS}",
                )
            ],
        ),
        (
            "https://onboarding.leap.energy@evil.example/acme/summer-dr/",
            [
                (
                    "host",
                    "onboarding.leap.energy@evil.example",
                    "“onboarding.leap.energy@” is a sign-in before the host: Leap's URLs have none",
                ),
                (
                    "host",
                    "evil.example",
                    f"“evil.example” is not the host of an authorization URL: that is one of {HOSTS}",
                ),
            ],
        ),
        (
            "https://@onboarding.leap.energy/acme/summer-dr/",
            [("host", "@onboarding.leap.energy", "“@” is a sign-in before the host: Leap's URLs have none")],
        ),
        (
            "https:///acme/summer-dr/",
            [("host", "", f"The host is missing: that is one of {HOSTS}")],
        ),
        (
            "https://onboarding.leap.energy/acme%20energy/summer dr/",
            [
                ("organization", "acme energy", f"“acme energy” has a blank: {RULE}"),
                ("title", "summer dr", f"“summer dr” has a blank: {RULE}"),
            ],
        ),
        (
            "https://onboarding.leap.energy/acme/summer\ndr/",
            [("title", "summer�dr", f"“summer�dr” has a line break: {RULE}")],
        ),
        (
            "https://onboarding.leap.energy/acme/",
            [("title", "", f"The title is missing: a Connect URL with a title is {TITLED_SHAPE}")],
        ),
        (
            "https://onboarding.leap.energy",
            [
                ("organization", "", f"The organization is missing: a Connect URL with a title is {TITLED_SHAPE}"),
                ("title", "", f"The title is missing: a Connect URL with a title is {TITLED_SHAPE}"),
            ],
        ),
        (
            "https://onboarding.leap.energy/acme/pge/getting-started",
            [
                (
                    "path",
                    "getting-started",
                    "“getting-started” is more path than a Connect URL with a title has: "
                    "Legacy URLs begin with https://www.addleap.com",
                )
            ],
        ),
        ("https://www.addleap.com/acme/pge", [("path", "acme/pge", "A Legacy URL's path ends in /getting-started")]),
        (
            "https://www.addleap.com/acme/getting-started",
            [("utility", "", f"The utility is missing: a Legacy URL is {LEGACY_SHAPE}")],
        ),
        (
            "https://www.addleap.com/acme/pge/getting-started?requestedUtilities=pge",
            [("requestedUtilities", "pge", "A Legacy URL takes no requestedUtilities: leave it out")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refid=abc",
            [("refId", "refid", "“refid” is spelled refId, capitals included")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refId=abc&refId=abd",
            [("refId", "abc, abd", "refId stands there 2 times: keep one")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refId=a%2Fb",
            [("refId", "a/b", "“/” cannot stand in a reference id: use 3 to 50 of A–Z a–z 0–9 - . _ ~")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refId=a%zz",
            [("refId", "a%zz", "“%” cannot stand in a reference id: use 3 to 50 of A–Z a–z 0–9 - . _ ~")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refId=a+b",
            [("refId", "a+b", "“+” cannot stand in a reference id: use 3 to 50 of A–Z a–z 0–9 - . _ ~")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?refId=ab",
            [("refId", "ab", "“ab” is too short for a reference id: Leap's API wants 3 characters at least")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?requestedUtilities=pge;sce",
            [("requestedUtilities", "pge;sce", f"“pge;sce” has “;”: {RULE}")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?requestedUtilities=pge&amp;refId=abc",
            [("amp;refId", "abc", "“&amp;” is how HTML writes “&”: put “&” in its place")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?utm=a%00b",
            [("utm", "a�b", "The parameter has a NUL character in it")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/?=a%00b",
            [("parameter", "a�b", "The parameter has a NUL character in it")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/#top",
            [("fragment", "top", "Leap's URLs have nothing after a “#”: leave it out")],
        ),
        (
            "https://onboarding.leap.energy/acme/t/#a\nb",
            [("fragment", "a�b", "Leap's URLs have nothing after a “#”: leave it out")],
        ),
        (
            "https://connect.leap.energy/?account=acme",
            [
                (
                    "transmissionRegion",
                    "",
                    "transmissionRegion is missing: a Connect URL of the newer address needs it",
                )
            ],
        ),
        (
            "https://connect.leap.energy/?transmissionRegion=SPP&variant=BIG",
            [
                (
                    "transmissionRegion",
                    "SPP",
                    "“SPP” is not a region of Leap Connect: use CAISO, NYISO, PJM, ERCOT, WECC_PC or WECC_SW, "
                    "in capitals",
                ),
                (
                    "variant",
                    "BIG",
                    "“BIG” is not a variant of Leap Connect: use RESIDENTIAL, COMMERCIAL, "
                    "RESIDENTIAL_AGREEMENTS_ONLY or COMMERCIAL_AGREEMENTS_ONLY, in capitals",
                ),
                ("account", "", "account is missing: a Connect URL of the newer address needs it"),
            ],
        ),
    ],
)
def test_r19_explained_part_by_part(url: str, expected: list[tuple[str, str, str]]) -> None:
    assert problems(url) == expected


def test_r19_all_problems_at_once() -> None:
    url = "http://onboarding.leap.energy/acme corp/summer dr/x?requestedUtilities=p ge&refId=%20&variant=X#y"
    assert [part for part, _, _ in problems(url)] == [
        "scheme",
        "path",
        "organization",
        "title",
        "variant",
        "fragment",
        "requestedUtilities",
        "refId",
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://www.addleap.com/<org-name>/<utility-id>/getting-started?refId=<refId>",
            {"organization": "<org-name>", "utility": "<utility-id>", "refId": "<refId>"},
        ),
        (
            "https://onboarding.leap.energy/<org-name>/<url-friendly-title>/"
            "?requestedUtilities=<requested-utility>&refId=<refId>",
            {
                "organization": "<org-name>",
                "title": "<url-friendly-title>",
                "requestedUtilities": "<requested-utility>",
                "refId": "<refId>",
            },
        ),
        ("https://onboarding.leap.energy/acme/t/?refId=%3CrefId%3E", {"refId": "<refId>"}),
        ("https://onboarding.leap.energy/acme/t/?refId={{refId}}", {"refId": "{{refId}}"}),
        (
            "https://connect.leap.energy?transmissionRegion=<r>&variant=<v>&account=<org-name>",
            {"transmissionRegion": "<r>", "variant": "<v>", "account": "<org-name>"},
        ),
    ],
)
def test_r19_a_placeholder_left_in_place(url: str, expected: dict[str, str]) -> None:
    found = problems(url)
    assert {part: value for part, value, _ in found} == expected
    assert all(" is a placeholder: put in its place " in reason for _, _, reason in found)


def test_r19_an_unknown_host_says_no_more_than_it_must() -> None:
    assert [part for part, _, _ in problems("summer")] == ["scheme", "host"]


@pytest.mark.parametrize("path", ["/", "/acme/title/", "/sandboxes/acme/title/"])
def test_r19_the_sandbox_is_under_its_path(path: str) -> None:
    found = problems(f"http://127.0.0.1:8000{path}", ALL)
    assert ("path", path, "On 127.0.0.1:8000 the path begins with /sandbox/") in found


def test_r19_a_pasted_file_is_refused_before_it_is_taken_apart() -> None:
    start = "https://onboarding.leap.energy/acme/t/?utm="
    assert parse(start + "x" * (2000 - len(start)), ALL).extra
    [(part, value, reason)] = problems(start + "x" * (2001 - len(start)))
    assert (part, len(value), reason) == ("URL", 80, "The URL has 2001 characters: 2000 are the limit")


ODD_PIECES = st.text(max_size=6) | st.sampled_from(
    [
        "://",
        "//",
        "@",
        ":443",
        "[",
        "]",
        "%",
        "%00",
        "%zz",
        "?",
        "#",
        "&",
        "=",
        "&amp;",
        "\\",
        "..",
        "<refId>",
        "\0",
        "\ud800",
    ]
)


@given(PARTS.map(build), st.lists(st.tuples(st.integers(0, 120), st.integers(0, 10), ODD_PIECES), max_size=3))
@settings(deadline=None, max_examples=400)
def test_r19_any_change_to_a_url_is_read_or_explained(url: str, changes: list[tuple[int, int, str]]) -> None:
    for position, width, piece in changes:
        url = url[:position] + piece + url[position + width :]
    check_read_or_explained(url)


@given(st.text() | st.text("htps:/?#&=@%[]<>.acdelnorgy\0", max_size=60))
@settings(deadline=None, max_examples=400)
def test_r19_any_text_is_read_or_explained(text: str) -> None:
    check_read_or_explained(text)


def check_read_or_explained(url: str) -> None:
    refusal = None
    try:
        parsed = parse(url, ALL)
    except UrlError as error:
        refusal = error
    if refusal is None:
        fields = {name: getattr(parsed, name) for name in ParsedUrl.__slots__ if name != "extra"}
        assert parse(build(parsed), ALL) == ParsedUrl(**fields)
        for name, value in parsed.extra:
            quote(name + value)
        return
    assert refusal.problems
    for problem in refusal.problems:
        assert problem.part
        assert problem.reason
        assert (problem.part + problem.value + problem.reason + str(refusal)).isprintable()


def test_r19_without_an_environment_every_host_is_refused() -> None:
    assert "host" in [part for part, _, _ in problems("https://onboarding.leap.energy/acme/t/", ())]
