"""Importing a customer list: upload, columns, check, done. Each step can be left and come back to."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import DetailView, View

from portal.authorizations.forms.imports import ColumnsForm, UploadForm
from portal.authorizations.models import CustomerImport, ImportState
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import imports
from portal.authorizations.services.customer_file import CustomerFileError
from portal.authorizations.tasks import apply_import_task, check_import_task
from portal.authorizations.views.jobs import DIFFERING_SHOWN, differing_links
from portal.authorizations.views.lists import user_of

#: How many earlier imports, refused cells and changed values the screens show.
RECENT, FAULTS_SHOWN, CHANGES_SHOWN = 10, 100, 50


class CustomerImportView(PermissionRequiredMixin, View):
    """Upload a list; below, the imports of late."""

    permission_required = "authorizations.import_customer"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, UploadForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES, too_large=getattr(request, "upload_too_large", False))
        if form.is_valid():
            try:
                imported = imports.create_import(file=form.cleaned_data["file"], uploaded_by=user_of(request))
            except CustomerFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect("customer_import_columns", imported.pk)
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        context = {
            "form": form,
            "max_bytes": settings.MAX_UPLOAD_BYTES,
            "max_megabytes": settings.MAX_UPLOAD_BYTES // 1024**2,
            "recent": all_imports().select_related("uploaded_by")[:RECENT],
        }
        return render(request, "authorizations/customer_import.html", context, status=422 if form.errors else 200)


class CustomerImportColumnsView(PermissionRequiredMixin, View):
    """What each column means, as guessed from its header, and which links shall follow."""

    permission_required = "authorizations.import_customer"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        imported = get_object_or_404(all_imports(), pk=pk)
        open_states = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED)
        if imported.state not in open_states or not imports.has_file(imported):
            return redirect("customer_import_detail", pk)
        return self._show(request, imported, ColumnsForm(imported=imported))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        imported = get_object_or_404(all_imports(), pk=pk)
        if not imports.has_file(imported):
            return redirect("customer_import_detail", pk)
        form = ColumnsForm(request.POST, imported=imported)
        if not form.is_valid():
            return self._show(request, imported, form)
        flow, campaign = form.cleaned_data["flow"], form.cleaned_data["campaign"]
        if imports.start_check(imported=imported, columns=form.columns, flow=flow, campaign=campaign):
            if imports.is_quick(imported):
                imports.run_check(imported)
            else:
                check_import_task.enqueue(imported.pk)
        return redirect("customer_import_detail", pk)

    def _show(self, request: HttpRequest, imported: CustomerImport, form: ColumnsForm) -> HttpResponse:
        samples = imports.read_sample(imported)
        columns = [
            {"name": name, "field": form[f"column_{index}"], "samples": samples[index]}
            for index, name in enumerate(imported.header)
        ]
        context = {"imported": imported, "form": form, "columns": columns, "has_id": "external_id" in guessed(imported)}
        template = "authorizations/customer_import_columns.html"
        return render(request, template, context, status=422 if form.errors else 200)


class CustomerImportDetailView(PermissionRequiredMixin, DetailView[CustomerImport]):
    """Where an import stands: how far a step is, what the check found, what came of it."""

    permission_required = "authorizations.import_customer"
    context_object_name = "imported"
    request: PortalRequest

    def get_queryset(self) -> QuerySet[CustomerImport]:
        return all_imports().select_related("flow", "campaign", "uploaded_by", "batch")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if self.object.state == ImportState.UPLOADED and imports.has_file(self.object):
            return redirect("customer_import_columns", self.object.pk)
        return self.render_to_response(self.get_context_data())

    def get_template_names(self) -> list[str]:
        name = "_customer_import.html" if self.request.htmx else "customer_import_detail.html"
        return [f"authorizations/{name}"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        imported = self.object
        context: dict[str, Any] = {
            "progress": imports.progress_of(imported),
            "stuck": imports.is_stuck(imported),
            "has_file": imports.has_file(imported),
        }
        if imported.batch and imported.differing_count:
            context["differing"] = differing_links(user_of(self.request), imported.batch)[:DIFFERING_SHOWN]
        if imported.file and imported.state in (ImportState.CHECKED, ImportState.APPLIED):
            staging = imports.staging_of(imported)
            context["faults"] = staging.read_faults(count=FAULTS_SHOWN)
            context["has_refused_file"] = imported.refused_count and staging.refused.exists()
            context["has_links_file"] = imports.ensure_links_csv(imported) is not None
            if imported.state == ImportState.CHECKED:
                context["changes"] = staging.read_changes()[:CHANGES_SHOWN]
        return super().get_context_data(**kwargs, **context)


class CustomerImportApplyView(PermissionRequiredMixin, View):
    """Write the list that was checked; with refused rows only when asked for the good ones (`partial`)."""

    permission_required = "authorizations.import_customer"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        imported = get_object_or_404(all_imports(), pk=pk)
        if imports.start_apply(imported=imported, partial=bool(request.POST.get("partial"))):
            if imports.is_quick(imported):
                imports.run_apply(imported)
            else:
                apply_import_task.enqueue(imported.pk)
        return redirect("customer_import_detail", pk)


class CustomerImportCancelView(PermissionRequiredMixin, View):
    """Give up a list before it is applied: its files go, nothing is saved."""

    permission_required = "authorizations.import_customer"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        imported = get_object_or_404(all_imports(), pk=pk)
        if not imports.cancel_import(imported):
            messages.warning(request, "It is too late to cancel: this import is over, or being written right now.")
            return redirect("customer_import_detail", pk)
        messages.success(request, f"{imported.file_name} is cancelled: nothing was saved, and the file is removed.")
        return redirect("customer_import")


class CustomerImportRestartView(PermissionRequiredMixin, View):
    """Take back a step whose process has died."""

    permission_required = "authorizations.import_customer"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        imports.restart_import(get_object_or_404(all_imports(), pk=pk))
        return redirect("customer_import_detail", pk)


class CustomerImportFileView(PermissionRequiredMixin, View):
    """Download what an import made: the refused rows with their reasons, or the links for a mail merge."""

    permission_required = "authorizations.import_customer"

    def get(self, request: HttpRequest, pk: int, which: str) -> HttpResponseBase:
        imported = get_object_or_404(all_imports(), pk=pk)
        if not imported.file:
            raise Http404("The files of this import are removed.")
        path = imports.staging_of(imported).refused if which == "refused" else imports.ensure_links_csv(imported)
        if path is None or not path.exists():
            raise Http404("There is no such file.")
        name = f"{imported.file_name.rpartition('.')[0] or imported.file_name}-{which}.csv"
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def all_imports() -> QuerySet[CustomerImport]:
    """Every import: whoever may import sees every customer."""
    return CustomerImport.objects.all()


def guessed(imported: CustomerImport) -> set[str]:
    """The fields that the columns fill, as far as noted."""
    return set(imported.columns.values())
