"""The utilities and regions that the sandbox knows, as Leap publishes them (Collect Data Authorizations, section 3).

Beside the six published ones stand Leap's test utilities: one for each other region that Connect's newer address
takes (names from the meters API, `utility_name`), and the two of Leap's staging environment.
"""

from dataclasses import dataclass

REGIONS = {
    "CAISO": "California",
    "NYISO": "New York",
    "PJM": "Mid-Atlantic",
    "ERCOT": "Texas",
    "WECC_PC": "Pacific Northwest",
    "WECC_SW": "Southwest",
}
CUSTOMER_TYPES = {"RESIDENTIAL": "My home", "COMMERCIAL": "A business"}


@dataclass(frozen=True, slots=True)
class Utility:
    """`utility_id` stands in URLs, `leap_name` in events and meters. `legacy`: Legacy ShareMyData takes it.

    `guest_access`: account number and phone do instead of a sign-in. `town`: where its fictitious customers live, as
    city, state and postal code.
    """

    utility_id: str
    name: str
    leap_name: str
    region: str
    town: tuple[str, str, str]
    legacy: bool = False
    guest_access: bool = False
    is_test: bool = False


UTILITIES: tuple[Utility, ...] = (
    Utility("pge", "PG&E", "PGE", "CAISO", ("Oakland", "CA", "94607"), legacy=True, guest_access=True),
    Utility("sce", "Southern California Edison", "SCE", "CAISO", ("Long Beach", "CA", "90802"), legacy=True),
    Utility("sdge", "SDG&E", "SDGE", "CAISO", ("San Diego", "CA", "92101"), legacy=True),
    Utility("cecony-utilityapi", "ConEd", "CECONY", "NYISO", ("New York", "NY", "10003")),
    Utility("oru-utilityapi", "Orange & Rockland", "ORU", "NYISO", ("Nyack", "NY", "10960")),
    Utility("psegli-utilityapi", "PSEG Long Island", "PSEGLI", "NYISO", ("Hicksville", "NY", "11801")),
    Utility("pjm-demo", "PJM demo utility", "PJM_DEMO", "PJM", ("Newark", "NJ", "07102"), is_test=True),
    Utility("ercot-demo", "Texas demo utility", "DEMO", "ERCOT", ("Austin", "TX", "78701"), is_test=True),
    Utility("wecc-pc-demo", "Northwest demo utility", "DEMO", "WECC_PC", ("Bellevue", "WA", "98004"), is_test=True),
    Utility("wecc-sw-demo", "Southwest demo utility", "DEMO2", "WECC_SW", ("Phoenix", "AZ", "85003"), is_test=True),
    Utility(
        "staging-test-utility-caiso",
        "California test utility",
        "LEAP_TEST_CAISO",
        "CAISO",
        ("Fresno", "CA", "93701"),
        legacy=True,
        is_test=True,
    ),
    Utility(
        "staging-test-utility-nyiso",
        "New York test utility",
        "LEAP_TEST_NYISO",
        "NYISO",
        ("Albany", "NY", "12207"),
        legacy=True,
        is_test=True,
    ),
)
_BY_ID = {utility.utility_id: utility for utility in UTILITIES}


def find_utility(utility_id: str) -> Utility | None:
    """Return the utility of that id, in small letters as in Leap's URLs."""
    return _BY_ID.get(utility_id)


def utilities_of(region: str) -> list[Utility]:
    """Return what Connect offers in a region: its utilities, and test utilities only where there is nothing else."""
    there = [utility for utility in UTILITIES if utility.region == region]
    return [utility for utility in there if not utility.is_test] or there
