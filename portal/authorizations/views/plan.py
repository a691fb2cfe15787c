"""The enrollment plan: which meters still wait before each deadline, and for whom (R18)."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from portal.authorizations.filters.plan import PlanFilterSet
from portal.authorizations.models import Enrollment
from portal.authorizations.services.figures import read_plan
from portal.authorizations.services.plan import find_ask_by
from portal.authorizations.tables.plan import PlanTable
from portal.authorizations.views.lists import PortalListView, user_of
from portal.authorizations.views.meters import external_id_of, title_of


class PlanListView(PortalListView):
    permission_required = "authorizations.view_meter"
    table_class = PlanTable
    filterset_class = PlanFilterSet
    template_name = "authorizations/plan_list.html"
    filter_orders = {"deadline_after": "next_deadline", "deadline_before": "next_deadline"}
    export_permission = "authorizations.export_meter"
    export_name = "plan"
    export_columns = (
        ("meter_id", lambda row: row.meter.meter_id),
        ("partner_reference", lambda row: row.meter.partner_reference),
        ("Belongs to", lambda row: "; ".join(title_of(match) for match in row.meter.matches.all())),
        ("External ID", lambda row: " ".join(filter(None, map(external_id_of, row.meter.matches.all())))),
        ("Utility", lambda row: row.meter.utility.utility_id if row.meter.utility else row.meter.utility_name),
        ("Region", lambda row: row.meter.region),
        ("Customer type", lambda row: row.meter.classification),
        ("Program", lambda row: row.program),
        ("Delivery period", lambda row: row.delivery_period),
        ("Market group", lambda row: row.market_group),
        ("Status", lambda row: row.status),
        ("Waits for", lambda row: row.standing),
        ("Required actions", lambda row: "; ".join(f"{action.party}: {action}" for action in row.actions)),
        ("Next deadline", lambda row: _day(row.next_deadline)),
        ("Active from", lambda row: _day(row.active_from)),
        (
            "Ask others of this utility by",
            lambda row: (
                find_ask_by(row.next_deadline, row.meter.utility) if row.next_deadline and row.meter.utility else ""
            ),
        ),
    )

    def get_queryset(self) -> QuerySet[Enrollment]:
        return Enrollment.objects.visible_to(user_of(self.request)).in_plan().with_list_columns()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds summary, and counted_at where it was not counted just now."""
        summary, counted_at = read_plan(now=timezone.now())
        return super().get_context_data(**kwargs, summary=summary, counted_at=counted_at)


def _day(moment: datetime | None) -> str:
    return f"{timezone.localdate(moment)}" if moment else ""
