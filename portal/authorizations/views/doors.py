"""At the door: what came of a call."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from portal.accounts.roles import Role
from portal.authorizations.forms.doors import DoorCallForm
from portal.authorizations.models import Customer
from portal.authorizations.services.door_calls import CallRefused, record_door_call
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
                call = record_door_call(customer=customer, by=user_of(request), **form.cleaned_data)
            except CallRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                messages.success(request, f"{customer}: {call.get_outcome_display()}.")
                return redirect("home") if user_of(request).role is Role.FIELD_REP else redirect("customer_detail", pk)
        return self._show(request, customer, form)

    def _customer(self, request: HttpRequest, pk: int) -> Customer:
        return get_object_or_404(Customer.objects.visible_to(user_of(request)), pk=pk)

    def _form(self, customer: Customer, *data: object) -> DoorCallForm:
        return DoorCallForm(*data, may_ask_again=customer.refused_at is not None)

    def _show(self, request: HttpRequest, customer: Customer, form: DoorCallForm) -> HttpResponse:
        context = {"customer": customer, "form": form}
        return render(request, "authorizations/customer_call.html", context, status=422 if form.errors else 200)
