"""Campaigns: the list, one campaign with what came of it, and campaigns side by side."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import slugify
from django.views.generic import DetailView, View
from django_tables2 import Table

from portal.authorizations.filters.audience import find_audience
from portal.authorizations.filters.campaigns import CampaignFilterSet
from portal.authorizations.models import Campaign, Customer, Job, Link, PrintJob
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import job_runs
from portal.authorizations.services.campaign_results import MailCounts, Results, compare, count_mails, read_results
from portal.authorizations.services.campaign_review import EXAMPLES, LEFT_OUT, first_mail_at, sending_takes
from portal.authorizations.services.csv_export import write_csv
from portal.authorizations.services.figures import find_counted_at, read_campaigns
from portal.authorizations.services.funnel import Breakdown, make_stages, read_funnel
from portal.authorizations.services.job_runs import MOST_REFUSALS
from portal.authorizations.services.progress import read_progress
from portal.authorizations.tables.campaigns import CampaignTable
from portal.authorizations.views.lists import BulkAction, PortalListView, chosen_rows, read_keys, user_of

#: What the CSV says of each campaign before its numbers.
FACTS: tuple[tuple[str, Callable[[Campaign], Any]], ...] = (
    ("State", lambda campaign: campaign.get_state_display()),
    ("Channel", lambda campaign: campaign.get_channel_display()),
    ("Flow", lambda campaign: campaign.flow.name if campaign.flow_id else ""),
    ("Begins", lambda campaign: campaign.starts_on),
    ("Ends", lambda campaign: campaign.ends_on),
)
#: Campaigns that stand side by side at most.
MOST_COMPARED = 8
#: What a campaign's page cuts its funnel by.
CUTS = (Breakdown.UTILITY, Breakdown.WEEK, Breakdown.CUSTOMER_TYPE)


class CampaignListView(PortalListView):
    permission_required = "authorizations.view_campaign"
    table_class = CampaignTable
    filterset_class = CampaignFilterSet
    template_name = "authorizations/campaign_list.html"
    export_permission = "authorizations.view_campaign"
    export_name = "campaigns"
    export_columns = (
        ("Campaign", lambda campaign: campaign.name),
        ("State", lambda campaign: campaign.get_state_display()),
        ("Flow", lambda campaign: campaign.flow.name if campaign.flow_id else ""),
        ("Journey", lambda campaign: campaign.flow.get_journey_display() if campaign.flow_id else ""),
        ("Channel", lambda campaign: campaign.get_channel_display()),
        ("Begins", lambda campaign: campaign.starts_on),
        ("Ends", lambda campaign: campaign.ends_on),
        ("Owner", lambda campaign: str(campaign.owner)),
        ("Links issued", lambda campaign: campaign.issued),
        ("We saw: visited", lambda campaign: campaign.visited),
        ("Browsers claim: returned", lambda campaign: campaign.returned),
        ("Leap says: proven", lambda campaign: campaign.proven),
    )
    bulk_actions = (BulkAction("Compare", reverse_lazy("campaign_compare"), "authorizations.view_campaign"),)

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
    """One campaign: its launch while that runs and after, what came of it, and who stopped where."""

    permission_required = "authorizations.view_campaign"
    context_object_name = "campaign"
    request: PortalRequest

    def get_queryset(self) -> QuerySet[Campaign]:
        people = ("owner", "launched_by", "state_changed_by")
        return Campaign.objects.select_related("flow", "launch_job", *people).prefetch_related("requested_utilities")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        draft = self.get_queryset().filter(pk=kwargs["pk"], state="draft").exists()
        if draft and request.user.has_perm("authorizations.change_campaign"):
            # It has nothing to show yet: the wizard's last page says what is missing.
            return redirect("campaign_review", kwargs["pk"])
        return super().get(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        return ["authorizations/_campaign_launch.html" if self.request.htmx else "authorizations/campaign_detail.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = self.object
        may_go_out = campaign.may_go_out_by(user_of(self.request))
        context = super().get_context_data(**kwargs, **launch_context(campaign), may_go_out=may_go_out)
        if self.request.htmx:
            return context
        links = Link.objects.visible_to(user_of(self.request)).filter(campaign=campaign)
        [results] = read_results(campaigns=[campaign], links=links)
        chosen = self.request.GET.get("by", "")
        by = next((cut for cut in CUTS if cut.value == chosen), CUTS[0])
        return {
            **context,
            "audience": find_audience(campaign=campaign, request=self.request).words,
            "alone": [campaign],
            "counts": results.counts,
            "stopped": Counter(dict(links.order_by().values_list("status").annotate(n=Count("pk")))),
            "rows": [row for row in compare([results], with_empty=False) if row.measure.name != "issued"],
            "stages": make_stages(results.counts),
            "by": by,
            "cuts": CUTS,
            "funnel": read_funnel(links=links, by=by) if results.counts["issued"] else None,
        }


class CampaignCompareView(PermissionRequiredMixin, View):
    """Campaigns side by side, also as CSV. The list's bulk action posts which; the address then says it."""

    permission_required = "authorizations.view_campaign"

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = chosen_rows(request, queryset=Campaign.objects.all(), filterset_class=CampaignFilterSet)
        keys = list(chosen.order_by("-pk").values_list("pk", flat=True)[: MOST_COMPARED + 1])
        if not keys:
            messages.warning(request, "No campaigns were chosen: tick the rows first.")
            return redirect("campaign_list")
        if len(keys) > MOST_COMPARED:
            messages.info(request, f"The newest {MOST_COMPARED} of the chosen campaigns stand side by side.")
        return redirect(f"{reverse('campaign_compare')}?{urlencode({'campaign': keys[:MOST_COMPARED]}, doseq=True)}")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        keys = read_keys(request.GET.getlist("campaign"))
        found = Campaign.objects.select_related("flow", "owner", "launch_job").in_bulk(keys[:MOST_COMPARED])
        campaigns = [found[key] for key in dict.fromkeys(keys) if key in found]
        if not campaigns:
            messages.warning(request, "Tick the campaigns to compare.")
            return redirect("campaign_list")
        results = read_results(campaigns=campaigns, links=Link.objects.visible_to(user_of(request)))
        if request.GET.get("export") == "csv":
            return _export(results)
        query = urlencode([*(("campaign", campaign.pk) for campaign in campaigns), ("export", "csv")])
        context = {"campaigns": campaigns, "rows": compare(results, with_empty=False), "export_url": f"?{query}"}
        return render(request, "authorizations/campaign_compare.html", context)


