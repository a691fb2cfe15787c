"""The tester's hand on the clock."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.sandbox.clock import ahead, move, now, reset
from portal.sandbox.meters import settle
from portal.sandbox.models import Meter
from portal.sandbox.tester_forms import ClockForm
from portal.sandbox.views.pages import tester_only


@tester_only
@require_http_methods(["GET", "HEAD", "POST"])
def clock(request: HttpRequest) -> HttpResponse:
    """Show the sandbox's time; move it forward, or return to the real one."""
    form = ClockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.POST.get("act") == "reset":
        reset()
        return redirect("sandbox:clock")
    if request.method == "POST" and form.is_valid():
        move(by=form.by)
        settle()
        return redirect("sandbox:clock")
    late = Meter.objects.filter(appears_at__gt=now()).order_by("appears_at")
    moment = now()
    context = {
        "form": form,
        "now": moment,
        "real": moment - ahead(),
        "ahead": ahead(),
        "late_count": late.count(),
        "next_late": late.first(),
    }
    return render(request, "sandbox/clock.html", context)
