"""By whose clock a customer lives, as the utility's region and the state tell it."""

from zoneinfo import ZoneInfo

import pytest

from portal.authorizations.services.time_zones import ZONES_OF_REGIONS, find_zone, name_place
from portal.leap.utilities import Region

PORTAL = ZoneInfo("Europe/Zurich")
pytestmark = pytest.mark.pure


def test_every_region_has_a_zone_that_exists() -> None:
    assert set(ZONES_OF_REGIONS) == set(Region)
    assert all(ZoneInfo(zone) for zones in ZONES_OF_REGIONS.values() for zone in zones)


@pytest.mark.parametrize(
    ("regions", "state", "expected"),
    [
        (["CAISO"], "", "America/Los_Angeles"),
        (["NYISO"], "", "America/New_York"),
        (["ERCOT"], "TX", "America/Chicago"),
        # An address elsewhere does not move the utility.
        (["NYISO"], "CA", "America/New_York"),
        # Within a region of several zones the state says which.
        (["PJM"], "", "America/New_York"),
        (["PJM"], "IL", "America/Chicago"),
        (["PJM"], "CA", "America/New_York"),
        (["WECC_PC"], "oregon", "America/Los_Angeles"),
        (["WECC_SW"], "N.M.", "America/Phoenix"),
        (["WECC_SW"], "NM", "America/Denver"),
        # Without a utility, or with several that disagree, the state decides.
        ([], "NY", "America/New_York"),
        ([], " new  york ", "America/New_York"),
        ([], "Hawaii", "Pacific/Honolulu"),
        (["CAISO", "NYISO"], "NY", "America/New_York"),
        # Nothing tells.
        (["CAISO", "NYISO"], "", "Europe/Zurich"),
        ([], "", "Europe/Zurich"),
        ([], "Bavaria", "Europe/Zurich"),
        (["ISO-NE"], "", "Europe/Zurich"),
        (["ISO-NE"], "MA", "America/New_York"),
    ],
)
def test_the_zone(regions: list[str], state: str, expected: str) -> None:
    assert find_zone(regions=regions, state=state, default=PORTAL).key == expected


def test_people_call_it_by_its_city() -> None:
    assert name_place(ZoneInfo("America/New_York")) == "New York"
