"""The scale: every list, its filters and searches, and home, on populations of growing size, on both databases.

Through the real views, with Django's test client in one process. What is asked for is found, not listed here: the lists
are the routes whose view is a PortalListView, the filters are those of its FilterSet, pages are the links that the page
shows. So a new list or filter is measured as soon as it is there.
"""

import html
import multiprocessing
import re
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

from bench.harness import MIN_ROUNDS, DifferentWorkError, Growth
from bench.population.kept import QUICK_SIZES, SIZES, keep, on_population

#: The most that the largest population may take of the smallest's time.
GOAL = 3.0
#: What people type. The first three find one row of every population, or few; the fourth hundreds, the fifth none.
_SEARCHES = ("name", "email", "reference id", "common name", "nothing")
#: Values of a choice that are measured; of a campaign's or person's the first and the last. Quick measures no filter.
_MOST_CHOICES, _MOST_QUICK_CHOICES = 12, 0

#: Of the other lists, quick asks for a manager's first page only.
_QUICK_LISTS = ("/links/", "/customers/")

Reading = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to ask for: its line in the table, who asks, and the address."""

    name: str
    who: str
    url: str


def measure(rounds: int = MIN_ROUNDS, *, quick: bool = False, server: str = "") -> list[Growth]:
    """Measure all sizes on SQLite and on the PostgreSQL server, each in a process of its own; quick: on SQLite only."""
    sizes = QUICK_SIZES if quick else SIZES
    found = []
    for database, where in (("SQLite", ""),) if quick else (("SQLite", ""), ("PostgreSQL", server)):
        readings = []
        for size in sizes:
            url = keep(size, where)
            print(f"… {database}, {size:,} links", file=sys.stderr, flush=True)
            with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
                readings.append(
                    pool.submit(read, url, rounds, _MOST_QUICK_CHOICES if quick else _MOST_CHOICES).result()
                )
        found += _together(database, sizes, readings)
    return found


def _together(database: str, sizes: tuple[int, ...], readings: list[dict[str, Reading]]) -> list[Growth]:
    """Lines of what could be asked for at every size: a list that fits one page has no last one."""
    names = [name for name in readings[-1] if all(name in reading for reading in readings)]

    def plain(name: str) -> float:
        """What the list's first page takes at the largest size; it is itself held to the ratio alone."""
        first = f"{name.partition(':')[0]}: first page"
        return readings[-1][first][1] if first in readings[-1] and first != name else 0.0

    return [
        Growth(
            name=f"{database}: {name}",
            sizes=sizes,
            queries=tuple(reading[name][0] for reading in readings),
            milliseconds=tuple(reading[name][1] for reading in readings),
            goal=GOAL,
            plain=plain(name),
        )
        for name in names
    ]


def read(database_url: str, rounds: int, choices: int) -> dict[str, Reading]:
    """Ask for everything on one population. Whatever the screens write is taken back."""
    with on_population(database_url):
        from django.db import transaction

        with transaction.atomic():
            readings = {asked.name: _time(asked, rounds) for asked in _everything(choices)}
            transaction.set_rollback(True)
        return readings


_clients: dict[str, Any] = {}


def _client(who: str) -> Any:
    from django.test import Client

    from portal.accounts.models import User

    if who not in _clients:
        _clients[who] = Client(SERVER_NAME="127.0.0.1")
        _clients[who].force_login(User.objects.get(username=who))
    return _clients[who]


def _time(asked: Asked, rounds: int) -> Reading:
    """Queries, and the median of the milliseconds; one turn before is not counted."""
    from django.db import connection

    times, counts = [], set()
    for turn in range(rounds + 1):
        count = _Count()
        with connection.execute_wrapper(count):
            start = time.perf_counter()
            response = _client(asked.who).get(asked.url)
            _ = response.content
            seconds = time.perf_counter() - start
        if response.status_code != 200:
            raise DifferentWorkError(f"{asked.url} answered {response.status_code}")
        if turn:
            times.append(seconds * 1000)
            counts.add(count.queries)
    return max(counts), statistics.median(times)


class _Count:
    """Counts queries; savepoints are none."""

    def __init__(self) -> None:
        self.queries = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += "SAVEPOINT" not in sql
        return execute(sql, params, many, context)


