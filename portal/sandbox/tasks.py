"""What the worker runs for the sandbox, and how it is asked to."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django_tasks import task

from portal.sandbox import clock
from portal.sandbox.deliveries import deliver_due
from portal.sandbox.models import Delivery, DeliveryOptions, DeliveryState

#: A worker that was asked so long ago and has not come will not come: ask again.
FORGOTTEN = timedelta(minutes=1)


@task()
def deliver_task() -> None:
    """Post the webhooks that are due, and come again when the next is due."""
    DeliveryOptions.objects.update(woken_for=None)
    deliver_due()
    _ask_worker()


def wake() -> None:
    """Ask the worker to deliver what is due, and to come again when the next is due, after this transaction."""
    transaction.on_commit(_ask_worker)


def _ask_worker() -> None:
    first = Delivery.objects.filter(state=DeliveryState.WAITING).aggregate(due=Min("due_at"))["due"]
    if first is None:
        return
    now = timezone.now()
    when = max(first - clock.ahead(), now)
    is_later = when > now
    if is_later and not deliver_task.get_backend().supports_defer:
        return  # tests run tasks at once and move the clock by hand
    asked = (
        DeliveryOptions.objects.filter(pk=DeliveryOptions.current().pk)
        .filter(Q(woken_for=None) | Q(woken_for__gt=when) | Q(woken_for__lt=now - FORGOTTEN))
        .update(woken_for=when)
    )
    if asked:
        task = deliver_task.using(run_after=when) if is_later else deliver_task
        task.enqueue()
