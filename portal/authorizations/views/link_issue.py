"""Issuing: for one customer, for chosen customers, or for a poster."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import View

from portal.authorizations.filters.customers import CustomerFilterSet
from portal.authorizations.forms.links import FlowUtilitiesForm, IssueForm, IssueOneForm, IssueSharedForm
from portal.authorizations.models import Batch, Customer, Flow, Link, Utility
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services.jobs import create_issue_job, create_replace_job
from portal.authorizations.services.links import IssueRefused, issue_link, issue_shared_link
from portal.authorizations.views.audited import tell_count
from portal.authorizations.views.jobs import DIFFERING_SHOWN, differing_links, start
from portal.authorizations.views.links import chosen_links
from portal.authorizations.views.lists import chosen_rows, user_of

#: How many customers the search on the issue page offers.
OFFERED = 8


class LinkIssueView(PermissionRequiredMixin, View):
    """Find a customer, choose a flow, issue. Without `customer` in the address it asks for whom."""

    permission_required = "authorizations.add_link"

    def get(self, request: PortalRequest) -> HttpResponse:
        customer = self._customer(request)
        if customer is None:
            return self._choose(request)
        initial = {key: request.GET[key] for key in ("flow", "campaign") if request.GET.get(key, "").isdecimal()}
        return self._show(request, customer, IssueOneForm(customer=customer, initial=initial))

    def post(self, request: PortalRequest) -> HttpResponse:
        customer = self._customer(request)
        if customer is None:
            return self._choose(request)
        form = IssueOneForm(request.POST, customer=customer)
        if not form.is_valid():
            return self._show(request, customer, form)
        try:
            issued = issue_link(
                customer=customer,
                flow=form.cleaned_data["flow"],
                campaign=form.cleaned_data["campaign"],
                utilities=form.wanted_utilities,
                reference_id=form.cleaned_data["reference_id"],
                issued_by=user_of(request),
            )
        except IssueRefused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            return self._show(request, customer, form)
        if issued.differs:
            return self._offer_anew(request, issued.link, form)
        if issued.created:
            messages.success(request, f"Link issued for {customer}.")
        else:
            messages.info(request, f"{customer} has this link already: here it is again.")
        return redirect("link_detail", issued.link.pk)

    def _customer(self, request: HttpRequest) -> Customer | None:
        value = request.GET.get("customer") or request.POST.get("customer") or ""
        if not value.isdecimal() or len(value) > 18:
            return None
        there = Customer.objects.visible_to(user_of(request)).filter(erased_at__isnull=True)
        return get_object_or_404(there.select_related("utility"), pk=value)

    def _choose(self, request: PortalRequest) -> HttpResponse:
        """For whom? A search over the customers that the user may see, and the other ways to issue."""
        text = request.GET.get("q", "").replace("\x00", "").strip()
        customers = Customer.objects.visible_to(user_of(request)).select_related("utility")
        found = list((customers.search(text) if text else customers)[: OFFERED + 1])
        tell_count(request, len(found[:OFFERED]))
        context = {"q": text, "customers": found[:OFFERED], "more": len(found) > OFFERED}
        template = "authorizations/_customer_choice.html" if request.htmx else "authorizations/link_issue_choose.html"
        return render(request, template, context)

    def _show(self, request: HttpRequest, customer: Customer, form: IssueOneForm) -> HttpResponse:
        context = {
            "customer": customer,
            "form": form,
            "flows": form.fields["flow"].queryset.exists(),  # type: ignore[attr-defined]
            "links": customer.links.live().select_related("flow", "campaign")[:5],
        }
        return render(request, "authorizations/link_issue.html", context, status=422 if form.errors else 200)

    def _offer_anew(self, request: HttpRequest, link: Any, form: IssueOneForm) -> HttpResponse:
        """The live link asks for something else: show both, change nothing until the person decides."""
        wanted = form.wanted_utilities
        reference_id = form.cleaned_data["reference_id"]
        # `utilities=` asks for the default: none ticked.
        chosen: dict[str, Any] = {"utilities": [utility.pk for utility in wanted or []] or [""]}
        query = urlencode(chosen | ({"reference_id": reference_id} if reference_id else {}), doseq=True)
        context = {
            "link": link,
            "wanted": wanted,
            "reference_id": reference_id,
            "replace_url": f"{reverse('link_replace', args=[link.pk])}?{query}",
        }
        return render(request, "authorizations/link_issue_differs.html", context)


class FlowUtilitiesView(PermissionRequiredMixin, View):
    """The utilities of the flow that is being chosen in a form, for htmx: `field` is what the form calls them."""

    permission_required = "authorizations.add_link"

    def get(self, request: HttpRequest) -> HttpResponse:
        name = "requested_utilities" if request.GET.get("field") == "requested_utilities" else "utilities"
        pk = request.GET.get("flow", "")
        flow = Flow.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        form = FlowUtilitiesForm(request.GET, flow=flow, name=name) if flow else None
        context = {"flow": flow, "field": form[name] if form else None, "name": name}
        return render(request, "authorizations/_flow_utilities.html", context)


class LinkIssueSelectionView(PermissionRequiredMixin, View):
    """Issue for the customers chosen in the list, at once or, if they are many, by the worker."""

    permission_required = "authorizations.add_link"

    def post(self, request: HttpRequest) -> HttpResponse:
        customers = self._chosen(request)
        if "flow" not in request.POST:
            return self._show(request, customers, IssueForm())
        form = IssueForm(request.POST)
        if not form.is_valid():
            return self._show(request, customers, form)
        job = create_issue_job(
            customers=customers,
            flow=form.cleaned_data["flow"],
            campaign=form.cleaned_data["campaign"],
            utilities=form.wanted_utilities,
            created_by=user_of(request),
        )
        return start(job)

    def _chosen(self, request: HttpRequest) -> "QuerySet[Customer]":
        return chosen_rows(
            request,
            queryset=Customer.objects.visible_to(user_of(request)),
            filterset_class=CustomerFilterSet,
        )

    def _show(self, request: HttpRequest, customers: "QuerySet[Customer]", form: IssueForm) -> HttpResponse:
        counts = customers.order_by().aggregate(count=Count("pk"), up_to=Max("pk"))
        if not counts["count"]:
            messages.warning(request, "No customers were chosen: tick the rows first.")
            return redirect("customer_list")
        context = {"form": form, **counts, "flows": Flow.objects.live().exists()}
        return render(request, "authorizations/link_issue_selection.html", context, status=422 if form.errors else 200)


class LinkIssueSharedView(PermissionRequiredMixin, View):
    """A link without a customer, for a poster or a web page (R13)."""

    permission_required = "authorizations.issue_shared_link"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, IssueSharedForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = IssueSharedForm(request.POST)
        if form.is_valid():
            try:
                link = issue_shared_link(
                    flow=form.cleaned_data["flow"],
                    campaign=form.cleaned_data["campaign"],
                    label=form.cleaned_data["label"],
                    utilities=form.cleaned_data["utilities"],
                    reference_id=form.cleaned_data["reference_id"],
                    traceable=form.cleaned_data["trace"] == "shared",
                    issued_by=user_of(request),
                )
            except IssueRefused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            else:
                messages.success(request, "Link issued.")
                return redirect("link_detail", link.pk)
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: IssueSharedForm) -> HttpResponse:
        return render(
            request, "authorizations/link_issue_shared.html", {"form": form}, status=422 if form.errors else 200
        )


class BatchReplaceView(PermissionRequiredMixin, View):
    """Asks, then issues anew those links of a batch that were there already and ask for other utilities."""

    permission_required = "authorizations.add_link"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = get_object_or_404(Batch, pk=pk)
        links = self._links(request, batch)
        if not links.exists():
            messages.info(request, "No link of this batch is left that asks for other utilities.")
            return redirect(f"{reverse('link_list')}?batch={pk}")
        wanted = Utility.objects.filter(pk__in=batch.wanted or [])
        context = {"batch": batch, "count": links.count(), "links": links[:DIFFERING_SHOWN], "wanted": wanted}
        return render(request, "authorizations/batch_replace.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = get_object_or_404(Batch, pk=pk)
        links = self._links(request, batch)
        return start(create_replace_job(links=links, created_by=user_of(request), wanted=batch.wanted))

    def _links(self, request: HttpRequest, batch: Batch) -> QuerySet[Link]:
        return differing_links(user_of(request), batch).live()  # type: ignore[attr-defined]


class LinkReplaceSelectionView(PermissionRequiredMixin, View):
    """Issue the chosen links anew: the list's post asks, the next one does it."""

    permission_required = "authorizations.add_link"

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("link_list")

    def post(self, request: HttpRequest) -> HttpResponse:
        links = chosen_links(request)
        if "sure" not in request.POST:
            return self._ask(request, links)
        live_ones = links.filter(voided_at__isnull=True, replaced_by__isnull=True)
        return start(create_replace_job(links=live_ones, created_by=user_of(request)))

    def _ask(self, request: HttpRequest, links: QuerySet[Link]) -> HttpResponse:
        live = Count("pk", filter=Q(voided_at__isnull=True, replaced_by__isnull=True))
        counts = links.order_by().aggregate(count=Count("pk"), live=live, up_to=Max("pk"))
        if not counts["live"]:
            messages.warning(request, "No live links were chosen: tick the rows first.")
            return redirect("link_list")
        return render(request, "authorizations/link_replace_selection.html", counts)
