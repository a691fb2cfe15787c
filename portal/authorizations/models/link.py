"""Links: each is one issued URL, and how far it got."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from portal.accounts.models import User
from portal.authorizations.models.batch import Batch, KeptLink
from portal.authorizations.models.campaign import Campaign
from portal.authorizations.models.customer import Customer
from portal.authorizations.models.expressions import HasNoValue, IsUnreserved
from portal.authorizations.models.flow import Flow
from portal.authorizations.models.search import SearchableQuerySet
from portal.authorizations.models.utility import Utility
from portal.leap import reference_ids


class LinkStatus(models.TextChoices):
    """The furthest a link got: what Leap says first, then void, then what a browser claims, then what we saw."""

    ENROLLED = "enrolled", "enrolled"
    METERED = "metered", "metered"
    AUTHORIZED = "authorized", "authorized"
    VOID = "void", "void"
    RETURNED = "returned", "returned"
    VISITED = "visited", "visited"
    ISSUED = "issued", "issued"

    @property
    def source(self) -> str:
        """Whose word it is, which is also its colour on every screen: leap, claims, saw or fault."""
        if self in PROVEN:
            return "leap"
        return {LinkStatus.RETURNED: "claims", LinkStatus.VOID: "fault"}.get(self, "saw")


PROVEN = (LinkStatus.ENROLLED, LinkStatus.METERED, LinkStatus.AUTHORIZED)

#: Leap has proven nothing of the link, and the customer can still be asked by it or its successor. The milestones and
#: not the status: a database takes an index for a query that says the same in the same words.
_UNPROVEN = Q(authorized_at__isnull=True, metered_at__isnull=True, enrolled_at__isnull=True, voided_at__isnull=True)
#: Failed at a utility, and nothing is proven.
FAILING = Q(failed_at__isnull=False) & _UNPROVEN
#: Came back, and nothing is proven: a claim alone.
CLAIMED_ONLY = Q(first_returned_at__isnull=False, customer__isnull=False) & _UNPROVEN
#: The same in the words of the index that serves it: of `status`, SQLite would take the other index.
IS_PROVEN = Q(authorized_at__isnull=False) | Q(metered_at__isnull=False) | Q(enrolled_at__isnull=False)

#: How long an authorization takes to become a meter where no utility is known: the slowest take a week.
DEFAULT_EXPECTED_DAYS = 7


def count_of_each_step(*, distinct: bool = False) -> dict[str, Count]:
    """Aggregates over links, one for each step of the journey, and what browsers claim beside them.

    A proven step implies the earlier proven ones: whoever is metered was authorized, and whoever is authorized was at
    the utility. "visited" implies nothing and is implied by nothing: it is what the portal itself saw, and a customer
    who was given Leap's URL directly never passes by.
    """
    proven = Q(status__in=PROVEN)
    steps = {
        "issued": Q(),
        "visited": Q(first_visited_at__isnull=False),
        "returned": Q(first_returned_at__isnull=False),
        "at_utility": Q(at_utility_at__isnull=False) | proven,
        "authorized": proven,
        "metered": Q(metered_at__isnull=False) | Q(enrolled_at__isnull=False),
        "enrolled": Q(enrolled_at__isnull=False),
        "claimed_only": Q(first_returned_at__isnull=False) & ~proven,
    }
    return {name: Count("pk", filter=condition, distinct=distinct) for name, condition in steps.items()}


class LinkQuerySet(SearchableQuerySet["Link"]):
    def visible_to(self, user: User) -> Self:
        """Everyone's for those with the permission; a field rep's own: issued by the rep, or of the rep's customers."""
        links = self.handed_out()
        if user.has_perm("authorizations.view_every_link"):
            return links
        return links.filter(Q(issued_by=user) | Q(customer__assigned_rep=user) | Q(customer__added_by=user))

    def listed_for(self, user: User) -> Self:
        """The same for a list: a rep's own are looked up first, where one link alone is found by its key."""
        links = self.visible_to(user)
        return links if user.has_perm("authorizations.view_every_link") else links.of_rep(user)

    def of_rep(self, rep: User) -> Self:
        """A rep's to hand out: of the rep's customers, or issued by the rep. Each part from its own index."""
        links = self.model.objects.order_by()
        assigned, added = links.filter(customer__assigned_rep=rep), links.filter(customer__added_by=rep)
        own = links.filter(issued_by=rep).values("pk").union(assigned.values("pk"), added.values("pk"))
        return self.filter(pk__in=own)

    def handed_out(self) -> Self:
        """Without the links that devices keep in reserve: they belong to nobody yet, and are no posters either."""
        from portal.authorizations.models.door_device import ReservedLink

        return self.filter(~Exists(ReservedLink.objects.filter(link=OuterRef("pk"))))

    def live(self) -> Self:
        """Neither void nor replaced."""
        return self.filter(HasNoValue(F("replaced_by")), voided_at__isnull=True)

    def printable(self) -> Self:
        """Those whose code is worth paper: live, traceable (a code without a reference id proves nothing), not refused.

        Whoever refused at the door is not asked on paper either; a poster has no customer.
        """
        return self.live().filter(reference_id__isnull=False, customer__refused_at__isnull=True)

    def in_walking_order(self) -> Self:
        """As customers stand in walking order; links without a customer last."""
        last = Case(When(customer__isnull=True, then=2), When(customer__door_order="", then=1), default=0)
        return self.order_by(last, "customer__door_order", "customer__name", "label", "pk")

    def of_batch(self, batch: Batch, part: str = "") -> Self:
        """What a bulk action handed out; `part`: new, kept (there already) or differing (of these)."""
        kept = KeptLink.objects.filter(batch=batch)
        if part == "new":
            return self.filter(batch=batch)
        if part:
            kept = kept.filter(differs=True) if part == "differing" else kept
            return self.filter(pk__in=kept.values("link"))
        issued = self.model.objects.filter(batch=batch).order_by().values("pk")
        return self.filter(pk__in=issued.union(kept.order_by().values("link")))

    def with_people(self) -> Self:
        """All that a row of a list shows, in one query and one more for the requested utilities."""
        return self.select_related(
            "customer", "flow", "campaign", "utility", "issued_by", "replaced_by"
        ).prefetch_related("requested_utilities")

    def with_export_columns(self) -> Self:
        """All that a row of an export shows but what is the same for many links: see `FEW`."""
        return self.select_related("customer")

    def with_counts(self) -> Self:
        """Add visit_count and confirmation_count, counted from the event rows themselves."""
        from portal.authorizations.models.confirmation import Confirmation
        from portal.authorizations.models.visit import Visit

        def count(rows: models.QuerySet[Any]) -> Coalesce:
            per_link = rows.filter(link=OuterRef("pk")).order_by().values("link").annotate(n=Count("pk")).values("n")
            return Coalesce(Subquery(per_link), 0)

        return self.annotate(
            visit_count=count(Visit.objects.all()),
            confirmation_count=count(Confirmation.objects.by_people()),
        )

    def with_meter_count(self) -> Self:
        """Add meter_count: how many meters match the link."""
        from portal.authorizations.models.meter import MeterMatch

        meters = MeterMatch.objects.filter(link=OuterRef("pk")).order_by()
        return self.annotate(
            meter_count=Coalesce(Subquery(meters.values("link").annotate(n=Count("pk")).values("n")), 0)
        )

    def count_steps(self) -> dict[str, int]:
        """How many links got how far: each step counts those that Leap says got further, too. A claim is no step."""
        return self.aggregate(**count_of_each_step())

    def count_steps_by(self, key: Any, *, distinct: bool = False) -> list[Any]:
        """The same counts in a dict for each value of one expression (`key`); a link with several values is in each.

        `distinct` where an expression's joins yield a link several times with one value.
        """
        counts = count_of_each_step(distinct=distinct)
        return list(self.order_by().annotate(key=key).values("key").annotate(**counts))

    def failing(self) -> Self:
        """Failed at a utility, live, and nothing proven since: somebody has to help."""
        return self.live().filter(FAILING)

    def asking_for(self, utilities: "Iterable[Utility]") -> Self:
        """Links for one of these utilities: Legacy's, a requested one, or where none is asked for the customer's.

        From the marks of the index of words, which the database keeps: the question spans three tables.
        """
        return self.marked(*(f"u{utility.pk}" for utility in utilities))

    def with_expected_days(self) -> Self:
        """Add expected_days: the longest that a utility of the link takes; unknown: DEFAULT_EXPECTED_DAYS."""
        requests = self.model.requested_utilities.through.objects.filter(link=OuterRef("pk")).order_by()
        longest = requests.values("link").annotate(days=Max("utility__expected_days")).values("days")  # type: ignore[misc]
        days = Coalesce(
            "utility__expected_days", Subquery(longest), "customer__utility__expected_days", DEFAULT_EXPECTED_DAYS
        )
        return self.annotate(expected_days=days)

    def overdue_claims(self, now: datetime) -> Self:
        """Came back, and Leap has not proven it after the utility's expected days.

        Nothing to ask any more: void links, and those issued anew whose successor Leap has proven. Nobody to ask:
        links without a customer.
        """
        known = {DEFAULT_EXPECTED_DAYS, *Utility.objects.order_by().values_list("expected_days", flat=True).distinct()}
        # Most are overdue at any utility: of those the database need not ask which.
        overdue = Q(first_returned_at__lt=now - timedelta(days=max(known)))
        for days in sorted(known)[:-1]:
            overdue |= Q(expected_days=days, first_returned_at__lt=now - timedelta(days=days))
        # Those whose status is returned, in words that leave the index on it aside: the oldest return comes first. The
        # soonest of them as a bound of its own: an index finds it.
        returned = Q(first_returned_at__lt=now - timedelta(days=min(known)), voided_at__isnull=True) & ~IS_PROVEN
        unproven = self.with_expected_days().filter(returned, overdue, customer__isnull=False)
        return unproven.exclude(replaced_by__status__in=PROVEN)

    def among_claims(self) -> Self:
        """Those that are claims alone, by their keys: an index holds these, and meets words before rows are read."""
        return self.filter(pk__in=self.model.objects.filter(CLAIMED_ONLY).order_by().values("pk"))

    def long_overdue_claims(self, now: datetime) -> Self:
        """Those of the overdue claims that are so at any utility: what an index alone finds, to count them."""
        slowest = Utility.objects.aggregate(days=Max("expected_days"))["days"] or 0
        before = now - timedelta(days=max(slowest, DEFAULT_EXPECTED_DAYS))
        return self.filter(CLAIMED_ONLY, first_returned_at__lt=before).exclude(replaced_by__status__in=PROVEN)


