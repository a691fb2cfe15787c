"""What Leap has configured for a partner, and what one customer did in one journey."""

import uuid

from django.db import models


class Journey(models.TextChoices):
    """The address that a journey began at."""

    CONNECT = "connect", "Connect, by title"
    REGIONAL = "regional", "Connect, by region"
    LEGACY = "legacy", "Legacy ShareMyData"


class BrandColour(models.TextChoices):
    """The colour of a partner's pages: a class of the style sheet, as nothing is styled inline."""

    FOREST = "forest", "Forest green"
    OCEAN = "ocean", "Ocean blue"
    PLUM = "plum", "Plum"
    BRICK = "brick", "Brick red"
    SLATE = "slate", "Slate grey"


class SessionStatus(models.TextChoices):
    """`status` of the event connect_session.updated (Leap, Connect Events)."""

    CREATED = "CREATED", "created"
    UPDATED = "UPDATED", "under way"
    CLOSED = "CLOSED", "left early"
    COMPLETED = "COMPLETED", "completed"


class AuthorizationStatus(models.TextChoices):
    """`status` of the event connect_session.authorization_updated (Leap, Connect Events)."""

    INITIATED = "INITIATED", "at the utility"
    COMPLETED = "COMPLETED", "completed"
    FAILED = "FAILED", "failed"


class Stage(models.TextChoices):
    """The page of the utility that the customer sees."""

    SIGN_IN = "sign_in"
    CODE = "code"
    CONSENT = "consent"


class Flow(models.Model):
    """What Leap has configured under one organization and title.

    Without a title: what holds for the organization's Legacy and regional addresses, which name none.
    """

    org_name = models.CharField("organization", max_length=100)
    title = models.CharField(max_length=100, blank=True)
    brand_name = models.CharField(max_length=100)
    brand_colour = models.CharField(max_length=10, choices=BrandColour.choices, default=BrandColour.FOREST)
    # Lists of words: regions, utility ids (none: all of the region), RESIDENTIAL and COMMERCIAL.
    regions = models.JSONField(default=list)
    utilities = models.JSONField(default=list, blank=True)
    customer_types = models.JSONField(default=list)
    terms = models.TextField("terms to sign", blank=True, help_text="Names of the forms, one a line.")
    terms_after_utility = models.BooleanField("sign them after the utility", default=False)
    asks_second_factor = models.BooleanField("the utility asks for a code", default=False)
    expected_days = models.PositiveSmallIntegerField("days until a meter appears", default=0)
    final_redirect_url = models.CharField(
        max_length=500,
        blank=True,
        help_text="The partner's confirmation page; /leap/thanks: this portal's. Empty: Leap's own thank-you page.",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["org_name", "title"], name="sandbox_flow_once")]

    def __str__(self) -> str:
        return f"{self.org_name}/{self.title}" if self.title else self.org_name

    @property
    def term_names(self) -> list[str]:
        return [line.strip() for line in self.terms.splitlines() if line.strip()]


class Session(models.Model):
    """One customer in one tab. Leap begins another one after 24 idle hours."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="sessions")
    journey = models.CharField(max_length=10, choices=Journey.choices)
    #: The refId of the link, as it came; none: events say no partner_reference.
    reference_id = models.CharField(max_length=256, blank=True, db_index=True)
    requested_utilities = models.JSONField(default=list, blank=True)
    #: Query parameters that are not Leap's own, as pairs: they come back with the final redirect.
    extra_query = models.JSONField(default=list, blank=True)
    region = models.CharField(max_length=20, blank=True)
    customer_type = models.CharField(max_length=12, blank=True)
    program = models.CharField(max_length=40, blank=True)
    #: The newer address's …_AGREEMENTS_ONLY: terms, and no utility.
    agreements_only = models.BooleanField(default=False)
    #: The test case that was run in it; none: walked by hand.
    case = models.CharField(max_length=30, blank=True)
    status = models.CharField(max_length=10, choices=SessionStatus.choices, default=SessionStatus.CREATED)
    terms_signed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.flow}: {self.reference_id or 'no refId'}"

    @property
    def is_over(self) -> bool:
        return self.status in {SessionStatus.CLOSED, SessionStatus.COMPLETED}


class Authorization(models.Model):
    """What came of one visit to one utility."""

    authorization_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="authorizations")
    utility_id = models.CharField(max_length=60)
    utility_name = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=AuthorizationStatus.choices, default=AuthorizationStatus.INITIATED)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.SIGN_IN)
    #: Whose accounts these are: a digest of the sign-in, which is not kept itself.
    household = models.CharField(max_length=64, blank=True)
    #: Why it failed, for the tester: Leap tells nobody.
    reason = models.CharField(max_length=200, blank=True)
    #: Numbers of the service accounts that the customer shares.
    accounts = models.JSONField(default=list, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.utility_name}: {self.status}"
