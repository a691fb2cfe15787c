"""Printing sheets of codes: the jobs, a new one with its preview, and a job's page with its proof and its PDF."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, View
from django_tables2 import Table

from portal.authorizations.filters.links import LinkFilterSet
from portal.authorizations.filters.printing import PrintChoiceFilterSet, PrintFilterSet
from portal.authorizations.forms.printing import PrintForm
from portal.authorizations.models import Link, PrintJob, PrintLine
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import printing
from portal.authorizations.services.print_choice import count_choice
from portal.authorizations.services.printers import get_printer
from portal.authorizations.services.retention import FILES_KEPT
from portal.authorizations.tables.printing import PrintTable
from portal.authorizations.tasks import run_print_job_task
from portal.authorizations.views.lists import PortalListView, chosen_rows, user_of
from portal.authorizations.views.printers import draw_stock
from portal.printing.stocks import STOCKS, PrintRefusedError

#: What a new job starts with before a person has printed anything.
FIRST_STOCK = "avery-5160"
#: Faults of a failed proof that the page names.
FAULTS_SHOWN = 20


class PrintListView(PortalListView):
    permission_required = "authorizations.view_printjob"
    table_class = PrintTable
    filterset_class = PrintFilterSet
    template_name = "authorizations/print_list.html"

    def get_queryset(self) -> QuerySet[PrintJob]:
        jobs = PrintJob.objects.visible_to(user_of(self.request))
        return jobs.select_related("created_by").defer("logo")

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        table.empty_url, table.empty_action = reverse("print_create"), "Print codes"
        return table


class Chosen(NamedTuple):
    """The links to print, how they were chosen in words, and what carries the choice to the next step."""

    links: "QuerySet[Link]"
    words: str
    all: bool
    query: str
    ids: list[str]


class PrintCreateView(PermissionRequiredMixin, View):
    """Choose links (filters in the address, or rows ticked in a list), paper and options; look; print."""

    permission_required = "authorizations.add_printjob"

    def get(self, request: PortalRequest) -> HttpResponse:
        filterset = self._filterset(request, request.GET)
        if not request.GET or not filterset.is_valid():
            return render(request, "authorizations/print_create.html", {"filter": filterset})
        chosen = Chosen(filterset.qs, filterset.words, True, request.GET.urlencode(), [])
        return self._show(request, chosen, PrintForm(initial=self._last_options(request)))

    def post(self, request: PortalRequest) -> HttpResponse:
        posted, files = request.POST, request.FILES
        chosen = self._chosen(request)
        if "stock" not in posted:
            return self._show(request, chosen, PrintForm(initial=self._last_options(request)))
        form = PrintForm(posted, files, too_large=getattr(request, "upload_too_large", False))
        if not form.is_valid() or request.htmx or "preview" in posted:
            return self._show(request, chosen, form)
        try:
            job = printing.create_print_job(
                links=chosen.links, chosen=chosen.words, request=form.request, created_by=user_of(request)
            )
        except PrintRefusedError as refusal:
            form.refuse(refusal)
            return self._show(request, chosen, form)
        return start(job)

    def _filterset(self, request: HttpRequest, query: QueryDict) -> PrintChoiceFilterSet:
        queryset = Link.objects.visible_to(user_of(request))
        return PrintChoiceFilterSet(query, queryset=queryset, request=request)

    def _chosen(self, request: HttpRequest) -> Chosen:
        links = chosen_rows(request, queryset=Link.objects.visible_to(user_of(request)), filterset_class=LinkFilterSet)
        query = request.POST.get("query", "")
        if request.POST.get("all"):
            words = self._filterset(request, QueryDict(query)).words
            return Chosen(links, words, True, query, [])
        ids = [value for value in request.POST.getlist("select") if value.isdecimal() and len(value) < 19]
        return Chosen(links, "one link" if len(ids) == 1 else f"{len(ids):,} ticked links", False, "", ids)

    def _last_options(self, request: HttpRequest) -> dict[str, Any]:
        """A person mostly prints as the last time."""
        last = PrintJob.objects.filter(created_by=user_of(request)).defer("logo").first()
        if last is None or last.stock not in STOCKS:
            return {"stock": FIRST_STOCK, "lines": [PrintLine.NAME, PrintLine.ADDRESS]}
        return {name: getattr(last, name) for name in ("stock", "lines", "language", "target")}

    def _show(self, request: PortalRequest, chosen: Chosen, form: PrintForm) -> HttpResponse:
        choice = count_choice(chosen.links)
        preview = None
        if form.is_bound and form.is_valid() and (request.htmx or "preview" in request.POST):
            try:
                preview = printing.preview_print(links=chosen.links, request=form.request, user=user_of(request))
            except PrintRefusedError as refusal:
                form.refuse(refusal)
        stock = STOCKS.get(str(form["stock"].value()), STOCKS[FIRST_STOCK])
        context = {
            "form": form,
            "chosen": chosen,
            "choice": choice,
            "preview": preview,
            "stock": stock,
            "pages": stock.pages_for(choice.printed, start_at=form.first_label),
            "printer": get_printer(user=user_of(request), stock=stock),
            "stocks": [draw_stock(known) for known in STOCKS.values()],
        }
        if request.htmx:
            return render(request, "authorizations/_print_preview.html", context)
        return render(request, "authorizations/print_create.html", context, status=422 if form.errors else 200)


class PrintPage(PermissionRequiredMixin, View):
    """What is about one print job that the user may see."""

    permission_required = "authorizations.view_printjob"

    def find(self, request: HttpRequest, pk: int) -> PrintJob:
        return get_object_or_404(PrintJob.objects.visible_to(user_of(request)), pk=pk)


class PrintDetailView(PermissionRequiredMixin, DetailView[PrintJob]):
    """How far a job is, what was printed, what the proof says, and the PDF."""

    permission_required = "authorizations.view_printjob"
    context_object_name = "job"
    request: PortalRequest

    def get_queryset(self) -> QuerySet[PrintJob]:
        return PrintJob.objects.visible_to(user_of(self.request)).select_related("created_by", "again")

    def get_template_names(self) -> list[str]:
        return ["authorizations/_print_job.html" if self.request.htmx else "authorizations/print_detail.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job = self.object
        user = user_of(self.request)
        others, stuck = printing.count_others(job=job, user=user), printing.is_stuck(job)
        return super().get_context_data(
            **kwargs,
            progress=printing.progress_of(job),
            stuck=stuck,
            can_cancel=(stuck or not job.cancel_asked_at) and user.has_perm("authorizations.add_printjob"),
            has_sheets=printing.has_sheets(job) and not others,
            others=others,
            kept_days=FILES_KEPT.days,
            dead_since=printing.count_dead_since(job),
            faults=job.proof.get("faults", [])[:FAULTS_SHOWN],
            moved=_moved(job),
            lines=[PrintLine(line).label for line in job.lines if line in PrintLine.values],
        )


@method_decorator(never_cache, name="dispatch")
class PrintFileView(PrintPage):
    """The sheets as PDF, to be saved: they name customers, and no cache keeps them."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        job = self.find(request, pk)
        if not printing.has_sheets(job) or printing.count_others(job=job, user=user_of(request)):
            raise Http404("There are no sheets of this job: print it again.")
        response = FileResponse(
            job.file.open("rb"),
            as_attachment=True,
            filename=f"codes-{job.pk}-{job.stock}.pdf",
            content_type="application/pdf",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class PrintAgainView(PrintPage):
    """The same links on the same paper with the same options, as a new job."""

    permission_required = "authorizations.add_printjob"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("print_detail", self.find(request, pk).pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.find(request, pk)
        try:
            again = printing.print_again(job=job, created_by=user_of(request))
        except PrintRefusedError as refusal:
            messages.error(request, str(refusal))
            return redirect("print_detail", pk)
        return start(again)


class PrintCancelView(PrintPage):
    """End a job that waits or runs: nothing is handed out."""

    permission_required = "authorizations.add_printjob"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("print_detail", self.find(request, pk).pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not printing.cancel_print_job(self.find(request, pk)):
            messages.info(request, "It had ended already.")
        return redirect("print_detail", pk)


def start(job: PrintJob) -> HttpResponse:
    """Print a job at once, or have the worker do it, and show its page."""
    if printing.is_quick(job):
        printing.run_print_job(job)
    else:
        run_print_job_task.enqueue(job.pk)
    return redirect("print_detail", job.pk)


def _moved(job: PrintJob) -> str:
    """How the printer was corrected, in words; empty if it was not."""
    said = (
        (job.offset_x_mm or None, f"{abs(job.offset_x_mm):.4g} mm to the {'right' if job.offset_x_mm > 0 else 'left'}"),
        (job.offset_y_mm or None, f"{abs(job.offset_y_mm):.4g} mm {'down' if job.offset_y_mm > 0 else 'up'}"),
        (job.left_margin_mm, f"left margin {job.left_margin_mm or 0:.4g} mm"),
        (job.top_margin_mm, f"top margin {job.top_margin_mm or 0:.4g} mm"),
    )
    return ", ".join(words for value, words in said if value is not None)
