"""Home: what needs a person first, by role. And the search in every page's header."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.views.generic import TemplateView, View

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.charts import PairChart, Rate, draw_pairs
from portal.authorizations.models import (
    Campaign,
    Confirmation,
    Figures,
    Flow,
    Installation,
    Link,
    PaperAuthorization,
    SyncRun,
    SyncState,
)
from portal.authorizations.services.door_calls import list_doors
from portal.authorizations.services.figures import (
    FUNNEL_DAYS,
    STEPS,
    WeekLine,
    read_campaigns,
    read_figures,
    read_weeks,
)
from portal.authorizations.services.funnel import make_stages
from portal.authorizations.views.attention import list_todos
from portal.authorizations.views.lists import user_of
from portal.leap.reference_ids import is_misread, normalise_code

#: At the beginning of a street: “112 Maple St” is a door of Maple St.
_HOUSE_NUMBER = re.compile(r"^\d+\S*\s+")

#: Characters: Leap's longest URL can be pasted.
LONGEST_SEARCH = 1000
#: So many campaigns stand side by side.
CAMPAIGNS_SHOWN = 8


_SYNCS = "authorizations.view_syncrun"


@dataclass(frozen=True)
class WeekChart:
    """One milestone's week: the numbers, and the bars that are drawn of them."""

    line: WeekLine
    chart: PairChart


class HomeView(LoginRequiredMixin, TemplateView):
    """Each role's own home."""

    def get_template_names(self) -> list[str]:
        role = user_of(self.request).role
        return ["authorizations/home_rep.html" if role is Role.FIELD_REP else "authorizations/home.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = user_of(self.request)
        context = super().get_context_data(**kwargs, now=timezone.localtime())
        if user.role is Role.FIELD_REP:
            return {**context, **self._for_rep(user)}
        now = timezone.now()
        figures = read_figures(now=now) if user.has_perm("authorizations.view_every_link") else None
        return {
            **context,
            "todos": list_todos(user, figures=figures),
            # Counted live it has no row.
            "counted_at": figures.counted_at if figures and figures.pk else None,
            **(self._count(figures) if figures else {}),
            "campaigns": list_campaigns(now=now) if user.has_perm("authorizations.view_campaign") else [],
            "campaigns_over": count_over(now=now) if user.has_perm("authorizations.view_campaign") else 0,
            "synced": SyncRun.objects.filter(state=SyncState.DONE).first() if user.has_perm(_SYNCS) else None,
            "checklist": list_setup_steps() if user.has_perm("authorizations.change_installation") else [],
        }

    def _count(self, figures: Figures) -> dict[str, Any]:
        weeks = read_weeks(figures)
        days = [date_format(day, "D") for day in weeks.days]
        steps = {name: getattr(figures, name) for name in STEPS}
        return {
            "weeks": weeks,
            "days": days,
            "week_charts": [WeekChart(line, draw_week(line, days)) for line in weeks.lines],
            "stages": make_stages(steps),
            "returned": figures.returned,
            "funnel_days": FUNNEL_DAYS,
            "funnel_since": timezone.localdate(figures.counted_at - timedelta(days=FUNNEL_DAYS)),
        }

    def _for_rep(self, user: User) -> dict[str, Any]:
        text = self.request.GET.get("q", "").replace("\x00", "").strip()
        doors, more = list_doors(rep=user, text=text)
        street = _HOUSE_NUMBER.sub("", doors[0].customer.street) if doors else ""
        return {"doors": doors, "q": text, "more": more, "street": street}


class SearchView(LoginRequiredMixin, View):
    """From the header's search: straight to the link whose code, reference id or URL it is, else the customers.

    A code that somebody misheard is found out by its check character, and said to be wrong rather than not found.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
        user = user_of(request)
        if user.has_perm("authorizations.view_link") and text:
            names = _names_in(text)
            exact = Q(reference_id__in=names) | Q(code__in=[normalise_code(name) or "-" for name in names])
            link = Link.objects.visible_to(user).filter(exact).first()
            if link is not None:
                return redirect("link_detail", link.pk)
            paper = PaperAuthorization.objects.visible_to(user).filter(reference_id__in=names).first()
            if paper is not None:
                return redirect("paper_detail", paper.pk)
            if is_misread(text):
                messages.warning(request, f"“{text}” looks like a code with a slip in it: ask to hear it once more.")
        return redirect(f"{reverse('customer_list')}?{urlencode({'q': text})}" if text else "customer_list")


def _names_in(text: str) -> list[str]:
    """What of a text may be a code or reference id: all of it, or of a URL the end of its path and its values."""
    try:
        url = urlsplit(text)
    except ValueError:  # “http://[”
        return [text]
    if "/" not in text:
        return [text]
    return [url.path.rstrip("/").rpartition("/")[2], *(value for _, value in parse_qsl(url.query))]


def draw_week(line: WeekLine, days: list[str]) -> PairChart:
    return draw_pairs(
        title=f"{line.label}, each day of this week and the last",
        labels=days,
        first=line.last,
        second=line.this,
        names=("last week", "this week"),
    )


@dataclass(frozen=True)
class CampaignRates:
    """A running campaign beside the others: what we saw, what browsers claim and what Leap says, each of its links."""

    campaign: Campaign
    issued: int
    this_week: int
    rates: tuple[Rate, ...]


def list_campaigns(*, now: datetime) -> list[CampaignRates]:
    """The newest running campaigns side by side."""
    running = Campaign.objects.running().running_on(timezone.localdate(now))
    newest = list(running.order_by("-pk").values_list("pk", flat=True)[:CAMPAIGNS_SHOWN])
    chosen = Campaign.objects.select_related("flow").filter(pk__in=newest).order_by("-pk")
    counted: Iterable[Any] = read_campaigns(chosen, now=now)
    return [
        CampaignRates(
            campaign=campaign,
            issued=campaign.issued,
            this_week=campaign.this_week,
            rates=(
                Rate("Visited", "saw", campaign.visited, campaign.issued),
                Rate("Returned", "claims", campaign.returned, campaign.issued),
                Rate("Proven", "leap", campaign.proven, campaign.issued),
            ),
        )
        for campaign in counted
    ]


def count_over(*, now: datetime) -> int:
    """How many campaigns are over and not closed: they stand not among those that run."""
    return Campaign.objects.running().over_on(timezone.localdate(now)).count()


def list_setup_steps() -> list[dict[str, Any]]:
    """What an admin has to do before the first link can be issued, with what is done."""
    installation = Installation.objects.current()
    managers = User.objects.filter(is_active=True, groups__name=Role.PROGRAM_MANAGER.value)
    steps = [
        {
            "text": "Name the partner and where customers can ask",
            "done": bool(installation.support_email),
            "url": reverse("installation_update"),
        },
        {"text": "Configure a flow and set it live", "done": Flow.objects.live().exists(), "url": reverse("flow_list")},
        {
            "text": "Ask Leap for the confirmation page",
            "done": Confirmation.objects.by_people().exists(),
            "url": reverse("confirmation_request"),
        },
        {"text": "Add the people who work with it", "done": managers.exists(), "url": reverse("user_list")},
    ]
    return [] if all(step["done"] for step in steps) else steps