def _everything(choices: int) -> Iterator[Asked]:
    from bench.population.few import ADMIN, MANAGER, rep_name

    yield Asked("home of a manager", MANAGER, "/")
    yield Asked("home of a rep", rep_name(0), "/")
    searches = _words()
    for address, view in lists():
        noun = address.strip("/").replace("/", " ")
        who = MANAGER if _may(MANAGER, view) else ADMIN
        if choices > _MOST_QUICK_CHOICES or address in _QUICK_LISTS:
            yield from _of_list(noun, who, address, view, searches, choices)
        else:
            yield Asked(f"{noun}: first page", who, address)
        if (choices or address in _QUICK_LISTS) and _may(rep_name(0), view):
            yield Asked(f"{noun} of a rep: first page", rep_name(0), address)


def lists() -> list[tuple[str, Any]]:
    """Address and view class of every list that has an address of its own."""
    from django.urls import get_resolver

    from portal.authorizations.views.lists import PortalListView

    found = []
    for pattern in _patterns(get_resolver()):
        view = getattr(pattern.callback, "view_class", None)
        route = str(pattern.pattern)
        if isinstance(view, type) and issubclass(view, PortalListView) and "<" not in route:
            found.append((f"/{route}", view))
    return found


def _patterns(resolver: Any) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern)
        elif pattern.callback is not None:
            yield pattern


def _may(who: str, view: Any) -> bool:
    from portal.accounts.models import User

    needed = view.permission_required
    return User.objects.get(username=who).has_perms((needed,) if isinstance(needed, str) else needed)


def _of_list(noun: str, who: str, address: str, view: Any, searches: dict[str, str], choices: int) -> Iterator[Asked]:
    yield Asked(f"{noun}: first page", who, address)
    # As a person gets there: by the links that the page shows.
    following = _follow(who, address, "next")
    if following:
        yield Asked(f"{noun}: next page", who, following)
    last = _follow(who, address, "last")
    if last:
        yield Asked(f"{noun}: last page", who, last)
        before = _follow(who, last, "previous") if choices else ""
        if before:
            yield Asked(f"{noun}: page before the last", who, before)
    for name, value in filters(view, who, choices) if choices else ():
        yield Asked(
            f"{noun}: {name}={value if len(str(value)) < 20 else '…'}", who, f"{address}?{urlencode({name: value})}"
        )
    if "q" in view.filterset_class.base_filters:
        for what, words in searches.items():
            yield Asked(f"{noun}: search by {what}", who, f"{address}?{urlencode({'q': words})}")


def _follow(who: str, address: str, which: str) -> str:
    """The address of the page's link of this kind; empty if it shows none."""
    page = _client(who).get(address).content.decode()
    for tag in re.findall(r"<a\b[^>]*>", page):
        if re.search(rf'\bid="page-{which}"', tag) and (href := re.search(r'\bhref="([^"]*)"', tag)):
            return urljoin(address, html.unescape(href[1]))
    return ""


def filters(view: Any, who: str, choices: int) -> Iterator[tuple[str, Any]]:
    """Name and value of each filter, from the FilterSet itself: choices one by one, dates, words that are chosen."""
    from django import forms
    from django.test import RequestFactory

    from bench.population.few import now
    from portal.accounts.models import User

    request = RequestFactory().get("/")
    request.user = User.objects.get(username=who)
    model = view.filterset_class._meta.model
    form = view.filterset_class({}, queryset=model._default_manager.none(), request=request).form
    for name, field in form.fields.items():
        if name == "q" or name.endswith("_part"):
            continue
        if isinstance(field, forms.ModelChoiceField):
            keys = list(field.queryset.order_by("pk").values_list("pk", flat=True))
            for key in list(dict.fromkeys([*keys[:1], *keys[-1:]]))[-choices:]:
                yield name, key
        elif isinstance(field, forms.ChoiceField):
            for value, _ in [choice for choice in field.choices if choice[0]][:choices]:
                yield name, value
        elif isinstance(field, forms.DateField):
            yield name, f"{now():%Y-%m-%d}"
        elif isinstance(field, forms.NullBooleanField | forms.BooleanField):
            yield name, "true"


def _words() -> dict[str, str]:
    from bench.population.people import RARE_AT, RARE_NAME
    from portal.authorizations.models import Customer, Link

    links = Link.objects.filter(customer=RARE_AT, reference_id__isnull=False).order_by("pk")
    reference_id = links.values_list("reference_id", flat=True)[0] or ""
    email = Customer.objects.exclude(email="").order_by("pk")[5].email
    return dict(zip(_SEARCHES, (RARE_NAME, email, reference_id, "García", "Xyzzyplugh"), strict=True))
