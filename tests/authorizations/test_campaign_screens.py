"""What a campaign’s screens say to whoever reads them first: numbers that add up, and nothing promised in vain."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations import views
from portal.authorizations.models import Campaign, Customer, CustomerImport, ImportState, Job, Link, Mail, PrintJob
from portal.authorizations.services import job_runs
from portal.authorizations.services.campaign_review import with_fates
from portal.authorizations.services.campaigns import CampaignRefused, choose_flow
from portal.authorizations.services.closed_campaigns import CampaignClosed
from portal.authorizations.services.messages import Words, save_message
from portal.authorizations.services.reminders import switch_reminders
from portal.authorizations.views.attention import list_todos
from tests.authorizations.mailing import make_installation
from tests.authorizations.test_campaign_wizard import PAPER, address, make_draft, make_flowless_draft
from tests.factories import get_utilities, make_campaign, make_customer, make_flow, make_import, make_link, make_mail

pytestmark = pytest.mark.django_db


def day(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


class TestLaunchCard:
    def test_reminders_are_no_part_of_the_invitations(self, manager_client: Client) -> None:
        """All but one invitation are out, and who came is being reminded: only one of the launch's mails waits."""
        make_installation()
        for _ in range(3):
            make_customer()
        campaign = make_draft(channel="email")
        manager_client.post(address(campaign, "launch"))
        sent = list(Mail.objects.order_by("pk").values_list("pk", flat=True)[:2])
        Mail.objects.filter(pk__in=sent).update(state="sent", sent_at=timezone.now())
        for link in Link.objects.all():
            make_mail(link=link, kind="abandoned", is_reminder=True)
        page = manager_client.get(address(campaign, "detail"))
        assert "3 queued: 2 sent, 1 waits: the last leaves about" in page.text
        assert "3 wait" in page.text.split("<dt>Reminders</dt>", 1)[1]
        Mail.objects.filter(is_reminder=False).update(state="sent", sent_at=timezone.now())
        assert "the last leaves about" not in manager_client.get(address(campaign, "detail")).text

    def test_what_was_not_sent_is_counted_too(self, manager_client: Client) -> None:
        make_installation()
        make_customer(), make_customer()
        campaign = make_draft(channel="email")
        manager_client.post(address(campaign, "launch"))
        Mail.objects.filter(pk=Mail.objects.earliest("pk").pk).update(state="silenced")
        assert "2 queued: 0 sent, 1 not sent, 1 waits" in manager_client.get(address(campaign, "detail")).text


