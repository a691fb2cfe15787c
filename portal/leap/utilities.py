"""The words of Leap's contract that have a fixed list of values, and the utilities that Leap publishes.

The utilities here are the seed of the portal's table, not the truth: an admin adds one that Leap supports later.
"""

from dataclasses import dataclass
from enum import StrEnum


class Journey(StrEnum):
    """The ways to collect an authorization (Leap, Collect Data Authorizations, sections 1 and 2).

    "Legacy ShareMyData Journey (CAISO Only)", "Leap Connect", and "Paper/PDF authorization forms are also available".
    """

    LEGACY = "legacy"
    CONNECT = "connect"
    PAPER = "paper"


class Region(StrEnum):
    """Transmission regions.

    CAISO and NYISO are the "Supported Regions" of Leap, Collect Data Authorizations, section 3; the others are taken
    by ``transmissionRegion`` of Connect's newer address only (Leap, Leap Connect, since 2025-10-24).
    """

    CAISO = "CAISO"
    NYISO = "NYISO"
    PJM = "PJM"
    ERCOT = "ERCOT"
    WECC_PC = "WECC_PC"
    WECC_SW = "WECC_SW"


class CustomerType(StrEnum):
    """Leap, Collect Data Authorizations, section 3, "Customer Types": Residential, Commercial."""

    RESIDENTIAL = "residential"
    COMMERCIAL = "commercial"


class Address(StrEnum):
    """The two addresses of Leap Connect.

    Titled: ``https://onboarding.leap.energy/<org-name>/<url-friendly-title>/``. Regional:
    ``https://connect.leap.energy?transmissionRegion=…&account=<org-name>``, for flows made since 2025-10-24; titled
    flows "continue unchanged" (Leap's changelog).
    """

    TITLED = "titled"
    REGIONAL = "regional"


class Variant(StrEnum):
    """Values of ``variant`` at Connect's newer address; RESIDENTIAL is Leap's default, the last two are PJM only."""

    RESIDENTIAL = "RESIDENTIAL"
    COMMERCIAL = "COMMERCIAL"
    RESIDENTIAL_AGREEMENTS_ONLY = "RESIDENTIAL_AGREEMENTS_ONLY"
    COMMERCIAL_AGREEMENTS_ONLY = "COMMERCIAL_AGREEMENTS_ONLY"


# Values of ``program`` that Leap lists for Connect's newer address. A suggestion for a form, not a rule: like
# utilities, programs come and go.
PROGRAMS: tuple[str, ...] = ("PSE-RPO", "SRP-RPO")


@dataclass(frozen=True, slots=True)
class PublishedUtility:
    """One row of the "Utility IDs" tables (Leap, Collect Data Authorizations, section 3).

    ``utility_id`` stands in URLs, ``name`` is Leap's wording, ``short_name`` the part in its brackets, ``leap_name``
    the ``utility_name`` of Leap's meters (inferred from its list of values), ``legacy`` whether Legacy ShareMyData
    takes it as well as Connect.
    """

    utility_id: str
    name: str
    short_name: str
    leap_name: str
    region: Region
    legacy: bool


PUBLISHED: tuple[PublishedUtility, ...] = (
    PublishedUtility("pge", "Pacific Gas & Electric (PG&E)", "PG&E", "PGE", Region.CAISO, legacy=True),
    PublishedUtility("sce", "Southern California Edison (SCE)", "SCE", "SCE", Region.CAISO, legacy=True),
    PublishedUtility("sdge", "San Diego Gas & Electric (SDG&E)", "SDG&E", "SDGE", Region.CAISO, legacy=True),
    PublishedUtility("cecony-utilityapi", "Consolidated Edison (ConEd)", "ConEd", "CECONY", Region.NYISO, legacy=False),
    PublishedUtility(
        "oru-utilityapi", "Orange and Rockland Utilities (O&RU)", "O&RU", "ORU", Region.NYISO, legacy=False
    ),
    PublishedUtility(
        "psegli-utilityapi", "PSEG Long Island (PSEG-LI)", "PSEG-LI", "PSEGLI", Region.NYISO, legacy=False
    ),
)
