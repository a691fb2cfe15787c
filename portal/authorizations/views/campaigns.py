"""Campaigns: named batches of links, with what came of them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import DetailView, View
from django_tables2 import Table

from portal.authorizations.filters.campaigns import CampaignFilterSet
from portal.authorizations.forms.campaigns import CampaignForm
from portal.authorizations.models import Campaign, Flow, Link
from portal.authorizations.services.campaigns import CampaignRefused, save_campaign
from portal.authorizations.services.figures import find_counted_at, read_campaigns
from portal.authorizations.services.funnel import make_stages
from portal.authorizations.tables.campaigns import CampaignTable
from portal.authorizations.views.lists import PortalListView, user_of


class CampaignListView(PortalListView):
    permission_required = "authorizations.view_campaign"
    table_class = CampaignTable
    filterset_class = CampaignFilterSet
    template_name = "authorizations/campaign_list.html"
    export_permission = "authorizations.view_campaign"
    export_name = "campaigns"
    export_columns = (
        ("Campaign", lambda campaign: campaign.name),
        ("Flow", lambda campaign: campaign.flow.name),
        ("Journey", lambda campaign: campaign.flow.get_journey_display()),
        ("Channel", lambda campaign: campaign.get_channel_display()),
        ("Begins", lambda campaign: campaign.starts_on),
        ("Ends", lambda campaign: campaign.ends_on),
        ("Owner", lambda campaign: str(campaign.owner)),
        ("Links issued", lambda campaign: campaign.issued),
        ("We saw: visited", lambda campaign: campaign.visited),
        ("Browsers claim: returned", lambda campaign: campaign.returned),
        ("Leap says: proven", lambda campaign: campaign.proven),
    )

    def get_queryset(self) -> QuerySet[Campaign]:
        campaigns = Campaign.objects.select_related("flow", "owner").order_by("-pk")
        return read_campaigns(campaigns, now=timezone.now())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, counted_at=find_counted_at())

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        if user_of(self.request).has_perm("authorizations.add_campaign"):
            table.empty_url, table.empty_action = reverse("campaign_create"), "New campaign"
        return table


class CampaignDetailView(PermissionRequiredMixin, DetailView[Campaign]):
    permission_required = "authorizations.view_campaign"
    template_name = "authorizations/campaign_detail.html"
    context_object_name = "campaign"

    def get_queryset(self) -> QuerySet[Campaign]:
        return Campaign.objects.select_related("flow", "owner").prefetch_related("requested_utilities")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        links = Link.objects.visible_to(user_of(self.request)).filter(campaign=self.object)
        steps = links.count_steps()
        marks = links.aggregate(
            void=Count("pk", filter=Q(voided_at__isnull=False)),
            replaced=Count("pk", filter=Q(replaced_by__isnull=False)),
            shared=Count("pk", filter=Q(customer__isnull=True)),
        )
        return super().get_context_data(**kwargs, steps=steps, marks=marks, stages=make_stages(steps))


class CampaignFormView(PermissionRequiredMixin, View):
    """A new campaign, or one that is there (`pk`)."""

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=pk) if pk else None
        flow = request.GET.get("flow", "")
        initial = {"flow": int(flow)} if campaign is None and flow.isdecimal() and len(flow) < 19 else {}
        return self._show(request, pk, CampaignForm(instance=campaign, initial=initial, user=user_of(request)))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=pk) if pk else None
        form = CampaignForm(request.POST, instance=campaign, user=user_of(request))
        if form.is_valid() and self._save(form):
            messages.success(request, f"The campaign “{form.instance}” is saved.")
            return redirect("campaign_detail", form.instance.pk)
        return self._show(request, pk, form)

    def _save(self, form: CampaignForm) -> bool:
        try:
            save_campaign(campaign=form.instance, utilities=list(form.cleaned_data["requested_utilities"]))
        except CampaignRefused as refusal:
            for problem in refusal.problems:
                form.add_error(problem.field, problem.reason)
        except IntegrityError:
            form.add_error("name", "Somebody else has just saved a campaign of this name.")
        return form.is_valid()

    def _show(self, request: HttpRequest, pk: int | None, form: CampaignForm) -> HttpResponse:
        context = {
            "form": form,
            # Read anew: a refused change must not stand in the heading.
            "campaign": Campaign.objects.get(pk=pk) if pk else None,
            "has_flows": pk is not None or Flow.objects.live().exists(),
        }
        return render(request, "authorizations/campaign_form.html", context, status=422 if form.errors else 200)


class CampaignCreateView(CampaignFormView):
    permission_required = "authorizations.add_campaign"


class CampaignUpdateView(CampaignFormView):
    permission_required = "authorizations.change_campaign"
