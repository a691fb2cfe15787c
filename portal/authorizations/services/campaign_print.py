"""What a campaign prints: codes of its links on one stock, chosen before there are any links."""

from typing import Any

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.models import Campaign, Channel, Link, PrintJob
from portal.authorizations.services.printing import (
    MOST_LABELS,
    PrintRequest,
    check_request,
    create_print_job,
)
from portal.printing.stocks import PrintRefusedError

#: In a campaign's options, that somebody has chosen to print nothing at the launch. Without it nobody has chosen yet.
LATER = "later"
#: What is kept of a print request beside the stock.
OPTIONS = ("start_at", "target", "level", "language", "lines")


def request_of(campaign: Campaign) -> PrintRequest | None:
    """Return what the campaign prints; None: nothing at the launch."""
    if not (campaign.is_printed and campaign.stock):
        return None
    kept: dict[str, Any] = {name: campaign.print_options[name] for name in OPTIONS if name in campaign.print_options}
    return PrintRequest(stock=campaign.stock, **kept)


def propose_stock(campaign: Campaign) -> str:
    """Return the paper that a campaign begins with before anybody has chosen: a letter's is one with the address."""
    is_open = not campaign.stock and LATER not in campaign.print_options
    return "letter-window" if is_open and campaign.channel == Channel.POST else ""


def explain_print(campaign: Campaign, labels: int) -> str:
    """Return why so many labels cannot be printed as the campaign says, or ""."""
    request = request_of(campaign)
    if request is None:
        return ""
    if labels > MOST_LABELS:
        return (
            f"These would be {labels:,} labels, and one job prints {MOST_LABELS:,} at most. Choose to print later, "
            "and print by rep or in parts."
        )
    try:
        check_request(request)
    except PrintRefusedError as refusal:
        return str(refusal)
    return ""


def print_links(*, campaign: Campaign, links: QuerySet[Link], created_by: User | None) -> PrintJob | str | None:
    """Note that these links shall be printed as the campaign says; a text says why they cannot be."""
    request = request_of(campaign)
    if request is None or not links.exists():
        return None
    try:
        return create_print_job(
            links=links, chosen=f"launch of the campaign “{campaign}”", request=request, created_by=created_by
        )
    except PrintRefusedError as refusal:
        return str(refusal)
