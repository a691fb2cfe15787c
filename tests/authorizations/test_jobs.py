"""Bulk actions in the background: batch by batch over frozen rows, cancelled between two, carried on after a crash."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, Flow, Job, JobRow, JobState, Link
from portal.authorizations.services import job_runs, jobs
from portal.authorizations.services.bulk_links import issue_links
from portal.authorizations.services.flows import retire
from portal.authorizations.services.job_runs import Outcome, progress_key
from portal.authorizations.services.jobs import (
    create_assign_job,
    create_issue_job,
    create_replace_job,
    create_void_job,
    run_job,
)
from portal.authorizations.services.progress import report_progress
from tests.factories import make_customer, make_flow, make_link, only

pytestmark = pytest.mark.django_db

MANY = 45


def add_customers(count: int = MANY, **fields: Any) -> list[Customer]:
    return Customer.objects.bulk_create([Customer(name=f"Customer {number}", **fields) for number in range(count)])


def small_batches(monkeypatch: pytest.MonkeyPatch, kind: str, act: Callable[..., Outcome] | None = None) -> None:
    """Batches of ten; `act` is called with the kind's own act, the job and the keys."""
    known = jobs.KINDS[kind]

    def acted(job: Job, keys: Sequence[int]) -> Outcome:
        return act(known.act, job, keys) if act else known.act(job, keys)

    monkeypatch.setitem(jobs.KINDS, kind, dataclasses.replace(known, batch=10, act=acted))


@pytest.fixture
def nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)


@pytest.mark.parametrize("state", [JobState.WAITING, JobState.RUNNING])
def test_job_that_has_not_moved_for_minutes_says_so(manager_client: Client, manager: User, state: JobState) -> None:
    job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
    Job.objects.filter(pk=job.pk).update(state=state)

    def page() -> str:
        return manager_client.get(f"/jobs/{job.pk}/").content.decode()

    assert "has not moved" not in page()
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=6))
    assert "has not moved" in page()
    report_progress(progress_key(job), done=1, total=2, doing="Issuing links")
    assert "has not moved" not in page()
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert "has not moved" not in page()


