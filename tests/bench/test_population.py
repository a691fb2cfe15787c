"""Populations: exact counts and fates at every size, the same rows every time, and every rule of the database held."""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from bench.harness import Growth, Stream
from bench.population import kept
from bench.population.fates import BLOCK, METERS, UNMATCHED_METERS, VISITS, make_fates
from bench.population.plan import Plan
from portal.leap import reference_ids


def test_a_thousand_fates_add_up() -> None:
    fates = make_fates()
    assert len(fates) == BLOCK
    assert sum(fate.visits for fate in fates) == VISITS
    assert sum(fate.meters for fate in fates) == METERS - UNMATCHED_METERS
    assert sum(fate.void for fate in fates) == 6
    assert sum(fate.failed for fate in fates) == 20


@pytest.mark.parametrize("links", [1000, 20_000])
def test_no_customer_has_two_live_links_of_one_campaign(links: int) -> None:
    plan = Plan(links)
    assert len(plan.customer_of) == len(plan.campaign_of) == len(plan.flow_of) == links
    live = Counter(
        (plan.customer_of[index], plan.flow_of[index], plan.campaign_of[index])
        for index in range(links)
        if plan.customer_of[index] and not plan.is_replaced(index) and not plan.fate(index).void
    )
    assert set(live.values()) == {1}
    assert max(plan.customer_of) <= plan.customers
    assert any(plan.is_replaced(index) for index in range(links))
    assert all(map(reference_ids.has_valid_check, plan.reference_ids[:50]))


def test_campaigns_are_few_large_ones_and_many_small_ones() -> None:
    sizes = sorted(Counter(Plan(100_000).campaign_of).values(), reverse=True)
    assert sizes[0] > 20 * sizes[len(sizes) // 2]


def test_the_two_quiet_reps_have_as_many_customers_in_every_population() -> None:
    for links in (1000, 10_000):
        plan = Plan(links)
        assert Counter(plan.rep_of(customer) for customer in range(1, plan.customers + 1))[0] == 100


@pytest.mark.parametrize("links", [0, 999, 1500])
def test_only_whole_thousands(links: int) -> None:
    with pytest.raises(ValueError, match="no multiple"):
        Plan(links)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_DATABASES", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_it_is_made_once_alike_every_time_and_all_rules_hold(own_folder: Path) -> None:
    def dump() -> list[str]:
        with sqlite3.connect(f"file:{kept.keep(1000).removeprefix('sqlite:///')}?mode=ro", uri=True) as database:
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE 'authorizations_%' AND type = 'table'"
            )
            names = sorted(name for (name,) in tables)
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return [repr(database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()) for name in names]

    first = dump()
    (path,) = own_folder.glob("*.sqlite3")
    made_at = path.stat().st_mtime_ns
    kept.keep(1000)
    assert path.stat().st_mtime_ns == made_at
    with kept.copy_of(1000) as url:
        copy = Path(url.removeprefix("sqlite:///"))
        assert copy != path
        assert copy.exists()
    assert not copy.exists()
    assert path.name in kept.forget()
    assert not path.exists()
    assert dump() == first


def test_forgetting_touches_nothing_else(own_folder: Path) -> None:
    own_folder.mkdir()
    other = own_folder / "portal.sqlite3"
    other.touch()
    assert kept.forget() == []
    assert other.exists()


def test_a_table_of_growth_misses_what_grows_and_what_asks_more_often() -> None:
    def growth(milliseconds: tuple[float, ...], queries: tuple[int, ...] = (5, 5), plain: float = 0.0) -> bool:
        return Growth("a list", (1000, 10_000), queries, milliseconds, 3.0, plain).met

    assert growth((20.0, 40.0))
    assert not growth((20.0, 80.0))
    assert growth((2.0, 20.0))  # so quick that the ratio says nothing
    assert not growth((20.0, 20.0), (5, 50))
    # Three rows of the smallest and a full page of the largest: held against the list's own first page.
    assert growth((20.0, 120.0), plain=100.0)
    assert not growth((20.0, 130.0), plain=100.0)
    assert not growth((20.0, 120.0), (5, 50), plain=100.0)


def test_a_stream_misses_when_it_begins_late_or_holds_more() -> None:
    def stream(first: float, megabytes: tuple[float, float]) -> bool:
        return Stream("links", (1000, 10_000), (5.0, first), (1.0, 1.0), (2.0, 2.0), megabytes).met

    assert stream(100.0, (100.0, 110.0))
    assert not stream(600.0, (100.0, 110.0))
    assert not stream(100.0, (100.0, 150.0))
