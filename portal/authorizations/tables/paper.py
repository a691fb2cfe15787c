"""The list of paper authorizations: what was done with each, and what Leap says."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import PaperAuthorization

_NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class PaperTable(tables.Table):
    caption = "Paper authorizations"
    newest = "signed_on"

    customer = PartColumn("paper_customer", verbose_name="Customer", order_by=("customer__name", "pk"))
    utility = PartColumn("paper_utility", verbose_name="Utility", order_by=("utility__short_name", "pk"))
    status = PartColumn("paper_status", verbose_name="We did", order_by=("withdrawn_at", "sent_on", "pk"))
    leap = PartColumn("paper_leap", verbose_name="Leap says", order_by=("enrolled_at", "metered_at", "pk"))
    recorded_by = tables.Column(verbose_name="Recorded by", order_by=("recorded_by__first_name", "pk"), default="–")
    signed_on = tables.DateColumn(verbose_name="Signed", order_by=("signed_on", "pk"), format="j M Y", attrs=_NUMBER)
    sent_on = tables.DateColumn(
        verbose_name="Sent to Leap", order_by=("sent_on", "pk"), format="j M Y", attrs=_NUMBER, default="–"
    )

    class Meta:
        model = PaperAuthorization
        fields: tuple[str, ...] = ()
        sequence = ("customer", "utility", "status", "leap", "recorded_by", "signed_on", "sent_on")
        empty_text = (
            "No paper authorizations yet. With a signed form in hand, open its customer and choose "
            "“Record paper authorization”."
        )
