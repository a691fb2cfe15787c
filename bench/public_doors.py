"""The public doors at 16 connections: ours beside a bare view that inserts one row, and beside django-dynamic-qr.

Two servers with the same settings stand on one database; one is idle while the other is asked. Both keep one row
for every request, which is counted after every turn.
"""

import sys
from functools import partial
from itertools import cycle
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django_dynamic_qr.models import QRCode, ScanLog

from bench.bulk_links import add_customers, add_flow, issue_as_we_do
from bench.databases import empty_tables, settle
from bench.harness import MIN_ROUNDS, DifferentWorkError, Result, compare, require_peer
from bench.http_client import CONNECTIONS, Client, Exchange, Server, get, serve
from bench.peers.models import Hit
from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Link, Visit

BARE_GOAL = 0.8
PEER_GOAL = 2.0
REQUESTS = 2_000
QUICK_REQUESTS = 300
#: As many different ones as a campaign of some size meets in an hour.
_BROWSERS = [
    browser.format(version=version)
    for version in range(100, 140)
    for browser in (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/{version}.0 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
        "Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
        "Safari/537.36",
    )
]


class Door:
    """One side of a comparison: a server and what it is asked, with the processor time of each turn."""

    def __init__(self, client: Client, server: Server, exchanges: list[Exchange]) -> None:
        self._client, self._server, self._exchanges = client, server, exchanges
        self.processor_seconds: list[float] = []

    def pass_through(self) -> None:
        """Send everything once, and note what the server's processes took for it."""
        before = self._server.processor_seconds()
        self._client.send_all(self._server, self._exchanges)
        self.processor_seconds.append(self._server.processor_seconds() - before)


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Result]:
    peer_name = require_peer("django_dynamic_qr", "django-dynamic-qr")
    count = QUICK_REQUESTS if quick else REQUESTS
    add_customers(count)
    issue_as_we_do(add_flow())
    links = list(Link.objects.order_by("pk"))
    add_qr_codes(links)
    client = Client()
    with (
        serve("portal.wsgi", "portal.settings") as portal,
        serve("bench.peers.wsgi", "bench.peers.settings") as peers,
    ):
        redirect = Door(client, portal, short_redirects(links))
        thanks = Door(client, portal, confirmations(links))
        bare = Door(client, peers, bare_hits(count))
        dynamic = Door(client, peers, dynamic_redirects(links))

        def against(name: str, ours: Door, peer: Door, peer_name: str, goal: float, first: bool) -> list[Result]:
            name = f"{name}, {CONNECTIONS} connections"
            ours.processor_seconds, peer.processor_seconds = [], []
            result = compare(
                name,
                ours.pass_through,
                peer.pass_through,
                rounds,
                goal,
                peer_name=peer_name,
                before_each=partial(reset, first=first),
                outcome=partial(count_rows, links=count),
            )
            # The first turn of each is the warm one.
            seconds = zip(peer.processor_seconds[1:], ours.processor_seconds[1:], strict=True)
            ratios = tuple(theirs / mine for theirs, mine in seconds)
            return [result, Result(f"{name}: processor time", peer_name, ratios, None)]

        bare_name = "a bare view that inserts one row"
        results = [
            *against("Short redirect, first visit", redirect, bare, bare_name, BARE_GOAL, True),
            *against("Short redirect, later visit", redirect, bare, bare_name, BARE_GOAL, False),
            *against("Short redirect, first visit", redirect, dynamic, peer_name, PEER_GOAL, True),
            *against("Short redirect, later visit", redirect, dynamic, peer_name, PEER_GOAL, False),
            *against("Confirmation, first return", thanks, bare, bare_name, BARE_GOAL, True),
            *against("Confirmation, later return", thanks, bare, bare_name, BARE_GOAL, False),
        ]
    print(f"The client that asked the doors took at most {client.busiest:.0%} of one core.", flush=True)
    return results


def add_qr_codes(links: list[Link]) -> None:
    """django-dynamic-qr's codes for the same URLs."""
    user = User.objects.create(username="owner")
    QRCode.objects.bulk_create(
        QRCode(user=user, name=f"Code {link.pk}", qr_type="url", slug=link.code.lower(), type_data={"url": link.url})
        for link in links
    )


def short_redirects(links: list[Link]) -> list[Exchange]:
    return [
        get(link.short_path, user_agent=browser, status=302, content=f"\r\nLocation: {link.url}\r\n")
        for link, browser in zip(links, cycle(_BROWSERS), strict=False)
    ]


def dynamic_redirects(links: list[Link]) -> list[Exchange]:
    return [
        get(f"/qr/{link.code.lower()}/", user_agent=browser, status=302, content=f"\r\nLocation: {link.url}\r\n")
        for link, browser in zip(links, cycle(_BROWSERS), strict=False)
    ]


def confirmations(links: list[Link]) -> list[Exchange]:
    path = "/leap/thanks?authorizationId=2f1d7c1e-7a35-4d3c-9b60-5f0e6f6b8a11&refId="
    return [
        get(f"{path}{link.reference_id}", user_agent=browser, status=200, content="</html>")
        for link, browser in zip(links, cycle(_BROWSERS), strict=False)
    ]


def bare_hits(count: int) -> list[Exchange]:
    return [
        get("/bare", user_agent=browser, status=200, content="kept")
        for _, browser in zip(range(count), cycle(_BROWSERS), strict=False)
    ]


def reset(*, first: bool) -> None:
    """No rows of visits; the links never visited and returned from before, or all of them once."""
    empty_tables(Visit, Confirmation, Hit, ScanLog)
    for file in spooled():
        file.unlink()
    at = None if first else timezone.now()
    Link.objects.update(first_visited_at=at, first_returned_at=at)
    settle()


def count_rows(*, links: int) -> str:
    """What the turn has kept. Ours has to have moved every link's milestone, but for hits that wait in the spool."""
    visits, returns = Visit.objects.count(), Confirmation.objects.filter(outcome="matched").count()
    visited = Link.objects.filter(first_visited_at__isnull=False).count()
    returned = Link.objects.filter(first_returned_at__isnull=False).count()
    waiting = len(spooled())
    if (visits and visited + waiting < links) or (returns and returned + waiting < links):
        raise DifferentWorkError(
            f"{visits} visits and {returns} returns, but {visited} and {returned} of {links} links"
        )
    if waiting:
        print(f"{waiting} of {links} hits waited in the spool: the database was busy for too long.", file=sys.stderr)
    return f"{visits + returns + Hit.objects.count() + ScanLog.objects.count() + waiting} rows"


def spooled() -> list[Path]:
    return list(Path(settings.SPOOL_DIR).glob("*.json"))
