"""Links: the list, one link with its three timelines, and what is done with links."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.generic import DetailView, View

from portal.authorizations.filters.links import PARTS, LinkFilterSet
from portal.authorizations.forms.links import ReplaceForm, VoidForm
from portal.authorizations.models import Link
from portal.authorizations.models.link import PROVEN
from portal.authorizations.services.door_calls import find_next_doors
from portal.authorizations.services.jobs import create_void_job, is_quick, run_job
from portal.authorizations.services.links import IssueRefused, replace_link
from portal.authorizations.services.reauthorizations import list_open_tasks
from portal.authorizations.services.reminders import find_waiting
from portal.authorizations.tables.links import LinkTable
from portal.authorizations.views import timelines
from portal.authorizations.views.exports import stream_csv
from portal.authorizations.views.jobs import start
from portal.authorizations.views.lists import BulkAction, PortalListView, chosen_rows, user_of
from portal.leap.authorization_urls import mark_variable_parts
from portal.printing import qr

#: The size at which a link's page says how far its code can be read.
SHOWN_SIZE_MM = 30.0

#: What the third column means for a link without a customer.
SOMEBODY = "Many people use this link. Each line says that somebody got there, the first of them then: not who."

EXPORT_COLUMNS = (
    ("Customer", lambda link: link.title),
    ("Company", lambda link: link.customer.company if link.customer else ""),
    ("Email", lambda link: link.customer.email if link.customer else ""),
    ("External ID", lambda link: link.customer.external_id if link.customer else ""),
    ("Flow", lambda link: link.flow.name),
    ("Campaign", lambda link: link.campaign.name if link.campaign else ""),
    ("Utilities asked", lambda link: " ".join(utility.utility_id for utility in link.utilities_asked)),
    ("reference_id", lambda link: link.reference_id or ""),
    ("url", lambda link: link.url),
    ("short_url", lambda link: link.short_url),
    ("Status", lambda link: "" if link.is_shared else link.status),
    ("Live", lambda link: "yes" if link.is_live else ("void" if link.voided_at else "replaced")),
    ("We saw: first visit", lambda link: _moment(link.first_visited_at)),
    ("Browser claims: first return", lambda link: _moment(link.first_returned_at)),
    ("Leap says: at the utility", lambda link: _moment(link.at_utility_at)),
    ("Leap says: authorized", lambda link: _moment(link.authorized_at)),
    ("Leap says: metered", lambda link: _moment(link.metered_at)),
    ("Leap says: enrolled", lambda link: _moment(link.enrolled_at)),
    ("Leap says: failed at a utility", lambda link: _moment(link.failed_at)),
    ("Refused at the door", lambda link: _moment(link.customer.refused_at) if link.customer else ""),
    ("Printed", lambda link: _moment(link.printed_at)),
    ("Issued by", lambda link: str(link.issued_by) if link.issued_by else ""),
    ("Issued", lambda link: _moment(link.issued_at)),
)


class LinkListView(PortalListView):
    permission_required = "authorizations.view_link"
    table_class = LinkTable
    filterset_class = LinkFilterSet
    template_name = "authorizations/link_list.html"
    export_permission = "authorizations.export_link"
    export_columns = EXPORT_COLUMNS
    export_name = "links"
    export_few = Link.FEW
    filter_orders = {
        "issued_after": "issued_at",
        "issued_before": "issued_at",
        "returned_before": "first_returned_at",
    }
    bulk_actions = (
        BulkAction("Export selected", reverse_lazy("link_export"), "authorizations.export_link"),
        BulkAction("Print…", reverse_lazy("print_create"), "authorizations.add_printjob"),
        BulkAction("Issue anew…", reverse_lazy("link_replace_selection"), "authorizations.add_link"),
        BulkAction("Void…", reverse_lazy("link_void_selection"), "authorizations.void_link"),
    )

    def get_queryset(self) -> QuerySet[Link]:
        return Link.objects.listed_for(user_of(self.request)).with_people().with_counts()

    def get_export_queryset(self) -> QuerySet[Link]:
        return Link.objects.with_export_columns()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        chosen = self.filterset.form.cleaned_data if self.filterset.form.is_valid() else {}
        part = dict(PARTS).get(chosen.get("batch_part") or "", "")
        return {**context, "batch": chosen.get("batch"), "batch_part": part}


class LinkExportView(PermissionRequiredMixin, View):
    """The chosen links as CSV."""

    permission_required = "authorizations.export_link"

    def post(self, request: HttpRequest) -> HttpResponseBase:
        shown = Link.objects.with_export_columns()
        return stream_csv(name="links", columns=EXPORT_COLUMNS, found=chosen_links(request), shown=shown, few=Link.FEW)


class LinkPage(PermissionRequiredMixin, DetailView[Link]):
    """A page about one link that the user may see."""

    permission_required = "authorizations.view_link"
    context_object_name = "link"

    def get_queryset(self) -> QuerySet[Link]:
        return Link.objects.visible_to(user_of(self.request)).with_people()


class LinkDetailView(LinkPage):
    template_name = "authorizations/link_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        link = self.object
        distance = qr.scan_distance_mm(qr.qr_matrix(link.short_url_for_codes), SHOWN_SIZE_MM)
        return super().get_context_data(
            **kwargs,
            url_parts=[{"text": text, "marked": variable} for text, variable in mark_variable_parts(link.url)],
            reauthorizations=list_open_tasks(user=user_of(self.request), link=link),
            saw=timelines.what_we_saw(link),
            claims=timelines.what_a_browser_claims(link),
            leap=timelines.what_leap_says(link),
            leap_note=SOMEBODY if link.is_shared and link.at_utility_at else "",
            reminders=find_waiting(link.mails.all()) if self.request.user.has_perm("authorizations.view_mail") else [],
            scans=f"scans from {distance / 10:.0f} cm at {SHOWN_SIZE_MM:.0f} mm",
        )


class LinkCodeView(LinkPage):
    """The code on a white page, to be shown on a phone."""

    template_name = "authorizations/link_code.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        before, after = find_next_doors(link=self.object, rep=user_of(self.request))
        return super().get_context_data(**kwargs, before=before, after=after)


class LinkVoidView(PermissionRequiredMixin, View):
    """Void one link (by its address) or the chosen ones (posted by the list), with a reason."""

    permission_required = "authorizations.void_link"

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Without a link in the address nothing is chosen: who had to sign in first comes back here so."""
        links = Link.objects.visible_to(user_of(request)).filter(pk=pk) if pk else Link.objects.none()
        return self._ask(request, links, VoidForm())

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        links = Link.objects.visible_to(user_of(request)).filter(pk=pk) if pk else chosen_links(request)
        if "reason" not in request.POST:
            return self._ask(request, links, VoidForm())
        form = VoidForm(request.POST)
        if not form.is_valid():
            return self._ask(request, links, form)
        job = create_void_job(links=links, created_by=user_of(request), reason=form.cleaned_data["reason"])
        if not is_quick(job):
            return start(job)
        count = run_job(job).result.get("voided", 0)
        messages.success(request, f"{count} link{'' if count == 1 else 's'} voided.")
        return redirect("link_detail", pk) if pk else redirect("link_list")

    def _ask(self, request: HttpRequest, links: "QuerySet[Link]", form: VoidForm) -> HttpResponse:
        counts = links.order_by().aggregate(
            count=Count("pk"),
            live=Count("pk", filter=Q(voided_at__isnull=True)),
            proven=Count("pk", filter=Q(status__in=PROVEN)),
            up_to=Max("pk"),
        )
        if not counts["count"]:
            messages.warning(request, "No links were chosen: tick the rows first.")
            return redirect("link_list")
        context = {"form": form, **counts, "link": links.first() if counts["count"] == 1 else None}
        return render(request, "authorizations/link_void.html", context, status=422 if form.errors else 200)


