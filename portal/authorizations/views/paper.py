"""Paper authorizations: the list, recording one, its page with the message to Leap, its scan (R1)."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View
from django_tables2 import Table

from portal.authorizations.filters.paper import PaperFilterSet
from portal.authorizations.forms.paper import PaperCreateForm, PaperSentForm, PaperWithdrawForm
from portal.authorizations.models import Customer, Installation, PaperAuthorization
from portal.authorizations.services import scans
from portal.authorizations.services.leap_requests import compose_paper_message
from portal.authorizations.services.paper import (
    PaperRefused,
    mark_sent,
    record_paper_authorization,
    withdraw_paper_authorization,
)
from portal.authorizations.tables.paper import PaperTable
from portal.authorizations.views import timelines
from portal.authorizations.views.lists import PortalListView, user_of

#: A scan came from outside: shown alone, it may run nothing, load nothing and be framed by nobody.
SCAN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


class PaperListView(PortalListView):
    permission_required = "authorizations.view_paperauthorization"
    table_class = PaperTable
    filterset_class = PaperFilterSet
    template_name = "authorizations/paper_list.html"
    export_permission = "authorizations.export_customer"
    export_name = "paper-authorizations"
    filter_orders = {"signed_after": "signed_on", "signed_before": "signed_on"}
    export_columns = (
        ("Customer", lambda paper: str(paper.customer)),
        ("Company", lambda paper: paper.customer.company),
        ("External ID", lambda paper: paper.customer.external_id),
        ("Utility", lambda paper: paper.utility.utility_id),
        ("Form", lambda paper: paper.get_form_display()),
        ("reference_id", lambda paper: paper.reference_id),
        ("Status", lambda paper: paper.status.label),
        ("Signed on", lambda paper: paper.signed_on.isoformat()),
        ("Sent to Leap on", lambda paper: paper.sent_on.isoformat() if paper.sent_on else ""),
        ("Withdrawn", lambda paper: _moment(paper.withdrawn_at)),
        ("Why withdrawn", lambda paper: paper.withdrawal_reason),
        ("Leap says: metered", lambda paper: _moment(paper.metered_at)),
        ("Leap says: enrolled", lambda paper: _moment(paper.enrolled_at)),
        ("Recorded by", lambda paper: str(paper.recorded_by) if paper.recorded_by else ""),
        ("Recorded", lambda paper: _moment(paper.recorded_at)),
    )

    def get_queryset(self) -> QuerySet[PaperAuthorization]:
        return PaperAuthorization.objects.visible_to(user_of(self.request)).with_list_columns()

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        table.empty_url, table.empty_action = reverse("customer_list"), "Find the customer"
        return table


class PaperCreateView(PermissionRequiredMixin, View):
    """Record a form that a customer has signed."""

    permission_required = "authorizations.add_paperauthorization"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = self._customer(request, pk)
        return self._show(request, customer, PaperCreateForm(customer=customer))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = self._customer(request, pk)
        posted, files = request.POST, request.FILES
        # Known only once the upload has been read, which the line above does.
        too_large = getattr(request, "upload_too_large", False)
        form = PaperCreateForm(posted, files, customer=customer, too_large=too_large)
        if not form.is_valid():
            return self._show(request, customer, form)
        try:
            recorded = record_paper_authorization(customer=customer, recorded_by=user_of(request), **form.cleaned_data)
        except PaperRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
            return self._show(request, customer, form)
        if recorded.created:
            messages.success(request, "Recorded. Now send the form to Leap with its reference id.")
        else:
            messages.info(request, "This form, with this scan, was recorded already: here it is.")
        return redirect("paper_detail", recorded.paper.pk)

    def _customer(self, request: HttpRequest, pk: int) -> Customer:
        there = Customer.objects.visible_to(user_of(request)).filter(erased_at__isnull=True)
        return get_object_or_404(there.select_related("utility"), pk=pk)

    def _show(self, request: HttpRequest, customer: Customer, form: PaperCreateForm) -> HttpResponse:
        context = {"customer": customer, "form": form, "max_bytes": scans.MAX_BYTES}
        template = "authorizations/customer_paper.html"
        return render(request, template, context, status=422 if form.errors else 200)


class PaperPage(PermissionRequiredMixin, View):
    """What is about one authorization that the user may see."""

    permission_required = "authorizations.view_paperauthorization"

    def find(self, request: HttpRequest, pk: int) -> PaperAuthorization:
        visible = PaperAuthorization.objects.visible_to(user_of(request)).with_list_columns()
        return get_object_or_404(visible, pk=pk)

    def show(self, request: HttpRequest, paper: PaperAuthorization, form: PaperSentForm) -> HttpResponse:
        user = user_of(request)
        message = compose_paper_message(paper=paper, installation=Installation.objects.current(), by=user)
        context = {
            "paper": paper,
            "form": form,
            "message": message,
            "did": timelines.what_was_done_with_paper(paper),
            "leap": timelines.what_leap_says_of_paper(paper, user),
            "has_scan": scans.has_scan(paper),
            "is_proven": paper.status.source == "leap",
            "is_image": paper.scan_type != scans.PDF,
            "customer_visible": Customer.objects.visible_to(user).filter(pk=paper.customer_id).exists(),
        }
        return render(request, "authorizations/paper_detail.html", context, status=422 if form.errors else 200)


class PaperDetailView(PaperPage):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        paper = self.find(request, pk)
        return self.show(request, paper, PaperSentForm(initial={"sent_on": paper.sent_on or timezone.localdate()}))


class PaperSentView(PaperPage):
    """Note that Leap was sent the form."""

    permission_required = "authorizations.change_paperauthorization"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("paper_detail", self.find(request, pk).pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        paper = self.find(request, pk)
        form = PaperSentForm(request.POST)
        if form.is_valid():
            try:
                mark_sent(paper=paper, sent_on=form.cleaned_data["sent_on"])
            except PaperRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                messages.success(request, "Noted. Its meters show here once Leap has them.")
                return redirect("paper_detail", pk)
        return self.show(request, paper, form)


class PaperWithdrawView(PaperPage):
    """Withdraw an authorization, with a reason."""

    permission_required = "authorizations.change_paperauthorization"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._ask(request, self.find(request, pk), PaperWithdrawForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        paper = self.find(request, pk)
        form = PaperWithdrawForm(request.POST)
        if not form.is_valid():
            return self._ask(request, paper, form)
        if withdraw_paper_authorization(paper=paper, reason=form.cleaned_data["reason"]):
            messages.success(request, "Withdrawn.")
        else:
            messages.info(request, "It was withdrawn already: the first reason stays.")
        return redirect("paper_detail", pk)

    def _ask(self, request: HttpRequest, paper: PaperAuthorization, form: PaperWithdrawForm) -> HttpResponse:
        if paper.withdrawn_at:
            return redirect("paper_detail", paper.pk)
        context = {"paper": paper, "form": form}
        return render(request, "authorizations/paper_withdraw.html", context, status=422 if form.errors else 200)


@method_decorator(never_cache, name="dispatch")
class PaperScanView(PaperPage):
    """The scan: a PDF to be saved, an image to be looked at, each as the type that its content was found to have."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        paper = self.find(request, pk)
        if not scans.has_scan(paper) or paper.scan_type not in scans.EXTENSIONS:
            raise Http404("This scan is gone.")
        response = FileResponse(
            paper.scan.open("rb"),
            as_attachment=paper.scan_type == scans.PDF,
            # Not the name that it came with, which may say anything.
            filename=f"paper-{paper.reference_id}.{scans.EXTENSIONS[paper.scan_type]}",
            content_type=paper.scan_type,
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = SCAN_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
