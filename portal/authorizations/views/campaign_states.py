"""Launch, pause, resume, close and discard campaigns. Each asks by its page or a form, and does it by POST."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from portal.authorizations.filters.audience import find_audience
from portal.authorizations.models import Campaign, Job, JobState, Mail, MailState, PrintJob
from portal.authorizations.services import campaign_states, job_runs, printing
from portal.authorizations.services.campaign_states import LaunchRefused
from portal.authorizations.services.jobs import is_quick, run_job
from portal.authorizations.tasks import run_job_task, run_print_job_task
from portal.authorizations.views.lists import user_of


class CampaignActView(PermissionRequiredMixin, View):
    """Something done to one campaign by POST; the address alone leads to its page."""

    permission_required: Any = "authorizations.change_campaign"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("campaign_detail", self.find(pk).pk)

    def find(self, pk: int) -> Campaign:
        return get_object_or_404(Campaign.objects.select_related("flow", "launch_job"), pk=pk)


class CampaignLaunchView(CampaignActView):
    """Launch a draft; of one that was launched, carry on what its launch has left undone."""

    permission_required = ("authorizations.change_campaign", "authorizations.add_link")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        user = user_of(request)
        if not campaign.may_go_out_by(user):
            raise PermissionDenied
        audience = find_audience(campaign=campaign, request=request)
        version = request.POST.get("version", "")
        try:
            job = campaign_states.launch_campaign(
                campaign=campaign, customers=audience.customers, by=user, version=version
            )
        except LaunchRefused as refusal:
            if not refusal.blockers:
                messages.warning(request, "The campaign was changed since you looked: look once more, then launch.")
            for blocker in refusal.blockers:
                messages.error(request, blocker.reason)
            return redirect("campaign_review" if campaign.is_draft else "campaign_detail", pk)
        if campaign.is_running:
            job_runs.carry_on(job)
            start_launch(job)
        return redirect("campaign_detail", pk)


class CampaignPauseView(CampaignActView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not campaign_states.pause_campaign(campaign=self.find(pk), by=user_of(request)):
            messages.info(request, "It does not run: there is nothing to pause.")
        return redirect("campaign_detail", pk)


class CampaignResumeView(CampaignActView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        if not campaign.may_go_out_by(user_of(request)):
            raise PermissionDenied
        if not campaign_states.resume_campaign(campaign=campaign, by=user_of(request)):
            messages.info(request, "It is not paused: there is nothing to resume.")
        elif campaign.launch_job:
            start_launch(campaign.launch_job)
        return redirect("campaign_detail", pk)


class CampaignCloseView(CampaignActView):
    """Closing is final: the address asks, the post does it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        if campaign.is_draft or campaign.is_closed:
            return redirect("campaign_detail", pk)
        waiting = Mail.objects.filter(message__campaign=campaign, state=MailState.WAITING).count()
        return render(request, "authorizations/campaign_close.html", {"campaign": campaign, "waiting": waiting})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        if campaign_states.close_campaign(campaign=campaign, by=user_of(request)):
            messages.success(request, f"The campaign “{campaign}” is closed. Its links keep working.")
        else:
            messages.info(request, f"The campaign is {campaign.get_state_display()}: there is nothing to close.")
        return redirect("campaign_detail", pk)


class CampaignDiscardView(CampaignActView):
    """Remove a draft: the address asks, the post does it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        if not campaign.is_draft:
            return redirect("campaign_detail", pk)
        return render(request, "authorizations/campaign_discard.html", {"campaign": campaign})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.find(pk)
        if not campaign_states.discard_draft(campaign=campaign):
            messages.warning(request, "Only a draft that nothing hangs on can be discarded.")
            return redirect("campaign_detail", pk)
        messages.success(request, f"The draft “{campaign}” is discarded.")
        return redirect("campaign_list")


def start_launch(job: Job) -> None:
    """Run a launch that waits: a small one at once, with its sheets if they are few, else the worker does it."""
    job.refresh_from_db()
    if job.state != JobState.WAITING:
        return
    if not is_quick(job):
        run_job_task.enqueue(job.pk)
        return
    run_job(job)
    printed = PrintJob.objects.filter(pk=job.result.get("print_job")).first()
    if printed and printing.is_quick(printed):
        printing.run_print_job(printed)
    elif printed:
        run_print_job_task.enqueue(printed.pk)
