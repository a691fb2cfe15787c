"""Save campaigns by their rules: a live flow, and utilities that its links can ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from portal.authorizations.models import AuditAction, Campaign, Flow, Journey, Utility
from portal.authorizations.services.audit import record


@dataclass(frozen=True, slots=True)
class CampaignProblem:
    """One rule that a campaign breaks: `field` is the model's field, `reason` a sentence with value and rule."""

    field: str
    reason: str


class CampaignRefused(Exception):  # noqa: N818
    """A campaign cannot be saved so; `problems` says why."""

    def __init__(self, problems: Sequence[CampaignProblem]) -> None:
        super().__init__(" ".join(problem.reason for problem in problems))
        self.problems = tuple(problems)


def find_problems(*, campaign: Campaign, flow: Flow, utilities: Sequence[Utility]) -> list[CampaignProblem]:
    """Return every rule that a campaign, saved or not, breaks with this flow and these requested utilities."""
    problems = []
    before = Campaign.objects.select_related("flow").filter(pk=campaign.pk).first() if campaign.pk else None
    changes_flow = before is None or before.flow_id != flow.pk
    if before is not None and changes_flow and before.links.exists():
        problems.append(
            CampaignProblem(
                "flow",
                f"Links were issued in this campaign from the flow “{before.flow}”: its flow cannot change. "
                "Make a new campaign.",
            )
        )
    if changes_flow and not flow.is_live:
        problems.append(
            CampaignProblem("flow", f"The flow “{flow}” is {flow.get_state_display()}: a campaign needs a live one.")
        )
    return problems + _check_utilities(flow, utilities)


@transaction.atomic
def save_campaign(*, campaign: Campaign, utilities: Sequence[Utility]) -> Campaign:
    """Save a new or changed campaign with the utilities that its links ask for. Raises CampaignRefused."""
    Flow.objects.select_for_update().get(pk=campaign.flow_id)
    problems = find_problems(campaign=campaign, flow=campaign.flow, utilities=utilities)
    if problems:
        raise CampaignRefused(problems)
    is_new = campaign.pk is None
    if is_new:
        campaign.save()
    else:
        campaign.save(update_fields=["name", "flow", "channel", "starts_on", "ends_on", "owner"])
    campaign.requested_utilities.set(utilities)
    record(action=AuditAction.ADDED if is_new else AuditAction.CHANGED, noun="campaign", row=campaign.pk)
    return campaign


def _check_utilities(flow: Flow, utilities: Sequence[Utility]) -> list[CampaignProblem]:
    if not utilities:
        return []
    if flow.journey == Journey.CONNECT and not flow.takes_requested_utilities:
        return [
            CampaignProblem(
                "requested_utilities",
                f"The flow “{flow}” has a regional address, whose URL asks for no utilities: tick none.",
            )
        ]
    offered = list(flow.utilities.all())
    names = ", ".join(utility.short_name for utility in offered)
    missing = [utility.short_name for utility in utilities if utility not in offered]
    problems = [
        CampaignProblem("requested_utilities", f"{name}: the flow “{flow}” does not offer it. It offers {names}.")
        for name in missing
    ]
    if flow.journey == Journey.LEGACY and len(utilities) > 1:
        problems.append(
            CampaignProblem("requested_utilities", "A Legacy link leads to one utility: tick one, or none.")
        )
    return problems
