"""By whose clock it is day where a customer lives: told from the utility's region, and from the state. No database.

A region of Leap's may lie in several zones: then the customer's state says which; without it, the first one counts.
"""

from collections.abc import Collection
from typing import Final
from zoneinfo import ZoneInfo

from portal.authorizations.services.customer_values import key_of
from portal.leap.utilities import Region

ZONES_OF_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    Region.CAISO: ("America/Los_Angeles",),
    Region.NYISO: ("America/New_York",),
    Region.PJM: ("America/New_York", "America/Chicago"),
    Region.ERCOT: ("America/Chicago",),
    Region.WECC_PC: ("America/Denver", "America/Los_Angeles"),
    Region.WECC_SW: ("America/Phoenix", "America/Denver", "America/Los_Angeles"),
}
#: A state in two zones stands with the one that more of its people live by.
_STATES_OF_ZONES: Final = {
    "America/New_York": (
        "ct connecticut, de delaware, dc district of columbia, fl florida, ga georgia, in indiana, ky kentucky, "
        "me maine, md maryland, ma massachusetts, mi michigan, nh new hampshire, nj new jersey, ny new york, "
        "nc north carolina, oh ohio, pa pennsylvania, ri rhode island, sc south carolina, vt vermont, va virginia, "
        "wv west virginia"
    ),
    "America/Chicago": (
        "al alabama, ar arkansas, il illinois, ia iowa, ks kansas, la louisiana, mn minnesota, ms mississippi, "
        "mo missouri, ne nebraska, nd north dakota, ok oklahoma, sd south dakota, tn tennessee, tx texas, wi wisconsin"
    ),
    "America/Denver": "co colorado, id idaho, mt montana, nm new mexico, ut utah, wy wyoming",
    "America/Phoenix": "az arizona",
    "America/Los_Angeles": "ca california, nv nevada, or oregon, wa washington",
    "America/Anchorage": "ak alaska",
    "Pacific/Honolulu": "hi hawaii",
}
_ZONE_OF_STATE: Final = {
    name: zone
    for zone, states in _STATES_OF_ZONES.items()
    for state in states.split(", ")
    for name in state.split(" ", 1)
}


def find_zone(*, regions: Collection[str], state: str, default: ZoneInfo) -> ZoneInfo:
    """Return the zone of a customer whose utility is in one of these regions; not known: the default.

    The state decides among the zones of a region, and where there is no region or several.
    """
    known = [ZONES_OF_REGIONS[region] for region in sorted(set(regions)) if region in ZONES_OF_REGIONS]
    zones = known[0] if len(known) == 1 else ()
    of_state = _ZONE_OF_STATE.get(key_of(state))
    if of_state and (not zones or of_state in zones):
        return ZoneInfo(of_state)
    return ZoneInfo(zones[0]) if zones else default


def name_place(zone: ZoneInfo) -> str:
    """Return what people call the clock of a zone: New York."""
    return zone.key.rpartition("/")[2].replace("_", " ")
