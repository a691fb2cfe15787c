"""The funnel: from the issued link to the enrolled meter, as a chart, a table and a CSV (R18)."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from portal.authorizations.filters.funnel import FunnelFilterSet
from portal.authorizations.models import Link, PaperAuthorization
from portal.authorizations.services.csv_export import write_csv
from portal.authorizations.services.funnel import STEPS, Breakdown, Funnel, Part, read_funnel, read_paper_funnel
from portal.authorizations.views.lists import user_of

#: How many links without a customer are listed one by one.
SHOWN = 20


class FunnelView(PermissionRequiredMixin, View):
    permission_required = "authorizations.view_meter"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        user = user_of(request)
        filterset = FunnelFilterSet(request.GET, queryset=Link.objects.visible_to(user), request=request)
        links = filterset.qs
        chosen = filterset.form.cleaned_data.get("by")
        by = Breakdown(chosen) if chosen else None
        funnel = read_funnel(links=links.filter(customer__isnull=False), by=by)
        paper = None
        if filterset.paper_fits:
            found = filterset.narrow_paper(PaperAuthorization.objects.visible_to(user))
            paper = read_paper_funnel(paper=found) if found.exists() else None
        if request.GET.get("export") == "csv":
            if not user.has_perm("authorizations.export_meter"):
                raise PermissionDenied
            return _export(funnel, by, paper)
        shared = links.filter(customer__isnull=True)
        query = request.GET.copy()
        query["export"] = "csv"
        context: dict[str, Any] = {
            "filter": filterset,
            "funnel": funnel,
            "by": by,
            "paper": paper,
            "shared": shared.with_people().with_counts().with_meter_count()[:SHOWN],
            "shared_count": shared.count(),
            "export_url": f"?{query.urlencode()}" if user.has_perm("authorizations.export_meter") else "",
        }
        return render(request, "authorizations/funnel.html", context)


def _export(funnel: Funnel, by: Breakdown | None, paper: Part | None) -> StreamingHttpResponse:
    labels = [label for _, label, _, _ in STEPS]
    header = [
        by.label if by else "Links",
        *labels,
        *(f"{label}: % of the step before" for label in labels[1:]),
        *(f"{label}: median days since the step before" for label in labels[1:]),
        "Browser claims: returned",
        "Browser claims: returned, not proven",
    ]
    response = StreamingHttpResponse(write_csv(header, _rows(funnel, paper)), content_type="text/csv; charset=utf-8")
    name = f"funnel-{timezone.localdate():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _rows(funnel: Funnel, paper: Part | None) -> Iterator[list[Any]]:
    parts = [(part.label, part) for part in [*funnel.parts, funnel.total]]
    if paper:
        parts.append(("on paper", paper))
    for label, part in parts:
        stages = {stage.key: stage for stage in part.stages}
        found = [stages.get(key) for key, _, _, _ in STEPS]
        yield [
            label,
            *(stage.count if stage else None for stage in found),
            *(stage.rate if stage else None for stage in found[1:]),
            *(stage.days if stage else None for stage in found[1:]),
            *([None, None] if part is paper else [part.returned, part.claimed_only]),
        ]
