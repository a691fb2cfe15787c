"""Issue, replace and void links, one at a time. `bulk_links` does the same by the ten thousand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    Campaign,
    CampaignState,
    Customer,
    Flow,
    Journey,
    Link,
    PaperAuthorization,
    Utility,
)
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.flow_urls import build_url
from portal.leap import reference_ids

#: Why nobody is handed a link who was erased.
WAS_ERASED = "This customer was erased: there is nobody to hand a link to."
#: A generated id that is taken already has one chance in 10^16: a second try is plenty.
_TRIES = 3
_WHY_NOT_RUNNING = {
    CampaignState.DRAFT: "The campaign “{}” is a draft: launch it first.",
    CampaignState.PAUSED: "The campaign “{}” is paused: resume it first.",
    CampaignState.CLOSED: "The campaign “{}” is closed: it issues no more links. Make a new one.",
}
_T = TypeVar("_T")


class IssueRefused(Exception):  # noqa: N818
    """A link cannot be issued; `str()` says why in words, `field` names the input that is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Issued:
    """A customer's live link: new, or the one that was there already."""

    link: Link
    created: bool
    differs: bool = False
    """The link that was there asks for other utilities than were wanted: offer to issue anew."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a link shall ask for, after the flow's rules: a Legacy utility, or the requested utilities of Connect."""

    utility: Utility | None
    requested: tuple[Utility, ...]


class FlowRules:
    """The rules of one flow and campaign, read once and asked for every customer.

    Raises IssueRefused at once if no link can come from them at all. `any_state`: the campaign need not be running,
    since a link of it is issued anew, or a launch is only foreseen.
    """

    def __init__(self, *, flow: Flow, campaign: Campaign | None = None, any_state: bool = False) -> None:
        if not flow.is_live:
            raise IssueRefused(
                f"The flow “{flow}” is {flow.get_state_display()}, not live: links come only from a live flow. "
                "An admin sets it live once Leap has configured it.",
                "flow",
            )
        if campaign is not None and not any_state and not campaign.is_running:
            raise IssueRefused(_WHY_NOT_RUNNING[CampaignState(campaign.state)].format(campaign), "campaign")
        if campaign is not None and campaign.flow_id != flow.pk:
            raise IssueRefused(f"The campaign “{campaign}” belongs to the flow “{campaign.flow}”.", "campaign")
        self.flow = flow
        self.campaign = campaign
        self.offered = {utility.pk: utility for utility in flow.utilities.all()}
        self.campaign_utilities = tuple(campaign.requested_utilities.all()) if campaign else ()

    def request_for(self, customer: Customer | None, utilities: Sequence[Utility] | None = None) -> Request:
        """Return what a link shall ask for: `utilities`, else the campaign's, else the customer's own.

        An empty sequence asks for none (Connect then shows all of the region). Raises IssueRefused.
        """
        flow = self.flow
        if customer is not None:
            self._check_customer(customer)
        wanted = utilities
        if wanted is None and self.campaign_utilities:
            wanted = self.campaign_utilities
        if wanted is None:
            wanted = [self.offered[customer.utility_id]] if customer is not None and customer.utility_id else []
        for utility in wanted:
            if utility.pk not in self.offered:
                raise IssueRefused(f"The flow “{flow}” does not offer {utility.short_name}.", "utilities")
        if flow.journey == Journey.LEGACY:
            if len(wanted) != 1:
                raise IssueRefused(
                    "A Legacy link leads to one utility: choose it, or give the customer a utility."
                    if not wanted
                    else "A Legacy link leads to one utility only: choose one.",
                    "utilities",
                )
            return Request(wanted[0], ())
        if not flow.takes_requested_utilities:
            return Request(None, ())
        chosen = {utility.pk for utility in wanted}
        return Request(None, tuple(utility for pk, utility in self.offered.items() if pk in chosen))

    def _check_customer(self, customer: Customer) -> None:
        flow = self.flow
        if customer.erased_at is not None:
            raise IssueRefused(WAS_ERASED, "customer")
        if not flow.takes_customer_type(customer.customer_type):
            raise IssueRefused(
                f"This customer is {customer.get_customer_type_display().lower()}; the flow “{flow}” takes "
                f"{flow.get_customer_types_display().lower()} customers only.",
                "customer",
            )
        if customer.utility_id and customer.utility_id not in self.offered:
            offered = ", ".join(utility.short_name for utility in self.offered.values())
            raise IssueRefused(
                f"This customer’s utility is {customer.utility}; the flow “{flow}” offers {offered}.", "customer"
            )


