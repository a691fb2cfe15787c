"""Draft campaigns step by step, by their rules: a live flow, utilities that its links can ask for, an audience.

What a launch decides (channel, audience, paper) changes only while the campaign is a draft.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portal.authorizations.models import AudienceKind, AuditAction, Campaign, CampaignState, Flow, Journey, Utility
from portal.authorizations.services.audit import record
from portal.authorizations.services.campaign_print import LATER, OPTIONS
from portal.authorizations.services.printing import PrintRequest

_LAUNCHED = "The campaign was launched meanwhile: this cannot change any more."


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
    """Return every rule that a campaign breaks with this flow and these requested utilities."""
    problems = []
    before = Campaign.objects.select_related("flow").get(pk=campaign.pk)
    changes_flow = before.flow_id != flow.pk
    if before.is_closed:
        problems.append(CampaignProblem("flow", "The campaign is closed: neither flow nor utilities can change."))
    elif changes_flow and before.links.exists():
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


def create_draft(*, campaign: Campaign, audience: dict[str, Any]) -> Campaign:
    """Save a new campaign as a draft: its name, channel, dates and owner, and how its audience is chosen."""
    campaign.state = CampaignState.DRAFT
    campaign.audience = audience
    with transaction.atomic():
        campaign.save()
        record(action=AuditAction.ADDED, noun="campaign", row=campaign.pk)
    return campaign


def save_basics(*, campaign: Campaign) -> Campaign:
    """Save the name, dates and owner of a campaign, and of a draft the channel. Raises CampaignRefused."""
    with transaction.atomic():
        before = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if not before.is_draft and before.channel != campaign.channel:
            raise CampaignRefused([CampaignProblem("channel", _LAUNCHED)])
        campaign.save(update_fields=["name", "channel", "starts_on", "ends_on", "owner"])
        record(action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, fields=["name", "dates", "owner"])
    return campaign


@transaction.atomic
def choose_flow(*, campaign: Campaign, flow: Flow, utilities: Sequence[Utility]) -> Campaign:
    """Save the flow of a campaign and the utilities that its links ask for. Raises CampaignRefused."""
    before = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if before.launched_at is not None and before.flow_id != flow.pk:
        raise CampaignRefused([CampaignProblem("flow", _LAUNCHED)])
    flow = Flow.objects.select_for_update().get(pk=flow.pk)
    problems = find_problems(campaign=campaign, flow=flow, utilities=utilities)
    if problems:
        raise CampaignRefused(problems)
    campaign.flow = flow
    campaign.save(update_fields=["flow"])
    campaign.requested_utilities.set(utilities)
    record(action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, fields=["flow", "requested_utilities"])
    return campaign


def choose_audience(*, campaign: Campaign, audience: dict[str, Any]) -> Campaign:
    """Save whom a draft asks: a filter's query, an import, ticked customers, or nobody yet. Raises CampaignRefused."""
    if audience and audience.get("kind") not in AudienceKind.values:
        raise ValueError(f"An audience of no known kind: {audience.get('kind')}")
    return _save_draft(campaign, audience=audience)


def choose_print(*, campaign: Campaign, request: PrintRequest | None) -> Campaign:
    """Save what a draft prints at its launch; None: nothing then. Raises CampaignRefused."""
    options = {name: getattr(request, name) for name in OPTIONS} if request else {LATER: True}
    return _save_draft(campaign, stock=request.stock if request else "", print_options=options)


def _save_draft(campaign: Campaign, **values: Any) -> Campaign:
    draft = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.DRAFT)
    with transaction.atomic():
        if not draft.update(**values):
            raise CampaignRefused([CampaignProblem("", _LAUNCHED)])
        record(action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, fields=sorted(values))
    campaign.refresh_from_db()
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
