"""Campaigns: named batches of links."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce

from portal.authorizations.models.flow import Flow
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


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def running_on(self, day: date) -> Self:
        """Begun and not over on that day; a campaign without dates always runs."""
        return self.filter(
            Q(starts_on__isnull=True) | Q(starts_on__lte=day), Q(ends_on__isnull=True) | Q(ends_on__gte=day)
        )

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
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="campaigns")
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

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="campaign_ends_after_it_starts",
                violation_error_message="The campaign ends before it starts.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
