"""The URLs exactly as Leap publishes them (R4, R6, R12, R13) and the parts that the link screen prints bold."""

import string
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.leap.authorization_urls import (
    connect_url,
    explain_slug,
    is_valid_slug,
    legacy_url,
    mark_variable_parts,
    regional_url,
)

LEGACY = "https://www.addleap.com"
CONNECT = "https://onboarding.leap.energy"
REGIONAL = "https://connect.leap.energy"
SANDBOX = "http://127.0.0.1:8000/sandbox"
SLUGS = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=40).filter(is_valid_slug)
REFERENCE_IDS = st.text(string.ascii_letters + string.digits + "-._~", min_size=3, max_size=50)


def test_r4_legacy_url() -> None:
    assert (
        legacy_url(base=LEGACY, org_name="acme-energy", utility_id="pge", reference_id="7f3k9x2m4qab")
        == "https://www.addleap.com/acme-energy/pge/getting-started?refId=7f3k9x2m4qab"
    )


def test_r13_legacy_url_without_reference_id_has_no_trace_of_it() -> None:
    assert (
        legacy_url(base=LEGACY, org_name="acme-energy", utility_id="sdge")
        == "https://www.addleap.com/acme-energy/sdge/getting-started"
    )


def test_r11_legacy_url_of_a_staging_test_utility() -> None:
    assert (
        legacy_url(
            base="https://staging.addleap.com",
            org_name="acme",
            utility_id="staging-test-utility-caiso",
            reference_id="abc",
        )
        == "https://staging.addleap.com/acme/staging-test-utility-caiso/getting-started?refId=abc"
    )


@pytest.mark.parametrize(
    ("utilities", "reference_id", "tail"),
    [
        (("pge",), "7f3k9x2m4qab", "?requestedUtilities=pge&refId=7f3k9x2m4qab"),
        (("pge", "cecony-utilityapi"), "a~b", "?requestedUtilities=pge,cecony-utilityapi&refId=a~b"),
        (["pge", "sce", "sdge"], None, "?requestedUtilities=pge,sce,sdge"),
        ((), "7f3k9x2m4qab", "?refId=7f3k9x2m4qab"),
        ((), None, ""),
    ],
)
def test_r6_connect_url(utilities: list[str], reference_id: str | None, tail: str) -> None:
    url = connect_url(
        base=CONNECT,
        org_name="acme-energy",
        title="summer-dr",
        requested_utilities=utilities,
        reference_id=reference_id,
    )
    assert url == f"https://onboarding.leap.energy/acme-energy/summer-dr/{tail}"


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (
            {"variant": "COMMERCIAL", "reference_id": "7f3k9x2m4qab"},
            "https://connect.leap.energy?transmissionRegion=CAISO&variant=COMMERCIAL&account=acme&refId=7f3k9x2m4qab",
        ),
        ({}, "https://connect.leap.energy?transmissionRegion=CAISO&account=acme"),
        (
            {"program": "SRP-RPO", "reference_id": "abc"},
            "https://connect.leap.energy?transmissionRegion=CAISO&account=acme&program=SRP-RPO&refId=abc",
        ),
        (
            {"region": "PJM", "variant": "COMMERCIAL_AGREEMENTS_ONLY"},
            "https://connect.leap.energy?transmissionRegion=PJM&variant=COMMERCIAL_AGREEMENTS_ONLY&account=acme",
        ),
        (
            {"base": SANDBOX, "region": "NYISO"},
            "http://127.0.0.1:8000/sandbox/?transmissionRegion=NYISO&account=acme",
        ),
        (
            {"base": "http://127.0.0.1:8000", "region": "NYISO"},
            "http://127.0.0.1:8000?transmissionRegion=NYISO&account=acme",
        ),
    ],
)
def test_r6_regional_url(parts: dict[str, str], url: str) -> None:
    assert regional_url(**({"base": REGIONAL, "region": "CAISO", "org_name": "acme"} | parts)) == url


