"""Campaigns: the list with its three sources, one campaign with what came of it, and several side by side."""

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Campaign, Confirmation, Link, LinkStatus, Mail, MailStop, Message
from portal.authorizations.services.campaign_results import MAILS, compare, read_results
from portal.authorizations.views.campaigns import MOST_COMPARED
from tests.factories import make_campaign, make_flow, make_link, make_shared_link

pytestmark = pytest.mark.django_db
LIST = "/campaigns/"
NEW = "/campaigns/new/"
COMPARE = "/campaigns/compare/"


def names(response: Any) -> list[str]:
    return [row.record.name for row in response.context["table"].paginated_rows]


def make_links_in_every_status(campaign: Campaign) -> None:
    """Seven links: 6 seen, 4 claimed, 3 proven; one of the claimed is void."""
    now = timezone.now()
    saw = {"first_visited_at": now}
    claimed = {**saw, "first_returned_at": now}
    steps: list[dict[str, Any]] = [
        {},
        saw,
        claimed,
        {**claimed, "voided_at": now, "void_reason": "moved away"},
        {**claimed, "authorized_at": now},
        {**claimed, "metered_at": now},
        # Leap's word without a browser's claim: nobody has to come back to the page.
        {**saw, "enrolled_at": now},
    ]
    for step in steps:
        link = make_link(flow=campaign.flow, campaign=campaign)
        if step:
            Link.objects.filter(pk=link.pk).update(**step)


