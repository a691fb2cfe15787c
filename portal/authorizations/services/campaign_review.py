"""Look at a campaign before its launch: whom it reaches, who is left out or refused and why, what stands in the way.

Counted inside the database, in one pass over the audience, whatever its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Case, CharField, Count, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.formats import date_format

from portal.authorizations.models import (
    PROVEN,
    AudienceKind,
    Campaign,
    Channel,
    Customer,
    Installation,
    Link,
    Utility,
)
from portal.authorizations.services.campaign_print import explain_print
from portal.authorizations.services.flow_preview import EXAMPLE_REFERENCE_ID
from portal.authorizations.services.flow_urls import build_url
from portal.authorizations.services.links import FlowRules, IssueRefused
from portal.authorizations.services.mail_server import writes_to_the_log
from portal.authorizations.services.mailings import explain_no_sending
from portal.leap import reference_ids
from portal.leap.authorization_urls import mark_variable_parts

#: Why customers of an audience are left out, whatever the flow: the first that holds, in words.
LEFT_OUT = {
    "erased": "Erased",
    "refused": "Refused at the door",
    "no_address": "No email address",
    "stopped": "Unsubscribed, or their mail came back",
    "proven": "Authorized in this flow already, as Leap says",
    "linked": "Have a live link of this flow from another campaign",
}
#: The name of the other reason: the flow does not take the customer's utility or type.
REFUSED_BY_FLOW = "refused_by_flow"
#: In an audience, whether who has a link of the flow from another campaign is left out; without it they are asked.
WITHOUT_LINKED = "without_linked"
#: Customers, or campaigns, that stand as examples beside a reason.
EXAMPLES = 3
#: The hour of the day at which a campaign that begins later sends its first mail.
FIRST_MAIL = time(9)


@dataclass(frozen=True, slots=True)
class Group:
    """Customers who get no link for one reason (its name: in LEFT_OUT), the first few of them to look at."""

    name: str
    reason: str
    count: int
    examples: list[Customer]


@dataclass(frozen=True, slots=True)
class Sample:
    """A link exactly as one of these customers will have it, but for its reference id and code."""

    customer: Customer
    url: str
    code: str = reference_ids.to_code(EXAMPLE_REFERENCE_ID)

    @property
    def short_url(self) -> str:
        return Link(code=self.code).short_url

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [{"text": text, "marked": marked} for text, marked in mark_variable_parts(self.url)]


@dataclass(frozen=True, slots=True)
class Blocker:
    """What has to be done before the launch; `step` is the step of the wizard, or the place, where it is done."""

    reason: str
    step: str


@dataclass(slots=True)
class Review:
    """What a launch would do now."""

    total: int = 0
    is_counted: bool = False
    """Whether the flow could be asked whom it takes; before, nothing is known of `new`, `kept` and `refused`."""
    new: int = 0
    kept: int = 0
    linked: int = 0
    """Of those who have a link afterwards, how many have one of the same flow from another campaign."""
    linked_by: list[str] = field(default_factory=list)
    """The names of such campaigns, one more than EXAMPLES at most."""
    left_out: list[Group] = field(default_factory=list)
    refused: list[Group] = field(default_factory=list)
    sample: Sample | None = None
    blockers: list[Blocker] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """Customers who have a link afterwards."""
        return self.new + self.kept

    @property
    def linked_words(self) -> str:
        """The first few of such campaigns by name."""
        more = " and others" if len(self.linked_by) > EXAMPLES else ""
        return ", ".join(self.linked_by[:EXAMPLES]) + more

    @property
    def left_out_count(self) -> int:
        return sum(group.count for group in self.left_out)

    @property
    def refused_count(self) -> int:
        return sum(group.count for group in self.refused)

    @property
    def is_ready(self) -> bool:
        return not self.blockers


def with_fates(customers: QuerySet[Customer], campaign: Campaign) -> QuerySet[Any]:
    """Add `fate`: the name in LEFT_OUT of why the campaign leaves a customer out, empty for whom it asks."""
    # Sets that are read once, not a look for each customer: SQLite may take the wrong index for those.
    proven = Link.objects.filter(flow=campaign.flow_id, status__in=PROVEN, customer__isnull=False).values("customer")
    whens = [
        When(erased_at__isnull=False, then=Value("erased")),
        When(refused_at__isnull=False, then=Value("refused")),
    ]
    if campaign.is_mailed:
        whens += [
            When(email="", then=Value("no_address")),
            When(mail_stopped_at__isnull=False, then=Value("stopped")),
        ]
    whens.append(When(pk__in=proven, then=Value("proven")))
    if campaign.audience.get(WITHOUT_LINKED):
        whens.append(When(pk__in=_links_of_others(campaign).values("customer"), then=Value("linked")))
    return customers.annotate(fate=Case(*whens, default=Value(""), output_field=CharField()))


def review_campaign(*, campaign: Campaign, customers: QuerySet[Customer]) -> Review:
    """Return what a launch over these customers (its audience, as far as the person may see it) would do now."""
    review = Review(blockers=list(_find_blockers(campaign)))
    _count(review, campaign, with_fates(customers, campaign))
    review.blockers += _check_numbers(campaign, review)
    review.warnings += _find_warnings(campaign, review)
    return review


def list_left_out(*, campaign: Campaign, customers: QuerySet[Customer], name: str) -> QuerySet[Customer]:
    """Return whom of these customers a launch would leave out for one reason, by its name in LEFT_OUT."""
    return with_fates(customers, campaign).filter(fate=name)


def list_refused(
    *, campaign: Campaign, customers: QuerySet[Customer]
) -> tuple[QuerySet[Customer], dict[tuple[Any, str], str]]:
    """Return whom of these customers the flow refuses, and why: by utility and customer type."""
    asked = with_fates(customers, campaign).filter(fate="")
    if not _has_live_flow(campaign):
        return asked.none(), {}
    kinds = set(asked.order_by().values_list("utility", "customer_type").distinct())
    reasons = {kind: reason for kind, reason in _ask_flow(campaign, kinds).items() if reason}
    return (asked.filter(_of_kinds(list(reasons))) if reasons else asked.none()), reasons


def first_mail_at(campaign: Campaign) -> datetime:
    """When the campaign's first mail may go out: now, or on the morning of the day on which it begins."""
    now = timezone.now()
    if campaign.starts_on and campaign.starts_on > timezone.localdate(now):
        return timezone.make_aware(datetime.combine(campaign.starts_on, FIRST_MAIL))
    return now


