"""Issue links by the ten thousand: the same rules as `issue_link`, a handful of queries for every 2,000 customers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import ClassVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Batch, Campaign, Customer, Flow, KeptLink, Link, Utility
from portal.authorizations.services.audit import record
from portal.authorizations.services.flow_urls import build_url
from portal.authorizations.services.links import FlowRules, IssueRefused, Request, hold_customers, replace_link
from portal.leap import reference_ids

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A customer who gets no link, and why in words."""

    customer: Customer
    reason: str


@dataclass(slots=True)
class BulkResult:
    """What became of many customers' links."""

    MAX_REFUSALS: ClassVar[int] = 1000

    batch: Batch | None = None
    created: int = 0
    existing: int = 0
    differing: int = 0
    """Among the existing: links that ask for other utilities than were wanted. They stay as they are."""
    refused_count: int = 0
    refused: list[Refusal] = field(default_factory=list)
    """The first MAX_REFUSALS of them, to show."""

    def refuse(self, customer: Customer, reason: str) -> None:
        self.refused_count += 1
        if len(self.refused) < self.MAX_REFUSALS:
            self.refused.append(Refusal(customer, reason))


def issue_links(
    *,
    customers: Iterable[Customer],
    flow: Flow,
    issued_by: User | None,
    campaign: Campaign | None = None,
    utilities: Sequence[Utility] | None = None,
    report: Callable[[int], None] | None = None,
    batch: Batch | None = None,
) -> BulkResult:
    """Hand every customer their live link of a flow and campaign, issuing those that are missing.

    Each batch of 2,000 is one transaction (or part of the caller's): what a crash interrupts is carried on by asking
    again. `report` is told how many customers have been dealt with. `batch`: the bulk action that this is a part of.
    Raises IssueRefused if the flow issues none.
    """
    rules = FlowRules(flow=flow, campaign=campaign)
    urls = UrlBuilder(flow)
    wanted = None if utilities is None else [utility.pk for utility in utilities]
    result = BulkResult(batch=batch or Batch.objects.create(issued_by=issued_by, wanted=wanted))
    done = 0
    for part in _parts(customers):
        for attempt in range(3):
            before = replace(result, refused=list(result.refused))
            try:
                with transaction.atomic():
                    _issue_batch(part, rules=rules, urls=urls, utilities=utilities, by=issued_by, result=result)
                break
            except (IntegrityError, OperationalError) as error:
                # PostgreSQL ends one of two that wait for each other, as an import in another order of rows may: it is
                # this one's turn to try again, unless the caller's transaction is lost with it. SQLite has waited long.
                waits = isinstance(error, OperationalError)
                if waits and (connection.vendor == "sqlite" or connection.in_atomic_block):
                    raise
                # Somebody took a reference id, or changed the flow, in this moment: the next try finds what is there
                # now, or says that the flow is no longer live.
                if attempt == 2:
                    raise
                result = before
                rules = FlowRules(flow=Flow.objects.get(pk=flow.pk), campaign=campaign)
        done += len(part)
        if report:
            report(done)
    return result


def replace_links(
    *,
    links: Iterable[Link],
    issued_by: User | None,
    wanted: list[int] | None,
    report: Callable[[int], None] | None = None,
    batch: Batch | None = None,
) -> BulkResult:
    """Issue links anew one by one, each in its own transaction; `wanted` as the batch that found them noted it.

    `batch`: the bulk action that this is a part of. One that is void or replaced by now, or that its flow refuses, is
    told of and does not stop the others.
    """
    utilities = None if wanted is None else list(Utility.objects.filter(pk__in=wanted))
    result = BulkResult(batch=batch or Batch.objects.create(issued_by=issued_by, wanted=wanted))
    for done, link in enumerate(links, start=1):
        try:
            successor = replace_link(link=link, issued_by=issued_by, utilities=utilities)
        except IssueRefused as refusal:
            result.refuse(link.customer or Customer(), str(refusal))
        else:
            Link.objects.filter(pk=successor.pk).update(batch=result.batch)
            result.created += 1
        if report:
            report(done)
    return result


class UrlBuilder:
    """The URL of a flow, its variable parts checked once for each combination of utilities.

    The reference id is the URL's last part, so that a prefix for each combination is all that differs.
    """

    _MARK = "mark-of-the-reference-id"

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._prefixes: dict[tuple[int, ...], str] = {}

    def build(self, request: Request, reference_id: str) -> str:
        key = (request.utility.pk if request.utility else 0, *(utility.pk for utility in request.requested))
        prefix = self._prefixes.get(key)
        if prefix is None:
            url = build_url(
                flow=self.flow,
                utility_id=request.utility.utility_id if request.utility else "",
                requested_utilities=[utility.utility_id for utility in request.requested],
                reference_id=self._MARK,
            )
            if not url.endswith(self._MARK):
                raise AssertionError("The reference id is not the last part of the URL")
            prefix = self._prefixes[key] = url.removesuffix(self._MARK)
        return prefix + reference_id


