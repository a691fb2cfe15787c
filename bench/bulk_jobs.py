"""Bulk actions over all rows that match, as the worker runs them: beside the plainest statement that does as much.

Ours freezes the rows, deals with them batch by batch, looks at each row's person and rules, writes the audit and the
progress, is cancelled on the way and carried on to its end. The peer is one statement (or the rows ready
made): a floor, nothing that anybody could use.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bench.bulk_links import add_customers, add_flow, issue_as_we_do
from bench.databases import settle
from bench.harness import MIN_ROUNDS, DifferentWorkError, Result, compare
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import sync_roles
from portal.authorizations.models import Customer, Job, JobRow, JobState, Link
from portal.authorizations.services import job_runs, jobs
from portal.leap import reference_ids

ROWS = 100_000
QUICK_ROWS = 500
Requested = Link.requested_utilities.through


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Result]:
    count = QUICK_ROWS if quick else ROWS
    if quick:
        # Several batches here, too.
        jobs.KINDS.update({name: replace(kind, batch=50) for name, kind in jobs.KINDS.items()})
    sync_roles()
    manager, rep = User.objects.create(username="mona"), User.objects.create(username="sam")
    manager.groups.add(Group.objects.get(name=Role.PROGRAM_MANAGER.value))
    rep.groups.add(Group.objects.get(name=Role.FIELD_REP.value))
    add_customers(count)
    issue_as_we_do(add_flow())
    everything = Link.objects.filter(replaces=None)

    def assign() -> Job:
        return jobs.create_assign_job(customers=Customer.objects.all(), created_by=manager, rep=rep)

    def void() -> Job:
        return jobs.create_void_job(links=everything, created_by=manager, reason="moved away")

    def anew() -> Job:
        return jobs.create_replace_job(links=everything, created_by=manager)

    def void_in_one() -> None:
        Link.objects.filter(voided_at=None).update(
            voided_at=timezone.now(), voided_by=manager, void_reason="moved away"
        )

    ready = _ReadySuccessors()
    return [
        compare(
            f"{name} {count:,} {noun}",
            partial(_run_cancelled_on_the_way, make),
            peer,
            rounds,
            None,
            peer_name=peer_name,
            before_each=before,
            outcome=outcome,
        )
        for name, noun, make, peer, peer_name, before, outcome in (
            (
                "Assigning",
                "customers",
                assign,
                lambda: Customer.objects.update(assigned_rep=rep),
                "one UPDATE",
                _assign_to_nobody,
                lambda: Customer.objects.filter(assigned_rep=rep).count(),
            ),
            (
                "Voiding",
                "links",
                void,
                void_in_one,
                "one UPDATE",
                _void_nothing,
                lambda: Link.objects.filter(void_reason="moved away", voided_by=manager).count(),
            ),
            (
                "Issuing anew",
                "links",
                anew,
                ready.create,
                "bulk_create of ready successors",
                ready.make,
                lambda: (Link.objects.live().count(), Link.objects.filter(replaced_by__isnull=False).count()),
            ),
        )
    ]


def _run_cancelled_on_the_way(make: Callable[[], Job]) -> None:
    """From the choice of the rows to the job's end, cancelled after a quarter of them and carried on."""
    job = make()
    kind = jobs.KINDS[job.kind]

    def act(job: Job, keys: Sequence[int]) -> job_runs.Outcome:
        if job.done >= job.total / 4:
            job_runs.cancel_job(job)
        return kind.act(job, keys)

    job_runs.run(job, replace(kind, act=act))
    job.refresh_from_db()
    if job.state != JobState.CANCELLED or not 0 < job.done < job.total:
        raise DifferentWorkError(f"{job.kind}: cancelled after a quarter, it is {job.state} after {job.done} rows.")
    if not job_runs.carry_on(job):
        raise DifferentWorkError(f"{job.kind}: it cannot be carried on.")
    job.refresh_from_db()
    jobs.run_job(job)
    job.refresh_from_db()
    if job.state != JobState.DONE or job.done != job.total or JobRow.objects.filter(job=job).exists():
        raise DifferentWorkError(f"{job.kind}: carried on, it is {job.state} after {job.done} rows: {job.error}")


def _assign_to_nobody() -> None:
    Customer.objects.update(assigned_rep=None)
    settle()


def _void_nothing() -> None:
    Link.objects.update(voided_at=None, voided_by=None, void_reason="")
    settle()


class _ReadySuccessors:
    """The links' successors and their requested utilities as unsaved objects, made off the clock."""

    def __init__(self) -> None:
        self._olds = list(Link.objects.order_by("pk"))
        self._last = self._olds[-1].pk
        self._asked = list(Requested.objects.values_list("link_id", "utility_id"))
        self._links: list[Link] = []
        self._requested: list[Requested] = []

    def make(self) -> None:
        """Take back what the turn before has done, and make the rows anew."""
        Requested.objects.filter(link__gt=self._last).delete()
        olds, news = Link.objects.filter(pk__lte=self._last), Link.objects.filter(pk__gt=self._last)
        olds.update(replaced_by=None, voided_at=timezone.now(), void_reason="being taken back")
        news._raw_delete(news.db)
        olds.update(voided_at=None, voided_by=None, void_reason="")
        settle()
        now = timezone.now()
        self._links = [
            Link(
                # The n-th key after the last: one statement can then say who follows whom.
                pk=old.pk + self._last,
                customer_id=old.customer_id,
                flow_id=old.flow_id,
                reference_id=reference_id,
                url=old.url.replace(old.reference_id or "", reference_id),
                code=reference_ids.to_code(reference_id),
                issued_at=now,
            )
            for old, reference_id in zip(self._olds, reference_ids.generate_many(len(self._olds)), strict=True)
        ]
        self._requested = [Requested(link_id=link + self._last, utility_id=utility) for link, utility in self._asked]

    def create(self) -> None:
        olds = Link.objects.filter(pk__lte=self._last)
        with transaction.atomic():
            olds.update(voided_at=timezone.now(), void_reason="being replaced")
            Link.objects.bulk_create(self._links)
            Requested.objects.bulk_create(self._requested)
            olds.update(replaced_by=F("pk") + self._last, voided_at=None, void_reason="")
