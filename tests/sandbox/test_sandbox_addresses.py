"""What the sandbox reads from a link (R4, R6): its own reading, tested without the portal's builders."""

import pytest

from portal.sandbox.addresses import Opening, UnreadableError, read_url

pytestmark = pytest.mark.pure
BASE = "http://127.0.0.1:8000/sandbox"


@pytest.mark.parametrize(
    ("url", "opening"),
    [
        (
            "/acme/pge/getting-started?refId=R-1_2.3~4",
            Opening("legacy", "acme", utility_id="pge", region="CAISO", reference_id="R-1_2.3~4"),
        ),
        (
            "/acme/sce/getting-started?ref-id=old",
            Opening("legacy", "acme", utility_id="sce", region="CAISO", reference_id="old"),
        ),
        ("/acme/flow/", Opening("connect", "acme", "flow")),
        (
            "/acme/flow/?requestedUtilities=pge,sce&refId=abc",
            Opening("connect", "acme", "flow", requested_utilities=("pge", "sce"), region="CAISO", reference_id="abc"),
        ),
        (
            "/acme/flow/?requestedUtilities=pge%2Ccecony-utilityapi&utm_source=mail&refId=",
            Opening(
                "connect",
                "acme",
                "flow",
                requested_utilities=("pge", "cecony-utilityapi"),
                region="CAISO",
                extra_query=(("utm_source", "mail"),),
            ),
        ),
        (
            "/?transmissionRegion=NYISO&variant=COMMERCIAL&account=acme&refId=abc",
            Opening("regional", "acme", region="NYISO", customer_type="COMMERCIAL", reference_id="abc"),
        ),
        (
            "?transmissionRegion=PJM&variant=RESIDENTIAL_AGREEMENTS_ONLY&account=acme",
            Opening("regional", "acme", region="PJM", customer_type="RESIDENTIAL", agreements_only=True),
        ),
        (
            # PostgreSQL stores no NUL.
            "/?transmissionRegion=WECC_PC&account=acme&program=PSE%00&a%00=b%00",
            Opening(
                "regional",
                "acme",
                region="WECC_PC",
                customer_type="RESIDENTIAL",
                program="PSE\ufffd",
                extra_query=(("a\ufffd", "b\ufffd"),),
            ),
        ),
        (
            "/?transmissionRegion=WECC_PC&account=acme&program=PSE-RPO",
            Opening("regional", "acme", region="WECC_PC", customer_type="RESIDENTIAL", program="PSE-RPO"),
        ),
    ],
)
def test_r6_a_link_is_read(url: str, opening: Opening) -> None:
    assert read_url(BASE + url) == opening


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/acme/nobody/getting-started", "no utility “nobody”"),
        ("/acme/cecony-utilityapi/getting-started", "does not take ConEd"),
        ("/acme/flow/?requestedUtilities=pge,PGE", "no utility “PGE”"),
        ("/acme/flow/?refId=a%20b", "refId"),
        ("/acme/flow/?refId=" + "a" * 51, "refId"),
        ("/acme/flow/?refId=abc%0A", "refId"),
        ("/?account=acme", "transmissionRegion is “”"),
        ("/?transmissionRegion=CAISO", "account"),
        ("/?transmissionRegion=CAISO&account=acme&variant=COMMERCIAL_AGREEMENTS_ONLY", "PJM alone"),
        ("/one", "none of Leap’s"),
        ("/a/b/c", "none of Leap’s"),
    ],
)
def test_r12_a_link_that_leap_would_not_take_is_explained(url: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_url(BASE + url)