class Link(models.Model):
    """One issued URL. Its url, code and reference id never change: a trigger in the database holds that."""

    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="links", db_index=False)
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="links", db_index=False
    )
    utility = models.ForeignKey(
        Utility, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Legacy only."
    )
    requested_utilities = models.ManyToManyField(Utility, blank=True, related_name="+", help_text="Connect only.")
    label = models.CharField(
        max_length=100, blank=True, help_text="Where a link without a customer hangs: poster, lobby."
    )
    reference_id = models.CharField(
        "reference id", max_length=reference_ids.MAX_LENGTH, null=True, blank=True, unique=True
    )
    url = models.CharField("URL", max_length=1000)
    code = models.CharField(max_length=20, unique=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="issued_links",
        db_index=False,
    )
    issued_at = models.DateTimeField()
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="links", help_text="The bulk action."
    )
    replaced_by = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaces")
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    void_reason = models.CharField(max_length=200, blank=True)
    first_visited_at = models.DateTimeField(null=True, blank=True)
    first_returned_at = models.DateTimeField(null=True, blank=True)
    at_utility_at = models.DateTimeField(null=True, blank=True)
    authorized_at = models.DateTimeField(null=True, blank=True)
    metered_at = models.DateTimeField(null=True, blank=True)
    enrolled_at = models.DateTimeField(null=True, blank=True)
    # Marks beside the status, not steps of it.
    failed_at = models.DateTimeField(null=True, blank=True)
    printed_at = models.DateTimeField(null=True, blank=True)
    status = models.GeneratedField(
        expression=Case(
            When(enrolled_at__isnull=False, then=Value("enrolled")),
            When(metered_at__isnull=False, then=Value("metered")),
            When(authorized_at__isnull=False, then=Value("authorized")),
            When(voided_at__isnull=False, then=Value("void")),
            When(first_returned_at__isnull=False, then=Value("returned")),
            When(first_visited_at__isnull=False, then=Value("visited")),
            default=Value("issued"),
        ),
        output_field=models.CharField(max_length=12, choices=LinkStatus.choices),
        db_persist=True,
    )

    #: What many links have in common: an export reads each of these rows once.
    FEW: ClassVar[tuple[str, ...]] = ("flow", "campaign", "utility", "issued_by", "requested_utilities")

    objects = LinkQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("view_every_link", "Can view links of every rep"),
            ("void_link", "Can void links"),
            ("export_link", "Can export links"),
            ("issue_shared_link", "Can issue links without a customer"),
        ]
        indexes = [
            # Each serves one filter of the list, whose page it yields in the key's order. Utility, region and customer
            # type stand as marks in the index of words; live, unproven and "no meter yet" are what most links are.
            models.Index(fields=["status", "-id"], name="link_status"),
            models.Index(fields=["failed_at", "id"], condition=FAILING, name="link_failing"),
            # “voided_at” first, of which the query says that it is null: else SQLite takes link_returned.
            models.Index(
                fields=["voided_at", "first_returned_at", "id"], condition=CLAIMED_ONLY, name="link_claimed_only"
            ),
            models.Index(fields=["campaign", "id"], name="link_by_campaign"),
            models.Index(fields=["flow", "id"], name="link_by_flow"),
            models.Index(fields=["issued_by", "id"], name="link_by_issuer"),
            models.Index(fields=["issued_at", "id"], name="link_by_day"),
            # "Returned before", and the claims without proof, the oldest first.
            models.Index(
                fields=["first_returned_at", "id"], condition=Q(first_returned_at__isnull=False), name="link_returned"
            ),
            models.Index(fields=["id"], condition=IS_PROVEN, name="link_proven"),
            models.Index(fields=["id"], condition=Q(voided_at__isnull=False), name="link_void"),
            models.Index(fields=["id"], condition=Q(replaced_by__isnull=False), name="link_replaced"),
            models.Index(fields=["id"], condition=Q(failed_at__isnull=False), name="link_failed"),
            models.Index(fields=["id"], condition=Q(printed_at__isnull=False), name="link_printed"),
            models.Index(fields=["id"], condition=Q(printed_at__isnull=True), name="link_unprinted"),
            models.Index(fields=["id"], condition=Q(customer__isnull=True), name="link_shared"),
            models.Index(fields=["id"], condition=Q(reference_id__isnull=True), name="link_untraceable"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reference_id__isnull=True)
                | Q(IsUnreserved("reference_id", minimum=reference_ids.MIN_LENGTH, maximum=reference_ids.MAX_LENGTH)),
                name="link_reference_id_characters",
                violation_error_message="A reference id has 3 to 50 characters of A–Z a–z 0–9 - . _ ~.",
            ),
            models.CheckConstraint(
                condition=Q(customer__isnull=True) | Q(reference_id__isnull=False),
                name="link_of_a_customer_has_a_reference_id",
                violation_error_message="A customer's link carries a reference id: without one it could not be traced.",
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True) | ~Q(void_reason=""),
                name="link_void_has_a_reason",
                violation_error_message="Say why the link is void.",
            ),
            # Two constraints, since SQLite takes no "nulls not distinct"; Connect links have no utility: Coalesce.
            models.UniqueConstraint(
                F("customer"),
                F("flow"),
                Coalesce("utility", 0),
                condition=Q(
                    customer__isnull=False, campaign__isnull=True, voided_at__isnull=True, replaced_by__isnull=True
                ),
                name="one_live_link",
            ),
            models.UniqueConstraint(
                F("customer"),
                F("flow"),
                F("campaign"),
                Coalesce("utility", 0),
                condition=Q(
                    customer__isnull=False, campaign__isnull=False, voided_at__isnull=True, replaced_by__isnull=True
                ),
                name="one_live_link_in_campaign",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The customer's name, or where the link hangs."""
        if self.customer_id is not None:
            return str(self.customer)
        return self.label or ("Shared link" if self.reference_id else "Anonymous link")

    @property
    def is_live(self) -> bool:
        return self.voided_at is None and self.replaced_by_id is None

    @property
    def is_shared(self) -> bool:
        """Without a customer: counts instead of a status."""
        return self.customer_id is None

    @property
    def is_traceable(self) -> bool:
        """Leap's meters can be traced back to it (R13)."""
        return self.reference_id is not None

    @property
    def code_in_groups(self) -> str:
        """The code as one reads it aloud: 7F3K-9X2M-4QAB."""
        return reference_ids.group_code(self.code)

    @property
    def short_path(self) -> str:
        return f"/go/{self.code.lower()}"

    @property
    def short_url(self) -> str:
        """The short link as people read and click it."""
        return f"{settings.PUBLIC_URL}{self.short_path}"

    @property
    def short_url_for_codes(self) -> str:
        """The short link in capitals: QR's alphanumeric mode needs fewer modules for it."""
        return f"{settings.PUBLIC_URL}/GO/{self.code}".upper()

    @property
    def utilities_asked(self) -> list[Utility]:
        """The Legacy utility, or the requested utilities of a Connect link; empty: all of the flow's."""
        return [self.utility] if self.utility else list(self.requested_utilities.all())

    @property
    def badge(self) -> LinkStatus:
        return LinkStatus(self.status)
