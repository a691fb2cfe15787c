"""Campaigns: the list with its three sources, one campaign, and the form's rules."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Campaign, Link, LinkStatus
from portal.authorizations.services.campaigns import CampaignRefused, save_campaign
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_shared_link,
)

pytestmark = pytest.mark.django_db
LIST = "/campaigns/"
NEW = "/campaigns/new/"


def names(response: Any) -> list[str]:
    return [row.record.name for row in response.context["table"].paginated_rows]


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(messages) for name, messages in response.context["form"].errors.items()}


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
            ({"q": "a\x00"}, ["Always", "Coming", "Last day", "Past"]),
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

    @pytest.mark.parametrize("path", [LIST, NEW, "/campaigns/1/", "/campaigns/1/edit/"])
    def test_rep_may_not(self, rep_client: Client, path: str) -> None:
        assert rep_client.get(path).status_code == 403

    def test_signed_out_goes_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST).status_code == 302


class TestDetail:
    def test_numbers_by_source(self, manager_client: Client) -> None:
        campaign = make_campaign()
        make_links_in_every_status(campaign)
        make_shared_link(flow=campaign.flow, campaign=campaign)
        response = manager_client.get(reverse("campaign_detail", args=[campaign.pk]))
        steps = response.context["steps"]
        assert (steps["issued"], steps["visited"], steps["returned"], steps["authorized"]) == (8, 6, 4, 3)
        assert steps["claimed_only"] == 2
        assert response.context["marks"] == {"void": 1, "replaced": 0, "shared": 1}

    def test_leads_to_its_links(self, manager_client: Client) -> None:
        campaign = make_campaign(name="<script>alert(1)</script>")
        text = manager_client.get(reverse("campaign_detail", args=[campaign.pk])).text
        assert f'{reverse("link_list")}?campaign={campaign.pk}"' in text
        assert "alert(1)</script>" not in text
        assert "No links yet" in text

    def test_not_there(self, manager_client: Client) -> None:
        assert manager_client.get("/campaigns/9999/").status_code == 404


def values(**changes: Any) -> dict[str, Any]:
    return {"name": "Summer DR", "channel": "door", **changes}


class TestForm:
    def test_saves_with_utilities(self, manager_client: Client, manager: User) -> None:
        flow, (pge,) = make_flow(), get_utilities("pge")
        response = manager_client.post(
            NEW, values(flow=flow.pk, owner=manager.pk, requested_utilities=[pge.pk], starts_on="2026-05-01")
        )
        campaign = Campaign.objects.get()
        assert response.headers["Location"] == reverse("campaign_detail", args=[campaign.pk])
        assert (campaign.flow, campaign.owner, campaign.channel) == (flow, manager, "door")
        assert list(campaign.requested_utilities.all()) == [pge]

    def test_owner_is_who_makes_it(self, manager_client: Client, manager: User) -> None:
        make_flow()
        assert manager_client.get(NEW).context["form"]["owner"].value() == manager.pk

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_r7_only_a_live_flow_for_a_new_campaign(self, manager_client: Client, manager: User, state: str) -> None:
        make_flow(name="Live one")
        flow = make_flow(name="Not this", state=state)
        assert "Not this" not in manager_client.get(NEW).text
        found = errors(manager_client.post(NEW, values(flow=flow.pk, owner=manager.pk)))
        assert found == {
            "flow": ["This flow cannot be chosen: a campaign needs a live one, which Leap has configured."]
        }
        assert not Campaign.objects.exists()

    def test_no_live_flow_at_all_says_so(self, manager_client: Client) -> None:
        make_flow(state="requested")
        assert "No flow is live" in manager_client.get(NEW).text

    def test_r8_requested_utilities_are_among_the_flows(self, manager_client: Client, manager: User) -> None:
        flow = make_flow(name="California", utilities=["pge", "sce"])
        sdge, pge = get_utilities("sdge", "pge")
        found = errors(
            manager_client.post(NEW, values(flow=flow.pk, owner=manager.pk, requested_utilities=[pge.pk, sdge.pk]))
        )
        assert found == {
            "requested_utilities": ["SDG&E: the flow “California” does not offer it. It offers PG&E, SCE."]
        }

    def test_r4_legacy_asks_for_one(self, manager_client: Client, manager: User) -> None:
        flow = make_legacy_flow()
        two = [utility.pk for utility in get_utilities("pge", "sce")]
        found = errors(manager_client.post(NEW, values(flow=flow.pk, owner=manager.pk, requested_utilities=two)))
        assert found == {"requested_utilities": ["A Legacy link leads to one utility: tick one, or none."]}

    def test_r6_regional_address_asks_for_none(self, manager_client: Client, manager: User) -> None:
        flow = make_flow(
            name="Regional",
            address="regional",
            title="",
            region="CAISO",
            customer_types="residential",
            utilities=["pge"],
        )
        (pge,) = get_utilities("pge")
        found = errors(manager_client.post(NEW, values(flow=flow.pk, owner=manager.pk, requested_utilities=[pge.pk])))
        assert "asks for no utilities: tick none" in found["requested_utilities"][0]

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"name": ""}, "name", "required"),
            ({"name": "x" * 101}, "name", "at most 100 characters"),
            ({"name": "a\x00b"}, "name", "Null characters"),
            ({"name": "Taken"}, "name", "Another campaign has this name"),
            ({"channel": "pigeon"}, "channel", "pigeon is not one of the available choices"),
            ({"starts_on": "2026-05-02", "ends_on": "2026-05-01"}, "ends_on", "before it begins on 2 May 2026"),
            ({"starts_on": "soon"}, "starts_on", "valid date"),
            ({"flow": "9" * 30}, "flow", "cannot be chosen"),
            ({"owner": "9" * 30}, "owner", "not one of the available choices"),
        ],
    )
    def test_bad_input_is_a_form_error(
        self, manager_client: Client, manager: User, changes: dict[str, str], field: str, words: str
    ) -> None:
        flow = make_flow()
        make_campaign(name="Taken", flow=flow)
        posted = {**values(flow=flow.pk, owner=manager.pk), **changes}
        found = errors(manager_client.post(NEW, posted))
        assert list(found) == [field]
        assert words in found[field][0]
        assert Campaign.objects.count() == 1

    def test_flow_of_a_campaign_with_links_stays(self, manager_client: Client, manager: User) -> None:
        campaign = make_campaign(name="Summer DR", flow=make_flow(name="First"))
        make_link(flow=campaign.flow, campaign=campaign)
        address = reverse("campaign_update", args=[campaign.pk])
        found = errors(manager_client.post(address, values(flow=make_flow().pk, owner=manager.pk)))
        assert "issued in this campaign from the flow “First”" in found["flow"][0]
        campaign.refresh_from_db()
        assert campaign.flow.name == "First"

    def test_flow_without_links_may_change(self, manager_client: Client, manager: User) -> None:
        campaign, flow = make_campaign(), make_flow()
        manager_client.post(reverse("campaign_update", args=[campaign.pk]), values(flow=flow.pk, owner=manager.pk))
        campaign.refresh_from_db()
        assert campaign.flow == flow

    def test_campaign_of_a_retired_flow_can_still_be_renamed(self, manager_client: Client, manager: User) -> None:
        campaign = make_campaign(name="Old name")
        campaign.flow.state = "retired"
        campaign.flow.save(update_fields=["state"])
        address = reverse("campaign_update", args=[campaign.pk])
        manager_client.post(address, values(name="New name", flow=campaign.flow_id, owner=manager.pk))
        campaign.refresh_from_db()
        assert campaign.name == "New name"

    def test_service_refuses_what_the_form_did_not_see(self, manager: User) -> None:
        """The flow is retired between the form's look and the save."""
        flow = make_flow(state="retired")
        campaign = Campaign(name="x", flow=flow, channel="door", owner=manager)
        with pytest.raises(CampaignRefused, match="is retired: a campaign needs a live one"):
            save_campaign(campaign=campaign, utilities=[])
        assert not Campaign.objects.exists()

    def test_campaign_utilities_reach_its_links(self, manager_client: Client, manager: User) -> None:
        flow, (pge, sce) = make_flow(), get_utilities("pge", "sce")
        posted = values(flow=flow.pk, owner=manager.pk, requested_utilities=[pge.pk, sce.pk])
        manager_client.post(NEW, posted)
        link = make_link(flow=flow, campaign=Campaign.objects.get(), customer=make_customer(utility="pge"))
        assert "requestedUtilities=pge,sce&" in link.url
