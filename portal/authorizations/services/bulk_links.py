"""Issue links, and issue them anew, by the ten thousand: the same rules as for one, a few queries for every 2,000."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import ClassVar, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Batch, Campaign, Customer, Flow, KeptLink, Link, Utility
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.flow_urls import build_url
from portal.authorizations.services.links import (
    WAS_ERASED,
    FlowRules,
    IssueRefused,
    Request,
    hold_customers,
    mark_as_being_replaced,
    same_utilities,
    why_not_replaceable,
)
from portal.leap import reference_ids

BATCH = 2000
#: Rows of one UPDATE that gives each its own value: the database looks for each among all of them.
_UPDATED_AT_ONCE = 200
_TRIES = 3
_Row = TypeVar("_Row")


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

    def add(self, part: "BulkResult") -> None:
        """Count what became of some more of them."""
        for name in ("created", "existing", "differing", "refused_count"):
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.refused = [*self.refused, *part.refused][: self.MAX_REFUSALS]


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
    FlowRules(flow=flow, campaign=campaign)
    wanted = None if utilities is None else [utility.pk for utility in utilities]
    result = BulkResult(batch=batch or Batch.objects.create(issued_by=issued_by, wanted=wanted))
    done = 0
    issue = partial(_issue_batch, flow=flow, campaign=campaign, utilities=utilities, by=issued_by, batch=result.batch)
    for part in _parts(customers):
        result.add(_try(partial(issue, part)))
        done += len(part)
        if report:
            report(done)
    return result


def replace_links(
    *, links: Iterable[Link], issued_by: User | None, wanted: list[int] | None, batch: Batch | None = None
) -> BulkResult:
    """Issue links anew as `replace_link` does, each batch of 2,000 in one transaction (or as part of the caller's).

    `wanted`: the utilities to ask for, as the batch that found them noted it. `batch`: the bulk action that this is a
    part of. One that is void or replaced by now, or that its flow refuses, is told of and does not stop the others.
    """
    utilities = None if wanted is None else list(Utility.objects.filter(pk__in=wanted))
    result = BulkResult(batch=batch or Batch.objects.create(issued_by=issued_by, wanted=wanted))
    replace = partial(_replace_batch, utilities=utilities, by=issued_by, batch=result.batch)
    for part in _parts(links):
        result.add(_try(partial(replace, part)))
    return result


def _try(act: Callable[[], BulkResult]) -> BulkResult:
    """Return what `act` did in a transaction; done anew if others were in its way."""
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                return act()
        except (IntegrityError, OperationalError) as error:
            # PostgreSQL ends one of two that wait for each other: it is this one's turn to try again, unless the
            # caller's transaction is lost with it. SQLite has waited long.
            waits = isinstance(error, OperationalError)
            if attempt == _TRIES - 1 or (waits and (connection.vendor == "sqlite" or connection.in_atomic_block)):
                raise
            # Else somebody took a reference id, or changed the flow, in this moment: the next try finds what is there
            # now, or says that the flow is no longer live.
    raise AssertionError("The last try returns or raises")


class UrlBuilder:
    """The URL of a flow, its variable parts checked once for each combination of utilities.

    The reference id is the URL's last part, so that a prefix for each combination is all that differs.
    """

    _MARK = "mark-of-the-reference-id"

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._prefixes: dict[tuple[int, ...], str] = {}

    def build(self, request: Request, reference_id: str | None) -> str:
        if reference_id is None:
            return self._build(request, None)
        key = (request.utility.pk if request.utility else 0, *(utility.pk for utility in request.requested))
        prefix = self._prefixes.get(key)
        if prefix is None:
            url = self._build(request, self._MARK)
            if not url.endswith(self._MARK):
                raise AssertionError("The reference id is not the last part of the URL")
            prefix = self._prefixes[key] = url.removesuffix(self._MARK)
        return prefix + reference_id

    def _build(self, request: Request, reference_id: str | None) -> str:
        return build_url(
            flow=self.flow,
            utility_id=request.utility.utility_id if request.utility else "",
            requested_utilities=[utility.utility_id for utility in request.requested],
            reference_id=reference_id,
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where links come from: a flow and campaign's rules, and the flow's URLs."""

    rules: FlowRules
    urls: UrlBuilder


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A link that is to be created."""

    customer: Customer | None
    request: Request
    source: _Source
    label: str = ""
    traceable: bool = True


def _issue_batch(
    customers: list[Customer],
    *,
    flow: Flow,
    campaign: Campaign | None,
    utilities: Sequence[Utility] | None,
    by: User | None,
    batch: Batch | None,
) -> BulkResult:
    # Read anew: retired or paused since the batch before, perhaps.
    flow = Flow.objects.get(pk=flow.pk)
    rules = FlowRules(flow=flow, campaign=Campaign.objects.get(pk=campaign.pk) if campaign else None)
    source = _Source(rules, UrlBuilder(flow))
    result = BulkResult()
    wanted: dict[tuple[int, int], _Wanted] = {}
    answers = _Answers()
    for customer in customers:
        request = answers.ask(rules, customer, utilities)
        if isinstance(request, str):
            result.refuse(customer, request)
            continue
        wanted[customer.pk, request.utility.pk if request.utility else 0] = _Wanted(customer, request, source)
    if not wanted:
        return result
    gone = hold_customers(pk for pk, _ in wanted)
    for key in [key for key in wanted if key[0] in gone]:
        result.refuse(wanted.pop(key).customer or Customer(), WAS_ERASED)
    there = _find_live_links([pk for pk, _ in wanted], rules)
    missing = []
    kept = []
    for key, link in wanted.items():
        if key in there:
            link_id, asks_for = there[key]
            differs = asks_for != {utility.pk for utility in link.request.requested}
            kept.append(KeptLink(batch=batch, link_id=link_id, differs=differs))
            result.existing += 1
            result.differing += differs
        else:
            missing.append(link)
    KeptLink.objects.bulk_create(kept, ignore_conflicts=True)
    _create_links(missing, by=by, batch=batch)
    result.created += len(missing)
    if missing:
        about = {"flow": flow.pk, "campaign": campaign.pk if campaign else None}
        number = batch.pk if batch else None
        record(action=AuditAction.ISSUED, noun="link", count=len(missing), by=by, batch=number, **about)
    return result


def _replace_batch(
    links: list[Link], *, utilities: Sequence[Utility] | None, by: User | None, batch: Batch | None
) -> BulkResult:
    hold_customers(link.customer_id for link in links if link.customer_id)
    held = Link.objects.select_for_update(of=("self",)).filter(pk__in=[link.pk for link in links])
    result = BulkResult()
    olds: list[Link] = []
    wanted: list[_Wanted] = []
    sources = _Sources()
    answers = _Answers()
    for link in held.select_related("customer", "utility").order_by("pk"):
        source = sources.find(link)
        if not link.is_live:
            request: Request | str = why_not_replaceable(link)
        elif isinstance(source, str):
            request = source
        else:
            request = answers.ask(source.rules, link.customer, same_utilities(link, source.rules.flow, utilities))
        if isinstance(request, str) or isinstance(source, str):
            result.refuse(link.customer or Customer(), str(request))
            continue
        olds.append(link)
        wanted.append(_Wanted(link.customer, request, source, label=link.label, traceable=link.is_traceable))
    if not olds:
        return result
    number = batch.pk if batch else None
    keys = [link.pk for link in olds]
    # The old ones leave the "one live link" first, as in replace_link.
    mark_as_being_replaced(Link.objects.filter(pk__in=keys))
    for old, new in zip(olds, _create_links(wanted, by=by, batch=batch), strict=True):
        old.replaced_by = new
    Link.objects.bulk_update(olds, ["replaced_by"], batch_size=_UPDATED_AT_ONCE)
    Link.objects.filter(pk__in=keys).update(voided_at=None, void_reason="")
    record_rows(action=AuditAction.CHANGED, noun="link", rows=keys, by=by, fields=["replaced_by"], batch=number)
    record(action=AuditAction.ISSUED, noun="link", count=len(olds), by=by, batch=number)
    result.created += len(olds)
    return result


class _Answers:
    """What links may ask for: the rules look at three things of a customer only, so each combination is asked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Request | str] = {}

    def ask(self, rules: FlowRules, customer: Customer | None, utilities: Sequence[Utility] | None) -> Request | str:
        """Return what a link shall ask for, or why there can be none."""
        who = (customer.utility_id, customer.customer_type, customer.erased_at is not None) if customer else ()
        key = (id(rules), who, None if utilities is None else tuple(utility.pk for utility in utilities))
        if key not in self._known:
            try:
                self._known[key] = rules.request_for(customer, utilities)
            except IssueRefused as refusal:
                self._known[key] = str(refusal)
        return self._known[key]