def test_r6_a_base_may_end_in_a_slash() -> None:
    assert legacy_url(base=f"{LEGACY}/", org_name="a", utility_id="pge") == f"{LEGACY}/a/pge/getting-started"
    assert connect_url(base=f"{SANDBOX}/", org_name="a", title="b") == f"{SANDBOX}/a/b/"
    assert regional_url(base=f"{REGIONAL}/", region="PJM", org_name="a").startswith(f"{REGIONAL}?transmission")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("summer dr", "“summer dr” has a blank: use only A–Z a–z 0–9 - . _ ~"),
        ("summer/dr", "“summer/dr” has “/”: use only A–Z a–z 0–9 - . _ ~"),
        ("été", "“été” has “é”: use only A–Z a–z 0–9 - . _ ~"),
        ("summer-dr\n", "“summer-dr�” has a line break at the end: use only A–Z a–z 0–9 - . _ ~"),
        ("a,b", "“a,b” has “,”: use only A–Z a–z 0–9 - . _ ~"),
        ("", "A name is missing: use A–Z a–z 0–9 - . _ ~"),
        ("..", "“..” alone is a step in a path, not a name: browsers remove it"),
        (".", "“.” alone is a step in a path, not a name: browsers remove it"),
        ("summer-dr", None),
        ("2026", None),
    ],
)
def test_r6_names_in_a_path(text: str, reason: str | None) -> None:
    assert explain_slug(text) == reason
    assert is_valid_slug(text) == (reason is None)


@pytest.mark.parametrize("bad", ["summer dr", "", "..", "a/b", "a?b", "a#b", "a,b", "abc\n", "<org-name>"])
def test_r4_r6_a_malformed_part_is_refused_in_words(bad: str) -> None:
    reason = explain_slug(bad)
    assert reason is not None
    for part, build in [
        ("organization", lambda: legacy_url(base=LEGACY, org_name=bad, utility_id="pge")),
        ("utility", lambda: legacy_url(base=LEGACY, org_name="acme", utility_id=bad)),
        ("organization", lambda: connect_url(base=CONNECT, org_name=bad, title="t")),
        ("title", lambda: connect_url(base=CONNECT, org_name="acme", title=bad)),
        ("utility", lambda: connect_url(base=CONNECT, org_name="acme", title="t", requested_utilities=["pge", bad])),
        ("account", lambda: regional_url(base=REGIONAL, region="CAISO", org_name=bad)),
        ("program", lambda: regional_url(base=REGIONAL, region="CAISO", org_name="acme", program=bad)),
    ]:
        with pytest.raises(ValueError) as error:
            build()
        assert str(error.value) == f"{part}: {reason}"


@pytest.mark.parametrize("bad", ["", "ab", "a" * 51, "a/b", "abc\n"])
def test_r12_every_builder_refuses_a_bad_reference_id(bad: str) -> None:
    for build in (
        lambda: legacy_url(base=LEGACY, org_name="acme", utility_id="pge", reference_id=bad),
        lambda: connect_url(base=CONNECT, org_name="acme", title="t", reference_id=bad),
        lambda: regional_url(base=REGIONAL, region="CAISO", org_name="acme", reference_id=bad),
    ):
        with pytest.raises(ValueError, match=r"^refId: .*reference id"):
            build()


