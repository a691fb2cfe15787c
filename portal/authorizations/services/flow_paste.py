"""From a URL that Leap's Partner Portal shows (Meters, Add a Meter) to the fields of a flow (R19)."""

from dataclasses import dataclass, field

from django.conf import settings

from portal.authorizations.models import CustomerTypes, Journey, Utility
from portal.leap.authorization_urls import ParsedUrl, parse
from portal.leap.characters import quote
from portal.leap.environments import PRODUCTION, STAGING, Environment
from portal.leap.utilities import Address


@dataclass(frozen=True, slots=True)
class PastedFlow:
    """What a pasted URL says about its flow: `values` by the flow's fields, its utilities, and what to know of it.

    `warnings` name what a person must look at (another environment, unknown utilities), `notes` what was left out.
    """

    values: dict[str, str]
    utilities: list[Utility]
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def environment_in_force() -> Environment:
    """Return the addresses that the settings hold."""
    return Environment(
        api_url=settings.LEAP_API_URL,
        connect_url=settings.LEAP_CONNECT_URL,
        connect_new_url=settings.LEAP_CONNECT_NEW_URL,
        legacy_url=settings.LEAP_LEGACY_URL,
    )


def read_pasted_url(url: str) -> PastedFlow:
    """Return what the URL of a flow says. Raises UrlError, whose `problems` say what is wrong part by part."""
    here = environment_in_force()
    parsed = parse(url, [here, PRODUCTION, STAGING])
    utilities, unknown = _find_utilities(parsed)
    pasted = PastedFlow(_values(parsed), utilities)
    if parsed.environment != here:
        other = "production" if parsed.environment == PRODUCTION else "staging"
        said = (
            f"This URL belongs to Leap’s {other}, but this portal works with {settings.LEAP_ENVIRONMENT}"
            if other != settings.LEAP_ENVIRONMENT
            else "This URL has the address that Leap publishes, but this portal’s settings (LEAP_…_URL) name another"
        )
        pasted.warnings.append(
            f"{said}: its links will have the addresses shown in the preview, where Leap may know another "
            "organization or title."
        )
    pasted.warnings.extend(
        f"{quote(utility_id)} is not in the catalogue of utilities: an admin adds it under Utilities, "
        "if Leap supports it."
        for utility_id in unknown
    )
    if parsed.address == Address.TITLED and utilities:
        names = ", ".join(utility.short_name for utility in utilities)
        pasted.notes.append(f"The URL asks for {names}: tick every utility that Leap configured for this flow.")
    if parsed.address == Address.REGIONAL and parsed.region:
        pasted.utilities.extend(Utility.objects.filter(region=parsed.region, supports_connect=True))
        pasted.notes.append(f"All utilities of {parsed.region} are ticked: untick what Leap did not configure.")
    if parsed.reference_id:
        pasted.notes.append(
            f"The reference id {quote(parsed.reference_id)} belongs to one link, not to the flow: left out."
        )
    pasted.notes.extend(
        f"The parameter {quote(name)} is not one of Leap’s: left out, the flow’s links will not carry it."
        for name, _ in parsed.extra
    )
    return pasted


def _find_utilities(parsed: ParsedUrl) -> tuple[list[Utility], list[str]]:
    """Return the utilities that the URL names, and the ids among them that the catalogue does not have."""
    named = (parsed.utility_id,) if parsed.utility_id else parsed.requested_utilities
    found = list(Utility.objects.filter(utility_id__in=named))
    known = {utility.utility_id for utility in found}
    return found, [utility_id for utility_id in dict.fromkeys(named) if utility_id not in known]


def _values(parsed: ParsedUrl) -> dict[str, str]:
    values = {
        "journey": Journey(parsed.journey.value).value,
        "address": parsed.address.value if parsed.address else "",
        "org_name": parsed.org_name,
        "title": parsed.title or "",
        "region": parsed.region.value if parsed.region else "",
        "variant": parsed.variant.value if parsed.variant else "",
        "program": parsed.program or "",
    }
    if parsed.address == Address.REGIONAL:
        commercial = values["variant"].startswith("COMMERCIAL")
        values["customer_types"] = CustomerTypes.COMMERCIAL if commercial else CustomerTypes.RESIDENTIAL
    return values
