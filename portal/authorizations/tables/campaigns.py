"""The list of campaigns: what we saw, what browsers claim and what Leap says, each in its own colour."""

import django_tables2 as tables

from portal.authorizations.columns import PartColumn, SelectColumn
from portal.authorizations.models import Campaign

NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class CampaignTable(tables.Table):
    caption = "Campaigns"
    # Every order ends in the key: rows that are equal otherwise would move between pages.

    select = SelectColumn()
    name = PartColumn("campaign_name", verbose_name="Campaign", order_by=("name", "pk"))
    flow = PartColumn("campaign_flow", verbose_name="Flow", order_by=("flow__name", "pk"))
    state = PartColumn("campaign_state", verbose_name="State", order_by=("state", "pk"))
    starts_on = PartColumn("campaign_dates", verbose_name="Dates", order_by=("starts_on", "ends_on", "pk"))
    owner = tables.Column(order_by=("owner__first_name", "owner__username", "pk"))
    issued = PartColumn("campaign_issued", order_by=("issued", "pk"), verbose_name="Issued", attrs=NUMBER)
    visited = PartColumn("campaign_visited", order_by=("visited", "pk"), verbose_name="Visited", attrs=NUMBER)
    returned = PartColumn(
        "campaign_returned", order_by=("returned", "pk"), verbose_name="Returned (claims)", attrs=NUMBER
    )
    proven = PartColumn("campaign_proven", order_by=("proven", "pk"), verbose_name="Proven", attrs=NUMBER)

    class Meta:
        model = Campaign
        fields: tuple[str, ...] = ()
        sequence = ("select", "name", "state", "flow", "starts_on", "owner", "issued", "visited", "returned", "proven")
        empty_text = "No campaigns yet. A campaign is a named batch of links from one flow, counted together."
