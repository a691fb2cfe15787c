"""The kinds of bulk actions that run in the background. A new one is a `Kind` in KINDS and a function that makes it.

How jobs run, are cancelled and carried on stands in `job_runs.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.models import Batch, Campaign, Customer, Flow, Job, Link, Utility
from portal.authorizations.services import job_runs
from portal.authorizations.services.bulk_links import BulkResult, issue_links, replace_links
from portal.authorizations.services.campaign_launch import ask_customers, print_launch
from portal.authorizations.services.campaign_review import LEFT_OUT
from portal.authorizations.services.customers import assign_customers
from portal.authorizations.services.job_runs import Kind, Outcome, person_of
from portal.authorizations.services.links import IssueRefused, void_links

#: Up to so many rows the person waits for the answer; more go to the worker.
AT_ONCE = 2000
ISSUE_LINKS, REPLACE_LINKS, VOID_LINKS = "issue links", "issue links anew", "void links"
ASSIGN_CUSTOMERS, LAUNCH_CAMPAIGN = "assign customers", "launch campaign"


def create_issue_job(
    *,
    customers: QuerySet[Customer],
    flow: Flow,
    created_by: User,
    campaign: Campaign | None = None,
    utilities: Sequence[Utility] | None = None,
) -> Job:
    """Note that these customers shall have links; `run_job` issues them."""
    parameters = {
        "flow": flow.pk,
        "campaign": campaign.pk if campaign else None,
        "wanted": None if utilities is None else [utility.pk for utility in utilities],
    }
    kind = KINDS[ISSUE_LINKS]
    return job_runs.create_job(kind=kind, rows=customers, created_by=created_by, parameters=parameters)


def create_replace_job(*, links: QuerySet[Link], created_by: User, wanted: list[int] | None = None) -> Job:
    """Note that these links shall be issued anew; `wanted`: what they shall ask for, as batches keep it."""
    kind = KINDS[REPLACE_LINKS]
    return job_runs.create_job(kind=kind, rows=links, created_by=created_by, parameters={"wanted": wanted})


def create_void_job(*, links: QuerySet[Link], created_by: User, reason: str) -> Job:
    """Note that these links shall become void."""
    kind = KINDS[VOID_LINKS]
    return job_runs.create_job(kind=kind, rows=links, created_by=created_by, parameters={"reason": reason})


def create_assign_job(*, customers: QuerySet[Customer], created_by: User, rep: User | None) -> Job:
    """Note that these customers shall be a rep's, or with None nobody's."""
    parameters = {"rep": rep.pk if rep else None}
    kind = KINDS[ASSIGN_CUSTOMERS]
    return job_runs.create_job(kind=kind, rows=customers, created_by=created_by, parameters=parameters)


def create_launch_job(*, campaign: Campaign, customers: QuerySet[Customer], created_by: User, due_at: datetime) -> Job:
    """Note that a campaign's audience shall have links, and mails (from `due_at` on) or sheets as the campaign says."""
    parameters = {"campaign": campaign.pk, "flow": campaign.flow_id, "due_at": due_at.isoformat()}
    kind = KINDS[LAUNCH_CAMPAIGN]
    return job_runs.create_job(kind=kind, rows=customers, created_by=created_by, parameters=parameters)


def run_job(job: Job) -> Job:
    """Run a job that waits, or carry it on. See `job_runs.run`."""
    return job_runs.run(job, KINDS[job.kind])


def is_quick(job: Job) -> bool:
    """Whether the person may wait for it; more goes to the worker."""
    return job.total <= AT_ONCE


def _customers(job: Job, keys: Sequence[int]) -> QuerySet[Customer]:
    return Customer.objects.visible_to(person_of(job)).filter(pk__in=keys)


def _links(job: Job, keys: Sequence[int]) -> QuerySet[Link]:
    return Link.objects.visible_to(person_of(job)).filter(pk__in=keys)


def _make_batch(job: Job) -> dict[str, Any]:
    return {"batch": Batch.objects.create(issued_by=job.created_by, wanted=job.parameters.get("wanted")).pk}


def _issue(job: Job, keys: Sequence[int]) -> Outcome:
    wanted = job.parameters
    customers = list(_customers(job, keys).order_by("pk"))
    result = issue_links(
        customers=customers,
        flow=Flow.objects.get(pk=wanted["flow"]),
        campaign=Campaign.objects.get(pk=wanted["campaign"]) if wanted["campaign"] else None,
        utilities=None if wanted["wanted"] is None else list(Utility.objects.filter(pk__in=wanted["wanted"])),
        issued_by=job.created_by,
        batch=Batch.objects.get(pk=job.result["batch"]),
    )
    return _outcome(result, left_out=len(keys) - len(customers))