def _issue_batch(
    customers: list[Customer],
    *,
    rules: FlowRules,
    urls: UrlBuilder,
    utilities: Sequence[Utility] | None,
    by: User | None,
    result: BulkResult,
) -> None:
    wanted: dict[tuple[int, int], tuple[Customer, Request]] = {}
    # The rules look at three things of a customer only: each combination is asked once.
    answers: dict[tuple[int | None, str, bool], Request | str] = {}
    for customer in customers:
        kind = (customer.utility_id, customer.customer_type, customer.erased_at is not None)
        if kind not in answers:
            try:
                answers[kind] = rules.request_for(customer, utilities)
            except IssueRefused as refusal:
                answers[kind] = str(refusal)
        request = answers[kind]
        if isinstance(request, str):
            result.refuse(customer, request)
            continue
        wanted[customer.pk, request.utility.pk if request.utility else 0] = (customer, request)
    if not wanted:
        return
    hold_customers(pk for pk, _ in wanted)
    there = _find_live_links([pk for pk, _ in wanted], rules)
    missing = []
    kept = []
    for key, (customer, request) in wanted.items():
        if key in there:
            link_id, asks_for = there[key]
            differs = asks_for != {utility.pk for utility in request.requested}
            kept.append(KeptLink(batch=result.batch, link_id=link_id, differs=differs))
            result.existing += 1
            result.differing += differs
        else:
            missing.append((customer, request))
    KeptLink.objects.bulk_create(kept, ignore_conflicts=True)
    _create_links(missing, rules=rules, urls=urls, by=by, batch=result.batch)
    result.created += len(missing)
    if missing:
        about = {"flow": rules.flow.pk, "campaign": rules.campaign.pk if rules.campaign else None}
        batch = result.batch.pk if result.batch else None
        record(action=AuditAction.ISSUED, noun="link", count=len(missing), by=by, batch=batch, **about)


def _find_live_links(customer_ids: list[int], rules: FlowRules) -> dict[tuple[int, int], tuple[int, set[int]]]:
    """Return (customer, Legacy utility or 0) → the live link there and its requested utilities."""
    links = Link.objects.live().filter(flow=rules.flow, campaign=rules.campaign, customer_id__in=customer_ids)
    found = {
        pk: ((customer_id, utility_id or 0), set[int]())
        for pk, customer_id, utility_id in links.values_list("pk", "customer_id", "utility_id")
    }
    if found:
        requested = Link.requested_utilities.through.objects.filter(link__in=links)
        for link_id, utility_id in requested.values_list("link_id", "utility_id"):
            if link_id in found:
                found[link_id][1].add(utility_id)
    return {key: (pk, requested) for pk, (key, requested) in found.items()}


def _create_links(
    missing: list[tuple[Customer, Request]], *, rules: FlowRules, urls: UrlBuilder, by: User | None, batch: Batch | None
) -> None:
    own = {customer.reference_id for customer, _ in missing if customer.reference_id}
    taken = set(Link.objects.filter(reference_id__in=own).values_list("reference_id", flat=True)) if own else set()
    now = timezone.now()
    links = []
    for (customer, request), generated in zip(missing, reference_ids.generate_many(len(missing)), strict=True):
        reference_id = customer.reference_id
        if not reference_id or reference_id in taken:
            reference_id = generated
        links.append(
            Link(
                customer_id=customer.pk,
                flow_id=rules.flow.pk,
                campaign_id=rules.campaign.pk if rules.campaign else None,
                utility_id=request.utility.pk if request.utility else None,
                reference_id=reference_id,
                url=urls.build(request, reference_id),
                code=reference_ids.to_code(generated),
                issued_by=by,
                issued_at=now,
                batch=batch,
            )
        )
    created = Link.objects.bulk_create(links)
    through = Link.requested_utilities.through
    through.objects.bulk_create(
        [
            through(link_id=link.pk, utility_id=utility.pk)
            for link, (_, request) in zip(created, missing, strict=True)
            for utility in request.requested
        ]
    )


def _parts(customers: Iterable[Customer]) -> Iterator[list[Customer]]:
    iterator = iter(customers)
    while part := list(islice(iterator, BATCH)):
        yield part
