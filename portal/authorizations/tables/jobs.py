"""The list of jobs: what is done to how many rows, how far it is, and who asked for it."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn
from portal.authorizations.models import Job
from portal.authorizations.services.jobs import KINDS

_NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class JobTable(tables.Table):
    caption = "Jobs"

    kind = tables.Column(
        verbose_name="What is done",
        linkify=("job_detail", {"pk": tables.A("pk")}),
        order_by=("pk",),
        attrs={"a": {"class": "row-title"}},
    )
    state = PartColumn("job_state", verbose_name="State", orderable=False)
    created_by = tables.Column(verbose_name="Asked by", orderable=False, default="–")
    created_at = tables.DateTimeColumn(verbose_name="When", orderable=False, format="j M Y, H:i", attrs=_NUMBER)

    class Meta:
        model = Job
        fields: tuple[str, ...] = ()
        sequence = ("kind", "state", "created_by", "created_at")
        empty_text = "No job yet. Tick rows in a list of customers or links, and choose what to do with them."

    def render_kind(self, record: Job) -> str:
        kind = KINDS.get(record.kind)
        return kind.heading_for(record.total) if kind else record.kind.capitalize()
