"""Every meter that the API knows, and what the tester lets happen to one."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.sandbox import clock
from portal.sandbox.meters import change_meter, change_status, resolve_actions
from portal.sandbox.models import EnrollmentStatus, Meter, Turn
from portal.sandbox.views.pages import tester_only

SHOWN = 50
RESOLVE = "resolve"
#: What the select offers: value and words. A turn by its own value, a status by its name.
CHANGES = [
    (Turn.REAUTHORIZE.value, "Must re-authorize (AUTH_0001)"),
    (Turn.CONFLICT.value, "Is in a conflicting program"),
    (RESOLVE, "Partner’s actions are resolved"),
    (Turn.ACTIVATE.value, "Is enrolled, in a market group"),
    *((status.value, f"Status becomes {status.value}") for status in EnrollmentStatus),
    (Turn.ARCHIVE.value, "Is archived"),
]


@tester_only
@require_http_methods(["GET", "HEAD", "POST"])
def meter_list(request: HttpRequest) -> HttpResponse:
    """Show meters, the newest first; let something happen to one."""
    words, before = request.GET.get("q", "").replace("\0", "\ufffd").strip(), request.GET.get("before", "")
    if request.method == "POST":
        _change(request.POST.get("meter", ""), request.POST.get("change", ""))
        return redirect(reverse("sandbox:meter_list", query={"q": words} if words else None))
    found = list(_found(words, int(before) if _is_number(before) else None)[: SHOWN + 1])
    context = {
        "meters": found[:SHOWN],
        "next": found[SHOWN - 1].pk if len(found) > SHOWN else None,
        "changes": CHANGES,
        "q": words,
        "now": clock.now(),
    }
    return render(request, "sandbox/meter_list.html", context)


def _found(words: str, before: int | None) -> QuerySet[Meter]:
    meters = Meter.objects.prefetch_related("references").order_by("-pk")
    if words:
        is_it = Q(partner_reference=words) | Q(references__reference_id=words) | Q(service_account=words)
        meters = meters.filter(is_it).distinct()
    return meters if before is None else meters.filter(pk__lt=before)


@transaction.atomic
def _change(meter_pk: str, change: str) -> None:
    meter = get_object_or_404(
        Meter.objects.select_for_update(), pk=int(meter_pk) if _is_number(meter_pk) else 0, appears_at__lte=clock.now()
    )
    if change in Turn.values:
        change_meter(meter=meter, turn=Turn(change), at=clock.now())
    elif change == RESOLVE:
        resolve_actions(meter=meter, at=clock.now())
    elif change in EnrollmentStatus.values:
        change_status(meter=meter, status=EnrollmentStatus(change), at=clock.now())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18