class TestDates:
    def make_mailing(self, client: Client, **dates: Any) -> Campaign:
        """A launched campaign whose one mail waits; the dates were changed afterwards, as the form lets one do."""
        make_installation()
        make_customer()
        campaign = make_draft(channel="email")
        client.post(address(campaign, "launch"))
        posted = {"name": campaign.name, "channel": "email", "owner": campaign.owner_id, **dates}
        self.saved = client.post(address(campaign, "update"), posted, follow=True)
        campaign.refresh_from_db()
        return campaign

    def test_over(self, manager_client: Client) -> None:
        campaign = self.make_mailing(manager_client, ends_on=day(-2).isoformat())
        assert campaign.ends_on == day(-2)
        text = self.saved.text
        assert "Saved." in text
        assert f"<strong>Over since {date_format(day(-2))}:</strong> 1 mail will not leave" in text
        assert address(campaign, "close") in text
        assert "the last leaves about" not in text
        assert '<span class="badge">over</span>' in text

    def test_not_begun(self, manager_client: Client) -> None:
        campaign = self.make_mailing(manager_client, starts_on=day(9).isoformat())
        text = self.saved.text
        assert f"<strong>Not begun:</strong> 1 mail waits until {date_format(day(9))}" in text
        assert '<span class="badge">not begun</span>' in text
        assert timezone.localdate(self.saved.context["last_mail_at"]) == day(9), "not before it begins"
        assert campaign.dates_badge == "not begun"

    def test_within_its_dates_there_is_nothing_to_say(self, manager_client: Client) -> None:
        self.make_mailing(manager_client, starts_on=day(0).isoformat(), ends_on=day(0).isoformat())
        assert "Saved." in self.saved.text
        for words in ("Over since", "Not begun", '<span class="badge">over', '<span class="badge">not begun'):
            assert words not in self.saved.text

    def test_the_list_says_it_beside_the_state(self, manager_client: Client) -> None:
        make_campaign(name="Fall", ends_on=day(-1))
        make_campaign(name="Spring", starts_on=day(1))
        make_campaign(name="Gone", ends_on=day(-1), state="closed")
        make_draft(name="Old draft", ends_on=day(-1))
        rows = manager_client.get("/campaigns/").context["table"].rows
        badges = {row.record.name: row.get_cell("state").count('class="badge') for row in rows}
        assert badges == {"Fall": 2, "Spring": 2, "Gone": 1, "Old draft": 1}

    def test_home_asks_to_close_what_is_over(self, manager: User, manager_client: Client) -> None:
        fall = make_campaign(name="Fall", ends_on=day(-1))
        make_campaign(name="Today", ends_on=day(0))
        make_campaign(name="Closed", ends_on=day(-1), state="closed")
        [todo] = list_todos(manager)
        assert todo.text == f"Fall is over since {date_format(day(-1))} and not closed"
        assert todo.url == reverse("campaign_close", args=[fall.pk])
        text = manager_client.get("/").text
        assert "1 more is over" in text
        link = f"{reverse('campaign_list')}?state=running&running=over"
        assert link.replace("&", "&amp;") in text
        rows = manager_client.get(link).context["table"].paginated_rows
        assert [row.record for row in rows] == [fall]

    def test_home_names_a_few_and_leads_to_the_others(self, manager: User) -> None:
        for _ in range(5):
            make_campaign(ends_on=day(-1))
        todos = list_todos(manager)
        assert [todo.action for todo in todos] == ["Close…", "Close…", "Close…", "See them"]


class TestSecondCampaign:
    """The same people, the same flow, one campaign after the other."""

    @pytest.fixture
    def fall(self, manager_client: Client) -> Campaign:
        """A campaign that has given two of three customers a link; the link of a third is void."""
        campaign = make_campaign(name="Fall mail")
        for _ in range(3):
            make_link(flow=campaign.flow, campaign=campaign)
        Link.objects.filter(pk=Link.objects.latest("pk").pk).update(voided_at=timezone.now(), void_reason="moved")
        return campaign

    def test_the_review_counts_who_holds_a_link(self, manager_client: Client, fall: Campaign) -> None:
        make_link(flow=fall.flow)  # of no campaign
        make_link(campaign=(other := make_campaign()), flow=other.flow)  # of another flow
        page = manager_client.get(address(make_draft(flow=fall.flow), "review"))
        assert "2 already hold a live link of this flow from another campaign (Fall mail)" in page.text
        review = page.context["review"]
        assert (review.new, review.linked, review.left_out) == (5, 2, []), "they are asked as before"

    def test_nobody_does(self, manager_client: Client, fall: Campaign) -> None:
        page = manager_client.get(address(make_draft(), "review"))
        assert "of this flow from another campaign" not in page.text

    def test_many_campaigns_are_named_shortly(self, manager_client: Client, fall: Campaign) -> None:
        for number in range(4):
            make_link(flow=fall.flow, campaign=make_campaign(flow=fall.flow, name=f"Door {number}"))
        text = manager_client.get(address(make_draft(flow=fall.flow), "review")).text
        assert "6 already hold" in text
        assert "(Door 0, Door 1, Door 2 and others)" in text

    def test_the_audience_may_leave_them_out(self, manager_client: Client, fall: Campaign) -> None:
        draft = make_draft(flow=fall.flow)
        posted = {"kind": "filter", "without_linked": "1"}
        counted = manager_client.post(address(draft, "audience"), posted, headers={"HX-Request": "true"})
        reason = "Have a live link of this flow from another campaign"
        assert [(each.reason, each.count) for each in counted.context["review"].left_out] == [(reason, 2)]
        manager_client.post(address(draft, "audience"), posted)
        draft.refresh_from_db()
        assert draft.audience == {"kind": "filter", "query": "", "without_linked": True}
        assert 'name="without_linked" value="1" checked' in " ".join(
            manager_client.get(address(draft, "audience")).text.split()
        )
        review = manager_client.get(address(draft, "review")).context["review"]
        assert (review.new, review.linked, review.left_out_count) == (1, 0, 2)
        manager_client.post(address(draft, "launch"))
        assert draft.links.count() == 1
        text = manager_client.get(address(draft, "detail")).text
        assert reason in text
        assert "2 left out" in text

    def test_a_link_of_its_own_is_no_reason(self, manager_client: Client, fall: Campaign) -> None:
        """A launch that is carried on finds what it has issued itself."""
        fall.audience = {"kind": "filter", "query": "", "without_linked": True}
        fates = with_fates(Customer.objects.all(), fall)
        assert {customer.fate for customer in fates} == {""}

    @pytest.mark.parametrize("kind", ["import", "selection"])
    def test_every_kind_of_audience_takes_the_tick(self, manager_client: Client, fall: Campaign, kind: str) -> None:
        imported = make_import(until=ImportState.APPLIED)
        draft = make_draft(flow=fall.flow, audience={"kind": "selection", "ids": [1]})
        posted = {"kind": kind, "import": imported.pk, "without_linked": "1"}
        manager_client.post(address(draft, "audience"), posted)
        draft.refresh_from_db()
        assert (draft.audience["kind"], draft.audience["without_linked"]) == (kind, True)


