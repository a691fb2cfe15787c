"""Erase a customer, after a page that says what goes and what stays; and let one who was erased be added again."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from portal.authorizations.forms.erasure import EraseForm
from portal.authorizations.models import Customer
from portal.authorizations.services.erasure import EraseRefused, erase_customer, readmit_customer
from portal.authorizations.services.erasure_rows import count_what_goes
from portal.authorizations.views.lists import user_of


class CustomerEraseView(PermissionRequiredMixin, View):
    permission_required = "authorizations.erase_customer"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk)
        if customer.erased_at:
            return redirect("customer_detail", pk)
        return self._show(request, customer, EraseForm(customer=customer))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk)
        form = EraseForm(request.POST, customer=customer)
        if form.is_valid():
            try:
                erased = erase_customer(customer=customer, by=user_of(request), reason=form.cleaned_data["reason"])
            except EraseRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                rest = "" if erased.is_finished else " Some files are still to go: the worker removes them."
                messages.success(request, f"Customer {pk} is erased.{rest}")
                return redirect("customer_detail", pk)
        return self._show(request, customer, form)

    def _show(self, request: HttpRequest, customer: Customer, form: EraseForm) -> HttpResponse:
        context = {"customer": customer, "form": form, "counts": count_what_goes(customer)}
        return render(request, "authorizations/customer_erase.html", context, status=422 if form.errors else 200)


class CustomerReadmitView(PermissionRequiredMixin, View):
    """The person has asked to be added again: lists and forms take the id and the address again."""

    permission_required = "authorizations.erase_customer"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk, erased_at__isnull=False)
        if readmit_customer(customer=customer, by=user_of(request)):
            messages.success(request, "Lists and forms take this person again, as a new customer.")
        return redirect("customer_detail", pk)
