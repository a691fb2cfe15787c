"""Customers: the list, one customer with the links handed out, the form, and assigning them to reps."""

import datetime
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.generic import DetailView, View
from django_tables2 import Table

from portal.authorizations.filters.customers import CustomerFilterSet
from portal.authorizations.forms.customers import AssignForm, CustomerForm
from portal.authorizations.models import Customer, Link, PaperAuthorization
from portal.authorizations.services.customers import ChangeRefused, add_customer, change_customer, find_twin
from portal.authorizations.services.jobs import create_assign_job, is_quick, run_job
from portal.authorizations.services.mail_stops import find_stop
from portal.authorizations.services.reauthorizations import list_open_tasks
from portal.authorizations.services.reminders import find_waiting
from portal.authorizations.tables.customers import CustomerTable
from portal.authorizations.views.exports import stream_csv
from portal.authorizations.views.jobs import start
from portal.authorizations.views.lists import BulkAction, PortalListView, chosen_rows, user_of

#: How many links, other sites, mails and calls at the door a customer's page shows.
LINKS_SHOWN = 50
SITES_SHOWN = 8
MAILS_SHOWN = 20
CALLS_SHOWN = 20

EXPORT_COLUMNS: tuple[tuple[str, Callable[[Customer], Any]], ...] = (
    ("External ID", lambda customer: customer.external_id),
    ("Name", lambda customer: customer.name),
    ("Company", lambda customer: customer.company),
    ("Email", lambda customer: customer.email),
    ("Phone", lambda customer: customer.phone),
    ("Street", lambda customer: customer.street),
    ("City", lambda customer: customer.city),
    ("State", lambda customer: customer.state),
    ("Postal code", lambda customer: customer.postal_code),
    ("Customer type", lambda customer: customer.customer_type),
    ("Utility", lambda customer: customer.utility.utility_id if customer.utility else ""),
    ("Region", lambda customer: customer.utility.region if customer.utility else ""),
    ("Language", lambda customer: customer.language),
    ("Assigned rep", lambda customer: str(customer.assigned_rep) if customer.assigned_rep else ""),
    ("Own reference id", lambda customer: customer.reference_id),
    ("Newest link: reference_id", lambda customer: _of_newest_link(customer, "reference_id")),
    ("Newest link: status", lambda customer: _of_newest_link(customer, "status")),
    ("Newest link: live", lambda customer: _of_newest_link(customer, "is_live")),
    ("Refused at the door", lambda customer: _day(customer.refused_at)),
    ("Notes", lambda customer: customer.notes),
    ("Added", lambda customer: _day(customer.created_at)),
)


class CustomerListView(PortalListView):
    permission_required = "authorizations.view_customer"
    table_class = CustomerTable
    filterset_class = CustomerFilterSet
    template_name = "authorizations/customer_list.html"
    export_permission = "authorizations.export_customer"
    export_columns = EXPORT_COLUMNS
    export_name = "customers"
    bulk_actions = (
        BulkAction("Issue links…", reverse_lazy("link_issue_selection"), "authorizations.add_link"),
        BulkAction("New campaign…", reverse_lazy("campaign_create"), "authorizations.add_campaign"),
        BulkAction("Assign to a rep…", reverse_lazy("customer_assign"), "authorizations.assign_customer"),
        BulkAction("Export selected", reverse_lazy("customer_export"), "authorizations.export_customer"),
    )

    def get_queryset(self) -> QuerySet[Customer]:
        return Customer.objects.listed_for(user_of(self.request)).with_list_columns()

    def get_table(self, **kwargs: Any) -> Table:
        user = user_of(self.request)
        table = super().get_table(**kwargs)
        if user.has_perm("authorizations.import_customer"):
            table.empty_text = "No customers yet. Hand over the list that you have as CSV, or add them one by one."
            table.empty_url, table.empty_action = reverse("customer_import"), "Import a list"
        elif user.has_perm("authorizations.add_customer"):
            table.empty_text = "No customers of yours yet. Add one, or ask your program manager to assign some."
            table.empty_url, table.empty_action = reverse("customer_create"), "Add a customer"
        return table


class CustomerExportView(PermissionRequiredMixin, View):
    """The chosen customers as CSV."""

    permission_required = "authorizations.export_customer"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return redirect("customer_list")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        shown = Customer.objects.with_list_columns()
        return stream_csv(name="customers", columns=EXPORT_COLUMNS, found=chosen_customers(request), shown=shown)


class CustomerDetailView(PermissionRequiredMixin, DetailView[Customer]):
    permission_required = "authorizations.view_customer"
    template_name = "authorizations/customer_detail.html"
    context_object_name = "customer"

    def get_queryset(self) -> QuerySet[Customer]:
        customers = Customer.objects.visible_to(user_of(self.request))
        return customers.select_related("utility", "assigned_rep", "added_by", "erasure__by")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        customer = self.object
        user = user_of(self.request)
        links = Link.objects.visible_to(user).filter(customer=customer).with_people().with_counts()
        shown = list(links[: LINKS_SHOWN + 1])
        papers = PaperAuthorization.objects.visible_to(user).filter(customer=customer).with_list_columns()
        sites = Customer.objects.visible_to(user).other_sites_of(customer).with_list_columns()
        found = list(sites[: SITES_SHOWN + 1])
        reads_mails = user.has_perm("authorizations.view_mail")
        return super().get_context_data(
            **kwargs,
            links=shown[:LINKS_SHOWN],
            more_links=len(shown) > LINKS_SHOWN,
            live_link=next((link for link in shown if link.is_live), None),
            reauthorizations=list_open_tasks(user=user, customer=customer),
            papers=papers[:LINKS_SHOWN],
            sites=found[:SITES_SHOWN],
            more_sites=len(found) > SITES_SHOWN,
            reminders=find_waiting(customer.mails.all()) if user.has_perm("authorizations.view_mail") else [],
            mails=customer.mails.with_people().order_by("-pk")[:MAILS_SHOWN] if reads_mails else [],
            mail_stop=find_stop(customer.email) if reads_mails and customer.mail_stopped_at else None,
            calls=customer.door_calls.select_related("by")[:CALLS_SHOWN],
        )


