"""Meters: what Leap's API shows, the links they match, and the programs they take part in (R14, R18)."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Case, Exists, OuterRef, Prefetch, Q, Subquery, Value, When

from portal.accounts.models import User
from portal.authorizations.models.link import Link
from portal.authorizations.models.paper import PaperAuthorization
from portal.authorizations.models.search import SearchableQuerySet
from portal.authorizations.models.utility import Utility


class MeterQuerySet(SearchableQuerySet["Meter"]):
    def visible_to(self, user: User) -> Self:
        return self if user.has_perm("authorizations.view_meter") else self.none()

    def unmatched(self) -> Self:
        """Of no link and no paper authorization that the portal knows."""
        return self.marked("mnone")

    def with_list_columns(self) -> Self:
        """All that a row of a list or an export shows: what it matched, and whose that is."""
        return self.select_related("utility").prefetch_related(owners("matches"))


def owners(matches: str) -> "Prefetch[str]":
    """Matches with whose they are, joined: SQLite takes no prefetch of a thousand foreign keys (Django 5.2)."""
    return Prefetch(matches, queryset=MeterMatch.objects.select_related("link__customer", "paper__customer"))


class EnrollmentStatus(models.TextChoices):
    """Leap's global enrollment status; a value that Leap adds is kept as it is."""

    ACTIVE = "ACTIVE", "active"
    ELIGIBLE = "ELIGIBLE", "eligible"
    PENDING = "PENDING", "pending"
    INELIGIBLE = "INELIGIBLE", "ineligible"
    NOT_PARTICIPATING = "NOT_PARTICIPATING", "not participating"


#: Statuses with which nothing can be waited for.
SHUT_OUT = (EnrollmentStatus.INELIGIBLE, EnrollmentStatus.NOT_PARTICIPATING)


class Meter(models.Model):
    """A meter of Leap's, as the last sync saw it. Values that Leap may add to are texts, not choices."""

    meter_id = models.UUIDField("meter ID", unique=True)
    partner_reference = models.CharField(max_length=256, blank=True, db_index=True)
    connection_references = models.JSONField(default=list, help_text="The reference ids of completed authorizations.")
    region = models.CharField(max_length=20, blank=True)
    utility_name = models.CharField("utility, as Leap writes it", max_length=60, blank=True)
    utility = models.ForeignKey(
        Utility, null=True, blank=True, on_delete=models.PROTECT, related_name="meters", db_index=False
    )
    classification = models.CharField("customer type", max_length=20, blank=True)
    meter_type = models.CharField(max_length=20, blank=True)
    load_types = models.JSONField(default=list)
    is_archived = models.BooleanField("archived", default=False)
    enrollment_status = models.CharField(max_length=30, blank=True)
    needs_partner = models.BooleanField("action required", default=False, help_text="Leap waits for the partner.")
    needs_authorization = models.BooleanField(
        "re-authorize", default=False, help_text="The authorization is lost: the customer has to authorize again."
    )
    in_program = models.BooleanField(
        "in a program", default=False, db_default=False, help_text="It has an enrollment, whatever status."
    )
    created_at = models.DateTimeField("created at Leap")
    updated_at = models.DateTimeField("updated at Leap", null=True, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    record = models.JSONField(default=dict, help_text="Leap's record without its customer and account numbers.")
    enrollment_record = models.JSONField(default=dict)

    objects = MeterQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("sync_meters", "Can sync meters with Leap"),
            ("export_meter", "Can export meters and the plan"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(needs_partner=True), name="meter_needs_partner"),
            models.Index(fields=["id"], condition=Q(needs_authorization=True), name="meter_needs_authorization"),
            # The list's filters, each page in the key's order; matched or not stands as marks in the index of words.
            models.Index(fields=["utility", "id"], name="meter_by_utility"),
            models.Index(fields=["region", "id"], name="meter_by_region"),
            models.Index(fields=["classification", "id"], name="meter_by_type"),
            models.Index(fields=["enrollment_status", "id"], name="meter_by_status"),
            models.Index(fields=["created_at", "id"], name="meter_by_day"),
            models.Index(fields=["id"], condition=Q(is_archived=True), name="meter_archived"),
            models.Index(fields=["id"], condition=Q(in_program=False), name="meter_in_no_program"),
            models.Index(
                fields=["id", "enrollment_status"],
                condition=~Q(enrollment_status__in=["", *EnrollmentStatus.values]),
                name="meter_of_another_status",
            ),
        ]

    def __str__(self) -> str:
        return str(self.meter_id)

    @property
    def references(self) -> list[str]:
        """Every reference id that Leap holds for it, each once."""
        return list(dict.fromkeys(text for text in [*self.connection_references, self.partner_reference] if text))

    @property
    def status_words(self) -> str:
        """Leap's status in words; one that Leap added since, as it came."""
        known = dict(EnrollmentStatus.choices)
        return known.get(self.enrollment_status, self.enrollment_status)


