"""Change the catalogue of utilities without breaking the flows that offer them (R9)."""

from dataclasses import dataclass

from portal.authorizations.models import Flow, Journey, Utility


@dataclass(frozen=True, slots=True)
class UtilityConflict:
    """What a flow would lose: `field` of the utility, and a sentence that names the flow."""

    field: str
    reason: str


def find_conflicts(utility: Utility) -> list[UtilityConflict]:
    """Return why flows that offer `utility` (already in the catalogue) do not allow its new values."""
    if utility.pk is None:
        return []
    conflicts = []
    flows = list(Flow.objects.filter(utilities=utility).order_by("name"))
    for field, supported, journey in (
        ("supports_legacy", utility.supports_legacy, Journey.LEGACY),
        ("supports_connect", utility.supports_connect, Journey.CONNECT),
    ):
        needing = [flow for flow in flows if flow.journey == journey]
        if needing and not supported:
            conflicts.append(
                UtilityConflict(
                    field,
                    f"{journey.label} cannot be taken from {utility.short_name}: {_name(needing)} offers it so. "
                    "Take the utility out of the flow first.",
                )
            )
    bound = [flow for flow in flows if flow.region and flow.region != utility.region]
    if bound:
        conflicts.append(
            UtilityConflict(
                "region",
                f"{utility.short_name} cannot move to {utility.region}: {_name(bound)} is a flow of "
                f"{bound[0].region} and offers it.",
            )
        )
    return conflicts


def _name(flows: list[Flow]) -> str:
    more = f" (and {len(flows) - 1} more)" if len(flows) > 1 else ""
    return f"the flow “{flows[0]}”{more}"
