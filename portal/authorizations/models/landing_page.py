"""Hosted pages: where a web visitor asks for a link, and what was asked there."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from portal.authorizations.models.campaign import Campaign
from portal.authorizations.models.customer import CustomerType, Language
from portal.authorizations.models.flow import Flow
from portal.authorizations.models.link import Link
from portal.authorizations.models.utility import Utility


class LandingPageQuerySet(models.QuerySet["LandingPage"]):
    def answering(self) -> Self:
        """Switched on, and of a live flow: every other page looks as if it were not there."""
        return self.filter(is_open=True, flow__in=Flow.objects.live())


class LandingPage(models.Model):
    """One flow's hosted page. Its slug is random: it says nothing about the flow, and stays for as long as the page."""

    flow = models.OneToOneField(Flow, on_delete=models.PROTECT, related_name="landing_page", editable=False)
    slug = models.CharField(max_length=20, unique=True, editable=False)
    is_open = models.BooleanField("the page is open", default=False)
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="landing_pages",
        help_text="Links asked for on the page count there.",
    )
    headline = models.CharField(max_length=100, blank=True, help_text="In English. Empty: Connect your utility account")
    headline_es = models.CharField(
        "headline in Spanish", max_length=100, blank=True, help_text="Empty: Conecte su cuenta de servicios públicos"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LandingPageQuerySet.as_manager()

    class Meta:
        verbose_name = "hosted page"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Hosted page of {self.flow}"

    @property
    def url(self) -> str:
        """Its address, as snippets carry it."""
        return f"{settings.PUBLIC_URL}{reverse('start', args=[self.slug])}"

    @property
    def url_for_codes(self) -> str:
        """The same in capitals: QR's alphanumeric mode needs fewer modules for it."""
        return self.url.upper()

    def headline_in(self, language: str) -> str:
        """The partner's headline in a language; empty: the page's own words."""
        return self.headline_es if language == Language.SPANISH else self.headline


class LinkRequestState(models.TextChoices):
    WAITING = "waiting", "waiting"
    MAILED = "mailed", "mailed"
    REFUSED = "refused", "refused"
    FAILED = "failed", "not mailed"


class LinkRequestQuerySet(models.QuerySet["LinkRequest"]):
    def waiting(self) -> Self:
        return self.filter(state=LinkRequestState.WAITING)


class LinkRequest(models.Model):
    """A web visitor asked for a link. What was typed stays here only until the worker has dealt with it."""

    landing_page = models.ForeignKey(LandingPage, on_delete=models.PROTECT, related_name="link_requests")
    requested_at = models.DateTimeField()
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=200, blank=True)
    utility = models.ForeignKey(Utility, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    customer_type = models.CharField(max_length=12, choices=CustomerType.choices, blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    state = models.CharField(max_length=10, choices=LinkRequestState.choices, default=LinkRequestState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)
    links = models.ManyToManyField(Link, blank=True, related_name="+")

    objects = LinkRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "request for a link"
        verbose_name_plural = "requests for a link"
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="link_request_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting") | Q(email="", name=""), name="link_request_forgets_who_asked"
            ),
        ]

    def __str__(self) -> str:
        return f"Request for a link, {self.get_state_display()}"
