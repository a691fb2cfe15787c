"""Save flows and move them through their states: requested, live, retired (R7)."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Flow, FlowState, Link, Utility
from portal.authorizations.services.audit import record
from portal.authorizations.services.flow_rules import find_problems

#: What stands in the URL of a flow: links that were handed out keep the old values.
URL_FIELDS = ("org_name", "address", "title", "region", "variant", "program")
_FIELDS = ("name", "journey", *URL_FIELDS, "customer_types", "terms")


class FlowRefused(Exception):  # noqa: N818
    """A flow cannot be changed so; `str()` says why, and `field` which input is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


def count_links(flow: Flow) -> int:
    """Return how many links were ever issued from a flow, void and replaced ones too."""
    return Link.objects.filter(flow=flow).count() if flow.pk else 0


@transaction.atomic
def save_flow(*, flow: Flow, utilities: Sequence[Utility], by: User | None) -> Flow:
    """Save a new or changed flow with the utilities it offers, after `find_problems` has found nothing.

    Raises FlowRefused if the journey of a flow with links changes, and IntegrityError (a database rule) if the
    utilities themselves changed in this moment.
    """
    if flow.pk is None:
        flow.created_by = by
        flow.save()
        flow.utilities.set(utilities)
        record(action=AuditAction.ADDED, noun="flow", row=flow.pk, by=by)
        return flow
    before = Flow.objects.select_for_update().get(pk=flow.pk)
    if before.journey != flow.journey and count_links(flow):
        raise FlowRefused(
            f"Links were issued from this flow as {before.get_journey_display()}: its journey cannot change. "
            "Retire it, and make a new flow.",
            "journey",
        )
    # The database compares a flow with the utilities it offers at every step: those that leave go first.
    kept = {utility.pk for utility in utilities}
    flow.utilities.remove(*[utility for utility in flow.utilities.all() if utility.pk not in kept])
    flow.save(update_fields=_FIELDS)
    flow.utilities.set(utilities)
    record(action=AuditAction.CHANGED, noun="flow", row=flow.pk, by=by)
    return flow


@transaction.atomic
def set_live(*, flow: Flow) -> Flow:
    """Allow links from a flow: Leap has configured it, or a retired one is opened again. Raises FlowRefused."""
    flow = Flow.objects.select_for_update().get(pk=flow.pk)
    if flow.is_live:
        return flow
    problems = find_problems(flow=flow, utilities=list(flow.utilities.all()))
    if problems:
        reasons = " ".join(problem.reason for problem in problems)
        raise FlowRefused(f"The flow “{flow}” cannot go live yet. {reasons}", problems[0].field)
    flow.state = FlowState.LIVE
    flow.live_at = timezone.now()
    flow.retired_at = None
    flow.save(update_fields=["state", "live_at", "retired_at"])
    record(action=AuditAction.CHANGED, noun="flow", row=flow.pk, state=flow.state)
    return flow


@transaction.atomic
def retire(*, flow: Flow) -> Flow:
    """Issue no more links from a flow. Those that were handed out keep working as long as Leap keeps it."""
    flow = Flow.objects.select_for_update().get(pk=flow.pk)
    if flow.state == FlowState.RETIRED:
        return flow
    flow.state = FlowState.RETIRED
    flow.retired_at = timezone.now()
    flow.save(update_fields=["state", "retired_at"])
    record(action=AuditAction.CHANGED, noun="flow", row=flow.pk, state=flow.state)
    return flow


@transaction.atomic
def mark_requested(*, flow: Flow) -> Flow:
    """Remember that the request for this flow was sent to Leap, today."""
    flow.requested_at = timezone.now()
    flow.save(update_fields=["requested_at"])
    record(action=AuditAction.SENT, noun="flow", row=flow.pk)
    return flow
