"""Faults that the tester asks for."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.sandbox.faults import add_fault, clear_faults
from portal.sandbox.models import Fault
from portal.sandbox.tester_forms import FaultForm
from portal.sandbox.views.pages import tester_only


@tester_only
@require_http_methods(["GET", "HEAD", "POST"])
def fault_list(request: HttpRequest) -> HttpResponse:
    """Show the faults that wait for a call; ask for another, or clear them."""
    act = request.POST.get("act", "")
    form = FaultForm(request.POST if act == "add" else None)
    if act == "clear":
        clear_faults()
        return redirect("sandbox:fault_list")
    if act == "add" and form.is_valid():
        add_fault(**form.cleaned_data)
        return redirect("sandbox:fault_list")
    return render(request, "sandbox/fault_list.html", {"form": form, "faults": Fault.objects.all()})
