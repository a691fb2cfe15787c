"""Lost authorizations: tasks that Leap's word opens and closes, the new link, and what a person may dismiss."""

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    Campaign,
    CampaignState,
    FlowState,
    Link,
    Meter,
    Outage,
    Reauthorization,
    RequiredAction,
)
from portal.authorizations.services.links import IssueRefused, replace_link, void_link
from portal.authorizations.services.meter_pages import save_enrollments, save_meters
from portal.authorizations.services.reauthorizations import (
    dismiss_reauthorization,
    hand_out_new_link,
    settle_reauthorizations,
)
from tests.authorizations.leap_server import enrollment_record, meter_record
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_match,
    make_meter,
    make_paper,
    make_reauthorization,
    make_required_action,
    make_shared_link,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 20, tzinfo=UTC)
LIST = "/reauthorizations/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def settle(*meters: Meter) -> None:
    settle_reauthorizations(meter_ids=[meter.pk for meter in meters], at=NOW)


def lose(meter: Meter, **fields: Any) -> RequiredAction:
    Meter.objects.filter(pk=meter.pk).update(needs_authorization=True)
    return make_required_action(meter=meter, **fields)


def regain(meter: Meter) -> None:
    Meter.objects.filter(pk=meter.pk).update(needs_authorization=False)
    meter.required_actions.all().delete()


def proven(**arguments: Any) -> Link:
    """A link that Leap proved some weeks ago."""
    link = make_link(**arguments)
    long_ago = NOW - timedelta(days=40)
    Link.objects.filter(pk=link.pk).update(issued_at=long_ago, authorized_at=long_ago, metered_at=long_ago)
    link.refresh_from_db()
    return link


def lost_task(**arguments: Any) -> Reauthorization:
    return make_reauthorization(link=proven(**arguments))


class TestLeapsWord:
    def test_a_loss_opens_one_task_however_often_it_is_told(self) -> None:
        meter, other = make_meter(), make_meter()
        lose(meter, deadline_at=NOW + timedelta(days=9), program="CCA")
        lose(meter, deadline_at=NOW + timedelta(days=5), program="ELRP")
        lose(meter, deadline_at=None, program="DRAM")
        make_required_action(meter=other, action_type="HAS_AMI", action_code="SERV_0002")
        settle(meter, other)
        settle(meter, other)
        task = Reauthorization.objects.get()
        assert (task.meter, task.code, task.deadline_at) == (meter, "AUTH_0001", NOW + timedelta(days=5))

    def test_the_deadline_is_kept_up_to_date(self) -> None:
        meter = make_meter()
        action = lose(meter, deadline_at=NOW + timedelta(days=5), action_code="")
        settle(meter)
        assert Reauthorization.objects.get().code == "IS_AUTHORIZED"
        RequiredAction.objects.filter(pk=action.pk).update(deadline_at=NOW + timedelta(days=50))
        settle(meter)
        assert Reauthorization.objects.get().deadline_at == NOW + timedelta(days=50)

    def test_it_is_closed_when_the_requirement_is_gone_and_opened_anew_by_another_loss(self) -> None:
        meter = make_meter()
        lose(meter)
        settle(meter)
        regain(meter)
        settle(meter)
        task = Reauthorization.objects.get()
        assert (task.closed_at, task.closed_as, task.ended_at) == (NOW, "authorized", NOW)
        lose(meter)
        settle(meter)
        assert Reauthorization.objects.open().count() == 1
        assert Reauthorization.objects.count() == 2

    def test_a_claim_or_an_authorized_link_alone_closes_nothing(self, manager: User) -> None:
        task = lost_task()
        link = hand_out_new_link(task=task, issued_by=manager)
        Link.objects.filter(pk=link.pk).update(first_returned_at=NOW, authorized_at=NOW)
        settle(task.meter)
        task.refresh_from_db()
        assert task.closed_at is None

    def test_an_archived_meter_asks_for_nothing_until_it_is_back(self) -> None:
        details = [meter_record(1)]
        save_meters(records=details, at=NOW)
        meter = Meter.objects.get()
        lose(meter)
        settle(meter)
        save_meters(records=[meter_record(1, is_archived=True)], at=NOW)
        assert Reauthorization.objects.get().closed_as == "archived"
        save_meters(records=details, at=NOW)
        assert Reauthorization.objects.open().get().meter == meter

    def test_what_a_sync_reads_opens_and_closes_it(self) -> None:
        save_meters(records=[meter_record(1)], at=NOW)
        action = {"action_type": "IS_AUTHORIZED", "action_code": "AUTH_0001", "program_identifier": "CCA"}
        action["enrollment_deadline_date_time"] = "2026-03-29T08:00:00Z"
        lost = enrollment_record(1, required_actions={"partner": [action], "leap": []})
        for _ in range(2):
            save_enrollments(records=[lost], at=NOW, run_started_at=NOW)
        assert Reauthorization.objects.get().deadline_at == datetime(2026, 3, 29, 8, tzinfo=UTC)
        save_enrollments(records=[enrollment_record(1)], at=NOW, run_started_at=NOW)
        assert Reauthorization.objects.get().closed_as == "authorized"

    def test_what_leap_has_to_do_itself_is_no_task(self) -> None:
        meter = make_meter(needs_authorization=False)
        make_required_action(meter=meter, party="leap")
        settle(meter)
        assert not Reauthorization.objects.exists()

    def test_queries_do_not_grow_with_meters(self) -> None:
        numbers = []
        for many in (2, 20):
            meters = [make_meter() for _ in range(many)]
            for meter in meters:
                lose(meter)
            with CaptureQueriesContext(connection) as queries:
                settle(*meters)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]

    def test_the_migration_opens_what_was_lost_before_there_were_tasks(self) -> None:
        meter, archived = make_meter(), make_meter(is_archived=True)
        for row in (meter, archived):
            lose(row, deadline_at=NOW)
        migration = importlib.import_module("portal.authorizations.migrations.0023_tasks_of_lost_authorizations")
        migration.open_tasks(apps, None)
        migration.open_tasks(apps, None)
        task = Reauthorization.objects.get()
        assert (task.meter, task.code, task.deadline_at) == (meter, "AUTH_0001", NOW)


