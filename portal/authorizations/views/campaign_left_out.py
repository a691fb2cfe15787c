"""Whom a campaign leaves out, each by name and why, as CSV: of a draft those of now, of a launch those it has kept."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.generic import View

from portal.authorizations.filters.audience import find_audience
from portal.authorizations.models import Campaign, Customer, Job
from portal.authorizations.services.campaign_review import LEFT_OUT, REFUSED_BY_FLOW, list_left_out, list_refused
from portal.authorizations.views.exports import Columns, stream_csv
from portal.authorizations.views.lists import user_of

#: The customers, and why each of them.
Found = tuple["QuerySet[Customer]", Callable[[Customer], str]]
COLUMNS: Columns = (
    ("External ID", lambda customer: customer.external_id),
    ("Customer", str),
    ("Email", lambda customer: customer.email),
    ("Address", lambda customer: customer.address),
    ("Utility", lambda customer: customer.utility.short_name if customer.utility else ""),
    ("Customer type", lambda customer: customer.customer_type),
)


class CampaignLeftOutView(PermissionRequiredMixin, View):
    """The customers that one reason leaves out. `which`: a name in LEFT_OUT, or REFUSED_BY_FLOW."""

    permission_required = ("authorizations.view_campaign", "authorizations.export_customer")

    def get(self, request: HttpRequest, pk: int, which: str) -> StreamingHttpResponse:
        campaign = get_object_or_404(Campaign.objects.select_related("flow", "launch_job"), pk=pk)
        if campaign.is_draft:
            found, why = self._of_draft(request, campaign, which)
        else:
            found, why = self._of_launch(request, campaign.launch_job, which)
        return stream_csv(
            name=f"campaign-{pk}-left-out-{which}",
            columns=(*COLUMNS, ("Why", why)),
            found=found,
            shown=Customer.objects.select_related("utility"),
        )

    def _of_draft(self, request: HttpRequest, campaign: Campaign, which: str) -> Found:
        customers = find_audience(campaign=campaign, request=request).customers
        if which != REFUSED_BY_FLOW:
            return list_left_out(campaign=campaign, customers=customers, name=which), lambda _: LEFT_OUT[which]
        refused, reasons = list_refused(campaign=campaign, customers=customers)
        return refused, lambda customer: reasons.get((customer.utility_id, customer.customer_type), "")

    def _of_launch(self, request: HttpRequest, job: Job | None, which: str) -> Found:
        if which == REFUSED_BY_FLOW:
            reasons: dict[int, Any] = {row["customer"]: row["reason"] for row in job.refusals} if job else {}
        else:
            reasons = dict.fromkeys(job.left_out_keys(which) if job else (), LEFT_OUT[which])
        seen = Customer.objects.visible_to(user_of(request)).filter(pk__in=list(reasons))
        return seen, lambda customer: str(reasons[customer.pk])