@pytest.mark.parametrize(
    ("region", "variant", "reason"),
    [
        (
            "caiso",
            None,
            "transmissionRegion: “caiso” is not a region .*: use CAISO, NYISO, PJM, ERCOT, WECC_PC or WECC",
        ),
        ("CAISO", "residential", "variant: “residential” is not a variant .*: use RESIDENTIAL, COMMERCIAL, "),
        ("NYISO", "RESIDENTIAL_AGREEMENTS_ONLY", "variant: .* in PJM only, not in NYISO"),
    ],
)
def test_r6_regional_url_refuses_what_leap_does_not_list(region: str, variant: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        regional_url(base=REGIONAL, region=region, org_name="acme", variant=variant)


def test_r6_one_string_is_no_sequence_of_utilities() -> None:
    with pytest.raises(TypeError):
        connect_url(base=CONNECT, org_name="acme", title="t", requested_utilities="pge")


def built_urls() -> st.SearchStrategy[str]:
    bases = st.sampled_from([LEGACY, CONNECT, REGIONAL, SANDBOX])
    reference_ids = st.none() | REFERENCE_IDS
    return st.one_of(
        st.builds(legacy_url, base=bases, org_name=SLUGS, utility_id=SLUGS, reference_id=reference_ids),
        st.builds(
            connect_url,
            base=bases,
            org_name=SLUGS,
            title=SLUGS,
            requested_utilities=st.lists(SLUGS, max_size=4),
            reference_id=reference_ids,
        ),
        st.builds(
            regional_url,
            base=bases,
            region=st.sampled_from(["CAISO", "PJM"]),
            org_name=SLUGS,
            variant=st.sampled_from([None, "COMMERCIAL"]),
            program=st.none() | SLUGS,
            reference_id=reference_ids,
        ),
    )


@given(built_urls())
@settings(deadline=None)
def test_r6_nothing_changes_a_built_url(url: str) -> None:
    assert url.isascii()
    assert quote(url, safe=":/?=&,") == url
    assert urlsplit(url).geturl() == url
    sent = httpx.URL(url)
    if sent.raw_path.startswith(b"/?") and f"{sent.host}?" in url:  # the root, which HTTP always sends as a slash
        assert sent.raw_path == b"/?" + url.partition("?")[2].encode()
    else:
        assert str(sent) == url
        assert url.endswith(sent.raw_path.decode())
    assert not url.endswith(("?", "&", "="))


@pytest.mark.parametrize(
    ("url", "marked"),
    [
        (
            "https://www.addleap.com/acme/pge/getting-started?refId=abc",
            "https://www.addleap.com/[acme]/[pge]/getting-started?refId=[abc]",
        ),
        ("https://www.addleap.com/acme/pge/getting-started", "https://www.addleap.com/[acme]/[pge]/getting-started"),
        (
            "https://onboarding.leap.energy/acme/summer-dr/?requestedUtilities=pge,sce&refId=abc",
            "https://onboarding.leap.energy/[acme]/[summer-dr]/?requestedUtilities=[pge,sce]&refId=[abc]",
        ),
        (
            "https://onboarding.leap.energy/acme/getting-started/",
            "https://onboarding.leap.energy/[acme]/[getting-started]/",
        ),
        (
            "https://connect.leap.energy?transmissionRegion=CAISO&variant=COMMERCIAL&account=acme&refId=abc",
            "https://connect.leap.energy?transmissionRegion=[CAISO]&variant=[COMMERCIAL]&account=[acme]&refId=[abc]",
        ),
        (
            "http://127.0.0.1:8000/sandbox/acme/pge/getting-started?refId=abc",
            "http://127.0.0.1:8000/sandbox/[acme]/[pge]/getting-started?refId=[abc]",
        ),
        (
            "http://127.0.0.1:8000/sandbox/?transmissionRegion=NYISO&account=acme",
            "http://127.0.0.1:8000/sandbox/?transmissionRegion=[NYISO]&account=[acme]",
        ),
    ],
)
def test_c4_variable_parts(url: str, marked: str) -> None:
    assert "".join(f"[{text}]" if varies else text for text, varies in mark_variable_parts(url)) == marked


@given(built_urls() | st.text() | st.text("/:?=&getin-sard.h", max_size=40) | st.just("x://getting-started"))
@settings(deadline=None)
def test_c4_the_marked_runs_are_the_url(url: str) -> None:
    runs = mark_variable_parts(url)
    assert "".join(text for text, _ in runs) == url
    assert all(text for text, _ in runs)
