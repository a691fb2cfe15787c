"""The list of print jobs: who printed what on which paper, and what the proof says."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import PrintJob

_NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class PrintTable(tables.Table):
    caption = "Print jobs"

    chosen = PartColumn("print_chosen", verbose_name="Printed", order_by=("pk",))
    stock_title = tables.Column(verbose_name="Paper", order_by=("stock", "pk"))
    state = PartColumn("print_state", verbose_name="Proof", order_by=("state", "pk"))
    label_count = tables.Column(verbose_name="Labels", order_by=("label_count", "pk"), attrs=_NUMBER)
    page_count = tables.Column(verbose_name="Pages", order_by=("page_count", "pk"), attrs=_NUMBER)
    created_by = tables.Column(verbose_name="By", order_by=("created_by__first_name", "pk"), default="–")
    created_at = tables.DateTimeColumn(
        verbose_name="When", order_by=("created_at", "pk"), format="j M Y, H:i", attrs=_NUMBER
    )

    class Meta:
        model = PrintJob
        fields: tuple[str, ...] = ()
        sequence = ("chosen", "stock_title", "state", "label_count", "page_count", "created_by", "created_at")
        empty_text = "Nothing has been printed yet. Choose which links, on which paper, and see the first page at once."
