"""The audit: who saw, exported, changed, voided or erased what. To be read and never changed."""

import json

from django.db.models import QuerySet
from django.utils import timezone

from portal.authorizations.filters.audit import AuditFilterSet
from portal.authorizations.models import AuditEntry
from portal.authorizations.tables.audit import AuditTable
from portal.authorizations.views.lists import PortalListView


class AuditListView(PortalListView):
    permission_required = "authorizations.view_auditentry"
    table_class = AuditTable
    filterset_class = AuditFilterSet
    template_name = "authorizations/audit_list.html"
    export_permission = "authorizations.view_auditentry"
    export_name = "audit"
    export_columns = (
        ("When", lambda entry: timezone.localtime(entry.at).strftime("%Y-%m-%d %H:%M:%S")),
        ("Who", lambda entry: entry.who),
        ("Did", lambda entry: entry.get_action_display()),
        ("To what", lambda entry: entry.noun),
        ("Number of the row", lambda entry: entry.row or ""),
        ("Rows", lambda entry: entry.count),
        ("Details", lambda entry: json.dumps(entry.details, sort_keys=True) if entry.details else ""),
    )

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.select_related("by").order_by("-id")