def issue_link(
    *,
    customer: Customer,
    flow: Flow,
    issued_by: User | None,
    campaign: Campaign | None = None,
    utilities: Sequence[Utility] | None = None,
    reference_id: str = "",
) -> Issued:
    """Hand out the customer's live link of a flow and campaign; issue it if there is none.

    `utilities` None: the campaign's, else the customer's own. `reference_id` empty: the customer's own one if it is
    free, else a generated one. Raises IssueRefused.
    """

    def issue() -> Issued:
        rules = _read_rules(flow, campaign)
        request = rules.request_for(customer, utilities)
        if hold_customers([customer.pk]):
            raise IssueRefused(WAS_ERASED, "customer")
        live = find_live_link(customer=customer, flow=flow, campaign=campaign, utility=request.utility)
        if live is not None:
            return Issued(live, created=False, differs=_differs(live, request, reference_id))
        names = _choose_names(customer=customer, wanted=reference_id)
        link = _create(rules=rules, request=request, customer=customer, names=names, by=issued_by)
        return Issued(link, created=True)

    return _try(issue)


def issue_shared_link(
    *,
    flow: Flow,
    label: str,
    issued_by: User | None,
    campaign: Campaign | None = None,
    utilities: Sequence[Utility] = (),
    reference_id: str = "",
    traceable: bool = True,
) -> Link:
    """Issue a link without a customer, for a poster or a web page (R13).

    It carries a shared reference id; with `traceable` False it carries none, and no meter can be traced to it. Raises
    IssueRefused.
    """

    def issue() -> Link:
        rules = _read_rules(flow, campaign)
        request = rules.request_for(None, utilities)
        names = _choose_names(customer=None, wanted=reference_id, traceable=traceable)
        return _create(rules=rules, request=request, customer=None, names=names, by=issued_by, label=label)

    return _try(issue)


def replace_link(
    *, link: Link, issued_by: User | None, utilities: Sequence[Utility] | None = None, reference_id: str = ""
) -> Link:
    """Issue a link anew: the old one stays as it is, marked replaced, and its short link forwards to the new URL.

    Raises IssueRefused if the link is void or replaced already, or if the flow's rules refuse.
    """
    return _try(lambda: _replace(link=link, by=issued_by, utilities=utilities, reference_id=reference_id))


def _replace(*, link: Link, by: User | None, utilities: Sequence[Utility] | None, reference_id: str) -> Link:
    if link.customer_id is not None:
        hold_customers([link.customer_id])
    link = Link.objects.select_for_update(of=("self",)).get(pk=link.pk)
    if not link.is_live:
        raise IssueRefused(why_not_replaceable(link))
    # Who has been asked may ask back, whatever has become of the campaign.
    rules = FlowRules(flow=link.flow, campaign=link.campaign, any_state=True)
    request = rules.request_for(link.customer, same_utilities(link, link.flow, utilities))
    old = Link.objects.filter(pk=link.pk)
    mark_as_being_replaced(old)
    names = _choose_names(customer=link.customer, wanted=reference_id, traceable=link.is_traceable)
    successor = _create(rules=rules, request=request, customer=link.customer, names=names, by=by, label=link.label)
    old.update(voided_at=None, void_reason="", replaced_by=successor)
    record(action=AuditAction.CHANGED, noun="link", row=link.pk, by=by, fields=["replaced_by"], link=successor.pk)
    return successor


def why_not_replaceable(link: Link) -> str:
    """Say why a link that is not live cannot be issued anew."""
    if link.voided_at:
        return "This link is void: issue a new one instead."
    return "This link has been replaced already: issue the newest one anew."


def same_utilities(link: Link, flow: Flow, utilities: Sequence[Utility] | None) -> Sequence[Utility] | None:
    """Return what a link issued anew is asked for: `utilities`, else Legacy's one utility stays as it is."""
    if utilities is None and flow.journey == Journey.LEGACY and link.utility is not None:
        return [link.utility]
    return utilities


def mark_as_being_replaced(links: QuerySet[Link]) -> None:
    """Let links leave the "one live link" until their successors are there: void, and that is taken back then.

    (Replaced by themselves would not do: one that is a successor already would then be two links' successor.)
    """
    links.update(voided_at=timezone.now(), void_reason="being replaced")


def void_link(*, link: Link, voided_by: User, reason: str) -> bool:
    """Void a link; return False if it was void already. See `void_links`."""
    return bool(void_links(links=Link.objects.filter(pk=link.pk), voided_by=voided_by, reason=reason))


