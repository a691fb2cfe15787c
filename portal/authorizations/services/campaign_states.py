"""Launch, pause, resume and close campaigns, and discard drafts. Each step is one UPDATE: of two clicks one does it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Campaign, CampaignState, Customer, Job, JobState
from portal.authorizations.services import job_runs
from portal.authorizations.services.audit import record
from portal.authorizations.services.campaign_review import Blocker, first_mail_at, review_campaign
from portal.authorizations.services.jobs import create_launch_job

#: What of a filter may hold somebody's name: it goes at the launch, when the audience is frozen.
SEARCH = "q"


class LaunchRefused(Exception):  # noqa: N818
    """A campaign cannot be launched so; `blockers` say why. Without any, it was changed since the person looked."""

    def __init__(self, blockers: Sequence[Blocker]) -> None:
        super().__init__(" ".join(blocker.reason for blocker in blockers))
        self.blockers = tuple(blockers)


def version_of(campaign: Campaign) -> str:
    """Return a token of what a launch would do: another one when somebody has changed the draft meanwhile."""
    utilities = sorted(campaign.requested_utilities.values_list("pk", flat=True))
    parts = (campaign.channel, campaign.flow_id, campaign.audience, utilities, campaign.stock, campaign.print_options)
    text = json.dumps([*parts, str(campaign.starts_on)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def launch_campaign(*, campaign: Campaign, customers: QuerySet[Customer], by: User, version: str = "") -> Job:
    """Let a draft run: its audience (`customers`) is frozen into a job, which issues, mails and prints.

    Once: whoever comes second gets the same job. `version` is what the person has seen. Raises LaunchRefused.
    """
    with transaction.atomic():
        # As it is now: what somebody saves in this moment is refused, or waits until it runs.
        Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        campaign.refresh_from_db()
        if campaign.is_draft:
            if version and version != version_of(campaign):
                raise LaunchRefused([])
            review = review_campaign(campaign=campaign, customers=customers)
            if not review.is_ready:
                raise LaunchRefused(review.blockers)
        now = timezone.now()
        values = {"launched_at": now, "launched_by": by, "audience": _without_names(campaign.audience)}
        if _move(campaign, (CampaignState.DRAFT,), CampaignState.RUNNING, by=by, **values):
            job = create_launch_job(
                campaign=campaign, customers=customers, created_by=by, due_at=first_mail_at(campaign)
            )
            Campaign.objects.filter(pk=campaign.pk).update(launch_job=job)
    campaign.refresh_from_db()
    if campaign.launch_job is None:
        raise LaunchRefused([Blocker(f"The campaign is {campaign.get_state_display()} already.", "")])
    return campaign.launch_job


def pause_campaign(*, campaign: Campaign, by: User) -> bool:
    """Issue and mail nothing until it is resumed; links that are out keep working. Return False if it did not run."""
    return _move(campaign, (CampaignState.RUNNING,), CampaignState.PAUSED, by=by)


def resume_campaign(*, campaign: Campaign, by: User) -> bool:
    """Go on; a launch that the pause stopped waits for the worker again. Return False if it was not paused."""
    resumed = _move(campaign, (CampaignState.PAUSED,), CampaignState.RUNNING, by=by)
    job = campaign.launch_job
    # One that a person cancelled stays so: its page carries it on.
    if resumed and job is not None and job.state != JobState.CANCELLED:
        job_runs.carry_on(job)
    return resumed


def close_campaign(*, campaign: Campaign, by: User) -> bool:
    """End it for good: no new links, no mails; links that are out keep working. Return False if it did not run."""
    return _move(campaign, (CampaignState.RUNNING, CampaignState.PAUSED), CampaignState.CLOSED, by=by)


def discard_draft(*, campaign: Campaign) -> bool:
    """Remove a campaign that was never launched; return False if it was, or if something hangs on it."""
    try:
        with transaction.atomic():
            draft = Campaign.objects.select_for_update(of=("self",)).filter(pk=campaign.pk, state=CampaignState.DRAFT)
            discarded = bool(draft.exists() and draft.delete()[0])
            if discarded:
                record(action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, state="discarded")
            return discarded
    except ProtectedError:
        return False


def _move(
    campaign: Campaign, before: Sequence[CampaignState], after: CampaignState, *, by: User, **values: Any
) -> bool:
    waiting = Campaign.objects.filter(pk=campaign.pk, state__in=before)
    with transaction.atomic():
        moved = waiting.update(state=after, state_changed_at=timezone.now(), state_changed_by=by, **values) == 1
        if moved:
            record(action=AuditAction.CHANGED, noun="campaign", row=campaign.pk, by=by, state=after.value)
    campaign.refresh_from_db()
    return moved


def _without_names(audience: dict[str, Any]) -> dict[str, Any]:
    """Return an audience without the words of a search; that there were some is kept."""
    pairs = parse_qsl(audience.get("query", ""))
    kept = [(name, value) for name, value in pairs if name != SEARCH]
    return {**audience, "query": urlencode(kept), "searched": True} if len(kept) < len(pairs) else audience
