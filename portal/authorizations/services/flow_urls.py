"""From a flow to the URL that a customer is handed: the one place where settings meet Leap's address shapes."""

from collections.abc import Sequence

from django.conf import settings

from portal.authorizations.models import Address, Flow, Journey
from portal.leap import authorization_urls


def build_url(
    *, flow: Flow, utility_id: str = "", requested_utilities: Sequence[str] = (), reference_id: str | None = None
) -> str:
    """Return the URL of a flow for one reference id, with the addresses of the environment in force.

    `utility_id` is for Legacy, `requested_utilities` for titled Connect flows. Raises ValueError in words.
    """
    if flow.journey == Journey.LEGACY:
        return authorization_urls.legacy_url(
            base=settings.LEAP_LEGACY_URL, org_name=flow.org_name, utility_id=utility_id, reference_id=reference_id
        )
    if flow.address == Address.REGIONAL:
        return authorization_urls.regional_url(
            base=settings.LEAP_CONNECT_NEW_URL,
            region=flow.region,
            org_name=flow.org_name,
            variant=flow.variant or None,
            program=flow.program or None,
            reference_id=reference_id,
        )
    return authorization_urls.connect_url(
        base=settings.LEAP_CONNECT_URL,
        org_name=flow.org_name,
        title=flow.title,
        requested_utilities=requested_utilities,
        reference_id=reference_id,
    )
