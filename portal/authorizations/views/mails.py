"""Mails: what was queued and sent, what became of each, and what a person decides about one."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.generic import View

from portal.accounts.models import User
from portal.authorizations.filters.mails import MailFilterSet, MailStopFilterSet
from portal.authorizations.forms.mails import MailStopForm, MailStopLiftForm
from portal.authorizations.models import Installation, Mail, MailState, MailStop, StopReason
from portal.authorizations.services.mail_decisions import (
    DecisionRefused,
    leave_unknown,
    note_arrival,
    record_return,
    send_again,
    stop_mail,
)
from portal.authorizations.services.mail_server import writes_to_the_log
from portal.authorizations.services.mail_stops import LiftRefused, digest_address, lift_stop, stop_mails_to
from portal.authorizations.services.mailings import explain_no_sending, find_absence
from portal.authorizations.tables.mails import MailStopTable, MailTable
from portal.authorizations.views.lists import PortalListView, user_of


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


class MailListView(PortalListView):
    permission_required = "authorizations.view_mail"
    table_class = MailTable
    filterset_class = MailFilterSet
    template_name = "authorizations/mail_list.html"
    export_permission = "authorizations.export_customer"
    export_name = "mails"
    export_columns = (
        ("Customer", lambda mail: str(mail.customer)),
        ("External ID", lambda mail: mail.customer.external_id),
        ("Campaign", lambda mail: mail.message.campaign.name),
        ("Kind", lambda mail: mail.message.get_kind_display()),
        ("reference_id", lambda mail: mail.link.reference_id),
        ("State", lambda mail: mail.get_state_display()),
        ("Reason", lambda mail: mail.reason or mail.why_held),
        ("Due", lambda mail: _moment(mail.due_at)),
        ("Sent", lambda mail: _moment(mail.sent_at)),
        ("Bounced", lambda mail: _moment(mail.bounced_at)),
        ("Complained", lambda mail: _moment(mail.complained_at)),
    )

    def get_queryset(self) -> QuerySet[Mail]:
        return Mail.objects.visible_to(user_of(self.request)).with_people().order_by("-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mails = Mail.objects.visible_to(user_of(self.request))
        return super().get_context_data(
            **kwargs,
            unknown=mails.with_fate_unknown().count(),
            why_none=explain_no_sending(Installation.objects.read()),
            is_rehearsal=writes_to_the_log(),
            absence=find_absence(),
        )


class MailPage(PermissionRequiredMixin, View):
    """What is about one mail that the user may see."""

    permission_required: str | tuple[str, ...] = "authorizations.view_mail"

    def find(self, request: HttpRequest, pk: int) -> Mail:
        return get_object_or_404(Mail.objects.visible_to(user_of(request)).with_people(), pk=pk)


class MailDetailView(MailPage):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        mail = self.find(request, pk)
        shares = Mail.objects.none()
        if mail.rfc_message_id:
            shares = Mail.objects.filter(rfc_message_id=mail.rfc_message_id).exclude(pk=mail.pk)
        digest = mail.address_digest or digest_address(mail.customer.email)
        stops = MailStop.objects.in_force().filter(address_digest=digest) if digest else MailStop.objects.none()
        context = {
            "mail": mail,
            "is_unknown": mail.state == MailState.UNKNOWN,
            "is_waiting": mail.state == MailState.WAITING,
            "went_out": mail.state in {MailState.SENT, MailState.UNKNOWN},
            "shares": shares.select_related("customer").order_by("pk")[:20],
            "stop": stops.first(),
        }
        return render(request, "authorizations/mail_detail.html", context)


DECISIONS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "arrived": (note_arrival, "Noted: the mail arrived."),
    "again": (send_again, "The mail waits, and is sent again."),
    "leave": (leave_unknown, "Left at that: the mail is not sent again."),
    "stop": (stop_mail, "Stopped: the mail will not be sent."),
    "bounced": (
        lambda *, mail, by: record_return(mail=mail, reason=StopReason.BOUNCED, by=by),
        "Noted: the mail came back. Its address gets no more mails.",
    ),
    "complained": (
        lambda *, mail, by: record_return(mail=mail, reason=StopReason.COMPLAINED, by=by),
        "Noted: its reader complained. The address gets no more mails.",
    ),
}


class MailDecideView(MailPage):
    """What a person decides about a mail, or has heard of it: `do` is one of DECISIONS."""

    permission_required = ("authorizations.change_mail", "authorizations.add_mailstop")

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask about what stops an address: a complaint can be taken back by whoever made it only."""
        mail, do = self.find(request, pk), request.GET.get("do")
        if do not in ("bounced", "complained"):
            return redirect("mail_detail", mail.pk)
        return render(request, "authorizations/mail_decide.html", {"mail": mail, "do": do})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        mail = self.find(request, pk)
        if request.POST.get("do") not in DECISIONS:
            return redirect("mail_detail", pk)
        decide, words = DECISIONS[request.POST["do"]]
        try:
            decide(mail=mail, by=user_of(request))
        except DecisionRefused as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, words)
        return redirect("mail_detail", pk)


class MailStopListView(PortalListView):
    permission_required = "authorizations.view_mailstop"
    table_class = MailStopTable
    filterset_class = MailStopFilterSet
    template_name = "authorizations/mail_stop_list.html"

    def get_queryset(self) -> QuerySet[MailStop]:
        return MailStop.objects.select_related("customer", "recorded_by", "lifted_by").order_by("-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"form": MailStopForm(), **kwargs})


class MailStopCreateView(PermissionRequiredMixin, View):
    """Record that an address gets no more mails."""

    permission_required = "authorizations.add_mailstop"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, MailStopForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = MailStopForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        stop_mails_to(form.cleaned_data["email"], reason=form.cleaned_data["reason"], by=user_of(request))
        messages.success(request, "Recorded: the address gets no more invitations and reminders.")
        return redirect("mail_stop_list")

    def _show(self, request: HttpRequest, form: MailStopForm) -> HttpResponse:
        context = {"form": form}
        return render(request, "authorizations/mail_stop_form.html", context, status=422 if form.errors else 200)


class MailStopLiftView(PermissionRequiredMixin, View):
    """Write to an address again, with a reason."""

    permission_required = ("authorizations.view_mailstop", "authorizations.add_mailstop")

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        stop = self._find(pk)
        return self._show(request, stop, MailStopLiftForm(stop=stop))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        stop = self._find(pk)
        form = MailStopLiftForm(request.POST, stop=stop)
        if form.is_valid() and self._lift(form, stop, user_of(request)):
            messages.success(request, "The address gets mails again.")
            return redirect("mail_stop_list")
        return self._show(request, stop, form)

    def _find(self, pk: int) -> MailStop:
        return get_object_or_404(MailStop.objects.in_force().select_related("customer"), pk=pk)

    def _lift(self, form: MailStopLiftForm, stop: MailStop, by: User) -> bool:
        asked = form.cleaned_data.get("asked_for", False)
        try:
            lift_stop(stop=stop, reason=form.cleaned_data["reason"], by=by, asked_for=asked)
        except LiftRefused as refusal:
            form.add_error("asked_for", str(refusal))
        return form.is_valid()

    def _show(self, request: HttpRequest, stop: MailStop, form: MailStopLiftForm) -> HttpResponse:
        context = {"stop": stop, "form": form}
        return render(request, "authorizations/mail_stop_lift.html", context, status=422 if form.errors else 200)
