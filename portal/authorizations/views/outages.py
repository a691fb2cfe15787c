"""Outages: which utilities are down, marked and ended by hand, or read from the feed."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.generic import View

from portal.authorizations.filters.outages import OutageFilterSet
from portal.authorizations.forms.reminders import OutageForm
from portal.authorizations.models import Installation, Outage, OutageFeed
from portal.authorizations.services.outages import OutageRefused, end_outage, mark_outage
from portal.authorizations.tables.reminders import OutageTable
from portal.authorizations.views.lists import PortalListView, user_of


class OutageListView(PortalListView):
    permission_required = "authorizations.view_outage"
    table_class = OutageTable
    filterset_class = OutageFilterSet
    template_name = "authorizations/outage_list.html"
    export_permission = "authorizations.view_outage"
    export_name = "outages"
    export_columns = (
        ("Utility", lambda outage: outage.utility.short_name),
        ("Utility ID", lambda outage: outage.utility.utility_id),
        ("Began", lambda outage: _moment(outage.began_at)),
        ("Ended", lambda outage: _moment(outage.ended_at)),
        ("Note", lambda outage: outage.note),
        ("Marked by", lambda outage: "the feed" if outage.is_from_feed else str(outage.marked_by or "")),
    )

    def get_queryset(self) -> QuerySet[Outage]:
        return Outage.objects.select_related("utility", "marked_by")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_feed = bool(Installation.objects.current().outage_feed_url)
        feed = OutageFeed.objects.first() if has_feed else None
        return super().get_context_data(**kwargs, has_feed=has_feed, feed=feed)


class OutageCreateView(PermissionRequiredMixin, View):
    """Mark a utility down."""

    permission_required = "authorizations.add_outage"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, OutageForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = OutageForm(request.POST)
        if form.is_valid():
            try:
                outage = mark_outage(
                    utility=form.wanted_utility,
                    began_at=form.wanted_beginning,
                    ended_at=form.wanted_end,
                    note=form.cleaned_data["note"],
                    by=user_of(request),
                )
            except OutageRefused as refusal:
                form.add_error("utility", str(refusal))
            else:
                messages.success(request, _say_marked(outage))
                return redirect("outage_list")
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: OutageForm) -> HttpResponse:
        status = 422 if form.errors else 200
        return render(request, "authorizations/outage_form.html", {"form": form}, status=status)


class OutageEndView(PermissionRequiredMixin, View):
    """End an outage, after a question."""

    permission_required = "authorizations.change_outage"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return render(request, "authorizations/outage_end.html", {"outage": self._outage(pk)})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        outage = self._outage(pk)
        name, is_announced = outage.utility.short_name, outage.is_announced
        if end_outage(outage=outage, at=timezone.now()):
            if is_announced:
                words = "the announced outage is withdrawn"
            elif Outage.objects.at(timezone.now()).filter(utility=outage.utility).exists():
                words = "this outage is over; another one of it goes on"
            else:
                words = "up again: what it held goes out"
            messages.success(request, f"{name}: {words}.")
        else:
            messages.info(request, "The outage had ended before.")
        return redirect("outage_list")

    def _outage(self, pk: int) -> Outage:
        return get_object_or_404(Outage.objects.select_related("utility"), pk=pk)


def _say_marked(outage: Outage) -> str:
    name = outage.utility.short_name
    until = f"until {_say(outage.ended_at)}" if outage.ended_at else "until you end it"
    if outage.is_announced:
        return f"{name} will be down from {_say(outage.began_at)} {until}: nobody is reminded to go there then."
    return f"{name} is marked down: nobody is reminded to go there {until}."


def _say(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
