"""The tester's home: what is configured, what happened, and where to change it. Who may run the sandbox sees it."""

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portal.sandbox import clock
from portal.sandbox.forms import FlowForm
from portal.sandbox.meters import settle
from portal.sandbox.models import Flow, Meter, Session
from portal.sandbox.views.connect import regional
from portal.sandbox.views.pages import tester_only

SHOWN = 20
#: Further pages of the tester: words, URL name, what for.
TOOLS: list[tuple[str, str, str]] = [
    ("Clock", "sandbox:clock", "move the sandbox’s time forward: late meters appear, deliveries are due"),
    ("Meters", "sandbox:meter_list", "archive one, let it need another authorization, enroll it"),
    ("Webhooks", "sandbox:webhook_list", "who is subscribed, every attempt to deliver, duplicates, reordering"),
    ("Faults", "sandbox:fault_list", "let the API fail, stall, or answer what nobody expects"),
]


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Connect's newer address where its parameters stand in the query; the tester's home without them."""
    if {name.lower() for name in request.GET} & {"transmissionregion", "account"}:
        return regional(request)
    return testers_home(request)


@tester_only
def testers_home(request: HttpRequest) -> HttpResponse:
    """What is configured, what happened, and the tools."""
    settle()
    sessions = Session.objects.select_related("flow").prefetch_related("authorizations")
    context = {
        "now": clock.now(),
        "flows": Flow.objects.annotate(session_count=Count("sessions")),
        "sessions": sessions[:SHOWN],
        "meters": Meter.objects.appeared(clock.now()).prefetch_related("references").order_by("-id")[:SHOWN],
        "later": Meter.objects.filter(appears_at__gt=clock.now()).count(),
        "tools": TOOLS,
    }
    return render(request, "sandbox/home.html", context)


@tester_only
@require_http_methods(["GET", "HEAD", "POST"])
def flow_update(request: HttpRequest, pk: int) -> HttpResponse:
    """What Leap would configure for a partner, configured by the tester."""
    flow = get_object_or_404(Flow, pk=pk)
    form = FlowForm(request.POST or None, instance=flow, label_suffix="")
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("sandbox:home")
    return render(request, "sandbox/flow_form.html", {"form": form, "flow": flow})