def launch_context(campaign: Campaign) -> dict[str, Any]:
    """How far a campaign's launch is, and what came of it."""
    job = campaign.launch_job
    # While it runs the page asks every second, and shows none of them.
    mails = MailCounts() if job is not None and job.is_under_way else count_mails(campaign)
    if job is None:
        return {"job": None, "mails": mails}
    last = mails.last_due_at
    return {
        "job": job,
        "progress": read_progress(job_runs.progress_key(job)),
        "stuck": job_runs.is_stuck(job),
        "can_carry_on": campaign.is_running and job_runs.can_carry_on(job),
        "left_out": [
            {"name": why, "words": words, "count": count, "kept": len(job.left_out_keys(why))}
            for why, words in LEFT_OUT.items()
            if (count := job.result.get(f"left_out_{why}"))
        ],
        "refusals": group_refusals(job),
        "refusals_kept": MOST_REFUSALS,
        "print_job": PrintJob.objects.filter(pk=job.result.get("print_job")).first(),
        "mails": mails,
        "last_mail_at": max(first_mail_at(campaign), last) + sending_takes(mails.waiting) if last else None,
    }


def group_refusals(job: Job) -> list[dict[str, Any]]:
    """The refusals that a job has kept, by reason, the most frequent first, with a few customers each."""
    numbers = Counter(row["reason"] for row in job.refusals)
    first: dict[str, list[int]] = {reason: [] for reason in numbers}
    for row in job.refusals:
        if len(first[row["reason"]]) < EXAMPLES:
            first[row["reason"]].append(row["customer"])
    names = Customer.objects.in_bulk([key for keys in first.values() for key in keys])
    return [
        {"reason": reason, "count": count, "examples": [names[key] for key in first[reason] if key in names]}
        for reason, count in numbers.most_common()
    ]


def _export(results: list[Results]) -> StreamingHttpResponse:
    def rows() -> Iterator[list[Any]]:
        for label, get in FACTS:
            yield [label, *(value for each in results for value in (get(each.campaign), None))]
        for row in compare(results):
            yield [row.measure.label, *(value for cell in row.cells for value in (cell.count, cell.percent))]

    header = ["Measure", *(name for each in results for name in (each.campaign.name, f"{each.campaign.name}: %"))]
    response = StreamingHttpResponse(write_csv(header, rows()), content_type="text/csv; charset=utf-8")
    name = f"{_file_stem(results)}-{timezone.localdate():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file_stem(results: list[Results]) -> str:
    """What the file of one campaign begins with: its name as far as ASCII has it, and its key."""
    if len(results) != 1:
        return "campaigns"
    [campaign] = [each.campaign for each in results]
    return "-".join(filter(None, ("campaign", slugify(campaign.name), str(campaign.pk))))
