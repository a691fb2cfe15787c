"""The wizard from a draft to its launch, by Django's client: no JavaScript, every page by its own address."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Campaign, CampaignState, Customer, CustomerImport, ImportState, Link
from portal.authorizations.services import imports
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_import,
    make_legacy_flow,
    make_link,
)

pytestmark = pytest.mark.django_db
NEW = "/campaigns/new/"
BASICS = {"name": "Summer DR", "channel": "door"}
PAPER = {"lines": ["name"], "language": "customer", "target": "short", "level": "Q"}
LIST = "external_id,name,email\nA-1,Ann,ann@example.com\nA-2,Bob,bob@example.com\n"


def address(campaign: Campaign, page: str) -> str:
    return reverse(f"campaign_{page}", args=[campaign.pk])


def make_draft(*, query: str | None = "", **fields: Any) -> Campaign:
    """A draft for everybody at the door, ready to be launched; `query` None: nobody is chosen."""
    audience = {} if query is None else {"kind": "filter", "query": query}
    return make_campaign(**{"state": CampaignState.DRAFT, "audience": audience, **fields})


def make_flowless_draft(**fields: Any) -> Campaign:
    campaign = make_draft(**fields)
    Campaign.objects.filter(pk=campaign.pk).update(flow=None)
    campaign.flow.delete()
    return Campaign.objects.get(pk=campaign.pk)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(messages) for name, messages in response.context["form"].errors.items()}


class TestWalk:
    def test_from_audience_to_launch(self, manager_client: Client, manager: User) -> None:
        flow = make_flow(name="California", utilities=["pge", "sce"])
        inside, outside = make_customer(utility="pge"), make_customer(utility="cecony-utilityapi")
        response = manager_client.post(NEW, {**BASICS, "owner": manager.pk, "audience": "filter"}, follow=True)
        campaign = Campaign.objects.get()
        assert campaign.is_draft
        assert response.redirect_chain[-1][0] == address(campaign, "audience")

        page = manager_client.post(address(campaign, "audience"), {"kind": "filter", "count": "1", "region": "CAISO"})
        assert page.context["review"].total == 1
        assert Campaign.objects.get().audience == {"kind": "filter"}, "a count saves nothing"
        response = manager_client.post(
            address(campaign, "audience"), {"kind": "filter", "customer_type": "residential"}
        )
        assert response.headers["Location"] == address(campaign, "flow")

        assert "California" in manager_client.get(address(campaign, "flow")).text
        response = manager_client.post(address(campaign, "flow"), {"flow": flow.pk})
        assert response.headers["Location"] == address(campaign, "print")

        response = manager_client.post(
            address(campaign, "print"),
            {
                "stock": "avery-5160",
                "start_at": "1",
                "lines": ["name"],
                "language": "customer",
                "target": "short",
                "level": "Q",
            },
        )
        assert response.headers["Location"] == address(campaign, "review")

        page = manager_client.get(address(campaign, "review"))
        review = page.context["review"]
        assert (review.total, review.new, review.kept, review.refused_count) == (2, 1, 0, 1)
        [group] = review.refused
        assert (
            group.reason
            == "This customer’s utility is Consolidated Edison (ConEd); the flow “California” offers PG&E, SCE."
        )
        assert group.examples == [outside]
        assert reverse("customer_detail", args=[outside.pk]) in page.text
        assert review.sample.customer == inside
        assert not Link.objects.exists(), "looking issues nothing"

        response = manager_client.post(address(campaign, "launch"), {"version": page.context["version"]}, follow=True)
        link = Link.objects.get()
        assert (link.customer, link.campaign, link.flow, link.issued_by) == (inside, campaign, flow, manager)
        campaign.refresh_from_db()
        assert campaign.is_running
        assert (campaign.launched_by, campaign.launch_job.state if campaign.launch_job else "") == (manager, "done")
        printed = response.context["print_job"]
        assert (printed.state, printed.label_count, printed.lines) == ("done", 1, ["name"])
        assert printed.labels.get().link == link
        assert [each["count"] for each in response.context["refusals"]] == [1]

    def test_sample_is_the_link_but_for_its_reference_id(self, manager_client: Client) -> None:
        make_customer(utility="pge")
        campaign = make_draft()
        sample = manager_client.get(address(campaign, "review")).context["review"].sample
        manager_client.post(address(campaign, "launch"))
        link = Link.objects.get()
        assert link.reference_id
        assert sample.url.replace("7f3k9x2m4qad", link.reference_id) == link.url
        assert sample.short_url.replace("7f3k9x2m4qad", link.code.lower()) == link.short_url

    def test_pages_say_where_one_is(self, manager_client: Client) -> None:
        campaign = make_draft()
        for page in ("update", "audience", "flow", "print", "review"):
            text = manager_client.get(address(campaign, page)).text
            assert text.count('aria-current="step"') == 1, page
        web = make_draft(channel="web")
        labels = [step.label for step in manager_client.get(address(web, "review")).context["steps"]]
        assert labels == ["Campaign", "Audience", "Flow", "Review"]

    def test_drafts_are_listed_and_carried_on(self, manager_client: Client) -> None:
        campaign = make_flowless_draft(name="Tomorrow")
        make_campaign(name="Runs")
        table = manager_client.get("/campaigns/", {"state": "draft"}).context["table"]
        assert [row.record.name for row in table.paginated_rows] == ["Tomorrow"]
        response = manager_client.get(address(campaign, "detail"))
        assert response.headers["Location"] == address(campaign, "review")
        blockers = manager_client.get(address(campaign, "review")).context["blockers"]
        assert {"reason": "Choose the flow that the links come from.", "url": address(campaign, "flow")} in blockers

    def test_a_launched_campaign_leaves_the_wizard(self, manager_client: Client) -> None:
        campaign = make_campaign()
        for page in ("audience", "print", "review"):
            assert manager_client.get(address(campaign, page)).headers["Location"] == address(campaign, "detail")
        manager_client.post(address(campaign, "audience"), {"kind": "filter"})
        assert Campaign.objects.get().audience == {}


class TestAudience:
    def test_from_the_list_all_that_match(self, manager_client: Client, manager: User) -> None:
        make_customer(name="Ann", utility="pge"), make_customer(name="Bob", utility="cecony-utilityapi")
        make_flow()
        page = manager_client.post(NEW, {"all": "1", "query": "region=CAISO&q=Ann&page=2"})
        assert page.context["audience"].customers.count() == 1
        chosen = {"all": "1", "query": "region=CAISO&q=Ann"}
        manager_client.post(NEW, {**BASICS, **chosen, "owner": manager.pk})
        assert Campaign.objects.get().audience == {"kind": "filter", "query": "q=Ann&region=CAISO"}

    def test_from_the_list_ticked(self, manager_client: Client, manager: User) -> None:
        first, second, _ = make_customer(), make_customer(), make_customer()
        make_flow()
        manager_client.post(NEW, {**BASICS, "select": [second.pk, first.pk], "owner": manager.pk})
        campaign = Campaign.objects.get()
        manager_client.post(address(campaign, "audience"), {"kind": "selection"})
        manager_client.post(address(campaign, "flow"), {"flow": make_flow().pk})
        manager_client.post(address(campaign, "launch"))
        assert set(Link.objects.values_list("customer", flat=True)) == {first.pk, second.pk}

    def test_nothing_ticked(self, manager_client: Client) -> None:
        assert manager_client.post(NEW, {"query": ""}).headers["Location"] == "/customers/"

    def test_of_an_import(self, manager_client: Client, manager: User) -> None:
        """Rows that are there already belong to it, too; refused ones do not."""
        known = make_customer(external_id="A-1")
        make_customer()
        imported = make_import(text=LIST + "A-3,Eve,nonsense\n", until=ImportState.APPLIED)
        page = manager_client.get(reverse("customer_import_detail", args=[imported.pk]))
        assert f"{NEW}?import={imported.pk}" in page.text
        make_flow()
        manager_client.post(NEW, {**BASICS, "import": imported.pk, "owner": manager.pk})
        page = manager_client.get(address(Campaign.objects.get(), "audience"))
        assert page.context["review"].total == 2
        assert known in page.context["audience"].customers

    def test_an_import_that_is_gone(self, manager_client: Client) -> None:
        imported = make_import(text=LIST, until=ImportState.APPLIED)
        campaign = make_draft(audience={"kind": "import", "import": imported.pk})
        CustomerImport.objects.all().delete()
        page = manager_client.get(address(campaign, "review"))
        assert "The import is no longer there: choose another audience." in page.text
        manager_client.post(address(campaign, "launch"))
        assert Campaign.objects.get().is_draft
        response = manager_client.post(address(campaign, "audience"), {"kind": "import", "import": imported.pk})
        assert response.status_code == 422

    def test_a_filter_for_what_is_gone_chooses_nobody(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft(query="utility=99999999")
        page = manager_client.get(address(campaign, "review"))
        assert "choose the audience anew" in page.text
        assert page.context["review"].total == 0

    def test_nobody_yet(self, manager_client: Client) -> None:
        """A poster’s campaign: launched, it takes links one by one."""
        make_customer()
        campaign = make_draft(query=None, channel="web")
        manager_client.post(address(campaign, "launch"))
        campaign.refresh_from_db()
        assert campaign.is_running
        assert not Link.objects.exists()
        assert make_link(campaign=campaign, flow=campaign.flow).campaign == campaign

    def test_an_audience_of_zero_is_not_launched(self, manager_client: Client) -> None:
        campaign = make_draft(query="q=nobody-at-all")
        text = manager_client.post(address(campaign, "launch"), follow=True).text
        assert "Nobody is in the audience." in text
        assert Campaign.objects.get().is_draft

    def test_a_search_is_forgotten_at_the_launch(self, manager_client: Client) -> None:
        make_customer(name="Rosa Parks")
        campaign = make_draft(query="q=Parks&region=CAISO")
        manager_client.post(address(campaign, "launch"))
        campaign.refresh_from_db()
        assert campaign.audience == {"kind": "filter", "query": "region=CAISO", "searched": True}
        assert "a search" in manager_client.get(address(campaign, "detail")).context["audience"]
        assert Link.objects.count() == 1

    @pytest.mark.parametrize(
        "posted", [{"kind": "import"}, {"kind": "import", "import": "x"}, {"kind": "import", "import": "9" * 30}]
    )
    def test_nonsense_is_refused(self, manager_client: Client, posted: dict[str, str]) -> None:
        campaign = make_draft()
        assert manager_client.post(address(campaign, "audience"), posted).status_code == 422
        assert Campaign.objects.get().audience_kind == "filter"

    def test_htmx_counts_only(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft(query=None)
        response = manager_client.post(
            address(campaign, "audience"), {"kind": "filter"}, headers={"HX-Request": "true"}
        )
        assert "<html" not in response.text
        assert response.context["review"].total == 1
        assert Campaign.objects.get().audience == {}


class TestReview:
    def test_left_out_before_anything_else(self, manager_client: Client) -> None:
        now = timezone.now()
        flow = make_flow()
        make_customer(refused_at=now)
        make_customer(erased_at=now)
        make_customer(email="")
        make_customer(mail_stopped_at=now)
        proven = make_customer()
        Link.objects.filter(pk=make_link(customer=proven, flow=flow).pk).update(authorized_at=now)
        make_customer()
        at_the_door = manager_client.get(address(make_draft(flow=flow), "review")).context["review"]
        assert [(group.reason, group.count) for group in at_the_door.left_out] == [
            ("Erased", 1),
            ("Refused at the door", 1),
            ("Authorized in this flow already, as Leap says", 1),
        ]
        assert (at_the_door.total, at_the_door.new) == (6, 3)

    def test_a_link_of_the_flow_without_proof_is_no_reason(self, manager_client: Client) -> None:
        flow = make_flow()
        make_link(flow=flow)
        assert manager_client.get(address(make_draft(flow=flow), "review")).context["review"].new == 1

    def test_counts_are_what_the_launch_does(self, manager_client: Client) -> None:
        """Legacy: no utility, another utility, another type; each is refused as the review said."""
        flow = make_legacy_flow(customer_types="residential", utilities=["pge", "sce"])
        for utility, customer_type in (
            ("pge", "residential"),
            ("", ""),
            ("sdge", ""),
            ("pge", "commercial"),
            ("sce", ""),
        ):
            make_customer(utility=utility, customer_type=customer_type)
        campaign = make_draft(flow=flow)
        review = manager_client.get(address(campaign, "review")).context["review"]
        manager_client.post(address(campaign, "launch"))
        campaign.refresh_from_db()
        assert campaign.launch_job
        result = campaign.launch_job.result
        assert (review.new, review.refused_count) == (result["created"], result["refused_count"]) == (2, 3)
        assert {group.reason for group in review.refused} == {row["reason"] for row in result["refused"]}

    def test_queries_do_not_grow_with_customers(
        self, manager_client: Client, django_assert_max_num_queries: Any
    ) -> None:
        campaign = make_draft()
        for _ in range(30):
            make_customer()
        manager_client.get(address(campaign, "review"))
        with django_assert_max_num_queries(30):
            manager_client.get(address(campaign, "review"))

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_flow_that_is_not_live(self, manager_client: Client, state: str) -> None:
        make_customer()
        campaign = make_draft(flow=make_flow(name="Gone", state=state))
        page = manager_client.get(address(campaign, "review"))
        assert f"The flow “Gone” is {state}" in page.text
        assert page.context["review"].total == 1
        manager_client.post(address(campaign, "launch"))
        assert Campaign.objects.get().is_draft

    def test_last_day_is_over(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft(ends_on=timezone.localdate() - timedelta(days=1))
        assert "last day is over" in manager_client.get(address(campaign, "review")).text

    def test_every_kind_of_customer_is_refused(self, manager_client: Client) -> None:
        make_customer(utility="cecony-utilityapi")
        campaign = make_draft(flow=make_flow(utilities=["pge"]))
        manager_client.post(address(campaign, "launch"))
        assert Campaign.objects.get().is_draft


class TestForms:
    def test_owner_is_who_makes_it(self, manager_client: Client, manager: User) -> None:
        make_flow()
        assert manager_client.get(NEW).context["form"]["owner"].value() == manager.pk

    def test_no_live_flow_at_all_says_so(self, manager_client: Client) -> None:
        make_flow(state="requested")
        assert "No flow is live" in manager_client.get(NEW).text

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"name": ""}, "name", "required"),
            ({"name": "x" * 101}, "name", "at most 100 characters"),
            ({"name": "a\x00b"}, "name", "Null characters"),
            ({"name": "Taken"}, "name", "Another campaign has this name"),
            ({"channel": "pigeon"}, "channel", "pigeon is not one of the available choices"),
            ({"starts_on": "2026-05-02", "ends_on": "2026-05-01"}, "ends_on", "before it begins on 2 May 2026"),
            ({"starts_on": "2026-05-01", "ends_on": "2026-05-02"}, "ends_on", "2 May 2026 is past"),
            ({"ends_on": "2026-05-02"}, "ends_on", "choose today or a later day"),
            ({"starts_on": "soon"}, "starts_on", "valid date"),
            ({"owner": "9" * 30}, "owner", "not one of the available choices"),
            ({"audience": "everybody"}, "audience", "not one of the available choices"),
        ],
    )
    def test_bad_input_is_a_form_error(
        self, manager_client: Client, manager: User, changes: dict[str, str], field: str, words: str
    ) -> None:
        make_campaign(name="Taken")
        found = errors(manager_client.post(NEW, {**BASICS, "owner": manager.pk, "audience": "filter", **changes}))
        assert list(found) == [field]
        assert words in found[field][0]
        assert Campaign.objects.count() == 1

    def test_a_draft_ends_today_or_later(self, manager_client: Client, manager: User) -> None:
        """It may have begun: then mails leave at once. Of one that was launched, an end in the past is news."""
        today, past = timezone.localdate(), timezone.localdate() - timedelta(days=1)
        posted = {**BASICS, "owner": manager.pk}
        draft, running = make_draft(name="Draft"), make_campaign(name="Runs")
        wrong = manager_client.post(address(draft, "update"), {**posted, "ends_on": past})
        assert "ends_on" in errors(wrong)
        for campaign, dates in ((draft, {"starts_on": past, "ends_on": today}), (running, {"ends_on": past})):
            right = manager_client.post(address(campaign, "update"), {**posted, "name": str(campaign), **dates})
            assert right.status_code == 302, str(campaign)

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_r7_only_a_live_flow(self, manager_client: Client, state: str) -> None:
        make_flow(name="Live one")
        campaign, flow = make_flowless_draft(), make_flow(name="Not this", state=state)
        assert "Not this" not in manager_client.get(address(campaign, "flow")).text
        assert errors(manager_client.post(address(campaign, "flow"), {"flow": flow.pk})) == {
            "flow": ["This flow cannot be chosen: a campaign needs a live one, which Leap has configured."]
        }
        assert Campaign.objects.get().flow_id is None

    @pytest.mark.parametrize("flow", ["", "x", "9" * 30, "-1"])
    def test_no_flow(self, manager_client: Client, flow: str) -> None:
        make_flow()
        assert "flow" in errors(manager_client.post(address(make_flowless_draft(), "flow"), {"flow": flow}))

    def test_r8_requested_utilities_are_among_the_flows(self, manager_client: Client) -> None:
        flow = make_flow(name="California", utilities=["pge", "sce"])
        sdge, pge = get_utilities("sdge", "pge")
        posted = {"flow": flow.pk, "requested_utilities": [pge.pk, sdge.pk]}
        assert errors(manager_client.post(address(make_flowless_draft(), "flow"), posted)) == {
            "requested_utilities": ["SDG&E: the flow “California” does not offer it. It offers PG&E, SCE."]
        }

    def test_r4_legacy_asks_for_one(self, manager_client: Client) -> None:
        two = [utility.pk for utility in get_utilities("pge", "sce")]
        posted = {"flow": make_legacy_flow().pk, "requested_utilities": two}
        assert errors(manager_client.post(address(make_flowless_draft(), "flow"), posted)) == {
            "requested_utilities": ["A Legacy link leads to one utility: tick one, or none."]
        }

    def test_r6_regional_address_asks_for_none(self, manager_client: Client) -> None:
        regional = {"address": "regional", "title": "", "region": "CAISO", "customer_types": "residential"}
        flow = make_flow(utilities=["pge"], **regional)
        posted = {"flow": flow.pk, "requested_utilities": [get_utilities("pge")[0].pk]}
        found = errors(manager_client.post(address(make_flowless_draft(), "flow"), posted))
        assert "asks for no utilities: tick none" in found["requested_utilities"][0]

    def test_campaign_utilities_reach_its_links(self, manager_client: Client) -> None:
        make_customer(utility="pge")
        campaign, flow, (pge, sce) = make_flowless_draft(), make_flow(), get_utilities("pge", "sce")
        manager_client.post(address(campaign, "flow"), {"flow": flow.pk, "requested_utilities": [pge.pk, sce.pk]})
        manager_client.post(address(campaign, "launch"))
        assert "requestedUtilities=pge,sce&" in Link.objects.get().url

    def test_flow_of_a_campaign_with_links_stays(self, manager_client: Client) -> None:
        campaign = make_campaign(flow=make_flow(name="First"))
        make_link(flow=campaign.flow, campaign=campaign)
        found = errors(manager_client.post(address(campaign, "flow"), {"flow": make_flow().pk}))
        assert "issued in this campaign from the flow “First”" in found["flow"][0]
        campaign.refresh_from_db()
        assert campaign.flow.name == "First"

    def test_flow_without_links_may_change(self, manager_client: Client) -> None:
        campaign, flow = make_campaign(), make_flow()
        manager_client.post(address(campaign, "flow"), {"flow": flow.pk})
        campaign.refresh_from_db()
        assert campaign.flow == flow

    def test_campaign_of_a_retired_flow_can_still_be_renamed(self, manager_client: Client, manager: User) -> None:
        campaign = make_campaign(name="Old name", flow=make_flow(state="retired"))
        posted = {"name": "New name", "channel": "door", "owner": manager.pk}
        manager_client.post(address(campaign, "update"), posted)
        campaign.refresh_from_db()
        assert campaign.name == "New name"

    def test_channel_of_a_launched_campaign_stays(self, manager_client: Client, manager: User) -> None:
        campaign = make_campaign(channel="door")
        posted = {"name": "New name", "channel": "email", "owner": manager.pk}
        manager_client.post(address(campaign, "update"), posted)
        campaign.refresh_from_db()
        assert (campaign.name, campaign.channel) == ("New name", "door")

    @pytest.mark.parametrize("posted", [{"stock": ""}, {"stock": "papyrus"}, {"stock": "avery-5160", "start_at": "31"}])
    def test_bad_paper(self, manager_client: Client, posted: dict[str, str]) -> None:
        campaign = make_draft()
        options = {"lines": ["name"], "language": "customer", "target": "short", "level": "Q"}
        assert errors(manager_client.post(address(campaign, "print"), {**options, **posted}))
        assert Campaign.objects.get().stock == ""

    def test_paper_can_be_seen_before_there_is_a_link(self, manager_client: Client) -> None:
        make_customer()
        campaign = make_draft()
        options = {"lines": ["name"], "language": "customer", "target": "direct", "level": "Q", "stock": "avery-5160"}
        page = manager_client.post(address(campaign, "print"), {**options, "preview": "1"})
        assert "data:image/png;base64," in page.text
        assert Campaign.objects.get().stock == ""

    def test_discard(self, manager_client: Client) -> None:
        campaign, running = make_draft(), make_campaign()
        assert f'href="{address(campaign, "discard")}"' in manager_client.get(address(campaign, "review")).text
        assert "that cannot be undone" in manager_client.get(address(campaign, "discard")).text
        assert manager_client.get(address(running, "discard")).status_code == 302
        assert Campaign.objects.count() == 2
        manager_client.post(address(campaign, "discard"))
        manager_client.post(address(running, "discard"))
        assert list(Campaign.objects.all()) == [running]


def test_imports_know_their_customers_once(manager: User) -> None:
    """The same list twice, and one customer on two lines."""
    for _ in range(2):
        file = SimpleUploadedFile("list.csv", LIST.encode())
        imported = imports.create_import(file=file, uploaded_by=manager)
        columns = {int(index): field for index, field in imported.columns.items()}
        imports.start_check(imported=imported, columns=columns, flow=None, campaign=None)
        imports.run_check(imported)
        imports.start_apply(imported=imported, partial=True)
        imports.run_apply(imported)
        assert imported.state == "applied", imported.error
        assert set(imported.customers.all()) == set(Customer.objects.all())


def test_the_database_lets_only_a_draft_be_without_a_flow() -> None:
    campaign = make_campaign()
    with pytest.raises(IntegrityError, match="campaign_has_a_flow"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(flow=None)
    assert Campaign.objects.filter(pk=campaign.pk).update(flow=None, state="draft") == 1


def test_the_database_knows_the_states() -> None:
    campaign = make_campaign()
    with pytest.raises(IntegrityError, match="campaign_state_known"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(state="asleep")
