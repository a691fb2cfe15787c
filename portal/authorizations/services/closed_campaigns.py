"""Closed is final: what a campaign does or writes changes no more."""

from portal.authorizations.models import Campaign


class CampaignClosed(Exception):  # noqa: N818
    """The campaign was closed, for good."""


def hold_open(campaign: Campaign) -> None:
    """See to it that nobody closes the campaign until the transaction ends. Raises CampaignClosed."""
    held = Campaign.objects.select_for_update(of=("self",), no_key=True)
    if held.get(pk=campaign.pk).is_closed:
        raise CampaignClosed
