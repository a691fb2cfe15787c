"""Figures: how many links got how far, counted by the worker, so that no page counts a million rows."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from portal.authorizations.models.campaign import Campaign


class Figures(models.Model):
    """What one count found: for one campaign, all of its links; without one, what home shows of all customers' links.

    A memory, not the truth: it may be thrown away and counted again.
    """

    campaign = models.OneToOneField(
        Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="figures", help_text="None: home's."
    )
    counted_at = models.DateTimeField()
    issued = models.PositiveIntegerField(default=0)
    visited = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    at_utility = models.PositiveIntegerField(default=0)
    authorized = models.PositiveIntegerField(default=0)
    metered = models.PositiveIntegerField(default=0)
    enrolled = models.PositiveIntegerField(default=0)
    claimed_only = models.PositiveIntegerField(default=0)
    this_week = models.PositiveIntegerField(default=0, help_text="Issued in the seven days before.")
    weeks = models.JSONField(default=dict, help_text="Home's: per milestone and day, this week and the last.")
    asks = models.JSONField(default=list, help_text="Home's: until when customers can be asked for a deadline.")

    plan = models.JSONField(default=dict, help_text="Home's: what stands above the list of the plan.")

    class Meta:
        verbose_name_plural = "figures"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("campaign", 0), condition=Q(campaign__isnull=True), name="one_figures_of_home"
            ),
        ]

    def __str__(self) -> str:
        return f"figures of {self.campaign or 'home'}, {self.counted_at:%Y-%m-%d %H:%M}"
