"""Reminders: the queue with what holds each, stopping them, and where a campaign switches them on."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.generic import View

from portal.authorizations.filters.reminders import STATES, ReminderFilterSet
from portal.authorizations.forms.reminders import CampaignRemindersForm, StopRemindersForm
from portal.authorizations.models import Campaign, Customer, Installation, Mail, MailState, Outage
from portal.authorizations.services.mailings import explain_no_sending
from portal.authorizations.services.reminders import (
    allow_reminders_to,
    stop_reminders,
    stop_reminders_to,
    switch_reminders,
)
from portal.authorizations.tables.reminders import ReminderTable
from portal.authorizations.views.campaign_wizard import OpenCampaignView
from portal.authorizations.views.lists import BulkAction, PortalListView, chosen_rows, user_of


class ReminderListView(PortalListView):
    permission_required = "authorizations.view_mail"
    table_class = ReminderTable
    filterset_class = ReminderFilterSet
    template_name = "authorizations/reminder_list.html"
    export_permission = "authorizations.view_mail"
    export_name = "reminders"
    export_columns = (
        ("Customer", lambda mail: str(mail.customer)),
        ("External ID", lambda mail: mail.customer.external_id or ""),
        ("Campaign", lambda mail: mail.message.campaign.name),
        ("reference_id", lambda mail: mail.link.reference_id or ""),
        ("Kind", lambda mail: mail.message.get_kind_display()),
        ("Reminder", lambda mail: mail.step + 1),
        ("State", lambda mail: mail.get_state_display()),
        ("Not before", lambda mail: _moment(mail.due_at)),
        ("Held because", lambda mail: mail.why_held),
        ("Sent", lambda mail: _moment(mail.sent_at)),
        ("Not sent because", lambda mail: mail.reason),
    )
    bulk_actions = (BulkAction("Stop…", reverse_lazy("reminder_stop_selection"), "authorizations.change_mail"),)

    def get_queryset(self) -> QuerySet[Mail]:
        """Those that wait, unless a state is chosen."""
        reminders = reminders_for(self.request)
        return reminders if self.request.GET.get("state") in dict(STATES) else reminders.filter(state=MailState.WAITING)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        down = Outage.objects.at(timezone.now()).select_related("utility").order_by("began_at")
        no_sending = explain_no_sending(Installation.objects.read())
        return super().get_context_data(**kwargs, outages=down, no_sending=no_sending)


class ReminderStopView(PermissionRequiredMixin, View):
    """Stop one reminder (by its address) or the chosen ones (posted by the list), after a question."""

    permission_required = "authorizations.change_mail"

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        return self._ask(request, self._chosen(request, pk), StopRemindersForm())

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        mails = self._chosen(request, pk)
        if "scope" not in request.POST:
            return self._ask(request, mails, StopRemindersForm())
        form = StopRemindersForm(request.POST)
        if not form.is_valid():
            return self._ask(request, mails, form)
        if form.cleaned_data["scope"] == StopRemindersForm.ALL:
            customers = Customer.objects.filter(pk__in=mails.order_by().values("customer"))
            count = stop_reminders_to(customers=customers, by=user_of(request))
            whom = f"{count:,} customer{'' if count == 1 else 's'}"
            messages.success(request, f"All reminders to {whom} are stopped. Invitations go on.")
        else:
            count = stop_reminders(mails=mails, by=user_of(request))
            messages.success(request, f"{count:,} reminder{'' if count == 1 else 's'} stopped.")
        return redirect("reminder_list")

    def _chosen(self, request: HttpRequest, pk: int | None) -> "QuerySet[Mail]":
        if pk:
            return reminders_for(request).filter(pk=pk)
        if request.method != "POST":
            return Mail.objects.none()
        queryset = reminders_for(request)
        return cast("QuerySet[Mail]", chosen_rows(request, queryset=queryset, filterset_class=ReminderFilterSet))

    def _ask(self, request: HttpRequest, mails: "QuerySet[Mail]", form: StopRemindersForm) -> HttpResponse:
        count = mails.waiting().count()  # type: ignore[attr-defined]
        if not count:
            messages.warning(request, "No reminders that wait were chosen: tick the rows first.")
            return redirect("reminder_list")
        context = {"form": form, "count": count, "mail": mails.first() if count == 1 else None}
        return render(request, "authorizations/reminder_stop.html", context, status=422 if form.errors else 200)


class CustomerRemindersView(PermissionRequiredMixin, View):
    """Stop all reminders to a customer, or allow them again; asked first."""

    permission_required = "authorizations.change_mail"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        context = {"customer": self._customer(request, pk)}
        return render(request, "authorizations/customer_reminders.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = self._customer(request, pk)
        if customer.reminders_stopped_at:
            allow_reminders_to(customer=customer)
            messages.success(request, f"{customer} may be reminded again.")
        else:
            stop_reminders_to(customers=Customer.objects.filter(pk=pk), by=user_of(request))
            messages.success(request, f"All reminders to {customer} are stopped. Invitations go on.")
        return redirect("customer_detail", pk)

    def _customer(self, request: HttpRequest, pk: int) -> Customer:
        return get_object_or_404(Customer.objects.visible_to(user_of(request)), pk=pk)


class CampaignRemindersView(PermissionRequiredMixin, OpenCampaignView):
    """Whom a campaign reminds, and after how many days."""

    permission_required = "authorizations.change_campaign"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=pk)
        return self._show(request, campaign, CampaignRemindersForm(campaign=campaign))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=pk)
        form = CampaignRemindersForm(request.POST, campaign=campaign)
        if not form.is_valid():
            return self._show(request, campaign, form)
        switch_reminders(campaign=campaign, **form.cleaned_data)
        messages.success(request, "Saved. Within minutes the queue follows.")
        return redirect("campaign_detail", pk)

    def _show(self, request: HttpRequest, campaign: Campaign, form: CampaignRemindersForm) -> HttpResponse:
        context = {"campaign": campaign, "form": form}
        return render(request, "authorizations/campaign_reminders.html", context, status=422 if form.errors else 200)


def reminders_for(request: HttpRequest) -> "QuerySet[Mail]":
    """The reminders of customers whom the user may see, with what a row shows."""
    return Mail.objects.visible_to(user_of(request)).filter(is_reminder=True).with_people()


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
