"""The list of confirmations, as received: each is a claim."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Confirmation


class ConfirmationTable(tables.Table):
    caption = "Confirmations"
    newest, newest_always = "at", True

    at = PartColumn("confirmation_at", verbose_name="Received", order_by=("at", "pk"))
    outcome = PartColumn("confirmation_outcome", verbose_name="Claim", order_by=("outcome", "pk"))
    link = PartColumn("confirmation_link", verbose_name="Link", orderable=False)
    reference_id = PartColumn("confirmation_reference_id", verbose_name="refId as received", orderable=False)
    authorization_id = PartColumn(
        "confirmation_authorization_id", verbose_name="authorizationId (unproven)", orderable=False
    )
    ip = PartColumn("confirmation_sender", verbose_name="From", orderable=False)

    class Meta:
        model = Confirmation
        fields: tuple[str, ...] = ()
        sequence = ("at", "outcome", "link", "reference_id", "authorization_id", "ip")
        empty_text = (
            "Nobody has come back yet. Customers land here after they authorize, once Leap has set the "
            "confirmation page to this portal’s address."
        )
