"""What a launch does to some of its customers: their links, their invitations; and at the end the sheets.

The engine of jobs (job_runs.py) calls it batch by batch, each in a transaction of its own.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.models import Batch, Campaign, CampaignState, Customer, Link, PrintJob
from portal.authorizations.services.bulk_links import BulkResult, issue_links
from portal.authorizations.services.campaign_print import print_links
from portal.authorizations.services.campaign_review import with_fates
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.mailings import queue_invitations


@dataclass(slots=True)
class Asked:
    """What became of some customers: links, mails queued, and the keys of who was left out, by the reason."""

    links: BulkResult
    mails: int = 0
    left_out: dict[str, list[int]] = field(default_factory=dict)


def hold_running(campaign_id: int) -> Campaign:
    """Return the campaign, which nobody pauses or closes until the transaction ends. Raises IssueRefused."""
    held = Campaign.objects.select_for_update(of=("self",), no_key=True).select_related("flow")
    campaign = held.filter(pk=campaign_id).first()
    if campaign is None:
        raise IssueRefused("The campaign is no longer there.")
    if campaign.state == CampaignState.PAUSED:
        raise IssueRefused("The campaign was paused meanwhile. Resuming it carries on here.")
    if campaign.state != CampaignState.RUNNING:
        raise IssueRefused(f"The campaign is {campaign.get_state_display()} by now: it issues no more links.")
    return campaign


def ask_customers(
    *, campaign_id: int, customers: QuerySet[Customer], by: User | None, batch: Batch, due_at: datetime
) -> Asked:
    """Issue the links of these customers, and queue their invitations if the campaign writes. Raises IssueRefused."""
    campaign = hold_running(campaign_id)
    rows = list(with_fates(customers, campaign).order_by("pk"))
    left_out: dict[str, list[int]] = {}
    for row in rows:
        if row.fate:
            left_out.setdefault(row.fate, []).append(row.pk)
    asked = [row for row in rows if not row.fate]
    links = issue_links(customers=asked, flow=campaign.flow, campaign=campaign, issued_by=by, batch=batch)
    result = Asked(links, left_out=left_out)
    if campaign.is_mailed:
        theirs = Link.objects.live().filter(campaign=campaign, customer__in=[row.pk for row in asked])
        ids = list(theirs.order_by("pk").values_list("pk", flat=True))
        result.mails = queue_invitations(campaign=campaign, link_ids=ids, due_at=due_at).queued
    return result


def print_launch(*, campaign_id: int, batch: Batch, by: User | None) -> PrintJob | str | None:
    """Note that the sheets of a launch shall be printed, once it has issued; a text says why they cannot be."""
    campaign = Campaign.objects.get(pk=campaign_id)
    links = Link.objects.of_batch(batch).filter(campaign=campaign)
    return print_links(campaign=campaign, links=links, created_by=by)
