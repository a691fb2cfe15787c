"""Confirmations: what arrived at the confirmation page. Claims, to be read and never changed (R16)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django_tables2 import Table

from portal.authorizations.filters.confirmations import ConfirmationFilterSet
from portal.authorizations.filters.suspicious import SuspiciousFilterSet
from portal.authorizations.models import Confirmation, Link
from portal.authorizations.services.claims import days_waited, read_doubt
from portal.authorizations.tables.confirmations import ConfirmationTable
from portal.authorizations.tables.suspicious import SuspiciousTable
from portal.authorizations.templatetags.received import visible_text
from portal.authorizations.views.lists import PortalListView, user_of


class ConfirmationListView(PortalListView):
    permission_required = "authorizations.view_confirmation"
    table_class = ConfirmationTable
    filterset_class = ConfirmationFilterSet
    template_name = "authorizations/confirmation_list.html"
    export_permission = "authorizations.export_link"
    export_name = "confirmations"
    export_columns = (
        ("Received", lambda row: timezone.localtime(row.at).strftime("%Y-%m-%d %H:%M:%S")),
        ("Claim", lambda row: row.badge.label),
        ("Repeated", lambda row: "yes" if row.repeated else "no"),
        ("Bot or previewer", lambda row: "yes" if row.is_bot else "no"),
        ("Link", lambda row: row.link.title if row.link else ""),
        ("External ID", lambda row: row.link.customer.external_id if row.link and row.link.customer else ""),
        ("Link: reference_id", lambda row: row.link.reference_id if row.link else ""),
        ("Flow", lambda row: row.link.flow.name if row.link else ""),
        ("Campaign", lambda row: row.link.campaign.name if row.link and row.link.campaign else ""),
        ("refId as received", lambda row: visible_text(row.reference_id)),
        ("authorizationId (unproven)", lambda row: visible_text(row.authorization_id)),
        ("Query string as received", lambda row: row.query_string),
        ("IP address, shortened", lambda row: row.ip),
        ("User agent", lambda row: visible_text(row.user_agent)),
    )

    def get_queryset(self) -> QuerySet[Confirmation]:
        confirmations = Confirmation.objects.visible_to(user_of(self.request)).with_links()
        # By time, not by id: what came through the spool was written later than it was received.
        return confirmations.select_related("link__campaign").with_beginning().order_by("-at", "-id")

    def order_of_many(self, table: Table) -> tuple[str, ...]:
        return ("beginning", "pk") if "q" in self.active_filters else super().order_of_many(table)

    def get_table(self, **kwargs: Any) -> Table:
        table = super().get_table(**kwargs)
        if user_of(self.request).has_perm("authorizations.change_flow"):
            table.empty_url, table.empty_action = reverse("confirmation_request"), "Ask Leap to set it"
        return table

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, thanks_url=f"{settings.PUBLIC_URL}{reverse('thanks')}")


class SuspiciousListView(PortalListView):
    """Claims without proof: links that came back, and that Leap has not proven in their utility's time."""

    permission_required = "authorizations.view_confirmation"
    table_class = SuspiciousTable
    filterset_class = SuspiciousFilterSet
    template_name = "authorizations/suspicious_list.html"
    export_permission = "authorizations.export_link"
    export_name = "claims-without-proof"
    # Among many: the index that finds a campaign's or a flow's links knows no order of their returns.
    filter_orders = {"campaign": "pk", "flow": "pk"}
    export_columns = (
        ("Customer", lambda link: link.title),
        ("External ID", lambda link: link.customer.external_id if link.customer else ""),
        ("Email", lambda link: link.customer.email if link.customer else ""),
        ("Phone", lambda link: link.customer.phone if link.customer else ""),
        ("Flow", lambda link: link.flow.name),
        ("Campaign", lambda link: link.campaign.name if link.campaign else ""),
        ("reference_id", lambda link: link.reference_id or ""),
        ("Browser claims: first return", lambda link: _moment(link.first_returned_at)),
        ("Days since", lambda link: days_waited(link, timezone.now())),
        ("Expected days", lambda link: link.expected_days),
        ("We saw: first visit", lambda link: _moment(link.first_visited_at)),
        ("Leap says", lambda link: read_doubt(link).heard),
        ("Next step", lambda link: read_doubt(link).next_step),
    )

    def get_queryset(self) -> QuerySet[Link]:
        links = Link.objects.listed_for(user_of(self.request)).overdue_claims(timezone.now())
        return links.with_people().prefetch_related("connections")


def _moment(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