class _Sources:
    """The sources of links that are issued anew, each read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int | None], _Source | str] = {}

    def find(self, link: Link) -> _Source | str:
        """Return where the link came from, or why none can come from there any more."""
        key = (link.flow_id, link.campaign_id)
        if key not in self._known:
            try:
                # Who has been asked may ask back, whatever has become of the campaign.
                rules = FlowRules(flow=link.flow, campaign=link.campaign, any_state=True)
            except IssueRefused as refusal:
                self._known[key] = str(refusal)
            else:
                self._known[key] = _Source(rules, UrlBuilder(link.flow))
        return self._known[key]


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


def _create_links(wanted: Sequence[_Wanted], *, by: User | None, batch: Batch | None) -> list[Link]:
    own = {link.customer.reference_id for link in wanted if link.customer and link.customer.reference_id}
    taken = set(Link.objects.filter(reference_id__in=own).values_list("reference_id", flat=True)) if own else set()
    now = timezone.now()
    links = []
    for link, generated in zip(wanted, reference_ids.generate_many(len(wanted)), strict=True):
        reference_id = link.customer.reference_id if link.customer else None
        if not reference_id or reference_id in taken:
            reference_id = generated
        # Two of a customer's links may be issued anew at once: the id is the first one's.
        taken.add(reference_id)
        reference, rules = reference_id if link.traceable else None, link.source.rules
        links.append(
            Link(
                customer=link.customer,
                flow_id=rules.flow.pk,
                campaign_id=rules.campaign.pk if rules.campaign else None,
                utility_id=link.request.utility.pk if link.request.utility else None,
                label=link.label,
                reference_id=reference,
                url=link.source.urls.build(link.request, reference),
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
            through(link_id=new.pk, utility_id=utility.pk)
            for new, link in zip(created, wanted, strict=True)
            for utility in link.request.requested
        ]
    )
    return created


def _parts(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    iterator = iter(rows)
    while part := list(islice(iterator, BATCH)):
        yield part
