"""At the door, on pages: what came of a call, a customer who is added there, and the code in one tap."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.generic import View

from portal.accounts.roles import Role
from portal.authorizations.forms.doors import DoorCallForm, DoorCustomerForm
from portal.authorizations.models import Customer
from portal.authorizations.services.door_actions import Answer, add_and_issue, do_once, issue_at_the_door
from portal.authorizations.services.door_calls import CallRefused, find_town, record_door_call
from portal.authorizations.services.door_devices import explain_missing_kit, find_kit
from portal.authorizations.views.lists import user_of


class CustomerCallView(PermissionRequiredMixin, View):
    """Note a call at a customer's door."""

    permission_required = "authorizations.add_doorcall"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = self._customer(request, pk)
        return self._show(request, customer, self._form(customer))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = self._customer(request, pk)
        form = self._form(customer, request.POST)
        if form.is_valid():
            try:
                self._note(request, customer, form)
            except CallRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                outcome = dict(form.fields["outcome"].choices)[form.cleaned_data["outcome"]]  # type: ignore[attr-defined]
                messages.success(request, f"{customer}: {outcome.lower()}.")
                is_rep = user_of(request).role is Role.FIELD_REP
                return redirect("home") if is_rep else redirect("customer_detail", pk)
        return self._show(request, customer, form)

    def _note(self, request: HttpRequest, customer: Customer, form: DoorCallForm) -> None:
        user = user_of(request)

        def act() -> Answer:
            record_door_call(customer=customer, by=user, **form.call)
            return Answer("done", customer=customer.pk)

        do_once(key=form.cleaned_data["key"], by=user, device=None, act=act)

    def _customer(self, request: HttpRequest, pk: int) -> Customer:
        return get_object_or_404(Customer.objects.visible_to(user_of(request)).filter(erased_at__isnull=True), pk=pk)

    def _form(self, customer: Customer, *data: Any) -> DoorCallForm:
        return DoorCallForm(*data, may_ask_again=customer.refused_at is not None)

    def _show(self, request: HttpRequest, customer: Customer, form: DoorCallForm) -> HttpResponse:
        context = {"customer": customer, "form": form}
        return render(request, "authorizations/customer_call.html", context, status=422 if form.errors else 200)


class DoorCustomerView(PermissionRequiredMixin, View):
    """Add a customer met at the door, and show the code."""

    permission_required = ("authorizations.add_customer", "authorizations.add_link")

    def get(self, request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        return self._show(request, DoorCustomerForm(kit=find_kit(user), initial=find_town(user)))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        form = DoorCustomerForm(request.POST, kit=find_kit(user))
        if not form.is_valid():
            return self._show(request, form)
        answer = do_once(
            key=form.cleaned_data["key"],
            by=user,
            device=None,
            act=lambda: add_and_issue(customer=form.instance, by=user, device=None, link_id=None, at=timezone.now()),
        )
        return show_code_of(request, answer)

    def _show(self, request: HttpRequest, form: DoorCustomerForm) -> HttpResponse:
        user = user_of(request)
        problem = "" if find_kit(user) else explain_missing_kit(user)
        context = {"form": form, "problem": problem}
        return render(request, "authorizations/door_customer.html", context, status=422 if form.errors else 200)


class CustomerCodeView(PermissionRequiredMixin, View):
    """One tap from the list to a customer's code: the live link's, or that of a link issued now."""

    permission_required = "authorizations.add_link"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect("customer_detail", pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = user_of(request)
        customer = get_object_or_404(Customer.objects.visible_to(user), pk=pk)
        answer = issue_at_the_door(customer=customer, by=user, device=None, link_id=None, at=timezone.now())
        return show_code_of(request, answer)


def show_code_of(request: HttpRequest, answer: Answer) -> HttpResponse:
    """Lead on to the code, or to the customer with the reason why there is none."""
    if answer.link is not None:
        return redirect("link_code", answer.link)
    messages.warning(request, answer.message)
    return redirect("customer_detail", answer.customer) if answer.customer else redirect("home")
