"""Many links at once, each taken through a case without a browser's window: a demo with life in it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from portal.sandbox import journeys
from portal.sandbox.addresses import UnreadableError, is_short_url, read_url
from portal.sandbox.browser import Browser
from portal.sandbox.cases import Case, CaseRefusedError, run_case

#: What a hundred customers do, by `--mix`; None: the link is never opened.
MIX: dict[Case | None, int] = {
    None: 18,
    Case.SUCCESS: 22,
    Case.ENROLLED: 14,
    Case.SEVERAL_METERS: 6,
    Case.TWO_UTILITIES: 3,
    Case.LATE: 6,
    Case.CLOSED_WINDOW: 8,
    Case.WRONG_PASSWORD: 6,
    Case.CANCEL: 3,
    Case.NO_RETURN: 3,
    Case.SECOND_FACTOR: 2,
    Case.OUT_OF_SERVICE: 2,
    Case.TERMS_REJECTED: 2,
    Case.REAUTHORIZE: 2,
    Case.CONFLICT: 1,
    Case.ARCHIVED: 1,
    Case.FORGED: 1,
}


@dataclass(frozen=True, slots=True)
class RunLink:
    """One link: its URL, and the short one that leads there, if a visit is to be seen."""

    url: str
    short_url: str = ""


@dataclass(slots=True)
class RunResult:
    """What came of a run. `refused`: reason → how many links. `unreached`: pages that did not answer."""

    cases: Counter[Case] = field(default_factory=Counter)
    unopened: int = 0
    returned: int = 0
    unreached: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def run_links(
    *, links: Iterable[RunLink], case: Case | None, browser: Browser | None, days: int | None = None
) -> RunResult:
    """Take each link through the case, or without one through what the mix gives it (the same every time).

    Without a browser nothing is opened over HTTP: no short link, no confirmation page.
    """
    result = RunResult()
    for link in links:
        chosen = case or _from_mix(link.url or link.short_url)
        if chosen is None:
            result.unopened += 1
            continue
        try:
            _run_link(link, chosen, browser, days, result, is_mixed=case is None)
        except (UnreadableError, CaseRefusedError) as refusal:
            result.refused[str(refusal)] += 1
    result.unreached = browser.unreached if browser else 0
    return result


def _run_link(
    link: RunLink, case: Case, browser: Browser | None, days: int | None, result: RunResult, *, is_mixed: bool
) -> None:
    url = link.url
    if browser and link.short_url:
        # What the short link says counts: it may lead on to a successor.
        url = browser.follow(link.short_url) or url
    if not url:
        raise UnreadableError(
            "The short link leads nowhere: void, unknown, or the portal does not run there."
            if browser
            else "A short link has to be opened for where it leads: not with --no-return."
        )
    opening = read_url(url)
    if case is Case.NO_REFERENCE:
        opening = replace(opening, reference_id="")
    session = journeys.open_session(opening=opening)
    try:
        ending = run_case(case=case, session=session, days=days)
    except CaseRefusedError:
        if not is_mixed:
            raise
        # Not every link can take every case, and a mix only wants life.
        case = Case.SUCCESS
        ending = run_case(case=case, session=session)
    result.cases[case] += 1
    if browser and ending.url and browser.open(urljoin(url, ending.url)):
        result.returned += 1


def _from_mix(text: str) -> Case | None:
    place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % sum(MIX.values())
    for case, weight in MIX.items():
        if place < weight:
            return case
        place -= weight
    raise AssertionError("the weights were summed up")


def link_of(url: str) -> RunLink:
    """Return the link that somebody names: by its URL, or by the short one."""
    return RunLink(url="", short_url=url) if is_short_url(url) else RunLink(url)


def links_of(rows: Sequence[dict[str, str]]) -> list[RunLink]:
    """Return the links of a list as `issue_links --out` writes it: column url, and short_url where there is one."""
    return [
        RunLink(url=row["url"].strip(), short_url=(row.get("short_url") or "").strip()) for row in rows if row["url"]
    ]
