"""Flows: each is one configured way to issue links, of one journey."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.authorizations.models.expressions import COUNTED_UP_TO, CountUpTo, IsUnreserved
from portal.authorizations.models.utility import Region, Utility
from portal.leap import utilities as leap


class Journey(models.TextChoices):
    """The journeys that issue URLs. (Paper is the third: it issues none.)"""

    LEGACY = leap.Journey.LEGACY.value, "Legacy ShareMyData"
    CONNECT = leap.Journey.CONNECT.value, "Leap Connect"


class Address(models.TextChoices):
    """The two shapes of a Connect URL."""

    TITLED = leap.Address.TITLED.value, "Titled (onboarding.leap.energy/…/title/)"
    REGIONAL = leap.Address.REGIONAL.value, "Regional (connect.leap.energy, since October 2025)"


class Variant(models.TextChoices):
    """The `variant` of Leap's newer address."""

    RESIDENTIAL = leap.Variant.RESIDENTIAL.value, "Residential"
    COMMERCIAL = leap.Variant.COMMERCIAL.value, "Commercial"
    RESIDENTIAL_AGREEMENTS_ONLY = leap.Variant.RESIDENTIAL_AGREEMENTS_ONLY.value, "Residential, agreements only (PJM)"
    COMMERCIAL_AGREEMENTS_ONLY = leap.Variant.COMMERCIAL_AGREEMENTS_ONLY.value, "Commercial, agreements only (PJM)"


class CustomerTypes(models.TextChoices):
    """Which customer types a flow takes."""

    BOTH = "both", "Residential and commercial"
    RESIDENTIAL = leap.CustomerType.RESIDENTIAL.value, "Residential"
    COMMERCIAL = leap.CustomerType.COMMERCIAL.value, "Commercial"


class FlowState(models.TextChoices):
    """A Connect flow works only after Leap has configured it (R7)."""

    REQUESTED = "requested", "requested"
    LIVE = "live", "live"
    RETIRED = "retired", "retired"


class FlowQuerySet(models.QuerySet["Flow"]):
    def live(self) -> Self:
        return self.filter(state=FlowState.LIVE)

    def with_utilities(self) -> Self:
        return self.prefetch_related("utilities")

    def with_live_link_counts(self) -> Self:
        """Add live_link_count: links that are neither void nor replaced, to one more than COUNTED_UP_TO."""
        from portal.authorizations.models.link import Link

        live = Link.objects.live().handed_out().filter(flow=models.OuterRef("pk")).order_by()
        return self.annotate(live_link_count=CountUpTo(live.values("pk")[: COUNTED_UP_TO + 1]))

    def in_region(self, region: str) -> Self:
        """Flows that offer a utility of the region."""
        return self.filter(models.Exists(Utility.objects.filter(flows=models.OuterRef("pk"), region=region)))

    def search(self, text: str) -> Self:
        """Every word somewhere in the flow's name, organization, title, program, or a utility's name or id."""
        found = self
        for word in text.split()[:8]:
            offering = Utility.objects.filter(
                Q(name__icontains=word) | Q(short_name__icontains=word) | Q(utility_id__icontains=word),
                flows=models.OuterRef("pk"),
            )
            found = found.filter(
                Q(name__icontains=word)
                | Q(org_name__icontains=word)
                | Q(title__icontains=word)
                | Q(program__icontains=word)
                | models.Exists(offering)
            )
        return found