class CustomerFormView(PermissionRequiredMixin, View):
    """A new customer, or one that is there (`pk`). With `issue` in the post, a link comes next."""

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        customer = self._customer(request, pk)
        return self._show(request, customer, CustomerForm(instance=customer, user=user_of(request)))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        form = self._fill(request, pk)
        if form.is_valid():
            if pk is None and "is_another" not in request.POST:
                twin = find_twin(customer=form.instance, seen_by=form.user)
                if twin is not None:
                    return self._show(request, None, form, twin=twin)
            try:
                self._save(form)
            except (IntegrityError, ChangeRefused):
                # Somebody took the id in this moment: the form finds it now. Or erased the customer: there is no page
                # to change any more. Anything else is no input error.
                form = self._fill(request, pk)
                if form.is_valid():
                    raise
            else:
                return self._go_on(request, form.instance, is_new=pk is None)
        return self._show(request, self._customer(request, pk), form)

    def _customer(self, request: HttpRequest, pk: int | None) -> Customer | None:
        there = Customer.objects.visible_to(user_of(request)).filter(erased_at__isnull=True)
        return get_object_or_404(there, pk=pk) if pk else None

    def _fill(self, request: HttpRequest, pk: int | None) -> CustomerForm:
        return CustomerForm(request.POST, instance=self._customer(request, pk), user=user_of(request))

    def _save(self, form: CustomerForm) -> None:
        if form.instance.pk is None:
            add_customer(customer=form.instance, added_by=form.user)
        else:
            change_customer(customer=form.instance, fields=form.changed_data)

    def _go_on(self, request: HttpRequest, customer: Customer, *, is_new: bool) -> HttpResponse:
        messages.success(request, f"{customer} is {'added' if is_new else 'saved'}.")
        if "issue" in request.POST and request.user.has_perm("authorizations.add_link"):
            return redirect(f"{reverse('link_issue')}?customer={customer.pk}")
        return redirect("customer_detail", customer.pk)

    def _show(
        self, request: HttpRequest, customer: Customer | None, form: CustomerForm, twin: Customer | None = None
    ) -> HttpResponse:
        """`twin`: who may be the same site, to be asked about before another is added."""
        context = {"customer": customer, "form": form, "records_open": form.shows_records, "twin": twin}
        status = 422 if form.errors or twin else 200
        return render(request, "authorizations/customer_form.html", context, status=status)


class CustomerCreateView(CustomerFormView):
    permission_required = "authorizations.add_customer"


class CustomerUpdateView(CustomerFormView):
    permission_required = "authorizations.change_customer"


class CustomerAssignView(PermissionRequiredMixin, View):
    """Give the chosen customers to a rep: the list's post asks for the rep, the next one does it."""

    permission_required = "authorizations.assign_customer"

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("customer_list")

    def post(self, request: HttpRequest) -> HttpResponse:
        customers = chosen_customers(request)
        if "rep" not in request.POST:
            return self._ask(request, customers, AssignForm())
        form = AssignForm(request.POST)
        if not form.is_valid():
            return self._ask(request, customers, form)
        rep = form.chosen_rep
        job = create_assign_job(customers=customers, created_by=user_of(request), rep=rep)
        if not is_quick(job):
            return start(job)
        result = run_job(job).result
        changed, same = result.get("assigned", 0), result.get("same", 0)
        whose = f"assigned to {rep}" if rep else "assigned to nobody"
        before = f" {same:,} {'was' if same == 1 else 'were'} so before." if same else ""
        messages.success(request, f"{changed:,} customer{'' if changed == 1 else 's'} {whose}.{before}")
        return redirect(f"{reverse('customer_list')}?assigned_rep={rep.pk if rep else 'null'}")

    def _ask(self, request: HttpRequest, customers: "QuerySet[Customer]", form: AssignForm) -> HttpResponse:
        counts = customers.order_by().aggregate(
            count=Count("pk"), assigned=Count("pk", filter=Q(assigned_rep__isnull=False)), up_to=Max("pk")
        )
        if not counts["count"]:
            messages.warning(request, "No customers were chosen: tick the rows first.")
            return redirect("customer_list")
        context = {"form": form, **counts}
        return render(request, "authorizations/customer_assign.html", context, status=422 if form.errors else 200)


def chosen_customers(request: HttpRequest) -> "QuerySet[Customer]":
    """The customers that a bulk action was asked for, of those the user may see."""
    queryset = Customer.objects.visible_to(user_of(request))
    return cast("QuerySet[Customer]", chosen_rows(request, queryset=queryset, filterset_class=CustomerFilterSet))


def _day(moment: datetime.datetime | None) -> str:
    return timezone.localdate(moment).isoformat() if moment else ""


def _of_newest_link(customer: Customer, name: str) -> str:
    link = customer.newest_link
    if link is None:
        return ""
    value = getattr(link, name)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value or "")
