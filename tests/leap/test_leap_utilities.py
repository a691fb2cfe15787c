"""The two "Utility IDs" tables of Leap's page, row by row."""

from portal.leap.url_rules import is_valid_slug
from portal.leap.utilities import PUBLISHED, CustomerType, Journey, Region


def test_r9_the_six_published_utilities() -> None:
    assert [(u.region, u.name, u.utility_id) for u in PUBLISHED] == [
        ("CAISO", "Pacific Gas & Electric (PG&E)", "pge"),
        ("CAISO", "Southern California Edison (SCE)", "sce"),
        ("CAISO", "San Diego Gas & Electric (SDG&E)", "sdge"),
        ("NYISO", "Consolidated Edison (ConEd)", "cecony-utilityapi"),
        ("NYISO", "Orange and Rockland Utilities (O&RU)", "oru-utilityapi"),
        ("NYISO", "PSEG Long Island (PSEG-LI)", "psegli-utilityapi"),
    ]
    assert all(is_valid_slug(u.utility_id) for u in PUBLISHED)


def test_r4_legacy_takes_the_three_of_california_only() -> None:
    assert [u.utility_id for u in PUBLISHED if u.legacy] == ["pge", "sce", "sdge"]


def test_r9_the_short_name_is_the_part_in_brackets() -> None:
    for utility in PUBLISHED:
        assert utility.name.endswith(f" ({utility.short_name})")


def test_r14_names_in_leaps_meters() -> None:
    assert [u.leap_name for u in PUBLISHED] == ["PGE", "SCE", "SDGE", "CECONY", "ORU", "PSEGLI"]


def test_r1_r10_fixed_words() -> None:
    assert list(Journey) == ["legacy", "connect", "paper"]
    assert list(CustomerType) == ["residential", "commercial"]
    assert list(Region)[:2] == ["CAISO", "NYISO"]