class TestDismissing:
    def test_needs_a_reason_and_holds_until_the_loss_is_over(self, manager: User) -> None:
        meter = make_meter()
        lose(meter)
        settle(meter)
        task = Reauthorization.objects.get()
        with pytest.raises(ValueError, match="Say why"):
            dismiss_reauthorization(task=task, dismissed_by=manager, reason="  ")
        assert dismiss_reauthorization(task=task, dismissed_by=manager, reason="moved away")
        assert not dismiss_reauthorization(task=task, dismissed_by=manager, reason="other")
        settle(meter)
        task.refresh_from_db()
        assert (task.closed_as, task.reason, task.closed_by) == ("dismissed", "moved away", manager)
        assert not Reauthorization.objects.open().exists()
        regain(meter)
        settle(meter)
        task.refresh_from_db()
        assert (task.closed_as, task.ended_at) == ("dismissed", NOW)
        lose(meter)
        settle(meter)
        assert Reauthorization.objects.open().count() == 1

    @pytest.mark.parametrize(
        ("rule", "fields"),
        [
            ("reauthorization_ends_somehow", {"closed_at": NOW}),
            ("reauthorization_ended_is_closed", {"ended_at": NOW}),
            ("reauthorization_dismissed_has_a_reason", {"closed_at": NOW, "closed_as": "dismissed"}),
        ],
    )
    def test_the_database_holds_the_rules(self, rule: str, fields: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            make_reauthorization(**fields)

    def test_the_database_holds_one_task_for_a_loss(self) -> None:
        task = make_reauthorization()
        with pytest.raises(IntegrityError), transaction.atomic():
            make_reauthorization(meter=task.meter)


class TestNewLink:
    def test_the_proven_link_is_replaced_and_stays_proven(self, manager: User) -> None:
        campaign = make_campaign()
        old = proven(flow=campaign.flow, campaign=campaign)
        task = make_reauthorization(link=old)
        new = hand_out_new_link(task=task, issued_by=manager)
        old.refresh_from_db()
        task.refresh_from_db()
        assert (old.status, old.replaced_by, task.link) == ("metered", new, new)
        assert (new.customer, new.flow, new.campaign, new.issued_by) == (old.customer, old.flow, campaign, manager)
        assert new.status == "issued"
        assert hand_out_new_link(task=task, issued_by=manager) == new
        assert Link.objects.count() == 2

    def test_it_asks_for_the_meters_utility_besides(self, manager: User) -> None:
        pge, sce = get_utilities("pge", "sce")
        link = proven(utilities=[pge])
        task = make_reauthorization(meter=make_match(link=link, meter=make_meter(utility="sce")).meter)
        assert set(hand_out_new_link(task=task, issued_by=manager).utilities_asked) == {pge, sce}
        open_to_all = proven(utilities=[])
        task = make_reauthorization(link=open_to_all)
        assert hand_out_new_link(task=task, issued_by=manager).utilities_asked == []

    def test_two_meters_of_one_link_share_the_new_one(self, manager: User) -> None:
        link = proven()
        tasks = [make_reauthorization(link=link) for _ in range(2)]
        first, second = (hand_out_new_link(task=task, issued_by=manager) for task in tasks)
        assert first == second

    def test_a_legacy_link_leads_to_the_meters_utility(self, manager: User) -> None:
        link = proven(flow=make_legacy_flow(), customer=make_customer(utility="pge"))
        task = make_reauthorization(link=link)
        assert hand_out_new_link(task=task, issued_by=manager).utility == get_utilities("pge")[0]

    def test_the_newest_successor_is_replaced_and_a_void_one_followed(self, manager: User) -> None:
        old = proven()
        task = make_reauthorization(link=old)
        middle = replace_link(link=old, issued_by=None)
        Link.objects.filter(pk=middle.pk).update(issued_at=NOW - timedelta(days=9))
        new = hand_out_new_link(task=task, issued_by=manager)
        middle.refresh_from_db()
        assert middle.replaced_by == new
        void_link(link=new, voided_by=manager, reason="lost")
        task.refresh_from_db()
        another = hand_out_new_link(task=task, issued_by=manager)
        assert another != new
        assert another.is_live

    def test_after_a_void_link_whatever_has_become_of_its_campaign(self, manager: User) -> None:
        campaign = make_campaign()
        link = proven(flow=campaign.flow, campaign=campaign)
        task = make_reauthorization(link=link)
        void_link(link=link, voided_by=manager, reason="lost")
        Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.CLOSED)
        new = hand_out_new_link(task=task, issued_by=manager)
        assert (new.is_live, new.customer, new.campaign) == (True, link.customer, None)

    def test_refused_when_the_flow_is_retired_and_when_nobody_is_known(self, manager: User) -> None:
        retired = proven(flow=make_flow())
        retired.flow.state = FlowState.RETIRED
        retired.flow.save(update_fields=["state"])
        with pytest.raises(IssueRefused, match="retired, not live"):
            hand_out_new_link(task=make_reauthorization(link=retired), issued_by=manager)
        for meter in (make_meter(), make_match(link=make_shared_link()).meter, make_match(paper=make_paper()).meter):
            with pytest.raises(IssueRefused, match="by hand"):
                hand_out_new_link(task=make_reauthorization(meter=meter), issued_by=manager)

    def test_a_closed_task_hands_out_nothing(self, manager: User) -> None:
        task = make_reauthorization(closed_at=NOW, closed_as="authorized", ended_at=NOW)
        with pytest.raises(IssueRefused, match="closed"):
            hand_out_new_link(task=task, issued_by=manager)


