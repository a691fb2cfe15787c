"""Confirmations: hits on the confirmation page. Each is a claim that anyone can make, never a proof (R16)."""

from typing import Self

from django.db import models
from django.db.models import Q

from portal.accounts.models import User
from portal.authorizations.models.campaign import Campaign
from portal.authorizations.models.expressions import InCapitals, begins_with
from portal.authorizations.models.link import Link
from portal.leap.reference_ids import normalise_code


class Outcome(models.TextChoices):
    """What the refId of a confirmation matched."""

    MATCHED = "matched", "matched"
    VOID = "void", "matched a void link"
    UNKNOWN = "unknown", "unknown reference id"
    MISSING = "missing", "no reference id"
    MALFORMED = "malformed", "malformed reference id"

    @property
    def short(self) -> str:
        """One word where space is short."""
        return "matched, void" if self is Outcome.VOID else self.value

    @property
    def source(self) -> str:
        """Badge colour: a claim, or something wrong with it."""
        return {"matched": "claims", "missing": "quiet"}.get(self.value, "fault")


#: Said beside the outcome, the index on it is used: it leaves out the many that did match.
IS_UNMATCHED = ~Q(outcome="matched")
#: They match no live link: unknown, malformed or void. Said so, the index on the outcome is left aside for theirs.
IS_ODD = ~Q(outcome__in=["matched", "missing"])


class ConfirmationQuerySet(models.QuerySet["Confirmation"]):
    def by_people(self) -> Self:
        """Without bots and link previewers, which are kept but count for nothing."""
        return self.filter(is_bot=False)

    def with_beginning(self) -> Self:
        """Add `beginning`: the refId as it is searched for."""
        return self.annotate(beginning=InCapitals("reference_id"))

    def search(self, text: str) -> Self:
        """By the beginning of the refId or the authorizationId, or by the code of the link that it matched.

        An index of words, as other lists have, would take a third of the time that somebody at the door waits.
        """
        wanted = text.strip()
        found = begins_with("beginning", wanted)
        # Looked up first: a condition that nothing fits would keep the database from reading in the index's order.
        link = Link.objects.filter(code=normalise_code(wanted)).values_list("pk", flat=True).first()
        if link is not None:
            found |= Q(link=link)
        authorization = InCapitals("authorization_id")
        begun = begins_with("authorization", wanted)
        if self.model._default_manager.alias(authorization=authorization).filter(begun).exists():
            found |= begun
        return self.with_beginning().alias(authorization=authorization).filter(found)

    def with_outcome(self, outcome: str) -> Self:
        found = self.filter(outcome=outcome)
        return found if outcome == Outcome.MATCHED else found.filter(IS_UNMATCHED)

    def odd(self) -> Self:
        """Those that match no live link; whoever came without a reference id names none."""
        return self.filter(IS_ODD)

    def visible_to(self, user: User) -> Self:
        return self if user.has_perm("authorizations.view_confirmation") else self.none()

    def with_links(self) -> Self:
        return self.select_related("link__customer", "link__flow")


class Confirmation(models.Model):
    """One hit on the confirmation page, as received, matched or not. Append-only."""

    link = models.ForeignKey(Link, null=True, blank=True, on_delete=models.PROTECT, related_name="confirmations")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    repeated = models.BooleanField(default=False, help_text="The link had been claimed before.")
    is_bot = models.BooleanField("bot or previewer", default=False)
    reference_id = models.CharField("refId as received", max_length=200, blank=True)
    authorization_id = models.CharField("authorizationId, unproven", max_length=200, blank=True)
    query_string = models.CharField("query string as it came, percent-encoded", max_length=2000, blank=True)
    ip = models.CharField("IP address, shortened", max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )
    receipt = models.UUIDField(null=True, blank=True, editable=False, help_text="Set when it came through the spool.")

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # The list is in the order of arrival, a search by refId in that of the refIds.
        indexes = [
            models.Index(fields=["at", "id"], name="confirmation_by_day"),
            models.Index(fields=["outcome", "at", "id"], condition=IS_UNMATCHED, name="confirmation_by_outcome"),
            models.Index(fields=["at", "id"], condition=IS_ODD, name="confirmation_odd"),
            models.Index(fields=["at", "id"], condition=Q(repeated=True), name="confirmation_repeated"),
            models.Index(
                fields=["campaign", "at", "id"], condition=Q(campaign__isnull=False), name="confirmation_by_campaign"
            ),
            models.Index(InCapitals("reference_id"), "id", name="confirmation_by_reference"),
            models.Index(InCapitals("authorization_id"), name="confirmation_by_authorization"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"], condition=Q(receipt__isnull=False), name="confirmation_spooled_once"
            ),
            models.CheckConstraint(
                condition=Q(link__isnull=True, outcome__in=["unknown", "missing", "malformed"])
                | Q(link__isnull=False, outcome__in=["matched", "void"]),
                name="confirmation_outcome_fits_link",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} at {self.at:%Y-%m-%d %H:%M}"

    @property
    def badge(self) -> Outcome:
        return Outcome(self.outcome)