def _replace(job: Job, keys: Sequence[int]) -> Outcome:
    links = list(_links(job, keys).select_related("customer").order_by("pk"))
    batch = Batch.objects.get(pk=job.result["batch"])
    result = replace_links(links=links, issued_by=job.created_by, wanted=job.parameters["wanted"], batch=batch)
    return _outcome(result, left_out=len(keys) - len(links))


def _void(job: Job, keys: Sequence[int]) -> Outcome:
    links = _links(job, keys)
    found = links.count()
    voided = void_links(links=links, voided_by=person_of(job), reason=job.parameters["reason"])
    return Outcome({"voided": voided, "void_before": found - voided, "left_out": len(keys) - found})


def _assign(job: Job, keys: Sequence[int]) -> Outcome:
    customers = _customers(job, keys)
    found = customers.count()
    rep = User.objects.get(pk=job.parameters["rep"]) if job.parameters["rep"] else None
    changed = assign_customers(customers=customers, rep=rep)
    return Outcome({"assigned": changed, "same": found - changed, "left_out": len(keys) - found})


def _launch(job: Job, keys: Sequence[int]) -> Outcome:
    customers = _customers(job, keys)
    asked = ask_customers(
        campaign_id=job.parameters["campaign"],
        customers=customers,
        by=job.created_by,
        batch=Batch.objects.get(pk=job.result["batch"]),
        due_at=datetime.fromisoformat(job.parameters["due_at"]),
    )
    outcome = _outcome(asked.links, left_out=len(keys) - customers.count())
    outcome.counts |= {"mails": asked.mails} | {f"left_out_{why}": len(asked.left_out.get(why, [])) for why in LEFT_OUT}
    outcome.left_out = asked.left_out
    return outcome


def _print_launch(job: Job) -> dict[str, Any]:
    printed = print_launch(
        campaign_id=job.parameters["campaign"], batch=Batch.objects.get(pk=job.result["batch"]), by=job.created_by
    )
    if printed is None:
        return {}
    return {"print_refused": printed} if isinstance(printed, str) else {"print_job": printed.pk}


def _outcome(result: BulkResult, *, left_out: int) -> Outcome:
    refused = [{"customer": refusal.customer.pk, "reason": refusal.reason} for refusal in result.refused]
    counts = {name: getattr(result, name) for name in ("created", "existing", "differing", "refused_count")}
    return Outcome({**counts, "left_out": left_out}, refused)


_LEFT_OUT = {"left_out": "No longer there, or no longer yours"}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name=ISSUE_LINKS,
            doing="Issuing links",
            heading="Links for {total} customer{s}",
            counts={
                "created": "Issued",
                "existing": "Had the link already",
                "differing": "…of them asking for other utilities",
                "refused_count": "Refused",
                **_LEFT_OUT,
            },
            act=_issue,
            begin=_make_batch,
            refusals=(IssueRefused,),
        ),
        Kind(
            name=REPLACE_LINKS,
            doing="Issuing links anew",
            heading="{total} link{s} anew",
            counts={"created": "Issued", "refused_count": "Refused", **_LEFT_OUT},
            act=_replace,
            begin=_make_batch,
            refusals=(IssueRefused,),
        ),
        Kind(
            name=VOID_LINKS,
            doing="Voiding links",
            heading="Void {total} link{s}",
            counts={"voided": "Voided", "void_before": "Void before", **_LEFT_OUT},
            act=_void,
        ),
        Kind(
            name=ASSIGN_CUSTOMERS,
            doing="Assigning customers",
            heading="Assign {total} customer{s}",
            counts={"assigned": "Assigned", "same": "So before", **_LEFT_OUT},
            act=_assign,
        ),
        Kind(
            name=LAUNCH_CAMPAIGN,
            doing="Issuing links and queueing mails",
            heading="Launch for {total} customer{s}",
            counts={
                "created": "Issued",
                "existing": "Had the link already",
                "mails": "Mails queued",
                "refused_count": "Refused by the flow",
                **{f"left_out_{why}": words for why, words in LEFT_OUT.items()},
                **_LEFT_OUT,
            },
            act=_launch,
            begin=_make_batch,
            finish=_print_launch,
            refusals=(IssueRefused,),
            batch=1000,
        ),
    )
}
