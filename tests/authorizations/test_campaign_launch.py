"""Launch, pause, resume and close: once, carried on after a crash, nothing issued or mailed while it does not run."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.models import (
    Campaign,
    CampaignState,
    Customer,
    Installation,
    Job,
    Link,
    LinkRequest,
    Mail,
    PrintJob,
)
from portal.authorizations.services import campaign_launch, campaign_states, jobs
from portal.authorizations.services.campaign_states import (
    LaunchRefused,
    close_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
    version_of,
)
from portal.authorizations.services.job_runs import cancel_job
from portal.authorizations.services.jobs import run_job
from portal.authorizations.services.link_requests import answer_link_requests
from portal.authorizations.services.links import IssueRefused, issue_link, issue_shared_link, replace_link
from portal.authorizations.services.mailings import send_due_mails
from portal.authorizations.tasks import run_job_task
from tests.authorizations.test_campaign_wizard import address, make_draft
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_landing_page,
    make_link,
    make_link_request,
)
from tests.smtp_server import Mailbox, smtp_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(db: None) -> Iterator[Installation]:
    Installation.objects.forget()
    yield Installation.objects.create(
        leap_environment="production",
        partner_name="Acme Energy",
        support_email="help@acme.example",
        postal_address="1 Main St, Fresno, CA 93722",
        mails_per_minute=600,
    )
    Installation.objects.forget()


@pytest.fixture
def box(settings: Any, installation: Installation) -> Iterator[Mailbox]:
    with smtp_server(settings) as box:
        yield box


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two customers at a time, so that a few are several batches."""
    kind = jobs.KINDS[jobs.LAUNCH_CAMPAIGN]
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    monkeypatch.setitem(jobs.KINDS, kind.name, type(kind)(**{**values, "batch": 2}))


def launch(campaign: Campaign, by: User, **values: Any) -> Job:
    """Launch for everybody, and leave the job waiting."""
    return launch_campaign(campaign=campaign, customers=Customer.objects.all(), by=by, **values)


