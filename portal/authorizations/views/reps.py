"""Reps: what they handed out and what came of it, and from which flow they hand out links at the door."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.generic import View

from portal.accounts.models import User
from portal.authorizations.forms.doors import DoorKitForm
from portal.authorizations.forms.reps import ReportForm
from portal.authorizations.models import DoorKit
from portal.authorizations.services.csv_export import write_csv
from portal.authorizations.services.customers import list_reps
from portal.authorizations.services.door_devices import find_kit, list_kits, save_kit
from portal.authorizations.services.rep_report import DIMENSIONS, ReportRow, report_on_reps
from portal.authorizations.views.lists import user_of

#: More rows than a screen takes; the CSV has all.
ROWS_SHOWN = 500

COUNTS = {
    "handed_out": "Handed out",
    "visits": "We saw: visits",
    "returns": "Browser claims: returns",
    "authorized": "Leap says: authorized",
    "calls": "Calls at the door",
    "refused": "Refused",
}


class RepListView(PermissionRequiredMixin, View):
    """Visits and returns per rep, day and town; as CSV with `export=csv`."""

    permission_required = ("authorizations.view_every_link", "authorizations.view_visit")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = ReportForm(request.GET)
        rows, by = [], ["rep"]
        if form.is_valid():
            by = [name for name in DIMENSIONS if name in form.cleaned_data["by"]]
            rows = report_on_reps(**{**form.cleaned_data, "by": by})
        if request.GET.get("export") == "csv" and form.is_valid():
            return _export(rows, by)
        query = request.GET.copy()
        query["export"] = "csv"
        context = {
            "form": form,
            "by": by,
            "counts": COUNTS.values(),
            "rows": [
                {"heads": zip(by, _heads(row, by, shown=True), strict=True), "counts": _counts(row)}
                for row in rows[:ROWS_SHOWN]
            ],
            "more": max(0, len(rows) - ROWS_SHOWN),
            "totals": [(label, sum(getattr(row, name) for row in rows)) for name, label in COUNTS.items()],
            "reps": list_kits(list_reps()),
            "export_url": f"?{query.urlencode()}",
        }
        return render(request, "authorizations/rep_list.html", context, status=422 if form.errors else 200)


class RepKitView(PermissionRequiredMixin, View):
    """Choose the flow of a rep's links at the door."""

    permission_required = "authorizations.change_doorkit"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        rep = get_object_or_404(list_reps(), pk=pk)
        kit = DoorKit.objects.filter(rep=rep).first() or find_kit(rep)
        return self._show(request, rep, DoorKitForm(instance=kit))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        rep = get_object_or_404(list_reps(), pk=pk)
        form = DoorKitForm(request.POST)
        if not form.is_valid():
            return self._show(request, rep, form)
        kit = save_kit(rep=rep, chosen_by=user_of(request), **form.cleaned_data)
        messages.success(request, f"{rep} hands out links of “{kit.flow}” at the door.")
        return redirect("rep_list")

    def _show(self, request: HttpRequest, rep: User, form: DoorKitForm) -> HttpResponse:
        context = {"rep": rep, "form": form}
        return render(request, "authorizations/rep_kit.html", context, status=422 if form.errors else 200)


def _heads(row: ReportRow, by: list[str], *, shown: bool = False) -> list[Any]:
    """Who, when and where; a day as people read it on the screen, as programs do in the CSV."""
    day = date_format(row.day, "j M Y") if shown and row.day else row.day
    values = {"rep": row.rep, "day": day, "town": row.town or "no town"}
    return [values[name] for name in by]


def _counts(row: ReportRow) -> list[tuple[str, int]]:
    return [(label, getattr(row, name)) for name, label in COUNTS.items()]


def _export(rows: list[ReportRow], by: list[str]) -> StreamingHttpResponse:
    header = [*(name.capitalize() for name in by), *COUNTS.values()]
    lines = ([*_heads(row, by), *(count for _, count in _counts(row))] for row in rows)
    response = StreamingHttpResponse(write_csv(header, lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="reps-{timezone.localdate():%Y-%m-%d}.csv"'
    return response