class LinkReplaceView(PermissionRequiredMixin, View):
    """Issue a link anew: the old one's short link then forwards to the new URL."""

    permission_required = "authorizations.add_link"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        link = self._link(request, pk)
        asked = [str(utility.pk) for utility in link.utilities_asked]
        wanted = [pk for pk in request.GET.getlist("utilities") if pk] if "utilities" in request.GET else asked
        initial = {"utilities": wanted, "reference_id": request.GET.get("reference_id", "")}
        return self._show(request, link, ReplaceForm(link=link, initial=initial))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        link = self._link(request, pk)
        form = ReplaceForm(request.POST, link=link)
        if form.is_valid():
            try:
                successor = replace_link(
                    link=link,
                    issued_by=user_of(request),
                    utilities=form.wanted_utilities,
                    reference_id=form.wanted_reference_id,
                )
            except IssueRefused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            else:
                messages.success(request, "Issued anew. The old short link now forwards to this one.")
                return redirect("link_detail", successor.pk)
        return self._show(request, link, form)

    def _link(self, request: HttpRequest, pk: int) -> Link:
        return get_object_or_404(Link.objects.visible_to(user_of(request)).with_people(), pk=pk)

    def _show(self, request: HttpRequest, link: Link, form: ReplaceForm) -> HttpResponse:
        context = {"link": link, "form": form}
        return render(request, "authorizations/link_replace.html", context, status=422 if form.errors else 200)


def chosen_links(request: HttpRequest) -> "QuerySet[Link]":
    """The links that a bulk action was asked for, of those the user may see."""
    queryset = Link.objects.visible_to(user_of(request)).with_people()
    return cast("QuerySet[Link]", chosen_rows(request, queryset=queryset, filterset_class=LinkFilterSet))


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
