"""Subscriptions, how events are delivered, and the log of every attempt."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.sandbox import clock
from portal.sandbox.models import Delivery, DeliveryOptions, Webhook
from portal.sandbox.tasks import wake
from portal.sandbox.tester_forms import DeliveryOptionsForm
from portal.sandbox.views.pages import tester_only

SHOWN = 50


@tester_only
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Show who is subscribed and what came of the latest deliveries; change how they are made."""
    form = DeliveryOptionsForm(request.POST or None, instance=DeliveryOptions.current())
    if request.method == "POST" and form.is_valid():
        DeliveryOptions.objects.filter(pk=form.instance.pk).update(**form.cleaned_data)
        wake()
        return redirect("sandbox:webhook_list")
    context = {
        "form": form,
        "now": clock.now(),
        "webhooks": Webhook.objects.all(),
        "deliveries": Delivery.objects.select_related("webhook").prefetch_related("attempts")[:SHOWN],
    }
    return render(request, "sandbox/webhook_list.html", context)