class TestOnce:
    def test_two_clicks_are_one_launch(self, manager_client: Client) -> None:
        make_customer(), make_customer()
        campaign = make_draft()
        for _ in range(2):
            response = manager_client.post(address(campaign, "launch"))
            assert response.headers["Location"] == address(campaign, "detail")
        assert (Link.objects.count(), Job.objects.count()) == (2, 1)

    def test_the_second_gets_the_same_job(self, manager: User) -> None:
        """Another tab has read the draft before the first click."""
        make_customer()
        campaign = make_draft()
        other = Campaign.objects.get(pk=campaign.pk)
        assert launch(campaign, manager) == launch(other, manager)
        assert Job.objects.count() == 1

    def test_audience_is_frozen(self, manager: User) -> None:
        first = make_customer()
        job = launch(make_draft(), manager)
        make_customer()
        run_job(job)
        assert Link.objects.get().customer == first

    def test_changed_in_another_tab(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft()
        seen = manager_client.get(address(campaign, "review")).context["version"]
        manager_client.post(address(campaign, "audience"), {"kind": "filter", "region": "CAISO"})
        response = manager_client.post(address(campaign, "launch"), {"version": seen}, follow=True)
        assert "changed since you looked" in response.text
        assert Campaign.objects.get().is_draft

    def test_version_is_of_all_that_the_launch_does(self) -> None:
        campaign = make_draft()
        seen = {version_of(campaign)}
        campaign.requested_utilities.set(get_utilities("pge"))
        seen.add(version_of(campaign))
        for change in ({"channel": "post"}, {"stock": "avery-5160"}, {"flow": make_flow()}, {"audience": {}}):
            for name, value in change.items():
                setattr(campaign, name, value)
            seen.add(version_of(campaign))
        assert len(seen) == 6

    def test_flow_retired_between_review_and_launch(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft(flow=make_flow(name="Gone"))
        page = manager_client.get(address(campaign, "review"))
        campaign.flow.state = "retired"
        campaign.flow.save(update_fields=["state"])
        response = manager_client.post(address(campaign, "launch"), {"version": page.context["version"]}, follow=True)
        assert response.redirect_chain[-1][0] == address(campaign, "review")
        assert "The flow “Gone” is retired" in response.text
        assert not Job.objects.exists()

    def test_flow_retired_between_launch_and_worker(self, manager: User) -> None:
        make_customer()
        campaign = make_draft(flow=make_flow(name="Gone"))
        job = launch(campaign, manager)
        campaign.flow.state = "retired"
        campaign.flow.save(update_fields=["state"])
        run_job(job)
        assert job.state == "failed"
        assert "The flow “Gone” is retired, not live" in job.error
        assert not Link.objects.exists()

    def test_large_ones_are_the_workers(self, manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "AT_ONCE", 1)
        queued: list[int] = []
        monkeypatch.setattr(type(run_job_task), "enqueue", lambda task, *arguments: queued.append(arguments[0]))
        make_customer(), make_customer()
        campaign = make_draft(stock="avery-5160")
        page = manager_client.post(address(campaign, "launch"), follow=True)
        assert 'hx-trigger="every 1s"' in page.text
        manager_client.post(address(campaign, "launch"))
        assert set(queued) == {Job.objects.get().pk}
        run_job_task.func(Job.objects.get().pk)
        part = manager_client.get(address(campaign, "detail"), headers={"HX-Request": "true"})
        assert "2 issued" in part.text
        assert "<html" not in part.text
        assert PrintJob.objects.get().state == "done"

    def test_customers_of_others_stay_out(self) -> None:
        """Who launches it sees all; were it somebody who does not, only that person's customers would be asked."""
        make_customer()
        campaign = make_draft()
        job = launch(
            campaign, User.objects.get(username="maya") if User.objects.filter(username="maya") else campaign.owner
        )
        assert job.created_by
        job.created_by.groups.clear()
        run_job(Job.objects.get(pk=job.pk))
        job.refresh_from_db()
        assert (job.result.get("created"), job.result.get("left_out")) == (0, 1)


class TestCarryOn:
    def test_after_a_crash(self, manager: User, small_batches: None, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(5):
            make_customer()
        campaign = make_draft()
        job = launch(campaign, manager)
        calls = iter([False, True])
        real = campaign_launch.issue_links

        def dies(**values: Any) -> Any:
            result = real(**values)
            if next(calls, False):
                raise MemoryError
            return result

        monkeypatch.setattr(campaign_launch, "issue_links", dies)
        with pytest.raises(MemoryError):
            run_job(job)
        job.refresh_from_db()
        assert (job.state, job.done, Link.objects.count()) == ("failed", 2, 2)
        client = Client()
        client.force_login(manager)
        assert "Carry on where it stopped" in client.get(address(campaign, "detail")).text
        client.post(address(campaign, "launch"))
        job.refresh_from_db()
        assert (job.state, job.result["created"]) == ("done", 5)
        assert Link.objects.values("customer").distinct().count() == Link.objects.count() == 5

    def test_cancelled_and_carried_on(self, manager_client: Client, manager: User) -> None:
        make_customer()
        campaign = make_draft()
        cancel_job(launch(campaign, manager))
        assert not Link.objects.exists()
        manager_client.post(address(campaign, "launch"))
        assert Link.objects.count() == 1

    def test_resuming_does_not_carry_on_what_a_person_cancelled(self, manager: User) -> None:
        make_customer()
        campaign = make_draft()
        job = launch(campaign, manager)
        cancel_job(job)
        campaign.refresh_from_db()
        campaign_states.pause_campaign(campaign=campaign, by=manager)
        assert campaign_states.resume_campaign(campaign=campaign, by=manager)
        job.refresh_from_db()
        assert (job.state, Link.objects.count()) == ("cancelled", 0)

    def test_died_right_before_its_end(self, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """All is issued, and the sheets are missing."""
        make_customer()
        job = launch(make_draft(stock="avery-5160"), manager)
        with monkeypatch.context() as patch:
            patch.setattr(campaign_launch, "print_links", lambda **values: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run_job(job)
        assert (job.state, Link.objects.count()) == ("failed", 1)
        client = Client()
        client.force_login(manager)
        client.post(address(Campaign.objects.get(), "launch"))
        job.refresh_from_db()
        assert (job.state, PrintJob.objects.count(), Link.objects.count()) == ("done", 1, 1)


class TestPause:
    def test_in_the_middle_of_the_launch(self, manager_client: Client, manager: User, small_batches: None) -> None:
        for _ in range(3):
            make_customer()
        campaign = make_draft()
        job = launch(campaign, manager)
        pause_campaign(campaign=campaign, by=manager)
        run_job(job)
        assert (job.state, Link.objects.count()) == ("failed", 0)
        page = manager_client.get(address(campaign, "detail"))
        assert "paused meanwhile" in page.text
        assert "Carry on where it stopped" not in page.text
        manager_client.post(address(campaign, "resume"))
        assert Link.objects.count() == 3

    def test_closed_meanwhile(self, manager_client: Client, manager: User) -> None:
        make_customer()
        campaign = make_draft()
        job = launch(campaign, manager)
        close_campaign(campaign=campaign, by=manager)
        run_job(job)
        assert not Link.objects.exists()
        manager_client.post(address(campaign, "launch"))
        assert not Link.objects.exists()
        assert Campaign.objects.get().is_closed

    @pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.PAUSED, CampaignState.CLOSED])
    def test_every_way_to_issue_refuses(self, manager_client: Client, tmp_path: Any, state: CampaignState) -> None:
        campaign = make_campaign(name="Doors")
        customer = make_customer()
        stale = Campaign.objects.get(pk=campaign.pk)  # read while it ran
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
        words = {
            "draft": "is a draft: launch it",
            "paused": "is paused: resume it",
            "closed": "is closed: it issues no",
        }
        for issue in (
            lambda: issue_link(customer=customer, flow=stale.flow, campaign=stale, issued_by=None),
            lambda: issue_shared_link(flow=stale.flow, campaign=stale, label="poster", issued_by=None),
        ):
            with pytest.raises(IssueRefused, match=words[state]):
                issue()
        posted = {"customer": customer.pk, "flow": campaign.flow_id, "campaign": campaign.pk}
        assert manager_client.post(reverse("link_issue"), posted).status_code == 422
        posted = {"select": [customer.pk], "flow": campaign.flow_id, "campaign": campaign.pk}
        assert manager_client.post(reverse("link_issue_selection"), posted).status_code == 422
        file = tmp_path / "list.csv"
        file.write_text("external_id,name,utility\nA-1,Ann,pge\n")
        with pytest.raises(CommandError, match=words[state]):
            call_command("issue_links", file, flow=campaign.flow.name, campaign="Doors")
        assert not Link.objects.exists()

    def test_a_visitor_is_served_all_the_same(self, settings: Any) -> None:
        campaign = make_campaign(state=CampaignState.PAUSED)
        page = make_landing_page(flow=campaign.flow, campaign=campaign)
        make_link_request(page=page, email="new@example.com")
        answer_link_requests()
        assert Link.objects.get().campaign is None
        assert LinkRequest.objects.get().state == "mailed"

    @pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CLOSED])
    def test_what_is_out_works_and_can_be_issued_anew(self, client: Client, state: CampaignState) -> None:
        """A lost authorization is asked for again, whatever has become of the campaign."""
        campaign = make_campaign()
        link = make_link(campaign=campaign, flow=campaign.flow)
        Campaign.objects.update(state=state)
        assert client.get(link.short_path, headers={"User-Agent": "Mozilla/5.0"}).headers["Location"] == link.url
        assert replace_link(link=link, issued_by=None).campaign == campaign

    def test_each_step_once_and_in_order(self, manager_client: Client) -> None:
        campaign = make_campaign()
        steps: list[tuple[str, str]] = [
            ("resume", "running"),
            ("pause", "paused"),
            ("pause", "paused"),
            ("resume", "running"),
            ("pause", "paused"),
            ("close", "closed"),
            ("resume", "closed"),
            ("pause", "closed"),
            ("launch", "closed"),
        ]
        for step, state in steps:
            manager_client.post(address(campaign, step))
            campaign.refresh_from_db()
            assert campaign.state == state, step

    def test_a_draft_is_neither_paused_nor_closed(self, manager: User) -> None:
        campaign = make_draft()
        assert not pause_campaign(campaign=campaign, by=manager)
        assert not close_campaign(campaign=campaign, by=manager)
        assert not resume_campaign(campaign=campaign, by=manager)
        assert campaign.is_draft

    def test_closing_asks_first(self, manager_client: Client) -> None:
        campaign = make_campaign()
        assert "Close it for good" in manager_client.get(address(campaign, "close")).text
        assert Campaign.objects.get().is_running

    @pytest.mark.parametrize("step", ["launch", "pause", "resume", "close", "discard", "audience", "flow", "review"])
    def test_a_rep_may_not(self, rep_client: Client, step: str) -> None:
        campaign = make_draft()
        assert rep_client.post(address(campaign, step)).status_code == 403
        assert Campaign.objects.get().is_draft


class TestMails:
    def test_mails_arrive(self, manager_client: Client, box: Mailbox) -> None:
        make_customer(name="Rosa", email="rosa@example.com"), make_customer(email="")
        make_customer(email="no@example.com", mail_stopped_at=timezone.now())
        campaign = make_draft(channel="email")
        review = manager_client.get(address(campaign, "review")).context["review"]
        assert (review.new, [group.reason for group in review.left_out]) == (
            1,
            ["No email address", "Unsubscribed, or their mail came back"],
        )
        page = manager_client.post(address(campaign, "launch"), follow=True)
        assert "1 queued" in page.text
        assert send_due_mails(now=timezone.now(), most=10) == 1
        mail = box.mail_to("rosa@example.com")
        body = mail.get_body(("plain",))
        assert body is not None
        assert Link.objects.get().short_url in body.get_content()

    def test_paused_and_closed_send_nothing(self, manager_client: Client, manager: User, box: Mailbox) -> None:
        make_customer()
        campaign = make_draft(channel="email")
        manager_client.post(address(campaign, "launch"))
        manager_client.post(address(campaign, "pause"))
        assert send_due_mails(now=timezone.now(), most=10) == 0
        assert Mail.objects.get().state == "waiting"
        assert "<strong>1 mail still waits</strong>" in manager_client.get(address(campaign, "close")).text
        manager_client.post(address(campaign, "close"))
        assert send_due_mails(now=timezone.now() + timedelta(hours=1), most=10) == 0
        assert (Mail.objects.get().state, box.taken) == ("silenced", [])

    def test_crash_between_two_batches_mails_nobody_twice(
        self, manager: User, small_batches: None, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(4):
            make_customer()
        job = launch(make_draft(channel="email"), manager)
        real, calls = campaign_launch.queue_invitations, iter([False, True])

        def dies(**values: Any) -> Any:
            result = real(**values)
            if next(calls, False):
                raise MemoryError
            return result

        monkeypatch.setattr(campaign_launch, "queue_invitations", dies)
        with pytest.raises(MemoryError):
            run_job(job)
        assert (Link.objects.count(), Mail.objects.count()) == (2, 2), "a batch is all or nothing"
        client = Client()
        client.force_login(manager)
        client.post(address(Campaign.objects.get(), "launch"))
        send_due_mails(now=timezone.now(), most=10)
        assert sorted(delivered.to for delivered in box.taken) == sorted(
            Customer.objects.values_list("email", flat=True)
        )

    def test_begins_later(self, manager_client: Client, box: Mailbox) -> None:
        day = timezone.localdate() + timedelta(days=3)
        make_customer()
        campaign = make_draft(channel="email", starts_on=day)
        page = manager_client.get(address(campaign, "review"))
        assert timezone.localtime(page.context["first_mail_at"]).isoformat()[:16] == f"{day}T09:00"
        assert f"the first mail leaves on {date_format(day)}, when the campaign begins" in page.text
        manager_client.post(address(campaign, "launch"))
        assert timezone.localdate(Mail.objects.get().due_at) == day
        assert Link.objects.exists(), "the links are there at once"

    def test_blockers(self, manager_client: Client, installation: Installation, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        Installation.objects.update(postal_address="")
        Installation.objects.forget()
        make_customer()
        text = manager_client.get(address(make_draft(channel="email"), "review")).text
        assert "postal address" in text
        assert "No mail server is set" in text
        nobody = manager_client.get(address(make_draft(channel="email", query=None), "review")).text
        assert "Nobody is chosen to be written to." in nobody

    def test_how_long_it_takes(self, manager_client: Client, box: Mailbox) -> None:
        Installation.objects.update(mails_per_minute=2)
        Installation.objects.forget()
        for _ in range(5):
            make_customer()
        context = manager_client.get(address(make_draft(channel="email"), "review")).context
        assert context["last_mail_at"] - context["first_mail_at"] == timedelta(minutes=3)

    def test_without_the_right_to_send(self, manager_client: Client, manager: User, box: Mailbox) -> None:
        from django.contrib.auth.models import Permission

        group = manager.groups.get()
        group.permissions.remove(Permission.objects.get(codename="send_mail"))
        make_customer()
        campaign = make_draft(channel="email")
        assert manager_client.post(address(campaign, "launch")).status_code == 403
        assert Campaign.objects.get().is_draft

    def test_without_the_right_to_send_nothing_is_resumed_or_carried_on(
        self, manager_client: Client, manager: User, box: Mailbox
    ) -> None:
        from django.contrib.auth.models import Permission

        make_customer()
        campaign = make_draft(channel="email")
        job = launch(campaign, manager)
        cancel_job(job)
        campaign.refresh_from_db()
        campaign_states.pause_campaign(campaign=campaign, by=manager)
        resume, carry_on = address(campaign, "resume"), reverse("job_carry_on", args=[job.pk])
        assert resume in manager_client.get(address(campaign, "detail")).text
        assert carry_on in manager_client.get(reverse("job_detail", args=[job.pk])).text
        manager.groups.get().permissions.remove(Permission.objects.get(codename="send_mail"))
        assert resume not in manager_client.get(address(campaign, "detail")).text
        assert carry_on not in manager_client.get(reverse("job_detail", args=[job.pk])).text
        assert manager_client.post(resume).status_code == 403
        assert manager_client.post(carry_on).status_code == 403
        campaign.refresh_from_db()
        job.refresh_from_db()
        assert (campaign.state, job.state) == ("paused", "cancelled")
        assert not Link.objects.exists()


def test_service_refuses_what_is_not_ready(manager: User) -> None:
    with pytest.raises(LaunchRefused, match="Nobody is in the audience"):
        launch(make_draft(), manager)


def test_print_that_is_refused_does_not_undo_the_links(manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.authorizations.services import campaign_print
    from portal.printing.stocks import PrintRefusedError

    def refuse(**values: Any) -> Any:
        raise PrintRefusedError("The printer’s margins leave no room.")

    monkeypatch.setattr(campaign_print, "create_print_job", refuse)
    make_customer()
    job = run_job(launch(make_draft(stock="avery-5160"), manager))
    assert (job.state, job.result["print_refused"]) == ("done", "The printer’s margins leave no room.")
    assert Link.objects.count() == 1
