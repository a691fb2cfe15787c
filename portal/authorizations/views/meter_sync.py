"""The syncs of meters with Leap: how the last ones ended, and one now."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from portal.authorizations.forms.meter_sync import MeterSyncForm
from portal.authorizations.models import SyncRun
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import leap_api, meter_sync
from portal.authorizations.services.progress import read_progress
from portal.authorizations.tasks import sync_meters_task
from portal.authorizations.views.lists import user_of

#: How many runs the screen shows.
RECENT = 20


class MeterSyncView(PermissionRequiredMixin, View):
    """The last runs, with what is at it now above them; the button starts one."""

    permission_required = "authorizations.sync_meters"

    def get(self, request: PortalRequest) -> HttpResponse:
        progress = read_progress(meter_sync.PROGRESS)
        running = meter_sync.running_sync()
        context = {
            "runs": SyncRun.objects.select_related("started_by")[:RECENT],
            "running": running,
            "progress": progress,
            # The queue has it, and no worker has taken it yet.
            "waiting": not running and progress.doing == meter_sync.WAITING and not progress.is_stale,
            "ignored": not running and progress.doing == meter_sync.WAITING and progress.is_stale,
            "form": MeterSyncForm(),
            "has_key": leap_api.has_key(),
        }
        name = "_meter_sync.html" if request.htmx else "meter_sync.html"
        return render(request, f"authorizations/{name}", context)

    def post(self, request: PortalRequest) -> HttpResponse:
        if meter_sync.running_sync():
            messages.warning(request, "A sync is running already: wait until it is done.")
        else:
            meter_sync.ask_for_sync()
            form = MeterSyncForm(request.POST)
            sync_meters_task.enqueue(form.is_valid() and form.cleaned_data["full"], user_of(request).pk)
        return redirect("meter_sync")