class TestClosedIsFinal:
    POSTED: ClassVar[dict[str, dict[str, Any]]] = {
        "reminders": {"reminds_abandoned": "on", "no_visit_days": "7"},
        "message": {"subject_en": "Hello", "body_en": "Hello {name}", "subject_es": "Hola", "body_es": "Hola {name}"},
        "flow": {},
    }

    def post(self, client: Client, campaign: Campaign, page: str) -> Any:
        posted = {**self.POSTED[page], "flow": campaign.flow_id, "requested_utilities": [get_utilities("pge")[0].pk]}
        return client.post(address(campaign, page), posted, follow=True)

    @pytest.mark.parametrize("page", ["reminders", "message", "flow"])
    def test_a_closed_campaign_changes_no_more(self, manager_client: Client, page: str) -> None:
        campaign = make_campaign(state="closed")
        for response in (
            manager_client.get(address(campaign, page), follow=True),
            self.post(manager_client, campaign, page),
        ):
            assert response.redirect_chain[-1][0] == address(campaign, "detail")
            assert "The campaign is closed, for good: this cannot change any more." in response.text
        campaign.refresh_from_db()
        assert (campaign.reminds_abandoned, campaign.no_visit_days) == (False, [])
        assert not campaign.requested_utilities.exists()
        assert not campaign.messages.exists()

    @pytest.mark.parametrize("page", ["reminders", "message", "flow"])
    def test_a_paused_one_does(self, manager_client: Client, page: str) -> None:
        campaign = make_campaign(state="paused")
        assert manager_client.get(address(campaign, page)).status_code == 200
        self.post(manager_client, campaign, page)
        campaign.refresh_from_db()
        changed = {
            "reminders": campaign.no_visit_days == [7],
            "message": campaign.messages.exists(),
            "flow": campaign.requested_utilities.exists(),
        }
        assert changed[page]

    def test_its_page_offers_nothing_of_it(self, manager_client: Client) -> None:
        campaign = make_campaign()
        assert address(campaign, "reminders") in manager_client.get(address(campaign, "detail")).text
        Campaign.objects.update(state="closed")
        text = manager_client.get(address(campaign, "detail")).text
        for page in ("reminders", "message", "flow"):
            assert address(campaign, page) not in text

    def test_the_services_refuse_it_too(self) -> None:
        """It was closed in another tab, after the page had been read."""
        campaign, words = make_campaign(), Words("Hello", "Hello {name}")
        stale = Campaign.objects.get(pk=campaign.pk)
        Campaign.objects.update(state="closed")
        with pytest.raises(CampaignClosed):
            switch_reminders(campaign=stale, reminds_abandoned=True, no_visit_days=[7])
        with pytest.raises(CampaignClosed):
            save_message(campaign=stale, kind="invitation", english=words, spanish=words)
        with pytest.raises(CampaignRefused, match="closed"):
            choose_flow(campaign=stale, flow=stale.flow, utilities=get_utilities("pge"))

    def test_closed_while_the_form_was_on_its_way(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def close(**values: Any) -> None:
            raise CampaignClosed

        monkeypatch.setattr(views.reminders, "switch_reminders", close)
        response = self.post(manager_client, make_campaign(), "reminders")
        assert "The campaign is closed, for good" in response.text


def read_csv(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestEachOfThem:
    """Whoever is left out can be named, before the launch and after it."""

    def file(self, campaign: Campaign, which: str) -> str:
        return reverse("campaign_left_out", args=[campaign.pk, which])

    @pytest.fixture
    def draft(self) -> Campaign:
        """For five customers who refused at the door, one of another utility, and one who gets a link."""
        for number in range(5):
            make_customer(name=f"No {number}", external_id=f"A-{number}", refused_at=timezone.now())
        make_customer(name="Con Ed", utility="cecony-utilityapi")
        make_customer(name="Rosa", utility="pge")
        return make_draft(name="Fall", flow=make_flow(name="West", utilities=["pge"]))

    def test_before_the_launch(self, manager_client: Client, draft: Campaign) -> None:
        text = manager_client.get(address(draft, "review")).text
        assert self.file(draft, "refused") in text
        assert self.file(draft, "refused_by_flow") in text
        rows = read_csv(manager_client.get(self.file(draft, "refused")))
        assert sorted((row["External ID"], row["Customer"], row["Why"]) for row in rows) == [
            (f"A-{number}", f"No {number}", "Refused at the door") for number in range(5)
        ]
        [row] = read_csv(manager_client.get(self.file(draft, "refused_by_flow")))
        assert (row["Customer"], row["Why"]) == (
            "Con Ed",
            "This customer’s utility is Consolidated Edison (ConEd); the flow “West” offers PG&E.",
        )

    def test_after_the_launch(self, manager_client: Client, draft: Campaign) -> None:
        manager_client.post(address(draft, "launch"))
        Customer.objects.update(refused_at=None)  # what holds by now is another question
        assert self.file(draft, "refused") in manager_client.get(address(draft, "detail")).text
        rows = read_csv(manager_client.get(self.file(draft, "refused")))
        assert sorted(row["Customer"] for row in rows) == [f"No {number}" for number in range(5)]
        [row] = read_csv(manager_client.get(self.file(draft, "refused_by_flow")))
        assert row["Why"].startswith("This customer’s utility is Consolidated Edison")

    def test_a_launch_keeps_so_many(
        self, manager_client: Client, draft: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job_runs, "MOST_LEFT_OUT", 2)
        manager_client.post(address(draft, "launch"))
        assert len(read_csv(manager_client.get(self.file(draft, "refused")))) == 2
        text = manager_client.get(address(draft, "detail")).text
        assert "5 left out" in text
        assert "The first 2 of them" in text

    def test_a_launch_of_before_has_kept_no_names(self, manager_client: Client, draft: Campaign) -> None:
        manager_client.post(address(draft, "launch"))
        job = Job.objects.get()
        del job.result["left_out_keys"]
        job.save(update_fields=["result"])
        text = manager_client.get(address(draft, "detail")).text
        assert "5 left out" in text
        assert self.file(draft, "refused") not in text
        assert read_csv(manager_client.get(self.file(draft, "refused"))) == []

    def test_its_name_says_what_it_is(self, manager_client: Client, draft: Campaign) -> None:
        name = manager_client.get(self.file(draft, "refused")).headers["Content-Disposition"]
        assert f"campaign-{draft.pk}-left-out-refused-" in name

    def test_only_who_may_export_customers(
        self, rep_client: Client, manager_client: Client, manager: User, draft: Campaign
    ) -> None:
        assert rep_client.get(self.file(draft, "refused")).status_code == 403
        manager.groups.get().permissions.remove(Permission.objects.get(codename="export_customer"))
        assert manager_client.get(self.file(draft, "refused")).status_code == 403
        assert self.file(draft, "refused") not in manager_client.get(address(draft, "review")).text

    def test_no_such_reason(self, manager_client: Client, draft: Campaign) -> None:
        assert manager_client.get(f"/campaigns/{draft.pk}/left-out/nonsense.csv").status_code == 404


class TestPages:
    """A sheet that was begun has no labels left at its top."""

    def test_review_counts_from_the_first_free_label(self, manager_client: Client) -> None:
        make_customer(), make_customer()
        draft = make_draft(stock="avery-5160", print_options={"start_at": 30})
        page = manager_client.get(address(draft, "review"))
        assert page.context["pages"] == 2
        manager_client.post(address(draft, "launch"))
        assert PrintJob.objects.get().page_count == 2, "as it comes"
        assert manager_client.get(address(make_draft(stock="avery-5160"), "review")).context["pages"] == 1

    def test_the_print_step_says_the_same(self, manager_client: Client) -> None:
        make_customer(), make_customer()
        draft = make_draft()
        posted = {**PAPER, "stock": "avery-5160", "start_at": "30", "preview": "1"}
        assert manager_client.post(address(draft, "print"), posted).context["pages"] == 2
        kept = make_draft(stock="avery-5160", print_options={"start_at": 30})
        assert manager_client.get(address(kept, "print")).context["pages"] == 2, "before anything is clicked"

    def test_nobody_needs_no_page(self, manager_client: Client) -> None:
        draft = make_draft(query="q=nobody-at-all", stock="avery-5160", print_options={"start_at": 30})
        assert manager_client.get(address(draft, "review")).context["pages"] == 0


class TestNotCountedYet:
    """What depends on the flow cannot be counted before there is one: no number is said, least of all 0."""

    def stats(self, text: str) -> dict[str, str]:
        found = re.findall(r"<dt>([^<]+)</dt>\s*<dd>\s*([^<]*?)\s*</dd>", text)
        return dict(found)

    def test_without_a_flow(self, manager_client: Client) -> None:
        make_installation()
        make_customer(), make_customer(refused_at=timezone.now())
        stats = self.stats(manager_client.get(address(make_flowless_draft(channel="email"), "review")).text)
        assert stats["In the audience"] == "2"
        for label in ("Get a new link", "Left out", "Refused by the flow", "Mails"):
            assert stats[label] == "–", label

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_by_a_flow_that_is_not_live(self, manager_client: Client, state: str) -> None:
        """Who is left out is known; whom it takes is not asked."""
        make_customer(), make_customer(refused_at=timezone.now())
        stats = self.stats(manager_client.get(address(make_draft(flow=make_flow(state=state)), "review")).text)
        assert (stats["Left out"], stats["Get a new link"], stats["Refused by the flow"]) == ("1", "–", "–")

    def test_with_one(self, manager_client: Client) -> None:
        make_installation()
        make_customer(email="")
        stats = self.stats(manager_client.get(address(make_draft(channel="email"), "review")).text)
        assert (stats["Left out"], stats["Get a new link"], stats["Refused by the flow"]) == ("1", "0", "0")
        assert stats["Mails"] == "none"


class TestAudienceFilter:
    def test_choices_are_campaigns_with_links_and_never_the_draft(self, manager_client: Client) -> None:
        draft = make_draft(name="This draft")
        make_draft(name="Another draft")
        make_campaign(name="Spring")
        make_campaign(name="Old", state="closed")
        field = manager_client.get(address(draft, "audience")).context["filter"].form["campaign"]
        assert [label for _, label in field.field.choices] == ["Any", "Old", "Spring"]

    def test_no_choice_is_called_the_same_everywhere(self, manager_client: Client) -> None:
        text = manager_client.get(address(make_draft(), "audience")).text
        assert set(re.findall(r'<option value=""[^>]*>([^<]+)<', text)) == {"Any"}
        listed = manager_client.get("/customers/").text
        assert "Link or none" in listed, "the list has no labels above its filters: it keeps its own words"

    def test_a_link_to_who_matches(self, manager_client: Client) -> None:
        for name in ("Ann", "Bob"):
            make_customer(name=name, customer_type="residential")
        make_customer(customer_type="commercial")
        draft = make_draft()
        posted = {"kind": "filter", "customer_type": "residential"}
        part = manager_client.post(address(draft, "audience"), posted, headers={"HX-Request": "true"}).text
        [href] = re.findall(r'<a href="([^"]+)">See who', part)
        rows = manager_client.get(href.replace("&amp;", "&")).context["table"].rows
        assert sorted(row.record.name for row in rows) == ["Ann", "Bob"]

    def test_of_an_import_the_link_leads_to_the_list(self, manager_client: Client) -> None:
        imported = make_import(until=ImportState.APPLIED)
        draft = make_draft(audience={"kind": "import", "import": imported.pk})
        text = manager_client.get(address(draft, "audience")).text
        assert f'<a href="{reverse("customer_import_detail", args=[imported.pk])}">See who' in text

    @pytest.mark.parametrize("query", [{"q": "nobody-at-all"}, {"region": "ERCOT", "q": "nobody"}])
    def test_nobody_matches(self, manager_client: Client, query: dict[str, str]) -> None:
        make_customer()
        draft = make_draft()
        page = manager_client.post(address(draft, "audience"), {"kind": "filter", **query}, follow=True)
        assert page.redirect_chain[-1][0] == address(draft, "flow"), "who is still to come may be meant"
        assert "Saved, but nobody matches now" in page.text
        page = manager_client.post(address(draft, "audience"), {"kind": "filter"}, follow=True)
        assert "nobody matches now" not in page.text

    def test_how_many_stands_before_the_button(self, manager_client: Client) -> None:
        """On a phone one follows the other: the number has to be seen before it is saved."""
        text = manager_client.get(address(make_draft(), "audience")).text
        assert text.index("<h2>How many</h2>") < text.index("Save and go on")

    def test_an_imports_day_is_the_portals(self, manager_client: Client) -> None:
        """Late in the evening in California it is the next day in UTC already."""
        imported = make_import(until=ImportState.APPLIED)
        CustomerImport.objects.update(created_at=datetime(2026, 11, 30, 5, 30, tzinfo=UTC))
        draft = make_draft(audience={"kind": "import", "import": imported.pk})
        words = manager_client.get(address(draft, "review")).context["audience"].words
        assert words.endswith(", imported 29 Nov 2026")


class TestPost:
    """A letter without its code asks nobody anything."""

    def test_proposes_a_letter(self, manager_client: Client) -> None:
        make_customer()
        page = manager_client.get(address(make_draft(channel="post"), "print"))
        assert page.context["form"]["stock"].value() == "letter-window"
        assert "show the codes on the phone" not in page.text
        assert "Reps show the codes on the phone" in manager_client.get(address(make_draft(), "print")).text
        assert manager_client.get(address(make_draft(), "print")).context["form"]["stock"].value() == ""

    def test_to_print_later_is_a_choice_and_is_kept(self, manager_client: Client) -> None:
        make_customer()
        draft = make_draft(channel="post")
        manager_client.post(address(draft, "print"), {"stock": "none"})
        assert manager_client.get(address(draft, "print")).context["form"]["stock"].value() == ""
        text = manager_client.get(address(draft, "review")).text
        assert "Nothing is printed at the launch, and a letter needs its code" in text
        manager_client.post(address(draft, "print"), {**PAPER, "stock": "letter-window"})
        draft.refresh_from_db()
        assert draft.stock == "letter-window"
        assert "a letter needs its code" not in manager_client.get(address(draft, "review")).text

    def test_at_the_door_nothing_has_to_be_printed(self, manager_client: Client) -> None:
        make_customer()
        assert "a letter needs its code" not in manager_client.get(address(make_draft(), "review")).text

    def test_has_no_words_to_write_unless_it_reminds(self, manager_client: Client) -> None:
        campaign = make_campaign(channel="post")
        message = address(campaign, "message")
        assert message not in manager_client.get(address(campaign, "detail")).text
        campaign.no_visit_days = [7]
        campaign.save(update_fields=["no_visit_days"])
        assert f'href="{message}?kind=no_visit">Reminder</a>' in manager_client.get(address(campaign, "detail")).text
        campaign.reminds_abandoned = True
        campaign.save(update_fields=["reminds_abandoned"])
        assert f'href="{message}?kind=abandoned">Reminder</a>' in manager_client.get(address(campaign, "detail")).text
        mailed = make_campaign(channel="email")
        text = manager_client.get(address(mailed, "detail")).text
        assert f'href="{address(mailed, "message")}">Message</a>' in text
