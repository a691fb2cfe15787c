"""Issuing: for one customer, for chosen customers, or for a poster."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import DetailView, View

from portal.accounts.models import User
from portal.authorizations.filters.customers import CustomerFilterSet
from portal.authorizations.forms.links import FlowUtilitiesForm, IssueForm, IssueOneForm, IssueSharedForm
from portal.authorizations.models import Batch, Customer, Flow, Job, Link, Utility
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services.jobs import (
    AT_ONCE,
    REPLACE_LINKS,
    create_issue_job,
    create_replace_job,
    is_stuck,
    progress_key,
    run_job,
)
from portal.authorizations.services.links import IssueRefused, issue_link, issue_shared_link
from portal.authorizations.services.progress import read_progress
from portal.authorizations.tasks import run_job_task
from portal.authorizations.views.audited import tell_count
from portal.authorizations.views.lists import chosen_rows, user_of

#: How many customers the search on the issue page offers.
OFFERED = 8
#: How many links that ask for other utilities the screens name, and how many a person waits for.
DIFFERING_SHOWN, ANEW_AT_ONCE = 50, 200


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
        return get_object_or_404(Customer.objects.visible_to(user_of(request)).select_related("utility"), pk=value)

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
        ids = list(customers.order_by("pk").values_list("pk", flat=True))
        job = create_issue_job(
            customer_ids=ids,
            flow=form.cleaned_data["flow"],
            campaign=form.cleaned_data["campaign"],
            utilities=form.wanted_utilities,
            created_by=user_of(request),
        )
        if len(ids) <= AT_ONCE:
            run_job(job)
        else:
            run_job_task.enqueue(job.pk)
        return redirect("job_detail", job.pk)

    def _chosen(self, request: HttpRequest) -> "QuerySet[Customer]":
        return chosen_rows(
            request,
            queryset=Customer.objects.visible_to(user_of(request)),
            filterset_class=CustomerFilterSet,
        )

    def _show(self, request: HttpRequest, customers: "QuerySet[Customer]", form: IssueForm) -> HttpResponse:
        count = customers.count()
        if not count:
            messages.warning(request, "No customers were chosen: tick the rows first.")
            return redirect("customer_list")
        context = {"form": form, "count": count, "flows": Flow.objects.live().exists()}
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
        job = create_replace_job(batch=batch, links=self._links(request, batch), created_by=user_of(request))
        if len(job.parameters["links"]) <= ANEW_AT_ONCE:
            run_job(job)
        else:
            run_job_task.enqueue(job.pk)
        return redirect("job_detail", job.pk)

    def _links(self, request: HttpRequest, batch: Batch) -> QuerySet[Link]:
        return differing_links(user_of(request), batch).live()  # type: ignore[attr-defined]


def differing_links(user: User, batch: Batch) -> QuerySet[Link]:
    """Links that a batch found, of those the user may see, which ask for other utilities than were wanted."""
    return Link.objects.visible_to(user).with_people().of_batch(batch, "differing")


class JobDetailView(PermissionRequiredMixin, DetailView[Job]):
    """How far a job is, and what came of it. People see their own; managers see all."""

    permission_required = "authorizations.add_link"
    context_object_name = "job"
    request: PortalRequest

    def get_queryset(self) -> QuerySet[Job]:
        user = user_of(self.request)
        jobs = Job.objects.select_related("created_by")
        return jobs if user.has_perm("authorizations.view_job") else jobs.filter(created_by=user)

    def get_template_names(self) -> list[str]:
        return ["authorizations/_job.html" if self.request.htmx else "authorizations/job_detail.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job = self.object
        refused = job.result.get("refused", [])
        batch = Batch.objects.filter(pk=job.result.get("batch")).first()
        names = Customer.objects.in_bulk([row["customer"] for row in refused])
        return super().get_context_data(
            **kwargs,
            progress=read_progress(progress_key(job)),
            stuck=is_stuck(job),
            refused=[{"customer": names.get(row["customer"]), "reason": row["reason"]} for row in refused],
            flow=Flow.objects.filter(pk=job.parameters.get("flow")).first(),
            total=len(job.parameters.get("customers", job.parameters.get("links", []))),
            is_anew=job.kind == REPLACE_LINKS,
            batch=batch,
            differing=differing_links(user_of(self.request), batch)[:DIFFERING_SHOWN] if batch else [],
        )
