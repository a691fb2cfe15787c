"""Bulk actions that may take long: recorded as a Job, run by the worker, progress in the cache."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Batch, Campaign, Customer, Flow, Job, JobState, Link, Utility
from portal.authorizations.services.bulk_links import BATCH, BulkResult, issue_links, replace_links
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.progress import STALE_SECONDS, read_progress, report_progress

#: Up to so many customers the person waits for the answer; more go to the worker.
AT_ONCE = 2000
ISSUE_LINKS, REPLACE_LINKS = "issue links", "issue links anew"


def create_issue_job(
    *,
    customer_ids: Sequence[int],
    flow: Flow,
    created_by: User,
    campaign: Campaign | None = None,
    utilities: Sequence[Utility] | None = None,
) -> Job:
    """Note that these customers shall have links; `run_job` issues them."""
    return Job.objects.create(
        kind=ISSUE_LINKS,
        created_by=created_by,
        parameters={
            "customers": list(customer_ids),
            "flow": flow.pk,
            "campaign": campaign.pk if campaign else None,
            "utilities": None if utilities is None else [utility.pk for utility in utilities],
        },
    )


def create_replace_job(*, batch: Batch, links: QuerySet[Link], created_by: User) -> Job:
    """Note that these links, which `batch` found asking for other utilities, shall be issued anew."""
    parameters = {"links": list(links.order_by("pk").values_list("pk", flat=True)), "wanted": batch.wanted}
    return Job.objects.create(kind=REPLACE_LINKS, created_by=created_by, parameters=parameters)


def run_job(job: Job) -> Job:
    """Run a job that waits; one that runs or has run is left alone. An error is kept with it, in words."""
    started = Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(state=JobState.RUNNING)
    if not started:
        return job
    try:
        job.result = _replace(job) if job.kind == REPLACE_LINKS else _issue(job)
        job.state = JobState.DONE
    except IssueRefused as refusal:
        job.state, job.error = JobState.FAILED, str(refusal)
    except Exception:
        job.state = JobState.FAILED
        job.error = "An unexpected error stopped it. Links issued until then stay: asking again carries on."
        raise
    finally:
        job.finished_at = timezone.now()
        job.save(update_fields=["state", "result", "error", "finished_at"])
    return job


def is_stuck(job: Job) -> bool:
    """Whether a job has not moved for minutes: its process has died, or no worker runs. Asking again carries on."""
    if job.state not in (JobState.WAITING, JobState.RUNNING):
        return False
    is_old = timezone.now() - job.created_at > timedelta(seconds=STALE_SECONDS)
    return is_old and read_progress(progress_key(job)).is_stale


def progress_key(job: Job) -> str:
    """Name of a job's progress in the cache."""
    return f"job:{job.pk}"


def _issue(job: Job) -> dict[str, object]:
    wanted = job.parameters
    total = len(wanted["customers"])
    result = issue_links(
        customers=_customers(wanted["customers"]),
        flow=Flow.objects.get(pk=wanted["flow"]),
        campaign=Campaign.objects.get(pk=wanted["campaign"]) if wanted["campaign"] else None,
        utilities=None if wanted["utilities"] is None else list(Utility.objects.filter(pk__in=wanted["utilities"])),
        issued_by=job.created_by,
        report=lambda done: report_progress(progress_key(job), done=done, total=total, doing="Issuing links"),
    )
    return _as_json(result)


def _replace(job: Job) -> dict[str, object]:
    ids = job.parameters["links"]
    key = progress_key(job)
    result = replace_links(
        links=(
            link
            for start in range(0, len(ids), BATCH)
            for link in Link.objects.filter(pk__in=ids[start : start + BATCH])
        ),
        issued_by=job.created_by,
        wanted=job.parameters["wanted"],
        report=lambda done: report_progress(key, done=done, total=len(ids), doing="Issuing links anew"),
    )
    return _as_json(result)


def _customers(ids: Sequence[int]) -> Iterator[Customer]:
    for start in range(0, len(ids), BATCH):
        yield from Customer.objects.filter(pk__in=ids[start : start + BATCH]).order_by("pk")


def _as_json(result: BulkResult) -> dict[str, object]:
    refused = [{"customer": refusal.customer.pk, "reason": refusal.reason} for refusal in result.refused]
    counts = {name: getattr(result, name) for name in ("created", "existing", "differing", "refused_count")}
    return {**counts, "refused": refused, "batch": result.batch.pk if result.batch else None}