class TestList:
    def test_r16_counts_each_source_by_itself(self, manager_client: Client) -> None:
        campaign = make_campaign(name="Summer DR")
        make_links_in_every_status(campaign)
        make_link(flow=campaign.flow)
        (row,) = manager_client.get(LIST).context["table"].rows
        record = row.record
        assert (record.issued, record.visited, record.returned, record.proven) == (7, 6, 4, 3)
        for column, source in (("visited", "saw"), ("returned", "claims"), ("proven", "leap")):
            assert f"badge-{source}" in row.get_cell(column)

    def test_proven_are_the_statuses_that_leap_says(self) -> None:
        """If a status is added, this list has to be thought about."""
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        proven = [link for link in campaign.links.all() if LinkStatus(link.status).source == "leap"]
        assert Campaign.objects.with_counts().get().proven == len(proven)

    def test_queries_do_not_grow_with_rows(self, manager_client: Client) -> None:
        flow = make_flow()
        manager_client.get(LIST)  # the partner's name is read once and remembered
        counts = []
        for many in (3, 27):
            for _ in range(many):
                make_link(flow=flow, campaign=make_campaign(flow=flow))
            with CaptureQueriesContext(connection) as queries:
                response = manager_client.get(LIST)
            assert len(names(response)) == Campaign.objects.count()
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_filters(self, manager_client: Client, manager: User) -> None:
        today = timezone.localdate()
        one, other = make_flow(name="One"), make_flow(name="Other")
        past = make_campaign(name="Past", flow=one, channel="post", owner=manager, ends_on=today - timedelta(days=1))
        make_campaign(name="Coming", flow=other, channel="door", starts_on=today + timedelta(days=1))
        make_campaign(name="Last day", flow=other, channel="door", starts_on=today, ends_on=today)
        make_campaign(name="Always", flow=other, channel="web")
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"flow": one.pk}, ["Past"]),
            ({"channel": "web"}, ["Always"]),
            ({"owner": manager.pk}, ["Past"]),
            ({"running": "now"}, ["Always", "Last day"]),
            ({"running": "coming"}, ["Coming"]),
            ({"running": "over"}, ["Past"]),
            ({"q": "last other"}, ["Last day"]),
            # It makes no sense, and so finds nothing.
            ({"q": "a\x00"}, []),
        ]
        for query, expected in cases:
            assert sorted(names(manager_client.get(LIST, query))) == expected, query
        assert past.owner == manager

    def test_export(self, manager_client: Client) -> None:
        make_links_in_every_status(make_campaign(name="=1+1"))
        response = manager_client.get(LIST, {"export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert row["Campaign"] == "'=1+1"
        assert (row["Links issued"], row["Browsers claim: returned"], row["Leap says: proven"]) == ("7", "4", "3")

    def test_empty_list_says_what_to_do_next(self, manager_client: Client) -> None:
        text = manager_client.get(LIST).text
        assert "No campaigns yet" in text
        assert f'href="{NEW}"' in text

    @pytest.mark.parametrize("path", [LIST, NEW, COMPARE, "/campaigns/1/", "/campaigns/1/edit/"])
    def test_rep_may_not(self, rep_client: Client, path: str) -> None:
        assert rep_client.get(path).status_code == 403

    def test_signed_out_goes_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST).status_code == 302


class TestDetail:
    def test_numbers_by_source(self, manager_client: Client) -> None:
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        make_shared_link(flow=campaign.flow, campaign=campaign)
        counts = manager_client.get(reverse("campaign_detail", args=[campaign.pk])).context["counts"]
        assert (counts["issued"], counts["visited"], counts["returned"], counts["authorized"]) == (8, 6, 4, 3)
        assert counts["claimed_only"] == 2
        assert (counts["void"], counts["replaced"], counts["shared"]) == (1, 0, 1)

    def test_who_stopped_where_leads_to_those_links(self, manager_client: Client) -> None:
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        page = manager_client.get(reverse("campaign_detail", args=[campaign.pk]))
        for status in ("issued", "visited", "returned", "authorized"):
            query = f"?campaign={campaign.pk}&status={status}"
            assert query.replace("&", "&amp;") in page.text
            listed = manager_client.get(f"{reverse('link_list')}{query}").context["table"].rows
            assert len(listed) == page.context["stopped"][status] == 1, status

    def test_every_tile_leads_to_exactly_its_links(self, manager_client: Client) -> None:
        """Who comes back twice makes two confirmations, and is one link."""
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        now = timezone.now()
        for link in campaign.links.filter(first_returned_at__isnull=False):
            for repeated in (False, True):
                Confirmation.objects.create(link=link, at=now, outcome="matched", repeated=repeated)
        page = manager_client.get(reverse("campaign_detail", args=[campaign.pk]))
        tiles = re.findall(
            r'<a class="stat[^"]*"\s+href="([^"]+)">\s*<span class="stat-label">([^<]+)</span>\s*'
            r'<span class="stat-value">([0-9]+)</span>',
            page.text,
        )
        assert [(label, int(value)) for _, label, value in tiles] == [
            ("Links issued", 7),
            ("We saw: visited", 6),
            ("Browsers claim: returned", 4),
            ("Leap says: proven", 3),
        ]
        for href, label, value in tiles:
            rows = manager_client.get(href.replace("&amp;", "&")).context["table"].rows
            assert len(rows) == int(value), label

    def test_void_links_are_said_to_be_left_out_of_who_stopped_where(self, manager_client: Client) -> None:
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        text = manager_client.get(reverse("campaign_detail", args=[campaign.pk])).text
        assert f'<a href="{reverse("link_list")}?campaign={campaign.pk}&amp;status=void">1 void link</a>' in text
        assert "is not in this list." in text
        assert "2 with a meter did not stop." in text, "so that all seven links are accounted for"
        Link.objects.filter(status="void").update(voided_at=None)
        assert "not in this list" not in manager_client.get(reverse("campaign_detail", args=[campaign.pk])).text

    @pytest.mark.parametrize("cut", ["utility", "week", "customer_type", "nonsense"])
    def test_funnel_in_parts(self, manager_client: Client, cut: str) -> None:
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        make_link()  # of another campaign
        funnel = manager_client.get(reverse("campaign_detail", args=[campaign.pk]), {"by": cut}).context["funnel"]
        assert sum(part.stages[0].count for part in funnel.parts) == 7

    def test_leads_to_its_links(self, manager_client: Client) -> None:
        campaign = make_campaign(name="<script>alert(1)</script>")
        text = manager_client.get(reverse("campaign_detail", args=[campaign.pk])).text
        assert "alert(1)</script>" not in text
        assert "No links yet" in text
        make_link(campaign=campaign, flow=campaign.flow)
        text = manager_client.get(reverse("campaign_detail", args=[campaign.pk])).text
        assert f'{reverse("link_list")}?campaign={campaign.pk}"' in text

    def test_not_there(self, manager_client: Client) -> None:
        assert manager_client.get("/campaigns/9999/").status_code == 404


class TestCompare:
    def test_side_by_side(self, manager_client: Client) -> None:
        first, second = make_campaign(name="Doors"), make_campaign(name="Letters")
        make_links_in_every_status(first)
        make_link(campaign=second, flow=second.flow)
        response = manager_client.post(COMPARE, {"select": [first.pk, second.pk]}, follow=True)
        assert [campaign.name for campaign in response.context["campaigns"]] == ["Letters", "Doors"]
        rows = {
            row.measure.name: [(cell.count, cell.percent) for cell in row.cells] for row in response.context["rows"]
        }
        assert rows["issued"] == [(1, None), (7, None)]
        assert rows["visited"] == [(0, 0), (6, 86)]
        assert rows["returned"] == [(0, 0), (4, 57)]
        assert rows["authorized"] == [(0, 0), (3, 43)]
        # Of the claims, not of the links.
        assert rows["claimed_only"] == [(0, None), (2, 50)]

    def test_mails(self, manager_client: Client) -> None:
        campaign = make_campaign(channel="email")
        message = Message.objects.create(campaign=campaign, kind="invitation")
        now = timezone.now()
        fates: list[dict[str, Any]] = [
            {"state": "sent", "sent_at": now},
            {"state": "sent", "sent_at": now, "bounced_at": now},
            {"state": "sent", "sent_at": now, "complained_at": now},
            {"state": "waiting"},
            {"state": "unknown"},
            {"state": "failed"},
            {"state": "silenced"},
        ]
        for fate in fates:
            link = make_link(campaign=campaign, flow=campaign.flow)
            Mail.objects.create(message=message, customer=link.customer, link=link, due_at=now, **fate)
        customers = [mail.customer for mail in Mail.objects.filter(state="sent").order_by("pk")]
        MailStop.objects.create(address_digest="1", reason="unsubscribed", at=now, customer=customers[0])
        # Before the mail: it was not this campaign that did it.
        MailStop.objects.create(
            address_digest="2", reason="unsubscribed", at=now - timedelta(days=1), customer=customers[1]
        )
        [results] = read_results(campaigns=[campaign], links=Link.objects.all())
        assert {name: results.counts[name] for name in MAILS} == {
            "sent": 3,
            "waiting": 1,
            "unknown": 1,
            "mails_failed": 1,
            "not_sent": 1,
            "bounced": 1,
            "complained": 1,
            "unsubscribed": 1,
        }
        assert results.counts["issued"] == 7

    def test_mails_that_were_not_sent_are_no_share_of_those_that_were(self) -> None:
        campaign = make_campaign(channel="email")
        message = Message.objects.create(campaign=campaign, kind="invitation")
        for state in ("sent", "sent", "silenced", "stopped", "failed", "unknown", "waiting"):
            link = make_link(campaign=campaign, flow=campaign.flow)
            Mail.objects.create(message=message, customer=link.customer, link=link, due_at=timezone.now(), state=state)
        Mail.objects.filter(pk=Mail.objects.earliest("pk").pk).update(bounced_at=timezone.now())
        cells = {
            row.measure.name: (row.cells[0].count, row.cells[0].percent)
            for row in compare(read_results(campaigns=[campaign], links=Link.objects.all()))
        }
        assert cells["not_sent"] == (2, None)
        assert (cells["mails_failed"], cells["unknown"], cells["waiting"]) == ((1, None), (1, None), (1, None))
        assert cells["bounced"] == (1, 50)

    def test_export(self, manager_client: Client) -> None:
        campaign = make_campaign(name="=1+1")
        make_links_in_every_status(campaign)
        response = manager_client.get(COMPARE, {"campaign": campaign.pk, "export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[0] == ["Measure", "'=1+1", "'=1+1: %"]
        assert ["Leap says: authorized", "3", "43"] in rows
        assert ["State", "running", ""] in rows

    @pytest.mark.parametrize(
        ("name", "begins"),
        [
            ("Summer DR: Fresno", "campaign-summer-dr-fresno-{}-"),
            ("夏", "campaign-{}-"),
            ('a"\r\nb', "campaign-a-b-{}-"),
        ],
    )
    def test_the_file_of_one_is_called_after_it(self, manager_client: Client, name: str, begins: str) -> None:
        campaign = make_campaign(name=name)
        make_link(campaign=campaign, flow=campaign.flow)
        response = manager_client.get(COMPARE, {"campaign": campaign.pk, "export": "csv"})
        file = f'attachment; filename="{begins.format(campaign.pk)}{timezone.localdate():%Y-%m-%d}.csv"'
        assert response.headers["Content-Disposition"] == file

    def test_the_file_of_several_is_not(self, manager_client: Client) -> None:
        keys = [make_campaign().pk, make_campaign().pk]
        response = manager_client.get(COMPARE, {"campaign": keys, "export": "csv"})
        assert f'"campaigns-{timezone.localdate():%Y-%m-%d}.csv"' in response.headers["Content-Disposition"]

    def test_queries_do_not_grow_with_campaigns(self, manager_client: Client) -> None:
        flow = make_flow()
        manager_client.get(LIST)
        counts = []
        for many in (1, 5):
            keys = [make_campaign(flow=flow).pk for _ in range(many)]
            for campaign in Campaign.objects.all():
                make_link(campaign=campaign, flow=flow)
            with CaptureQueriesContext(connection) as queries:
                assert len(manager_client.get(COMPARE, {"campaign": keys}).context["campaigns"]) == many
            counts.append(len(queries))
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("query", ["", "campaign=x", "campaign=99999", f"campaign={'9' * 30}"])
    def test_none_of_them_there(self, manager_client: Client, query: str) -> None:
        assert manager_client.get(f"{COMPARE}?{query}").headers["Location"] == LIST

    def test_no_more_than_fit(self, manager_client: Client) -> None:
        flow, owner = make_flow(), make_campaign().owner
        for _ in range(MOST_COMPARED + 2):
            make_campaign(flow=flow, owner=owner)
        response = manager_client.post(COMPARE, {"all": "1", "query": ""}, follow=True)
        assert len(response.context["campaigns"]) == MOST_COMPARED

    def test_nothing_ticked(self, manager_client: Client) -> None:
        assert manager_client.post(COMPARE, {"query": ""}).headers["Location"] == LIST


@pytest.mark.parametrize("state", ["draft", "running", "paused", "closed"])
@pytest.mark.parametrize("flow_state", ["requested", "live", "retired"])
@pytest.mark.parametrize(
    ("dates", "is_on"),
    [
        ({}, True),
        ({"starts_on": date(2026, 5, 4), "ends_on": date(2026, 5, 4)}, True),
        ({"starts_on": date(2026, 5, 5)}, False),
        ({"ends_on": date(2026, 5, 3)}, False),
    ],
)
def test_a_campaign_that_mails_is_the_same_to_the_database_and_in_words(
    state: str, flow_state: str, dates: dict[str, date], is_on: bool
) -> None:
    day = date(2026, 5, 4)
    campaign = make_campaign(flow=make_flow(state=flow_state), state=state, **dates)
    mails = state == "running" and flow_state == "live" and is_on
    assert Campaign.objects.mailing_on(day).exists() == mails
    assert (campaign.why_no_mails(day) == "") == mails
    message = Message.objects.create(campaign=campaign, kind="invitation")
    assert list(Message.objects.held_on(day)) == ([] if mails else [message])
