"""What holds for the whole installation: its environment, the partner’s name and addresses."""

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from portal.authorizations.models import AuditAction, Installation
from portal.authorizations.models.installation import DEFAULT_COLOUR, DEFAULT_MAILS_PER_MINUTE
from portal.authorizations.services.audit import record


class EnvironmentMismatch(Exception):  # noqa: N818
    """The database belongs to another of Leap's environments; `str()` is one line that says what to set."""


def claim_environment() -> None:
    """Make the database remember LEAP_ENVIRONMENT at its first use; raise EnvironmentMismatch at a start with another.

    Links, meters and reference ids of one environment make no sense in another. A database that has no tables yet, or
    does not answer, is left for the next start: the public doors work without it.
    """
    wanted = settings.LEAP_ENVIRONMENT
    try:
        installation, created = Installation.objects.get_or_create(id=1, defaults={"leap_environment": wanted})
        if not created and not installation.leap_environment:
            Installation.objects.filter(id=1, leap_environment="").update(leap_environment=wanted)
            installation.refresh_from_db()
    except (DatabaseError, InterfaceError):
        return
    if created:
        Installation.objects.forget()
    if installation.leap_environment != wanted:
        raise EnvironmentMismatch(
            f"this database belongs to {installation.leap_environment}, but LEAP_ENVIRONMENT is {wanted}: "
            f"set DATABASE_URL to another database, or LEAP_ENVIRONMENT={installation.leap_environment}"
        )


@transaction.atomic
def save_installation(
    *,
    partner_name: str,
    support_email: str,
    partner_success_email: str,
    brand_colour: str = DEFAULT_COLOUR,
    outage_feed_url: str = "",
    postal_address: str = "",
    mails_per_minute: int = DEFAULT_MAILS_PER_MINUTE,
) -> Installation:
    """Save what admins may set; the environment is claimed at first use, never set. Others see it in seconds."""
    values = {
        "partner_name": partner_name,
        "support_email": support_email,
        "partner_success_email": partner_success_email,
        "brand_colour": brand_colour,
        "outage_feed_url": outage_feed_url,
        "postal_address": postal_address,
        "mails_per_minute": mails_per_minute,
    }
    installation, _ = Installation.objects.update_or_create(
        id=1, defaults=values, create_defaults={"leap_environment": settings.LEAP_ENVIRONMENT, **values}
    )
    record(action=AuditAction.CHANGED, noun="installation", row=installation.pk, fields=sorted(values))
    Installation.objects.forget()
    return installation
