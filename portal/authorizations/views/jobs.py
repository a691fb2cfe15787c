"""Bulk actions in the background: the jobs, how far one is and what came of it, cancelling and carrying on."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.generic import DetailView, View

from portal.accounts.models import User
from portal.authorizations.filters.jobs import JobFilterSet
from portal.authorizations.models import Batch, Campaign, Customer, Flow, Job, Link
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import job_runs
from portal.authorizations.services.jobs import KINDS, is_quick, run_job
from portal.authorizations.services.progress import read_progress
from portal.authorizations.tables.jobs import JobTable
from portal.authorizations.tasks import run_job_task
from portal.authorizations.views.lists import PortalListView, user_of

#: How many links that ask for other utilities the screens name.
DIFFERING_SHOWN = 50
#: Whoever may start one of them may see the jobs, their own ones at least.
MAY_SEE = "authorizations.add_link"


class JobListView(PortalListView):
    permission_required = MAY_SEE
    table_class = JobTable
    filterset_class = JobFilterSet
    template_name = "authorizations/job_list.html"

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.visible_to(user_of(self.request)).select_related("created_by").defer("parameters", "result")


class JobDetailView(PermissionRequiredMixin, DetailView[Job]):
    """How far a job is, and what came of it. People see their own; managers see all."""

    permission_required = MAY_SEE
    context_object_name = "job"
    request: PortalRequest

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.visible_to(user_of(self.request)).select_related("created_by")

    def get_template_names(self) -> list[str]:
        return ["authorizations/_job.html" if self.request.htmx else "authorizations/job_detail.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job = self.object
        kind = KINDS.get(job.kind)
        batch = Batch.objects.filter(pk=job.result.get("batch")).first()
        names = Customer.objects.in_bulk([row["customer"] for row in job.refusals])
        counts = kind.counts.items() if kind else ()
        return super().get_context_data(
            **kwargs,
            heading=kind.heading_for(job.total) if kind else job.kind.capitalize(),
            progress=read_progress(job_runs.progress_key(job)),
            stuck=job_runs.is_stuck(job),
            can_carry_on=job_runs.can_carry_on(job) and _may_go_out(job, user_of(self.request)),
            counts=[
                {"words": words, "count": job.result.get(name, 0), "is_fault": name == "refused_count"}
                for name, words in counts
                if job.result.get(name) or not name.startswith("left_out")
            ],
            refused=[{"customer": names.get(row["customer"]), "reason": row["reason"]} for row in job.refusals],
            flow=Flow.objects.filter(pk=job.parameters.get("flow")).first(),
            batch=batch,
            differing=differing_links(user_of(self.request), batch)[:DIFFERING_SHOWN] if batch else [],
        )


class JobStep(PermissionRequiredMixin, View):
    """What a person does with a job that is there: by POST; the address alone leads to its page."""

    permission_required = MAY_SEE

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("job_detail", self.find(request, pk).pk)

    def find(self, request: HttpRequest, pk: int) -> Job:
        return get_object_or_404(Job.objects.visible_to(user_of(request)), pk=pk)


class JobCancelView(JobStep):
    """End a job between two batches: what is done stays done."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not job_runs.cancel_job(self.find(request, pk)):
            messages.info(request, "It had ended already.")
        return redirect("job_detail", pk)


class JobCarryOnView(JobStep):
    """Go on where a job stopped: whose process died, which failed or was cancelled."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.find(request, pk)
        if not _may_go_out(job, user_of(request)):
            raise PermissionDenied
        if job_runs.carry_on(job):
            run_job_task.enqueue(pk)
        else:
            messages.info(request, "There is nothing to carry on: it runs, or is done.")
        return redirect("job_detail", pk)


def _may_go_out(job: Job, user: User) -> bool:
    """Whether a person may let a job run on: a launch's may send mails."""
    campaign = Campaign.objects.filter(launch_job=job).first()
    return campaign is None or campaign.may_go_out_by(user)


def start(job: Job) -> HttpResponse:
    """Run a job at once, or if it is about many rows have the worker do it, and show its page."""
    if is_quick(job):
        run_job(job)
    else:
        run_job_task.enqueue(job.pk)
    return redirect("job_detail", job.pk)


def differing_links(user: User, batch: Batch) -> QuerySet[Link]:
    """Links that a batch found, of those the user may see, which ask for other utilities than were wanted."""
    return Link.objects.visible_to(user).with_people().of_batch(batch, "differing")
