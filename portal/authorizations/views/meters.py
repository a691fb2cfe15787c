"""Meters: what Leap shows, which links they belong to, and what stands between them and a program (R14, R18)."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.views.generic import DetailView
from django_tables2 import Table

from portal.authorizations.filters.meters import MeterFilterSet
from portal.authorizations.models import Meter, Party
from portal.authorizations.services.reauthorizations import list_open_tasks
from portal.authorizations.tables.meters import MeterTable
from portal.authorizations.views.lists import PortalListView, user_of
from portal.leap.meter_facts import read_facts
from portal.leap.required_actions import advise


class MeterListView(PortalListView):
    permission_required = "authorizations.view_meter"
    table_class = MeterTable
    filterset_class = MeterFilterSet
    template_name = "authorizations/meter_list.html"
    export_permission = "authorizations.export_meter"
    export_name = "meters"
    filter_orders = {"created_after": "created_at", "created_before": "created_at"}
    export_columns = (
        ("meter_id", lambda meter: meter.meter_id),
        ("Utility", lambda meter: meter.utility.utility_id if meter.utility else meter.utility_name),
        ("Region", lambda meter: meter.region),
        ("Customer type", lambda meter: meter.classification),
        ("Meter type", lambda meter: meter.meter_type),
        ("Load types", lambda meter: " ".join(str(load) for load in meter.load_types)),
        ("partner_reference", lambda meter: meter.partner_reference),
        ("connection_references", lambda meter: " ".join(str(text) for text in meter.connection_references)),
        ("Belongs to", lambda meter: "; ".join(title_of(match) for match in meter.matches.all())),
        ("External ID", lambda meter: " ".join(filter(None, map(external_id_of, meter.matches.all())))),
        ("Matched by", lambda meter: "; ".join(match.get_matched_by_display() for match in meter.matches.all())),
        ("Enrollment status", lambda meter: meter.enrollment_status),
        ("Action required", lambda meter: "yes" if meter.needs_partner else "no"),
        ("Re-authorize", lambda meter: "yes" if meter.needs_authorization else "no"),
        ("Archived", lambda meter: "yes" if meter.is_archived else "no"),
        ("Created at Leap", lambda meter: timezone.localtime(meter.created_at).strftime("%Y-%m-%d %H:%M")),
    )

    def get_queryset(self) -> QuerySet[Meter]:
        return Meter.objects.visible_to(user_of(self.request)).with_list_columns()

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        if user_of(self.request).has_perm("authorizations.sync_meters"):
            table.empty_url, table.empty_action = reverse("meter_sync"), "Sync with Leap"
        return table


class MeterDetailView(PermissionRequiredMixin, DetailView[Meter]):
    permission_required = "authorizations.view_meter"
    template_name = "authorizations/meter_detail.html"
    context_object_name = "meter"

    def get_queryset(self) -> QuerySet[Meter]:
        meters = Meter.objects.visible_to(user_of(self.request)).with_list_columns()
        return meters.prefetch_related("enrollments__deadlines", "required_actions")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actions = sorted(self.object.required_actions.all(), key=lambda action: action.party != Party.PARTNER)
        return super().get_context_data(
            **kwargs,
            reauthorizations=list_open_tasks(user=user_of(self.request), meter=self.object),
            sections=read_facts(self.object.record),
            actions=[
                {"action": action, "advice": advise(action.action_type, action.action_code)} for action in actions
            ],
            now=timezone.now(),
        )


def title_of(match: Any) -> str:
    """Whose a match is: the link's customer or place, or the paper authorization's customer."""
    return match.link.title if match.link else str(match.paper.customer)


def external_id_of(match: Any) -> str:
    customer = match.link.customer if match.link else match.paper.customer
    return customer.external_id or "" if customer else ""