class MatchedBy(models.TextChoices):
    """How a meter was found to belong to a link."""

    CONNECTION_REFERENCE = "connection", "connection reference"
    PARTNER_REFERENCE = "partner", "partner reference"


class MeterMatch(models.Model):
    """A meter belongs to a link, or to a paper authorization: many to many (R14)."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="matches")
    link = models.ForeignKey(Link, null=True, blank=True, on_delete=models.PROTECT, related_name="meter_matches")
    paper = models.ForeignKey(
        PaperAuthorization, null=True, blank=True, on_delete=models.PROTECT, related_name="meter_matches"
    )
    matched_by = models.CharField(max_length=12, choices=MatchedBy.choices)
    matched_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "meter matches"
        constraints = [
            models.CheckConstraint(
                condition=Q(link__isnull=False, paper__isnull=True) | Q(link__isnull=True, paper__isnull=False),
                name="meter_match_has_one_side",
            ),
            models.UniqueConstraint(fields=["meter", "link"], condition=Q(link__isnull=False), name="meter_link_once"),
            models.UniqueConstraint(
                fields=["meter", "paper"], condition=Q(paper__isnull=False), name="meter_paper_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} by {self.get_matched_by_display()}"


class Standing(models.TextChoices):
    """For whom a meter waits before it can take part in a program."""

    PARTNER = "partner", "waits for the partner"
    LEAP = "leap", "waits for Leap"
    INELIGIBLE = "ineligible", "not eligible"
    READY = "ready", "ready"


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    def visible_to(self, user: User) -> Self:
        return self if user.has_perm("authorizations.view_meter") else self.none()

    def in_plan(self) -> Self:
        """What can still be planned: of meters that are not archived."""
        return self.filter(meter__is_archived=False)

    def settle(self, now: datetime) -> None:
        """Take over what the meter says, and work out next_deadline, active_from and standing anew.

        A deadline that is over is no next one.
        """
        meter = Meter.objects.filter(pk=OuterRef("meter")).order_by()
        deadlines = EnrollmentDeadline.objects.filter(enrollment=OuterRef("pk"), deadline_at__gte=now)
        earliest = deadlines.order_by("deadline_at", "pk")
        actions = RequiredAction.objects.filter(
            Q(program=OuterRef("program")) | Q(program=""),
            Q(delivery_period=OuterRef("delivery_period")) | Q(delivery_period=""),
            meter=OuterRef("meter"),
        )
        self.update(
            **{name: Subquery(meter.values(name)[:1]) for name in ("utility", "region", "classification")},
            next_deadline=Subquery(earliest.values("deadline_at")[:1]),
            active_from=Subquery(earliest.values("active_from")[:1]),
            standing=Case(
                When(Exists(actions.filter(party=Party.PARTNER)), then=Value(Standing.PARTNER.value)),
                When(Exists(actions.filter(party=Party.LEAP)), then=Value(Standing.LEAP.value)),
                When(status__in=SHUT_OUT, then=Value(Standing.INELIGIBLE.value)),
                default=Value(Standing.READY.value),
                output_field=models.CharField(),
            ),
        )

    def with_list_columns(self) -> Self:
        """All that a row of the plan or its export shows."""
        return self.select_related("meter__utility").prefetch_related(
            "meter__required_actions", owners("meter__matches")
        )


class Enrollment(models.Model):
    """A meter in one program and delivery period."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="enrollments")
    program = models.CharField(max_length=60)
    delivery_period = models.CharField(max_length=100, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=40, blank=True)
    market_group = models.CharField(max_length=200, blank=True)
    # What the plan asks of all at once: `settle` writes it with what it is made of, and when a deadline is over.
    utility = models.ForeignKey(
        Utility, null=True, editable=False, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    region = models.CharField(max_length=20, blank=True, default="", db_default="", editable=False)
    classification = models.CharField(max_length=20, blank=True, default="", db_default="", editable=False)
    next_deadline = models.DateTimeField(null=True, blank=True, editable=False)
    active_from = models.DateTimeField(null=True, blank=True, editable=False, help_text="After the next deadline.")
    standing = models.CharField(
        max_length=10,
        choices=Standing.choices,
        default=Standing.READY,
        db_default=Standing.READY.value,
        editable=False,
        help_text="Whom it waits for.",
    )

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["next_deadline", "id"], name="enrollment_by_deadline"),
            models.Index(fields=["standing", "id"], name="enrollment_by_standing"),
            models.Index(fields=["status", "id"], name="enrollment_by_status"),
            models.Index(fields=["program", "id"], name="enrollment_by_program"),
            models.Index(fields=["utility", "id"], name="enrollment_by_utility"),
            models.Index(fields=["region", "id"], name="enrollment_by_region"),
            models.Index(fields=["classification", "id"], name="enrollment_by_type"),
            models.Index(
                fields=["id", "status"],
                condition=~Q(status__in=EnrollmentStatus.values),
                name="enrollment_of_another_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program} {self.delivery_period}"

    @property
    def status_words(self) -> str:
        """Leap's status in words; one that Leap added since, as it came."""
        return dict(EnrollmentStatus.choices).get(self.status, self.status)

    @property
    def actions(self) -> "list[RequiredAction]":
        """What this meter's part in this program waits for, the partner's own first."""
        own = [
            action
            for action in self.meter.required_actions.all()
            if action.program in ("", self.program) and action.delivery_period in ("", self.delivery_period)
        ]
        return sorted(own, key=lambda action: action.party != Party.PARTNER)


class EnrollmentDeadline(models.Model):
    """Until when a meter must be ready, to be active from when on."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="deadlines")
    deadline_at = models.DateTimeField(db_index=True)
    active_from = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["deadline_at"]

    def __str__(self) -> str:
        return f"{self.deadline_at:%Y-%m-%d}"


class Party(models.TextChoices):
    """Who has to act."""

    PARTNER = "partner", "Partner"
    LEAP = "leap", "Leap"


class RequiredAction(models.Model):
    """What stands between a meter and its enrollment, and who has to do it."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="required_actions")
    party = models.CharField(max_length=10, choices=Party.choices)
    program = models.CharField(max_length=60, blank=True)
    delivery_period = models.CharField(max_length=100, blank=True)
    action_type = models.CharField(max_length=60, db_index=True)
    action_code = models.CharField(max_length=30, blank=True)
    description = models.CharField(max_length=500, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ["deadline_at", "id"]

    def __str__(self) -> str:
        return f"{self.action_type} {self.action_code}".strip()


class SyncState(models.TextChoices):
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class SyncPhase(models.TextChoices):
    """A sync reads two of Leap's lists, one after the other."""

    METERS = "meters", "meters"
    ENROLLMENTS = "enrollments", "enrollments"


class SyncRun(models.Model):
    """One sync of meters: where it stands, so that a crash loses nothing, and what it found."""

    full = models.BooleanField(default=False)
    since = models.DateTimeField(null=True, blank=True, help_text="Asked for what Leap changed since; empty: for all.")
    state = models.CharField(max_length=10, choices=SyncState.choices, default=SyncState.RUNNING)
    phase = models.CharField(max_length=12, choices=SyncPhase.choices, default=SyncPhase.METERS)
    page_token = models.TextField(blank=True, help_text="Of the page to ask for next.")
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(help_text="Still alive then; silent for long: its process died.")
    finished_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    pages = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField("new", default=0)
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    unmatched = models.PositiveIntegerField(default=0)
    malformed = models.PositiveIntegerField(default=0)
    malformed_reasons = models.JSONField(default=list, help_text="The first few, in words.")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="one_sync_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"{'full' if self.full else 'incremental'} sync of {self.started_at:%Y-%m-%d %H:%M}"
