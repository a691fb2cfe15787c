"""Re-authorizations: whose authorization is lost, the new link for it, and what is dismissed."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from portal.authorizations.filters.reauthorizations import ReauthorizationFilterSet
from portal.authorizations.forms.reauthorizations import DismissForm
from portal.authorizations.models import Outage, Reauthorization
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.reauthorizations import dismiss_reauthorization, hand_out_new_link
from portal.authorizations.tables.reauthorizations import ReauthorizationTable
from portal.authorizations.views.lists import PortalListView, user_of


class ReauthorizationListView(PortalListView):
    permission_required = "authorizations.view_reauthorization"
    table_class = ReauthorizationTable
    filterset_class = ReauthorizationFilterSet
    template_name = "authorizations/reauthorization_list.html"
    export_permission = "authorizations.view_reauthorization"
    export_name = "re-authorizations"
    export_columns = (
        ("Deadline", lambda task: _day(task.deadline_at)),
        ("Overdue", lambda task: "yes" if task.is_overdue else "no"),
        ("Customer", lambda task: str(task.customer or "")),
        ("External ID", lambda task: (task.customer.external_id or "") if task.customer else ""),
        ("meter_id", lambda task: task.meter.meter_id),
        ("Utility", lambda task: task.meter.utility.utility_id if task.meter.utility else task.meter.utility_name),
        ("Leap’s code", lambda task: task.code),
        ("Lost", lambda task: _day(task.opened_at)),
        ("New link", lambda task: task.link.short_url if task.link else ""),
        ("State", lambda task: task.get_closed_as_display() or "open"),
        ("Closed", lambda task: _day(task.closed_at)),
        ("Why dismissed", lambda task: task.reason),
    )

    def get_queryset(self) -> QuerySet[Reauthorization]:
        return Reauthorization.objects.with_people()


class ReauthorizationLinkView(PermissionRequiredMixin, View):
    """One click: the new link, shown to copy, to print and as a code."""

    permission_required = ("authorizations.change_reauthorization", "authorizations.add_link")

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who had to sign in first comes back here without having asked for anything."""
        return redirect("reauthorization_list")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = get_object_or_404(Reauthorization, pk=pk)
        try:
            link = hand_out_new_link(task=task, issued_by=user_of(request))
        except IssueRefused as refusal:
            messages.error(request, f"No new link: {refusal}")
            customer = task.customer
            if customer is None:
                return redirect("reauthorization_list")
            return redirect(f"{reverse('link_issue')}?customer={customer.pk}")
        messages.success(request, "The new link. Once the customer has authorized by it, Leap’s word closes the task.")
        utility = task.meter.utility
        if utility is not None and Outage.objects.at(timezone.now()).filter(utility=utility).exists():
            messages.warning(request, f"{utility.short_name} is down: hand the link out once its sign-in works again.")
        return redirect("link_detail", link.pk)


class ReauthorizationDismissView(PermissionRequiredMixin, View):
    """Close a task by a person's word, with a reason."""

    permission_required = "authorizations.change_reauthorization"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self._task(pk)
        if task.closed_at is not None:
            messages.info(request, "This task is closed already: there is nothing to dismiss.")
            return redirect("reauthorization_list")
        return self._ask(request, task, DismissForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self._task(pk)
        form = DismissForm(request.POST)
        if not form.is_valid():
            return self._ask(request, task, form)
        if dismiss_reauthorization(task=task, dismissed_by=user_of(request), reason=form.cleaned_data["reason"]):
            messages.success(request, "Dismissed. Leap still asks for a new authorization; the portal no longer does.")
        else:
            messages.warning(request, "It was closed already: nothing has changed.")
        return redirect("reauthorization_list")

    def _task(self, pk: int) -> Reauthorization:
        return get_object_or_404(Reauthorization.objects.with_people(), pk=pk)

    def _ask(self, request: HttpRequest, task: Reauthorization, form: DismissForm) -> HttpResponse:
        context = {"task": task, "form": form}
        status = 422 if form.errors else 200
        return render(request, "authorizations/reauthorization_dismiss.html", context, status=status)


def _day(moment: Any) -> str:
    return f"{timezone.localdate(moment)}" if moment else ""
