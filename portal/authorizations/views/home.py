"""Home: what needs a person first, by role. And the search in every page's header."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.views.generic import TemplateView, View

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import (
    Campaign,
    Confirmation,
    CustomerImport,
    Flow,
    FlowState,
    ImportState,
    Installation,
    Link,
    Meter,
    PaperAuthorization,
)
from portal.authorizations.services.door_calls import list_doors
from portal.authorizations.services.funnel import make_stages
from portal.authorizations.services.plan import list_asks
from portal.authorizations.views.lists import user_of
from portal.leap.reference_ids import is_misread, normalise_code

#: At the beginning of a street: “112 Maple St” is a door of Maple St.
_HOUSE_NUMBER = re.compile(r"^\d+\S*\s+")

FUNNEL_DAYS = 90
#: So many days before the last day to ask, home begins to say so.
ASK_DAYS = 14


@dataclass(frozen=True)
class Todo:
    """One thing that needs a person: a badge with its colour, what and why, and the way there."""

    badge: str
    source: str
    text: str
    detail: str
    action: str
    url: str


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
        since = timezone.now() - timedelta(days=FUNNEL_DAYS)
        # Links without a customer have counts instead of steps; the funnel's own page shows them.
        links = Link.objects.visible_to(user).filter(issued_at__gte=since, customer__isnull=False)
        steps = links.count_steps()
        return {
            **context,
            "todos": list_todos(user),
            "stages": make_stages(steps),
            "returned": steps["returned"],
            "funnel_days": FUNNEL_DAYS,
            "funnel_since": timezone.localdate(since),
            "campaigns": list_campaigns() if user.has_perm("authorizations.view_campaign") else [],
            "checklist": list_setup_steps() if user.has_perm("authorizations.change_installation") else [],
        }

    def _for_rep(self, user: User) -> dict[str, Any]:
        text = self.request.GET.get("q", "").replace("\x00", "").strip()
        doors, more = list_doors(rep=user, text=text)
        street = _HOUSE_NUMBER.sub("", doors[0].customer.street) if doors else ""
        return {"doors": doors, "q": text, "more": more, "street": street}


class SearchView(LoginRequiredMixin, View):
    """From the header's search: straight to the link whose code or reference id it is, else the customers.

    A code that somebody misheard is found out by its check character, and said to be wrong rather than not found.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        user = user_of(request)
        if user.has_perm("authorizations.view_link") and text:
            exact = Q(reference_id=text) | Q(code=normalise_code(text) or "-")
            link = Link.objects.visible_to(user).filter(exact).first()
            if link is not None:
                return redirect("link_detail", link.pk)
            paper = PaperAuthorization.objects.visible_to(user).filter(reference_id=text).first()
            if paper is not None:
                return redirect("paper_detail", paper.pk)
            if is_misread(text):
                messages.warning(request, f"“{text}” looks like a code with a slip in it: ask to hear it once more.")
        return redirect(f"{reverse('customer_list')}?{urlencode({'q': text})}" if text else "customer_list")


def list_todos(user: User) -> list[Todo]:
    """What needs a person today, the gravest first; only what the user may see."""
    todos = []
    now = timezone.now()
    if user.has_perm("authorizations.view_confirmation"):
        count = Link.objects.visible_to(user).overdue_claims(now).count()
        if count:
            todos.append(
                Todo(
                    "Claimed",
                    "claims",
                    f"{count:,} came back, but Leap has not proven {'it' if count == 1 else 'them'} in time",
                    "Longer than their utilities usually take",
                    "Check",
                    reverse("suspicious_list"),
                )
            )
        week = now - timedelta(days=7)
        odd = Confirmation.objects.by_people().filter(at__gte=week, outcome__in=["unknown", "malformed", "void"])
        count = odd.count()
        if count:
            todos.append(
                Todo(
                    "Claimed",
                    "claims",
                    f"{count} return{'' if count == 1 else 's'} this week match no live link",
                    "Unknown, malformed or void reference ids: a typing error, or somebody trying",
                    "See them",
                    f"{reverse('confirmation_list')}?outcome=odd&received_after={timezone.localdate(week)}",
                )
            )
    if user.has_perm("authorizations.view_meter"):
        todos += list_meter_todos(now)
    if user.has_perm("authorizations.import_customer"):
        imports = CustomerImport.objects.filter(
            refused_count__gt=0,
            state__in=[ImportState.CHECKED, ImportState.APPLIED],
            created_at__gte=now - timedelta(7),
        )
        todos += [
            Todo(
                "Import",
                "",
                f"{item.file_name}: {item.refused_count:,} of {item.row_count:,} rows refused",
                "" if item.applied_at else "Checked, not applied yet",
                "Mend",
                reverse("customer_import_detail", args=[item.pk]),
            )
            for item in imports[:3]
        ]
    if user.has_perm("authorizations.view_flow"):
        todos += [
            Todo(
                "Flow",
                "",
                f"{flow.name} is not live yet",
                "Leap has to configure it first" if flow.requested_at else "The request to Leap has not been sent",
                "See it" if flow.requested_at else "Request",
                reverse("flow_request", args=[flow.pk]),
            )
            for flow in Flow.objects.filter(state=FlowState.REQUESTED)[:3]
        ]
    return todos


def list_meter_todos(now: datetime) -> list[Todo]:
    """Authorizations that were lost, and the nearest day by which customers have to be asked."""
    todos = []
    count = Meter.objects.filter(needs_authorization=True, is_archived=False).count()
    if count:
        todos.append(
            Todo(
                "Lost",
                "fault",
                f"{count:,} meter{'' if count == 1 else 's'} lost the authorization",
                "The customer has to authorize again before the meter can take part",
                "See them",
                f"{reverse('meter_list')}?action=reauthorize&archived=no",
            )
        )
    soon = timezone.localdate(now) + timedelta(days=ASK_DAYS)
    asks = [ask for ask in list_asks(now=now) if not ask.late and ask.links and ask.ask_by <= soon]
    if asks:
        ask = min(asks, key=lambda ask: ask.ask_by)
        todos.append(
            Todo(
                "Deadline",
                "leap",
                f"{ask.program} closes {date_format(ask.deadline, 'j M')}: ask by {date_format(ask.ask_by, 'j M')}",
                f"{ask.links:,} {ask.utility.short_name} link{'' if ask.links == 1 else 's'} without a meter",
                "Plan",
                reverse("plan_list"),
            )
        )
    return todos


def list_campaigns() -> "QuerySet[Campaign]":
    """The newest campaigns side by side, each number with its source."""
    week = timezone.now() - timedelta(days=7)
    return (
        Campaign.objects.select_related("flow")
        .with_counts()
        .annotate(this_week=Count("links", filter=Q(links__issued_at__gte=week)))
        .order_by("-id")[:8]
    )


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