@transaction.atomic
def void_links(*, links: QuerySet[Link], voided_by: User, reason: str) -> int:
    """Void links: their short links lead nowhere from now on, and proof stays proof. Return how many became void.

    Raises ValueError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why the link is void.")
    # By id, since an update takes no joins, and links chosen by a filter have some.
    chosen = links.filter(voided_at__isnull=True).order_by().values("pk")
    live = Link.objects.filter(pk__in=chosen, voided_at__isnull=True)
    # The database notes with the customers whether they still have a live link: in the order in which others hold them.
    hold_customers(live.filter(customer__isnull=False).values_list("customer", flat=True))
    record_rows(action=AuditAction.VOIDED, noun="link", rows=live, by=voided_by)
    # Asked again of the row itself: of two people at once, the first one's reason stays.
    return live.update(voided_at=timezone.now(), voided_by=voided_by, void_reason=reason[:200])


def hold_customers(customer_ids: Iterable[int]) -> set[int]:
    """Let nobody else issue links for these customers until the transaction ends; whoever tries waits.

    By id, so that two bulk actions cannot wait for each other. SQLite has one writer at a time anyway. Returns those
    who are erased: whoever read a customer before may not know it, and must not write to them what it read.
    """
    chosen = Customer.objects.filter(pk__any_of=list(customer_ids))
    if connection.features.has_select_for_update:
        list(chosen.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    return set(chosen.filter(erased_at__isnull=False).values_list("pk", flat=True))


def find_live_link(
    *, customer: Customer, flow: Flow, campaign: Campaign | None, utility: Utility | None
) -> Link | None:
    """Return the customer's one live link of a flow, campaign and, for Legacy, utility."""
    return Link.objects.live().filter(customer=customer, flow=flow, campaign=campaign, utility=utility).first()


def check_reference_id(*, reference_id: str, customer: Customer | None) -> None:
    """Raise IssueRefused unless a partner's own reference id is valid and free for this customer."""
    if (problem := reference_ids.explain(reference_id)) is not None:
        raise IssueRefused(problem, "reference_id")
    if Link.objects.filter(reference_id=reference_id).exists():
        raise IssueRefused(f"“{reference_id}” belongs to another link already.", "reference_id")
    if PaperAuthorization.objects.filter(reference_id=reference_id).exists():
        raise IssueRefused(f"“{reference_id}” belongs to a paper authorization already.", "reference_id")
    taken = Customer.objects.filter(reference_id=reference_id)
    if (taken.exclude(pk=customer.pk) if customer else taken).exists():
        raise IssueRefused(f"“{reference_id}” is kept for another customer.", "reference_id")


def _read_rules(flow: Flow, campaign: Campaign | None) -> FlowRules:
    """Read both as they are now: retired or paused since the form was shown, perhaps. Raises IssueRefused."""
    now = Campaign.objects.get(pk=campaign.pk) if campaign else None
    return FlowRules(flow=Flow.objects.get(pk=flow.pk), campaign=now)


def _try(act: Callable[[], _T]) -> _T:
    """Run `act` in a transaction; anew if somebody took an id or changed the flow in this moment.

    The database refuses what no longer fits; the next try then finds it, hands it back or says why not.
    """
    for _ in range(_TRIES - 1):
        try:
            with transaction.atomic():
                return act()
        except IntegrityError:
            continue
    with transaction.atomic():
        return act()


def _differs(live: Link, request: Request, reference_id: str) -> bool:
    """Whether the link that is there asks for something else than was wanted."""
    if reference_id and live.reference_id != reference_id:
        return True
    return {u.pk for u in live.requested_utilities.all()} != {u.pk for u in request.requested}


@dataclass(frozen=True, slots=True)
class Names:
    """What a link is known by: its reference id (None: not traceable), and the code of its short link."""

    reference_id: str | None
    code: str


def _choose_names(*, customer: Customer | None, wanted: str, traceable: bool = True) -> Names:
    """Take the partner's own id if one is wanted or free, else generate; a generated id is the code too.

    A partner's own id may be guessable, or differ from another's by case only: its code is generated.
    """
    generated = reference_ids.generate()
    code = reference_ids.to_code(generated)
    if not traceable:
        return Names(None, code)
    if wanted:
        check_reference_id(reference_id=wanted, customer=customer)
        return Names(wanted, code)
    own = customer.reference_id if customer is not None else None
    if own and not Link.objects.filter(reference_id=own).exists():
        return Names(own, code)
    return Names(generated, code)


def _create(
    *,
    rules: FlowRules,
    request: Request,
    customer: Customer | None,
    names: Names,
    by: User | None,
    label: str = "",
) -> Link:
    url = build_url(
        flow=rules.flow,
        utility_id=request.utility.utility_id if request.utility else "",
        requested_utilities=[utility.utility_id for utility in request.requested],
        reference_id=names.reference_id,
    )
    link = Link.objects.create(
        customer=customer,
        flow=rules.flow,
        campaign=rules.campaign,
        utility=request.utility,
        label=label,
        reference_id=names.reference_id,
        url=url,
        code=names.code,
        issued_by=by,
        issued_at=timezone.now(),
    )
    link.requested_utilities.set(request.requested)
    about: dict[str, Any] = {"flow": link.flow_id, "campaign": link.campaign_id, "customer": link.customer_id}
    record(action=AuditAction.ISSUED, noun="link", row=link.pk, by=by, **about)
    return link