def sending_takes(mails: int) -> timedelta:
    """Return how long so many mails take at the installation's rate."""
    return timedelta(minutes=-(-mails // Installation.objects.current().mails_per_minute))


def _links_of_others(campaign: Campaign) -> QuerySet[Link]:
    """Live links of customers, of the campaign's flow, from other campaigns."""
    links = Link.objects.live().filter(flow=campaign.flow_id, campaign__isnull=False, customer__isnull=False)
    return links.exclude(campaign=campaign.pk).order_by()


def _count(review: Review, campaign: Campaign, customers: QuerySet[Any]) -> None:
    """One statement counts, one more for each reason reads its examples: reasons are few, customers many."""
    linked = Link.objects.live().filter(flow=campaign.flow_id, campaign=campaign, customer__isnull=False)
    has_link = Case(When(pk__in=linked.values("customer"), then=True), default=False, output_field=BooleanField())
    others = _links_of_others(campaign)
    has_other = Case(When(pk__in=others.values("customer"), then=True), default=False, output_field=BooleanField())
    counted = customers.order_by().annotate(has_link=has_link, has_other=has_other)
    kinds_of_rows = counted.values("fate", "has_link", "has_other", "utility", "customer_type")
    rows = list(kinds_of_rows.annotate(n=Count("pk", distinct=True)))
    review.total = sum(row["n"] for row in rows)
    for fate, words in LEFT_OUT.items():
        if count := sum(row["n"] for row in rows if row["fate"] == fate):
            review.left_out.append(Group(fate, words, count, _examples(customers.filter(fate=fate))))
    if not _has_live_flow(campaign):
        # Whom it takes cannot be said; what to do about it stands among the blockers.
        return
    review.is_counted = True
    asked = [row for row in rows if not row["fate"]]
    reasons: dict[str, list[tuple[Any, str]]] = {}
    numbers: dict[str, int] = {}
    good: list[tuple[Any, str]] = []
    answers = _ask_flow(campaign, {(row["utility"], row["customer_type"]) for row in asked})
    for row in asked:
        kind = (row["utility"], row["customer_type"])
        if reason := answers[kind]:
            reasons.setdefault(reason, []).append(kind)
            numbers[reason] = numbers.get(reason, 0) + row["n"]
            continue
        good.append(kind)
        review.linked += row["n"] if row["has_other"] else 0
        if row["has_link"]:
            review.kept += row["n"]
        else:
            review.new += row["n"]
    for reason, kinds in sorted(reasons.items(), key=lambda item: -numbers[item[0]]):
        found = _examples(customers.filter(_of_kinds(kinds), fate=""))
        review.refused.append(Group(REFUSED_BY_FLOW, reason, numbers[reason], found))
    if good:
        first = customers.filter(_of_kinds(good), fate="").select_related("utility").order_by("pk").first()
        review.sample = _sample(campaign, first) if first else None
    if review.linked:
        theirs = others.filter(customer__in=customers.filter(_of_kinds(good), fate="").order_by().values("pk"))
        names = Campaign.objects.filter(pk__in=theirs.values("campaign")).order_by("name")
        review.linked_by = list(names.values_list("name", flat=True)[: EXAMPLES + 1])


def _has_live_flow(campaign: Campaign) -> bool:
    return campaign.flow_id is not None and campaign.flow.is_live


def _ask_flow(campaign: Campaign, kinds: set[tuple[Any, str]]) -> dict[tuple[Any, str], str]:
    """Return for each pair of utility and customer type why the flow refuses it, or "" if it does not."""
    utilities = Utility.objects.in_bulk([pk for pk, _ in kinds if pk is not None])
    rules = FlowRules(flow=campaign.flow, campaign=campaign, any_state=True)
    answers = {}
    for pk, customer_type in kinds:
        customer = Customer(utility=utilities.get(pk), customer_type=customer_type)
        try:
            rules.request_for(customer)
            answers[pk, customer_type] = ""
        except IssueRefused as refusal:
            answers[pk, customer_type] = str(refusal)
    return answers


def _of_kinds(kinds: Sequence[tuple[Any, str]]) -> Q:
    wanted = Q()
    for utility, customer_type in kinds:
        wanted |= Q(utility=utility, customer_type=customer_type)
    return wanted


def _examples(customers: QuerySet[Customer]) -> list[Customer]:
    return list(customers.order_by("pk")[:EXAMPLES])


def _sample(campaign: Campaign, customer: Customer) -> Sample:
    request = FlowRules(flow=campaign.flow, campaign=campaign, any_state=True).request_for(customer)
    url = build_url(
        flow=campaign.flow,
        utility_id=request.utility.utility_id if request.utility else "",
        requested_utilities=[utility.utility_id for utility in request.requested],
        reference_id=EXAMPLE_REFERENCE_ID,
    )
    return Sample(customer, url)


def _find_blockers(campaign: Campaign) -> "Sequence[Blocker]":
    """What stands in the way, whoever the audience is."""
    found = []
    if campaign.flow_id is None:
        found.append(Blocker("Choose the flow that the links come from.", "flow"))
    elif not campaign.flow.is_live:
        found.append(
            Blocker(
                f"The flow “{campaign.flow}” is {campaign.flow.get_state_display()}, and links come only from a live "
                "one. Choose another flow, or ask an admin to set it live once Leap has configured it.",
                "flow",
            )
        )
    if campaign.ends_on and campaign.ends_on < timezone.localdate():
        found.append(Blocker("The campaign’s last day is over. Give it another one.", "basics"))
    if campaign.is_mailed:
        found += _check_mail()
    return found


def _check_mail() -> "Sequence[Blocker]":
    found = []
    if reason := explain_no_sending(Installation.objects.read()):
        found.append(Blocker(reason, "installation"))
    if writes_to_the_log() and not settings.SANDBOX:
        found.append(
            Blocker(
                "No mail server is set: mails would only be written to the portal’s log. Set EMAIL_URL to an SMTP "
                "server and start the portal anew.",
                "",
            )
        )
    return found


def _check_numbers(campaign: Campaign, review: Review) -> "Sequence[Blocker]":
    if campaign.audience_kind is AudienceKind.NOBODY:
        if campaign.is_mailed:
            return [Blocker("Nobody is chosen to be written to. Choose the audience.", "audience")]
        return []
    if not review.total:
        return [Blocker("Nobody is in the audience. Choose another one, or “Nobody yet”.", "audience")]
    if _has_live_flow(campaign) and not review.reached:
        return [Blocker("Nobody of the audience would get a link, for the reasons below.", "audience")]
    if reason := explain_print(campaign, review.reached):
        return [Blocker(reason, "print")]
    return []


def _find_warnings(campaign: Campaign, review: Review) -> "Sequence[str]":
    found = []
    if campaign.is_mailed and writes_to_the_log() and settings.SANDBOX:
        found.append("This is a rehearsal: no mail server is set, and mails are only written to the portal’s log.")
    if campaign.channel == Channel.POST and not campaign.stock:
        found.append(
            "Nothing is printed at the launch, and a letter needs its code: choose the paper, or print the codes "
            "afterwards from the campaign’s page."
        )
    if campaign.starts_on and campaign.starts_on > timezone.localdate() and campaign.is_mailed:
        found.append(
            f"The links are issued at the launch; the first mail leaves on {date_format(campaign.starts_on)}, when the "
            "campaign begins."
        )
    return found
