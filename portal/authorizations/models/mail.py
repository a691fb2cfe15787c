"""Invitations and reminders by mail: the words of a campaign, each mail to one customer, and who wants none."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models.campaign import Campaign
from portal.authorizations.models.customer import Customer
from portal.authorizations.models.link import Link


class MessageKind(models.TextChoices):
    """When a message goes out."""

    INVITATION = "invitation", "invitation"
    ABANDONED = "abandoned", "reminder after an abandoned session"
    NO_VISIT = "no_visit", "reminder after no visit"


class MessageQuerySet(models.QuerySet["Message"]):
    def held_on(self, day: date) -> Self:
        """Those of campaigns that send none of their mails on that day."""
        return self.exclude(campaign__in=Campaign.objects.mailing_on(day))


class Message(models.Model):
    """What a campaign writes, in both languages. An empty text means the portal's own words."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=12, choices=MessageKind.choices)
    subject = models.CharField(max_length=150, blank=True)
    body = models.TextField(max_length=5000, blank=True)
    subject_es = models.CharField("subject in Spanish", max_length=150, blank=True)
    body_es = models.TextField("body in Spanish", max_length=5000, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["campaign", "kind"], name="one_message_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.campaign_id}"


class MailState(models.TextChoices):
    """What became of a mail. `sending` is marked before the mail server is spoken to."""

    WAITING = "waiting", "waiting"
    SENDING = "sending", "being sent"
    SENT = "sent", "sent"
    UNKNOWN = "unknown", "fate unknown"
    FAILED = "failed", "not taken"
    STOPPED = "stopped", "stopped by a person"
    SILENCED = "silenced", "no longer needed"

    @property
    def source(self) -> str:
        """Its colour on every screen: what we did, or what needs a person. Never proof."""
        return {MailState.SENT: "saw", MailState.UNKNOWN: "fault", MailState.FAILED: "fault"}.get(self, "plain")


class MailQuerySet(models.QuerySet["Mail"]):
    def waiting(self) -> Self:
        return self.filter(state=MailState.WAITING)

    def with_fate_unknown(self) -> Self:
        """A crash left open whether they went out: a person has to say."""
        return self.filter(state=MailState.UNKNOWN)

    def visible_to(self, user: User) -> Self:
        """Those about customers whom the user may see."""
        if user.has_perm("authorizations.view_every_customer"):
            return self
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def with_people(self) -> Self:
        """All that a row of a list shows, in one query."""
        return self.select_related("message__campaign__flow", "customer", "link", "decided_by")


class Mail(models.Model):
    """One message to one customer about one link: never twice, which a constraint holds."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="mails")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="mails")
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="mails")
    step = models.PositiveSmallIntegerField(default=0, help_text="Of several reminders of a kind: which one.")
    # What its message's kind says, too: the queue of reminders is read by an index, past a million invitations.
    is_reminder = models.BooleanField(default=False, db_default=False, editable=False)
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.WAITING)
    due_at = models.DateTimeField(help_text="Not sent before.")
    hold_reason = models.CharField(max_length=200, blank=True, help_text="Why it waits although it is due.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was not sent, or what the server said.")
    attempts = models.PositiveSmallIntegerField(default=0)
    rfc_message_id = models.CharField("Message-ID", max_length=200, blank=True, db_index=True)
    address_digest = models.CharField(
        max_length=64, blank=True, help_text="Of the address that it went to: no second mail there for one message."
    )
    marked_at = models.DateTimeField(null=True, blank=True, help_text="When the mail server was about to be asked.")
    sent_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("send_mail", "Can send invitations and reminders")]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="waiting"), name="mail_waiting"),
            models.Index(fields=["id"], condition=Q(state__in=["sending", "unknown"]), name="mail_unsettled"),
            models.Index(fields=["sent_at", "id"], condition=Q(sent_at__isnull=False), name="mail_sent"),
            models.Index(fields=["decided_at", "id"], condition=Q(decided_at__isnull=False), name="mail_decided"),
            models.Index(fields=["state", "due_at", "id"], condition=Q(is_reminder=True), name="reminder_state"),
            models.Index(fields=["marked_at"], condition=Q(marked_at__isnull=False), name="mail_marked"),
            models.Index(fields=["address_digest"], condition=~Q(address_digest=""), name="mail_address"),
            models.Index(fields=["state", "-id"], name="mail_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message", "customer", "step"], name="mail_once"),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk}, {self.get_state_display()}"

    @property
    def badge(self) -> MailState:
        return MailState(self.state)

    @property
    def why_held(self) -> str:
        """Why it waits although it is due. What its campaign says is not written at each: there may be a million."""
        if self.state != MailState.WAITING or self.due_at > timezone.now():
            return self.hold_reason
        return self.message.campaign.why_no_mails(timezone.localdate()) or self.hold_reason


class StopReason(models.TextChoices):
    """Why an address gets no more mails."""

    UNSUBSCRIBED = "unsubscribed", "unsubscribed"
    BOUNCED = "bounced", "bounced"
    COMPLAINED = "complained", "complained"


class MailStopQuerySet(models.QuerySet["MailStop"]):
    def in_force(self) -> Self:
        return self.filter(lifted_at__isnull=True)


class MailStop(models.Model):
    """An address that gets no more mails. Only its digest is kept: it outlives the erasure of whose it is."""

    address_digest = models.CharField(max_length=64, db_index=True)
    reason = models.CharField(max_length=12, choices=StopReason.choices)
    at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    customer = models.ForeignKey(
        Customer,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="mail_stops",
        help_text="Whose address it was, if it was known.",
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lift_reason = models.CharField("why it may be written to again", max_length=200, blank=True)

    objects = MailStopQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["address_digest"], condition=Q(lifted_at__isnull=True), name="one_stop_of_an_address"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | ~Q(lift_reason=""),
                name="mail_stop_lifted_with_a_reason",
                violation_error_message="Say why the address may be written to again.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.at:%Y-%m-%d}"