class Flow(models.Model):
    """One configured way to issue links. Its utilities obey its journey: triggers in the database hold that too."""

    name = models.CharField(max_length=100, unique=True, help_text="What your colleagues call it.")
    journey = models.CharField(max_length=10, choices=Journey.choices, default=Journey.CONNECT)
    org_name = models.CharField(
        "organization", max_length=100, help_text="The name that Leap generated for your organization: acme-energy."
    )
    address = models.CharField(max_length=10, choices=Address.choices, blank=True, default=Address.TITLED)
    title = models.CharField(
        "URL-friendly title",
        max_length=100,
        blank=True,
        help_text="The flow's name in the URL, as Leap's Partner Portal shows it under Meters, Add a Meter.",
    )
    region = models.CharField(
        max_length=20, choices=Region.choices, blank=True, help_text="Regional addresses only: one region."
    )
    variant = models.CharField(max_length=40, choices=Variant.choices, blank=True)
    program = models.CharField(max_length=40, blank=True, help_text="Regional addresses only, where Leap names one.")
    customer_types = models.CharField(max_length=12, choices=CustomerTypes.choices, default=CustomerTypes.BOTH)
    utilities = models.ManyToManyField(Utility, related_name="flows", verbose_name="utilities offered")
    terms = models.TextField(
        "terms to sign",
        blank=True,
        help_text="Names of the eSign forms that customers sign in this flow, one a line. Leap Connect only.",
    )
    state = models.CharField(max_length=10, choices=FlowState.choices, default=FlowState.REQUESTED, db_index=True)
    requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    live_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = FlowQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(journey__in=Journey.values), name="flow_journey_known"),
            models.CheckConstraint(condition=Q(state__in=FlowState.values), name="flow_state_known"),
            models.CheckConstraint(condition=Q(customer_types__in=CustomerTypes.values), name="flow_customer_types"),
            models.CheckConstraint(
                condition=IsUnreserved("org_name", minimum=1, maximum=100),
                name="flow_org_name_characters",
                violation_error_message="The organization stands in the URL: use letters, digits, - . _ ~ only.",
            ),
            models.CheckConstraint(
                condition=~Q(journey=Journey.LEGACY)
                | Q(address="", title="", region="", variant="", program="", terms=""),
                name="flow_legacy_has_no_title_and_no_terms",
                violation_error_message="Legacy ShareMyData has no title, no region and cannot carry terms to sign.",
            ),
            models.CheckConstraint(
                condition=~Q(journey=Journey.CONNECT) | Q(address__in=Address.values),
                name="flow_connect_has_an_address",
                violation_error_message="Choose the shape of the Connect URL.",
            ),
            models.CheckConstraint(
                condition=~Q(address=Address.TITLED)
                | (IsUnreserved("title", minimum=1, maximum=100) & Q(region="", variant="", program="")),
                name="flow_titled_has_a_title",
                violation_error_message="A titled flow needs a URL-friendly title of letters, digits, - . _ ~.",
            ),
            models.CheckConstraint(
                condition=~Q(address=Address.REGIONAL) | Q(title="", region__in=Region.values),
                name="flow_regional_has_one_region",
                violation_error_message="A regional flow needs one region and has no title.",
            ),
            models.CheckConstraint(
                condition=Q(variant="")
                | (Q(variant__startswith="RESIDENTIAL") & Q(customer_types=CustomerTypes.RESIDENTIAL))
                | (Q(variant__startswith="COMMERCIAL") & Q(customer_types=CustomerTypes.COMMERCIAL)),
                name="flow_variant_fits_customer_types",
                violation_error_message="The variant and the customer types must say the same.",
            ),
            models.CheckConstraint(
                condition=~Q(variant__endswith="_AGREEMENTS_ONLY") | Q(region=Region.PJM),
                name="flow_agreements_only_in_pjm",
                violation_error_message="“Agreements only” exists in PJM only.",
            ),
        ]

    @property
    def live_links_said(self) -> str:
        """How many live links, of a flow read `with_live_link_counts`: 12, 1,204 or 10,000+."""
        count: int = self.live_link_count  # type: ignore[attr-defined]
        return f"{count:,}" if count <= COUNTED_UP_TO else f"{COUNTED_UP_TO:,}+"

    def __str__(self) -> str:
        return self.name

    @property
    def term_names(self) -> list[str]:
        """Names of the eSign forms."""
        return [line.strip() for line in self.terms.splitlines() if line.strip()]

    @property
    def is_live(self) -> bool:
        return self.state == FlowState.LIVE

    @property
    def regions(self) -> list[Region]:
        """The regions of its utilities, in Leap's order."""
        offered = {utility.region for utility in self.utilities.all()} | {self.region}
        return [region for region in Region if region.value in offered]

    @property
    def takes_requested_utilities(self) -> bool:
        """Only the titled Connect URL has the parameter requestedUtilities."""
        return self.journey == Journey.CONNECT and self.address == Address.TITLED

    def takes_customer_type(self, customer_type: str) -> bool:
        """Every flow takes a customer whose type is not known."""
        return not customer_type or self.customer_types in (CustomerTypes.BOTH, customer_type)
