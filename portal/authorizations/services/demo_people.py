"""Who lives in the sample data: invented names, at places that their utility really serves. Telephone numbers are of
the block 555-01xx, mail addresses of example.com: neither belongs to anybody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town with one utility: where it lies, its area code, and streets that it has."""

    utility_id: str
    city: str
    state: str
    postal_code: str
    area_code: str
    streets: tuple[str, ...]


PLACES: tuple[Place, ...] = (
    Place("pge", "Fresno", "CA", "93722", "559", ("W Shaw Ave", "N Blythe Ave", "W Ashlan Ave")),
    Place("pge", "Oakland", "CA", "94610", "510", ("Grand Ave", "Lakeshore Ave", "Mandana Blvd")),
    Place("pge", "San Francisco", "CA", "94110", "415", ("Valencia St", "Folsom St", "24th St")),
    Place("pge", "Stockton", "CA", "95204", "209", ("Pacific Ave", "N El Dorado St", "W Harding Way")),
    Place("pge", "Bakersfield", "CA", "93301", "661", ("Chester Ave", "Truxtun Ave", "H St")),
    Place("sce", "Long Beach", "CA", "90802", "562", ("E Ocean Blvd", "Pine Ave", "E 4th St")),
    Place("sce", "Santa Ana", "CA", "92701", "714", ("N Main St", "E 17th St", "S Grand Ave")),
    Place("sce", "Ontario", "CA", "91764", "909", ("N Euclid Ave", "E 4th St", "N Vineyard Ave")),
    Place("sce", "Oxnard", "CA", "93030", "805", ("Saviers Rd", "W 5th St", "S A St")),
    Place("sdge", "San Diego", "CA", "92104", "619", ("University Ave", "30th St", "El Cajon Blvd")),
    Place("sdge", "Chula Vista", "CA", "91910", "619", ("Third Ave", "E St", "Broadway")),
    Place("sdge", "Oceanside", "CA", "92054", "760", ("Mission Ave", "S Coast Hwy", "N Tremont St")),
    Place("cecony-utilityapi", "Bronx", "NY", "10458", "718", ("Grand Concourse", "E Fordham Rd", "Arthur Ave")),
    Place("cecony-utilityapi", "Brooklyn", "NY", "11215", "718", ("7th Ave", "President St", "Prospect Park W")),
    Place("cecony-utilityapi", "New York", "NY", "10027", "212", ("W 125th St", "Convent Ave", "Morningside Ave")),
    Place("cecony-utilityapi", "Astoria", "NY", "11103", "718", ("Steinway St", "30th Ave", "Broadway")),
    Place("cecony-utilityapi", "Yonkers", "NY", "10701", "914", ("Warburton Ave", "S Broadway", "Riverdale Ave")),
    Place("oru-utilityapi", "Nyack", "NY", "10960", "845", ("Main St", "N Broadway", "Franklin St")),
    Place("oru-utilityapi", "Middletown", "NY", "10940", "845", ("North St", "Wickham Ave", "Highland Ave")),
    Place("oru-utilityapi", "Suffern", "NY", "10901", "845", ("Lafayette Ave", "Washington Ave", "Orange Ave")),
    Place("psegli-utilityapi", "Hempstead", "NY", "11550", "516", ("Fulton Ave", "Jackson St", "Peninsula Blvd")),
    Place("psegli-utilityapi", "Huntington", "NY", "11743", "631", ("New York Ave", "Wall St", "Park Ave")),
    Place("psegli-utilityapi", "Hicksville", "NY", "11801", "516", ("Broadway", "Jerusalem Ave", "W Old Country Rd")),
)

#: Customers of each utility; 300 together.
SHARES = {
    "pge": 80,
    "sce": 60,
    "sdge": 35,
    "cecony-utilityapi": 70,
    "oru-utilityapi": 20,
    "psegli-utilityapi": 35,
}

#: Given names, and whether their owner may prefer Spanish.
GIVEN_NAMES: tuple[tuple[str, bool], ...] = (
    ("Rosa", True), ("Miguel", True), ("Lucía", True), ("Andrés", True), ("Xiomara", True), ("Ramón", True),
    ("Amara", False), ("Kwame", False), ("Ngozi", False), ("Malik", False), ("Latoya", False), ("Darnell", False),
    ("Wei", False), ("Mei-Ling", False), ("Minh", False), ("Thuy", False), ("Priya", False), ("Arjun", False),
    ("Fatima", False), ("Omar", False), ("Leila", False), ("Yusuf", False), ("Olena", False), ("Dmitri", False),
    ("Aiko", False), ("Kenji", False), ("Ji-woo", False), ("Siobhán", False), ("Patrick", False), ("Giulia", False),
    ("Zoë", False), ("Jürgen", False), ("Chloé", False), ("Mateusz", False), ("Leilani", False), ("Dakota", False),
    ("Eleanor", False), ("Walter", False), ("Grace", False), ("Harold", False), ("Ruth", False), ("Samuel", False),
)  # fmt: skip

FAMILY_NAMES: tuple[str, ...] = (
    "Núñez", "García", "Hernández", "de la Cruz", "Ortega", "Okafor", "Mensah", "Washington", "Baptiste", "Freeman",
    "Chen", "Nguyễn", "Trần", "Patel", "Singh", "Rahman", "Haddad", "Hosseini", "Kowalski", "Shevchenko", "Tanaka",
    "Kim", "O’Brien", "Murphy", "Rossi", "Cohen", "Schäfer", "Dubois", "Kealoha", "Begay", "Miller", "Johnson",
    "Baker", "Thompson", "Novak", "Papadopoulos", "Andersson", "Silva",
)  # fmt: skip

#: What a commercial customer is; the street or the town comes before it.
TRADES: tuple[str, ...] = (
    "Bakery", "Cold Storage", "Laundromat", "Hardware", "Dental Group", "Market", "Auto Repair", "Brewing Co.",
    "Fitness", "Print Shop", "Nursery", "Office Park", "Self Storage", "Community Center", "Cinema", "Foods",
)  # fmt: skip

#: Browsers that the sample data's visitors use.
BROWSERS: tuple[str, ...] = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918U) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
    "Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 "
    "Safari/605.1.15",
)
