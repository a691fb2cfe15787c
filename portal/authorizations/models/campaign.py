"""Campaigns: named batches of links."""

from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.models.flow import Flow, FlowState
from portal.authorizations.models.job import Job
from portal.authorizations.models.utility import Utility


class Channel(models.TextChoices):
    """How a campaign reaches people."""

    DOOR = "door", "At the door"
    EMAIL = "email", "Email"
    POST = "post", "Post"
    EVENT = "event", "Fair or store"
    WEB = "web", "Web or app"
    PHONE = "phone", "Phone"


class CampaignState(models.TextChoices):
    """Where a campaign stands: only a running one issues links and sends mails."""

    DRAFT = "draft", "draft"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    CLOSED = "closed", "closed"

    @property
    def source(self) -> str:
        """The look of its badge. No colour: it is nobody’s word about a link."""
        return "on" if self is CampaignState.RUNNING else ""


class AudienceKind(models.TextChoices):
    """How a campaign's customers are chosen."""

    FILTER = "filter", "Customers that match a filter"
    IMPORT = "import", "The customers of an imported list"
    SELECTION = "selection", "Ticked customers"
    NOBODY = "", "Nobody yet: links are issued one by one, or hang on a poster or a web page"


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def to_choose(self) -> Self:
        """By name, and nothing but the name: there are hundreds in the filters of each list."""
        return self.order_by("name").only("name")

    def running(self) -> Self:
        """Those that links can be issued in: launched, neither paused nor closed."""
        return self.filter(state=CampaignState.RUNNING)

    def running_on(self, day: date) -> Self:
        """Begun and not over on that day; a campaign without dates always runs."""
        return self.filter(
            Q(starts_on__isnull=True) | Q(starts_on__lte=day), Q(ends_on__isnull=True) | Q(ends_on__gte=day)
        )

    def mailing_on(self, day: date) -> Self:
        """Those whose mails go out on that day, as `why_no_mails` says of one of them."""
        return self.running().running_on(day).filter(flow__state=FlowState.LIVE)

    def over_on(self, day: date) -> Self:
        """Their last day is past: they neither mail nor remind, and links keep working."""
        return self.filter(ends_on__lt=day)

    def to_come_on(self, day: date) -> Self:
        """Not begun on that day: their mails wait."""
        return self.filter(starts_on__gt=day)

    def with_counts(self) -> Self:
        """Add issued, visited, returned and proven: how many links got so far, in one query."""
        from portal.authorizations.models.link import PROVEN

        return self.annotate(
            issued=Count("links"),
            visited=Count("links", filter=Q(links__first_visited_at__isnull=False)),
            returned=Count("links", filter=Q(links__first_returned_at__isnull=False)),
            proven=Count("links", filter=Q(links__status__in=PROVEN)),
        )

    def with_figures(self) -> Self:
        """Add the same from what the worker counted last: no link is read. Not counted yet: 0."""
        return self.annotate(
            issued=Coalesce("figures__issued", 0),
            visited=Coalesce("figures__visited", 0),
            returned=Coalesce("figures__returned", 0),
            proven=Coalesce("figures__authorized", 0),
        )


class Campaign(models.Model):
    """A named batch of links from one flow."""

    name = models.CharField(max_length=100, unique=True)
    # Only a draft may lack it, which a constraint holds; all but the wizard may take it for granted.
    flow: "models.ForeignKey[Flow | None, Flow]" = models.ForeignKey(  # type: ignore[misc]
        Flow, null=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    requested_utilities = models.ManyToManyField(
        Utility,
        blank=True,
        related_name="+",
        help_text="Asked for in every link of the campaign. None chosen: each customer's own utility.",
    )
    state = models.CharField(
        max_length=10, choices=CampaignState.choices, default=CampaignState.RUNNING, editable=False
    )
    audience = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Whom the campaign asks: a list's filter, an import or chosen customers. Empty: nobody yet.",
    )
    stock = models.CharField(max_length=40, blank=True, editable=False, help_text="The paper its codes are printed on.")
    print_options = models.JSONField(
        default=dict, blank=True, editable=False, help_text="What stands beside a code, and where it leads."
    )
    reminds_abandoned = models.BooleanField(
        "remind who began and left",
        default=False,
        help_text="Within the hour, after a day and after three days, as Leap advises.",
    )
    no_visit_days = models.JSONField(
        default=list, blank=True, editable=False, help_text="Days after the invitation on which a reminder follows."
    )
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    launched_at = models.DateTimeField(null=True, blank=True, editable=False)
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    launch_job = models.ForeignKey(
        Job, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    state_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    state_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="campaign_ends_after_it_starts",
                violation_error_message="The campaign ends before it starts.",
            ),
            models.CheckConstraint(condition=Q(state__in=CampaignState.values), name="campaign_state_known"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(flow__isnull=False),
                name="campaign_has_a_flow",
                violation_error_message="Only a draft may be without a flow.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self.state == CampaignState.DRAFT

    @property
    def is_running(self) -> bool:
        return self.state == CampaignState.RUNNING

    @property
    def is_closed(self) -> bool:
        return self.state == CampaignState.CLOSED

    @property
    def is_over(self) -> bool:
        """Whether its last day is past, and nobody has closed it."""
        return self._is_open and self.ends_on is not None and self.ends_on < timezone.localdate()

    @property
    def is_to_come(self) -> bool:
        """Whether it is launched and its first day lies ahead."""
        return self._is_open and self.starts_on is not None and self.starts_on > timezone.localdate()

    @property
    def dates_badge(self) -> str:
        """What its dates say against its state: such a campaign “runs”, and no mail of it leaves."""
        return "over" if self.is_over else "not begun" if self.is_to_come else ""

    @property
    def _is_open(self) -> bool:
        return self.state in (CampaignState.RUNNING, CampaignState.PAUSED)

    @property
    def audience_kind(self) -> AudienceKind:
        kind: Any = self.audience.get("kind", "")
        return AudienceKind(kind) if kind in AudienceKind.values else AudienceKind.NOBODY

    @property
    def is_mailed(self) -> bool:
        return self.channel == Channel.EMAIL

    def why_no_mails(self, day: date) -> str:
        """Return why none of its mails goes out on that day, "": they do."""
        if self.state != CampaignState.RUNNING:
            return f"The campaign is {self.get_state_display()}."
        if self.starts_on and self.starts_on > day:
            return f"The campaign begins on {date_format(self.starts_on)}."
        if self.ends_on and self.ends_on < day:
            return f"The campaign ended on {date_format(self.ends_on)}."
        if not self.flow.is_live:
            return f"Its flow is {self.flow.get_state_display()}, not live."
        return ""

    def may_go_out_by(self, user: User) -> bool:
        """Whether a person may let it run: launch, carry on, resume. Mails need a permission of their own."""
        return not self.is_mailed or user.has_perm("authorizations.send_mail")

    @property
    def is_printed(self) -> bool:
        """Whether its links go out on paper, if a stock is chosen."""
        return self.channel in (Channel.DOOR, Channel.POST)
