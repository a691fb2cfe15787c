"""Issuing links for many customers: ours beside raw `bulk_create` of the same rows.

Ours reads the customers, asks the flow's rules, looks for links that are there, makes reference ids and URLs, and
writes links and requested utilities. The raw side gets both kinds of rows ready made, primary keys included.
"""

import hashlib
import tempfile
from functools import partial
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from bench.customer_list import read_customers, write_customer_list
from bench.databases import empty_tables
from bench.harness import MIN_ROUNDS, DifferentWorkError, Result, compare
from portal.authorizations.models import Customer, Flow, FlowState, Journey, Link, Utility
from portal.authorizations.services.bulk_links import UrlBuilder, issue_links
from portal.authorizations.services.links import FlowRules
from portal.leap import reference_ids

GOAL = 0.5
LINKS = 100_000
QUICK_LINKS = 2_000

Requested = Link.requested_utilities.through


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Result]:
    count = QUICK_LINKS if quick else LINKS
    add_customers(count)
    flow = add_flow()
    ready = _ReadyLinks(flow)
    return [
        compare(
            f"Issuing {count:,} links",
            partial(issue_as_we_do, flow),
            ready.create,
            rounds,
            GOAL,
            peer_name="bulk_create of ready objects",
            before_each=ready.make,
            outcome=fingerprint,
        )
    ]


def add_customers(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        path = Path(folder) / "customers.csv"
        write_customer_list(path, count)
        Customer.objects.bulk_create(read_customers(path))


def add_flow() -> Flow:
    """A live Connect flow that offers every utility."""
    flow = Flow.objects.create(
        name="Summer 2026",
        journey=Journey.CONNECT,
        org_name="acme-energy",
        address="titled",
        title="summer-dr",
        state=FlowState.LIVE,
    )
    flow.utilities.set(Utility.objects.all())
    return flow


def issue_as_we_do(flow: Flow) -> None:
    issue_links(customers=Customer.objects.order_by("pk").iterator(), flow=flow, issued_by=None)


class _ReadyLinks:
    """Links and their requested utilities as unsaved objects, made off the clock."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._links: list[Link] = []
        self._requested: list[Requested] = []

    def make(self) -> None:
        empty_tables(Link)
        self._links, self._requested = [], []
        rules, urls, now = FlowRules(flow=self._flow), UrlBuilder(self._flow), timezone.now()
        customers = list(Customer.objects.order_by("pk"))
        ids = reference_ids.generate_many(len(customers))
        for number, (customer, reference_id) in enumerate(zip(customers, ids, strict=True), start=1):
            request = rules.request_for(customer)
            self._links.append(
                Link(
                    pk=number,
                    customer_id=customer.pk,
                    flow_id=self._flow.pk,
                    reference_id=reference_id,
                    url=urls.build(request, reference_id),
                    code=reference_ids.to_code(reference_id),
                    issued_at=now,
                )
            )
            self._requested += [Requested(link_id=number, utility_id=utility.pk) for utility in request.requested]

    def create(self) -> None:
        with transaction.atomic():
            Link.objects.bulk_create(self._links)
            Requested.objects.bulk_create(self._requested)


def fingerprint() -> str:
    """How many links there are, and a hash over all of them but what chance made: reference ids and codes."""
    digest, count = hashlib.sha256(), 0
    columns = ("customer_id", "flow_id", "campaign_id", "requested_utilities", "status", "reference_id", "code", "url")
    for *same, reference_id, code, url in Link.objects.order_by("customer_id").values_list(*columns).iterator():
        if code != reference_id.upper() or not reference_ids.has_valid_check(code) or not url.endswith(reference_id):
            raise DifferentWorkError(f"A link has the reference id {reference_id}, the code {code} and the URL {url}.")
        digest.update(repr((*same, url.removesuffix(reference_id))).encode())
        count += 1
    return f"{count} links with requested utilities {digest.hexdigest()[:12]}"
