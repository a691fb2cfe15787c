"""Utilities as data: Leap adds one, an admin adds a row (R9)."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from portal.authorizations.models.expressions import IsUnreserved
from portal.leap import utilities as leap


class Region(models.TextChoices):
    """Leap's transmission regions."""

    CAISO = leap.Region.CAISO.value, "CAISO"
    NYISO = leap.Region.NYISO.value, "NYISO"
    PJM = leap.Region.PJM.value, "PJM"
    ERCOT = leap.Region.ERCOT.value, "ERCOT"
    WECC_PC = leap.Region.WECC_PC.value, "WECC PacifiCorp"
    WECC_SW = leap.Region.WECC_SW.value, "WECC Southwest"


class UtilityQuerySet(models.QuerySet["Utility"]):
    def with_counts(self) -> Self:
        """Add flow_count and customer_count."""
        from portal.authorizations.models.customer import Customer

        def count(rows: models.QuerySet[Any]) -> Coalesce:
            per_utility = rows.filter(utility=models.OuterRef("pk")).order_by().values("utility")
            return Coalesce(models.Subquery(per_utility.annotate(n=models.Count("pk")).values("n")), 0)

        return self.annotate(
            flow_count=count(Utility.flows.through.objects.all()),
            customer_count=count(Customer.objects.all()),
        )


class Utility(models.Model):
    """A utility whose customers can authorize."""

    utility_id = models.CharField(
        "utility ID", max_length=60, unique=True, help_text="Leap's id, as it stands in a URL: pge, cecony-utilityapi."
    )
    name = models.CharField(max_length=120, unique=True, help_text="As Leap's table writes it.")
    short_name = models.CharField(
        max_length=40, unique=True, help_text="What people call it: PG&E. Shown where space is short."
    )
    leap_name = models.CharField(
        "name in Leap's API", max_length=60, blank=True, help_text="As meters carry it: PGE, CECONY."
    )
    region = models.CharField(max_length=20, choices=Region.choices)
    supports_legacy = models.BooleanField("Legacy ShareMyData", default=False)
    supports_connect = models.BooleanField("Leap Connect", default=True)
    expected_days = models.PositiveSmallIntegerField(
        "expected days",
        default=3,
        help_text="How many days it takes from an authorization to a meter at Leap. After that, a return is doubted.",
    )

    objects = UtilityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "utilities"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=IsUnreserved("utility_id", minimum=1, maximum=60),
                name="utility_id_characters",
                violation_error_message="A utility ID stands in URLs: use letters, digits, - . _ ~ only.",
            ),
            models.CheckConstraint(
                condition=Q(supports_legacy=True) | Q(supports_connect=True),
                name="utility_supports_a_journey",
                violation_error_message="Choose at least one journey: a utility without one cannot be offered.",
            ),
            models.CheckConstraint(
                condition=Q(supports_legacy=False) | Q(region=Region.CAISO),
                name="utility_legacy_only_in_caiso",
                violation_error_message="Legacy ShareMyData exists in CAISO only.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