class TestWhatIsChosen:
    def test_rows_that_come_later_are_not_touched(self, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
        flow = make_flow()
        add_customers(20)
        late: list[Customer] = []

        def act(real: Callable[..., Outcome], job: Job, keys: Sequence[int]) -> Outcome:
            late.append(make_customer())
            return real(job, keys)

        small_batches(monkeypatch, jobs.ISSUE_LINKS, act)
        job = run_job(create_issue_job(customers=Customer.objects.all(), flow=flow, created_by=manager))
        assert (job.state, job.done, job.result["created"]) == (JobState.DONE, 20, 20)
        assert late
        assert not Link.objects.filter(customer__in=late).exists()

    def test_rows_that_leave_the_filter_by_the_action_itself_are_no_gap(
        self, manager: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small_batches(monkeypatch, jobs.VOID_LINKS)
        add_customers()
        issue_links(customers=Customer.objects.all(), flow=make_flow(), issued_by=manager)
        links = Link.objects.filter(status="issued")
        job = run_job(create_void_job(links=links, created_by=manager, reason="wrong"))
        assert job.result["voided"] == MANY
        assert not links.exists()

    def test_rows_that_came_since_the_person_was_asked_are_not_meant(self, manager_client: Client) -> None:
        make_link()
        asked = manager_client.post("/links/void/", {"all": "1", "query": ""})
        up_to = asked.context["up_to"]
        assert f'name="up_to"\n         value="{up_to}"' in asked.text
        new = make_link()
        manager_client.post("/links/void/", {"all": "1", "query": "", "up_to": up_to, "reason": "x"})
        assert list(Link.objects.filter(voided_at=None)) == [new]

    def test_a_job_keeps_no_words_of_a_search(self, manager_client: Client, nothing_at_once: None) -> None:
        for _ in range(2):
            make_link(customer=make_customer(name="Rosa Núñez"))
        manager_client.post("/links/void/", {"all": "1", "query": "q=Rosa", "reason": "moved"})
        job = Job.objects.get()
        assert job.total == 2
        assert "Rosa" not in str([*Job.objects.values(), *JobRow.objects.values()])

    def test_nothing_chosen_is_nothing_done(self, manager: User) -> None:
        job = run_job(create_void_job(links=Link.objects.none(), created_by=manager, reason="x"))
        assert (job.state, job.total) == (JobState.DONE, 0)

    def test_rows_are_forgotten_when_the_job_is_done(self, manager: User) -> None:
        job = create_issue_job(customers=only(*add_customers(3)), flow=make_flow(), created_by=manager)
        assert job.rows.count() == 3
        run_job(job)
        assert not JobRow.objects.exists()


class TestCancelling:
    def test_in_the_middle(self, manager: User, manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        flow = make_flow()
        customers = add_customers()
        job = create_issue_job(customers=only(*customers), flow=flow, created_by=manager)

        def act(real: Callable[..., Outcome], job: Job, keys: Sequence[int]) -> Outcome:
            if job.done == 10:
                manager_client.post(f"/jobs/{job.pk}/cancel/")
            return real(job, keys)

        small_batches(monkeypatch, jobs.ISSUE_LINKS, act)
        run_job(job)
        # The batch during which it was asked is still done.
        assert (job.state, job.done, job.result["created"]) == (JobState.CANCELLED, 20, 20)
        assert Link.objects.count() == 20
        page = manager_client.get(f"/jobs/{job.pk}/").text
        assert "It was cancelled after 20 of 45. What is done stays done." in page
        assert "Carry on where it stopped" in page

        manager_client.post(f"/jobs/{job.pk}/carry-on/")
        job.refresh_from_db()
        assert (job.state, job.done, job.result["created"], job.result["existing"]) == (JobState.DONE, MANY, MANY, 0)
        assert Link.objects.count() == MANY
        assert "Carry on" not in manager_client.get(f"/jobs/{job.pk}/").text

    def test_before_it_begins(self, manager: User, manager_client: Client) -> None:
        job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
        manager_client.post(f"/jobs/{job.pk}/cancel/")
        run_job(job)
        job.refresh_from_db()
        assert (job.state, Link.objects.count()) == (JobState.CANCELLED, 0)

    def test_after_it_ended_nothing_happens(self, manager: User, manager_client: Client) -> None:
        job = run_job(create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager))
        assert "It had ended already" in manager_client.post(f"/jobs/{job.pk}/cancel/", follow=True).text
        job.refresh_from_db()
        assert job.state == JobState.DONE

    def test_one_that_is_stuck_ends_at_once(self, manager: User, manager_client: Client) -> None:
        job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, created_at=timezone.now() - timedelta(minutes=6))
        manager_client.post(f"/jobs/{job.pk}/cancel/")
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED


class TestWhoMay:
    def test_a_rep_cannot_touch_others_rows(self, rep: User, rep_client: Client, nothing_at_once: None) -> None:
        flow = make_flow()
        own, others = add_customers(3, assigned_rep=rep), add_customers(3)
        everybody = {"select": [customer.pk for customer in (*own, *others)]}
        rep_client.post("/links/issue/selection/", {**everybody, "flow": flow.pk})
        assert {link.customer_id for link in Link.objects.all()} == {customer.pk for customer in own}

    def test_rows_that_are_no_longer_the_reps_are_left_out(self, rep: User, monkeypatch: pytest.MonkeyPatch) -> None:
        add_customers(20, assigned_rep=rep)
        job = create_issue_job(customers=Customer.objects.all(), flow=make_flow(), created_by=rep)

        def act(real: Callable[..., Outcome], job: Job, keys: Sequence[int]) -> Outcome:
            if job.done == 10:
                Customer.objects.filter(pk__in=keys[:4]).update(assigned_rep=None)
            return real(job, keys)

        small_batches(monkeypatch, jobs.ISSUE_LINKS, act)
        run_job(job)
        assert (job.result["created"], job.result["left_out"]) == (16, 4)

    def test_others_jobs_are_not_there(
        self, rep: User, manager: User, rep_client: Client, manager_client: Client
    ) -> None:
        theirs = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
        own = create_issue_job(customers=only(make_customer()), flow=Flow.objects.get(), created_by=rep)
        for step in ("", "cancel/", "carry-on/"):
            send = rep_client.post if step else rep_client.get
            assert send(f"/jobs/{theirs.pk}/{step}").status_code == 404
        assert [row.record for row in rep_client.get("/jobs/").context["table"].rows] == [own]
        assert len(manager_client.get("/jobs/").context["table"].rows) == 2
        manager_client.post(f"/jobs/{own.pk}/cancel/")
        own.refresh_from_db()
        assert own.state == JobState.CANCELLED

    def test_who_may_no_longer_sign_in_has_nothing_done(self, manager: User) -> None:
        job = create_issue_job(customers=only(make_customer()), flow=make_flow(), created_by=manager)
        User.objects.filter(pk=manager.pk).update(is_active=False)
        run_job(job)
        assert (job.state, job.error) == (JobState.FAILED, "Whoever asked for it may no longer sign in.")


class TestWhatComesOfIt:
    def test_a_flow_that_is_retired_on_the_way_stops_it_in_words(
        self, manager: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flow = make_flow()
        job = create_issue_job(customers=only(*add_customers()), flow=flow, created_by=manager)

        def act(real: Callable[..., Outcome], job: Job, keys: Sequence[int]) -> Outcome:
            if job.done == 20:
                retire(flow=flow)
            return real(job, keys)

        small_batches(monkeypatch, jobs.ISSUE_LINKS, act)
        run_job(job)
        assert job.state == JobState.FAILED
        assert "links come only from a live flow" in job.error
        # The act that retired it was part of the batch that is taken back.
        assert (job.done, Link.objects.count()) == (20, 20)

    def test_an_unexpected_error_takes_its_batch_back(self, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
        job = create_issue_job(customers=only(*add_customers()), flow=make_flow(), created_by=manager)

        def act(real: Callable[..., Outcome], job: Job, keys: Sequence[int]) -> Outcome:
            outcome = real(job, keys)
            if job.done == 20 and job.attempt == 1:
                raise ZeroDivisionError
            return outcome

        small_batches(monkeypatch, jobs.ISSUE_LINKS, act)
        with pytest.raises(ZeroDivisionError):
            run_job(job)
        job.refresh_from_db()
        assert (job.state, job.done, Link.objects.count()) == (JobState.FAILED, 20, 20)
        assert job_runs.carry_on(job)
        run_job(job)
        assert (job.state, job.error, job.result["created"]) == (JobState.DONE, "", MANY)

    def test_who_was_believed_dead_and_is_not_takes_its_batch_back(
        self, manager: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small_batches(monkeypatch, jobs.ISSUE_LINKS)
        job = create_issue_job(customers=only(*add_customers()), flow=make_flow(), created_by=manager)
        report = job_runs._report

        def reported(job: Job, kind: job_runs.Kind) -> None:
            report(job, kind)
            if job.done == 20:
                # Somebody carries on: the number is another's by now.
                Job.objects.filter(pk=job.pk).update(attempt=7)

        monkeypatch.setattr(job_runs, "_report", reported)
        run_job(job)
        assert (job.state, job.attempt, job.done, Link.objects.count()) == (JobState.RUNNING, 7, 20, 20)

    def test_refusals_are_named_and_counted(self, manager_client: Client, manager: User) -> None:
        flow = make_flow(customer_types="commercial")
        customers = [make_customer(name="Ann", customer_type="residential"), make_customer(customer_type="commercial")]
        job = run_job(create_issue_job(customers=only(*customers), flow=flow, created_by=manager))
        assert (job.result["created"], job.result["refused_count"]) == (1, 1)
        page = manager_client.get(f"/jobs/{job.pk}/").text
        assert "Links for 2 customers" in page
        assert "takes commercial customers only" in page

    def test_links_chosen_in_the_list_are_issued_anew(self, manager_client: Client) -> None:
        old, void = make_link(), make_link()
        Link.objects.filter(pk=void.pk).update(voided_at=timezone.now(), void_reason="x")
        chosen = {"select": [old.pk, void.pk]}
        asked = manager_client.post("/links/anew/", chosen)
        assert "Issue 1 link anew" in asked.text
        assert Link.objects.count() == 2
        response = manager_client.post("/links/anew/", {**chosen, "sure": "1"}, follow=True)
        assert "1 link anew" in response.text
        old.refresh_from_db()
        assert old.replaced_by is not None
        assert Link.objects.count() == 3

    def test_many_are_voided_and_assigned_by_the_worker(
        self, manager: User, manager_client: Client, rep: User, nothing_at_once: None
    ) -> None:
        customers = add_customers(3)
        issue_links(customers=customers, flow=make_flow(), issued_by=manager)
        everything = {"all": "1", "query": ""}
        response = manager_client.post("/customers/assign/", {**everything, "rep": rep.pk})
        job = Job.objects.latest("pk")
        assert response.headers["Location"] == f"/jobs/{job.pk}/"
        assert Customer.objects.filter(assigned_rep=rep).count() == 3
        assert "Assigned" in manager_client.get(f"/jobs/{job.pk}/").text
        manager_client.post("/links/void/", {**everything, "reason": "x"})
        assert Job.objects.latest("pk").result["voided"] == 3

    def test_queries_grow_with_batches_only(
        self, manager: User, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
    ) -> None:
        add_customers(500)
        job = create_assign_job(customers=Customer.objects.all(), created_by=manager, rep=manager)
        with django_assert_max_num_queries(27):
            run_job(job)
        assert job.result["assigned"] == 500

    @pytest.mark.parametrize("make", [create_replace_job, create_void_job])
    def test_an_old_job_of_a_kind_nobody_knows_is_shown(self, make: Any, manager: User, manager_client: Client) -> None:
        arguments = {"reason": "x"} if make is create_void_job else {}
        job = make(links=only(make_link()), created_by=manager, **arguments)
        Job.objects.filter(pk=job.pk).update(kind="launch rockets")
        assert "Launch rockets" in manager_client.get(f"/jobs/{job.pk}/").text
        assert "Launch rockets" in manager_client.get("/jobs/").text


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_a_job_once(manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, jobs.ISSUE_LINKS)
    job = create_issue_job(customers=only(*add_customers()), flow=make_flow(), created_by=manager)
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        try:
            run_job(Job.objects.get(pk=job.pk))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.result["created"]) == (JobState.DONE, 1, MANY)
    assert Link.objects.count() == MANY
