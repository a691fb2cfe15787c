"""Paper authorizations: a signed form, kept with its scan (R1)."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.accounts.models import User
from portal.authorizations.models.customer import Customer
from portal.authorizations.models.expressions import IsUnreserved
from portal.authorizations.models.search import SearchableQuerySet
from portal.authorizations.models.utility import Region, Utility
from portal.leap import reference_ids


class PaperForm(models.TextChoices):
    """The form that was signed."""

    CISR_DRP = "cisr-drp", "CISR-DRP (California utilities)"
    OTHER = "other", "Another form"

    def refuse(self, utility: Utility) -> str | None:
        """Return why this form cannot be signed for a utility, None if it can.

        Leap, Collect Data Authorizations: "Working with a small set of customers in California? Paper/PDF authorization
        forms are also available." California is CAISO, one of Leap's regions.
        """
        if utility.region == Region.CAISO:
            return None
        form = "The CISR-DRP form" if self == PaperForm.CISR_DRP else "A paper form"
        return (
            f"{form} works in California only (CAISO); {utility.short_name} is in {utility.get_region_display()}. "
            "Issue a Leap Connect link instead."
        )


class PaperStatus(models.TextChoices):
    """How far a paper authorization got. Metered and enrolled are Leap's word, the others are the partner's own."""

    SIGNED = "signed", "signed"
    SENT = "sent", "sent"
    METERED = "metered", "metered"
    ENROLLED = "enrolled", "enrolled"
    WITHDRAWN = "withdrawn", "withdrawn"

    @property
    def source(self) -> str:
        """Whose word it is: the badge's colour."""
        if self in (PaperStatus.METERED, PaperStatus.ENROLLED):
            return "leap"
        return "fault" if self == PaperStatus.WITHDRAWN else "saw"


class PaperAuthorizationQuerySet(SearchableQuerySet["PaperAuthorization"]):
    def visible_to(self, user: User) -> Self:
        """Everyone's for those who see every customer; a field rep's own: of the rep's customers."""
        if not user.has_perm("authorizations.view_paperauthorization"):
            return self.none()
        if user.has_perm("authorizations.view_every_customer"):
            return self
        return self.filter(Q(customer__assigned_rep=user) | Q(customer__added_by=user) | Q(recorded_by=user))

    def with_list_columns(self) -> Self:
        return self.select_related("customer", "utility", "recorded_by")

    def with_status(self, status: str) -> Self:
        """Those whose `status` is this one."""
        return self.filter(_OF_STATUS[PaperStatus(status)])


_UNPROVEN = {"metered_at__isnull": True, "enrolled_at__isnull": True}
#: What each status means, for the filter and for the index that serves it.
_OF_STATUS = {
    PaperStatus.ENROLLED: Q(enrolled_at__isnull=False),
    PaperStatus.METERED: Q(metered_at__isnull=False, enrolled_at__isnull=True),
    PaperStatus.WITHDRAWN: Q(withdrawn_at__isnull=False, **_UNPROVEN),
    PaperStatus.SENT: Q(sent_on__isnull=False, withdrawn_at__isnull=True, **_UNPROVEN),
    PaperStatus.SIGNED: Q(sent_on__isnull=True, withdrawn_at__isnull=True, **_UNPROVEN),
}


class PaperAuthorization(models.Model):
    """One signed form. It is on its way until Leap shows a meter: a signature by itself proves nothing to Leap."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="paper_authorizations")
    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="+", db_index=False)
    form = models.CharField(max_length=20, choices=PaperForm.choices, default=PaperForm.CISR_DRP)
    reference_id = models.CharField(
        "reference id",
        max_length=reference_ids.MAX_LENGTH,
        unique=True,
        help_text="Give it to Leap with the form: its meters come back with it.",
    )
    signed_on = models.DateField()
    sent_on = models.DateField("sent to Leap on", null=True, blank=True)
    scan = models.FileField(upload_to="scans", max_length=200)
    scan_name = models.CharField("name of the scan's file", max_length=200)
    scan_type = models.CharField("type of the scan", max_length=20)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    recorded_at = models.DateTimeField(db_index=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawal_reason = models.CharField(max_length=200, blank=True)
    metered_at = models.DateTimeField(null=True, blank=True)
    enrolled_at = models.DateTimeField(null=True, blank=True)

    objects = PaperAuthorizationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # The list's filters.
        indexes = [
            models.Index(fields=["utility", "id"], name="paper_by_utility"),
            models.Index(fields=["form", "id"], name="paper_by_form"),
            models.Index(fields=["recorded_by", "id"], name="paper_by_person"),
            models.Index(fields=["signed_on", "id"], name="paper_by_day"),
            *(
                models.Index(fields=["id"], condition=condition, name=f"paper_{status.value}")
                for status, condition in _OF_STATUS.items()
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(IsUnreserved("reference_id", minimum=reference_ids.MIN_LENGTH, maximum=50)),
                name="paper_reference_id_characters",
                violation_error_message="A reference id has 3 to 50 characters of A–Z a–z 0–9 - . _ ~.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}, {self.get_form_display()}"

    @property
    def status(self) -> PaperStatus:
        """The furthest it got, what Leap says first: a withdrawal is a mark beside proof, never over it."""
        if self.enrolled_at:
            return PaperStatus.ENROLLED
        if self.metered_at:
            return PaperStatus.METERED
        return self.own_status

    @property
    def own_status(self) -> PaperStatus:
        """What the partner did with it, whatever Leap says."""
        if self.withdrawn_at:
            return PaperStatus.WITHDRAWN
        return PaperStatus.SENT if self.sent_on else PaperStatus.SIGNED