class TestScreens:
    def found(self, client: Client, **query: str) -> list[Reauthorization]:
        return [row.record for row in client.get(LIST, query).context["table"].paginated_rows]

    def test_permission_pair(self, manager_client: Client, rep_client: Client) -> None:
        task = make_reauthorization()
        dismiss, new = (reverse(f"reauthorization_{name}", args=[task.pk]) for name in ("dismiss", "link"))
        assert manager_client.get(LIST).status_code == 200
        assert manager_client.get(dismiss).status_code == 200
        assert rep_client.get(LIST).status_code == 403
        assert rep_client.get(dismiss).status_code == rep_client.post(new).status_code == 403

    def test_the_nearest_deadline_first_and_overdue_is_marked(self, manager_client: Client) -> None:
        later = make_reauthorization(deadline_at=NOW + timedelta(days=30))
        never = make_reauthorization()
        over = make_reauthorization(deadline_at=NOW - timedelta(days=1))
        near = make_reauthorization(deadline_at=NOW + timedelta(days=3))
        make_reauthorization(closed_at=NOW, closed_as="authorized", ended_at=NOW)
        assert self.found(manager_client) == [over, near, later, never]
        assert manager_client.get(LIST).text.count("overdue</span>") == 1
        assert self.found(manager_client, deadline="near") == [over, near]
        assert self.found(manager_client, deadline="overdue") == [over]
        assert self.found(manager_client, deadline="later") == [later, never]
        assert self.found(manager_client, sort="-deadline_at") == [later, near, over, never]
        assert len(self.found(manager_client, state="all")) == 5

    def test_one_click_shows_the_new_link_with_its_deadline(self, manager_client: Client) -> None:
        task = make_reauthorization(link=proven(), deadline_at=NOW + timedelta(days=3))
        response = manager_client.post(reverse("reauthorization_link", args=[task.pk]), follow=True)
        task.refresh_from_db()
        assert task.link is not None
        assert response.redirect_chain == [(f"/links/{task.link.pk}/", 302)]
        assert task.link.short_url in response.text
        assert "Has to be authorized again" in response.text
        assert "4 Mar 2026" in response.text
        assert manager_client.get(reverse("reauthorization_link", args=[task.pk])).status_code == 302

    def test_while_the_utility_is_down_it_says_so(self, manager_client: Client, manager: User) -> None:
        task = make_reauthorization(link=proven())
        Outage.objects.create(utility=get_utilities("pge")[0], began_at=timezone.now())
        Meter.objects.filter(pk=task.meter_id).update(utility=get_utilities("pge")[0])
        page = manager_client.post(reverse("reauthorization_link", args=[task.pk]), follow=True)
        assert "PG&amp;E is down: hand the link out once its sign-in works again." in page.text

    def test_a_closed_one_is_not_dismissed(self, manager_client: Client) -> None:
        task = make_reauthorization(closed_at=NOW, closed_as="authorized", ended_at=NOW)
        page = manager_client.get(reverse("reauthorization_dismiss", args=[task.pk]), follow=True)
        assert "closed already" in page.text

    def test_customer_old_link_and_meter_show_the_task(self, manager_client: Client, rep: User) -> None:
        link = proven(customer=make_customer(assigned_rep=rep))
        task = make_reauthorization(link=link, deadline_at=NOW + timedelta(days=3))
        assert link.customer is not None
        pages = [f"/customers/{link.customer.pk}/", f"/links/{link.pk}/", f"/meters/{task.meter.pk}/"]
        for page in pages:
            text = manager_client.get(page).text
            assert "Has to be authorized again</strong> before 4 Mar 2026" in text, page
            assert reverse("reauthorization_link", args=[task.pk]) in text
        Reauthorization.objects.update(closed_at=NOW, closed_as="authorized", ended_at=NOW)
        for page in pages:
            assert "Has to be authorized again</strong>" not in manager_client.get(page).text

    def test_without_a_customer_it_says_so_and_what_to_do(self, manager_client: Client) -> None:
        make_reauthorization(meter=make_meter())
        make_reauthorization(meter=make_match(link=make_shared_link(label="lobby")).meter)
        make_reauthorization(meter=make_match(paper=make_paper()).meter)
        text = manager_client.get(LIST).text
        assert text.count("Nobody known") == 2
        assert "of no link that the portal issued" in text
        assert "came by the shared link" in text
        assert "Ask Leap whose meter it is" in text
        assert "Have the form signed again" in text
        assert ">New link</button>" not in text
        assert len(self.found(manager_client, owner="nobody")) == 2
        assert len(self.found(manager_client, owner="paper")) == 1

    def test_a_refusal_leads_to_issuing_by_hand(self, manager_client: Client) -> None:
        link = proven()
        link.flow.state = FlowState.RETIRED
        link.flow.save(update_fields=["state"])
        task = make_reauthorization(link=link)
        response = manager_client.post(reverse("reauthorization_link", args=[task.pk]), follow=True)
        assert response.redirect_chain[0][0] == f"/links/issue/?customer={link.customer_id}"
        assert "retired, not live" in response.text

    def test_dismissing_asks_for_a_reason(self, manager_client: Client) -> None:
        task = make_reauthorization()
        url = reverse("reauthorization_dismiss", args=[task.pk])
        assert manager_client.post(url, {"reason": ""}).status_code == 422
        assert manager_client.post(url, {"reason": "moved away"}).status_code == 302
        text = manager_client.get(LIST, {"state": "dismissed"}).text
        assert "moved away" in text

    def test_export(self, manager_client: Client) -> None:
        make_reauthorization(link=proven(customer=make_customer(name="=1+1")), deadline_at=NOW - timedelta(days=1))
        response: Any = manager_client.get(LIST, {"export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        assert "2026-02-28,yes,'=1+1" in text

    def test_queries_do_not_grow_with_rows(self, manager_client: Client) -> None:
        make_reauthorization()
        manager_client.get(LIST)
        numbers = []
        for many in (1, 9):
            for _ in range(many):
                make_reauthorization()
            with CaptureQueriesContext(connection) as queries:
                manager_client.get(LIST)
            numbers.append(len(queries))
        assert numbers[0] == numbers[1]
