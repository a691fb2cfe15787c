"""The list of confirmations: claims as received, never to be mistaken for proof (R16)."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Link
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.links import void_links
from portal.authorizations.views import lists
from tests.factories import make_campaign, make_customer, make_link, make_shared_link

pytestmark = pytest.mark.django_db
LIST = "/confirmations/"


def come_back(query: str, *, bot: bool = False, at: datetime | None = None, **fields: str) -> Confirmation:
    arguments: dict[str, Any] = {"ip": "203.0.113.0/24", "user_agent": "Mozilla/5.0 (iPhone)", **fields}
    record_confirmation(query_string=query, at=at or timezone.now(), is_bot=bot, **arguments)
    return Confirmation.objects.latest("pk")


def rows(response: Any) -> list[Confirmation]:
    return [row.record for row in response.context["table"].paginated_rows]


def cells(response: Any, column: str) -> list[str]:
    return [row.get_cell(column) for row in response.context["table"].paginated_rows]


class TestWhoSeesIt:
    def test_rep_may_not(self, rep_client: Client) -> None:
        assert rep_client.get(LIST).status_code == 403
        assert rep_client.get(LIST, {"export": "csv"}).status_code == 403

    def test_manager_may(self, manager_client: Client) -> None:
        assert manager_client.get(LIST).status_code == 200

    def test_signed_out_goes_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST).status_code == 302

    def test_r16_the_page_only_reads(self, admin_client: Client) -> None:
        come_back("refId=abc-1")
        for method in ("post", "put", "patch", "delete"):
            assert getattr(admin_client, method)(LIST).status_code == 405
        assert Confirmation.objects.count() == 1

    def test_r16_says_what_each_line_is(self, manager_client: Client) -> None:
        text = manager_client.get(LIST).text
        assert "Each line is a claim that anyone can make." in text
        assert "Only Leap’s word is proof" in text
        assert "authorizationId (unproven)" in text


class TestSearch:
    def found(self, client: Client, text: str) -> list[Confirmation]:
        return rows(client.get(LIST, {"q": text}))

    def test_the_beginning_of_what_came_in_any_capitals(self, manager_client: Client) -> None:
        one, other = come_back("refId=Acct-77.x&authorizationId=2f1d-77"), come_back("refId=acct-78")
        assert self.found(manager_client, "ACCT-77") == [one]
        assert self.found(manager_client, " acct-7 ") == [other, one]
        assert self.found(manager_client, "77") == []
        assert self.found(manager_client, "2F1d") == [one]
        assert self.found(manager_client, "f1d") == []

    def test_beyond_ascii_as_it_was_sent(self, manager_client: Client) -> None:
        came = come_back("refId=%C3%A9t%C3%A9")
        assert self.found(manager_client, "étÉ"[:2]) == [came]
        assert self.found(manager_client, "É") == []

    def test_by_the_code_of_the_link_as_it_is_read_aloud(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(reference_id="own-1"))
        came = come_back("refId=own-1")
        come_back(f"refId={make_link().reference_id}")
        assert self.found(manager_client, link.code_in_groups.lower()) == [came]

    def test_many_come_in_the_order_of_the_refids_page_by_page(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in (3, 1, 4, 2, 5):
            come_back(f"refId=acct-{number}")
        come_back("refId=other")
        monkeypatch.setattr(lists.PortalListView, "more", True)
        seen, page = [], ""
        for _ in range(3):
            response = manager_client.get(LIST, {"q": "acct", "per_page": "2", "page": page})
            shown = response.context["table"].page
            seen += [row.reference_id for row in rows(response)]
            page = shown.next_cursor
        # The newest first, where nothing else is asked for: here the last refId.
        assert seen == [f"acct-{number}" for number in (5, 4, 3, 2, 1)]
        assert not shown.has_next()

    def test_a_campaigns_follow_their_link(self, manager_client: Client) -> None:
        campaign = make_campaign()
        link = make_link(flow=campaign.flow, campaign=campaign)
        came = come_back(f"refId={link.reference_id}")
        late = make_link(flow=campaign.flow)
        come_late = come_back(f"refId={late.reference_id}")
        assert rows(manager_client.get(LIST, {"campaign": campaign.pk})) == [came]
        Link.objects.filter(pk=late.pk).update(campaign=campaign)
        assert rows(manager_client.get(LIST, {"campaign": campaign.pk})) == [come_late, came]


class TestRows:
    def test_matched_leads_to_link_and_customer(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(name="Rosa"))
        come_back(f"authorizationId=a81c&refId={link.reference_id}")
        text = manager_client.get(LIST).text
        assert f'href="/links/{link.pk}/"' in text
        assert f'href="/customers/{link.customer_id}/"' in text
        assert "badge-claims" in text
        assert "badge-leap" not in text
        assert "a81c" in text

    def test_poster_has_no_customer(self, manager_client: Client) -> None:
        link = make_shared_link(label="poster, lobby")
        come_back(f"refId={link.reference_id}")
        (cell,) = cells(manager_client.get(LIST), "link")
        assert "poster, lobby" in cell
        assert "/customers/" not in cell

    def test_every_outcome_has_its_badge(self, manager_client: Client, manager: User) -> None:
        void = make_link()
        void_links(links=Link.objects.filter(pk=void.pk), voided_by=manager, reason="moved")
        start = timezone.now()
        queries = [
            "",
            "refId=a/b",
            "refId=unknown-1",
            f"refId={void.reference_id}",
            f"refId={make_link().reference_id}",
        ]
        for number, query in enumerate(queries):
            come_back(query, at=start - timedelta(minutes=number))
        badges = cells(manager_client.get(LIST), "outcome")
        words = ["missing", "malformed", "unknown", "matched, void", "matched"]
        assert [f">{word}<" in badge for badge, word in zip(badges, words, strict=True)] == [True] * 5
        colours = ["badge-quiet", "badge-fault", "badge-fault", "badge-fault", "badge-claims"]
        assert [colour in badge for badge, colour in zip(badges, colours, strict=True)] == [True] * 5

    def test_repeated_is_marked(self, manager_client: Client) -> None:
        link = make_link()
        now = timezone.now()
        for minutes in (2, 1):
            come_back(f"refId={link.reference_id}", at=now - timedelta(minutes=minutes))
        newest, oldest = cells(manager_client.get(LIST), "outcome")
        assert ("repeated" in newest, "repeated" in oldest) == (True, False)

    def test_by_the_time_of_receipt_though_the_spool_was_late(self, manager_client: Client) -> None:
        now = timezone.now()
        come_back("refId=late-1", at=now - timedelta(hours=2))
        come_back("refId=now-1", at=now)
        come_back("refId=spooled", at=now - timedelta(hours=1))
        assert [row.reference_id for row in rows(manager_client.get(LIST))] == ["now-1", "spooled", "late-1"]

    def test_queries_do_not_grow_with_rows(self, manager_client: Client) -> None:
        campaign = make_campaign()
        manager_client.get(LIST)  # the partner's name is read once and remembered
        counts = []
        for many in (3, 27):
            for _ in range(many):
                come_back(f"refId={make_link(flow=campaign.flow, campaign=campaign).reference_id}")
            with CaptureQueriesContext(connection) as queries:
                response = manager_client.get(LIST)
            assert len(rows(response)) == Confirmation.objects.count()
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_empty_list_says_what_to_do_next(self, admin_client: Client, manager_client: Client) -> None:
        assert "Nobody has come back yet" in manager_client.get(LIST).text
        assert "/flows/confirmation-page/" in admin_client.get(LIST).text


class TestReceivedValues:
    """What strangers sent is shown as it is, and does nothing."""

    @pytest.mark.parametrize("name", ["refId", "authorizationId"])
    def test_html_is_escaped(self, manager_client: Client, name: str) -> None:
        come_back(f"{name}={quote('<script>alert(1)</script>')}", user_agent='"><script>alert(2)</script>')
        text = manager_client.get(LIST).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<script>alert" not in text

    def test_odd_characters_are_marked(self, manager_client: Client) -> None:
        come_back(f"refId={quote(' a' + chr(0x202E) + 'b' + chr(0) + chr(10))}")
        (cell,) = cells(manager_client.get(LIST), "reference_id")
        assert "\u202e" not in cell
        for mark in (">blank<", ">U+202E<", ">U+FFFD<", ">line break<"):
            assert mark in cell

    def test_long_values_are_cut(self, manager_client: Client) -> None:
        come_back(f"refId={'a' * 150}&authorizationId={'9' * 5000}")
        response = manager_client.get(LIST)
        assert "a" * 48 + "…" in cells(response, "reference_id")[0]
        assert "9" * 48 + "…" in cells(response, "authorization_id")[0]

    def test_nothing_sent_says_so(self, manager_client: Client) -> None:
        come_back("")
        assert "none sent" in cells(manager_client.get(LIST), "reference_id")[0]


class TestFilters:
    def test_people_only_unless_asked(self, manager_client: Client) -> None:
        come_back("refId=person")
        come_back("refId=robot", bot=True)
        for query in ({}, {"q": ""}, {"page": "1"}, {"sort": "nonsense"}):
            assert [row.reference_id for row in rows(manager_client.get(LIST, query))] == ["person"], query
        assert rows(manager_client.get(LIST, {"received_after": "nonsense"})) == []
        response = manager_client.get(LIST, {"bots": "on"})
        assert {row.reference_id for row in rows(response)} == {"person", "robot"}
        assert response.text.count(">bot<") == 1

    def test_export_hides_bots_as_the_list_does(self, manager_client: Client) -> None:
        come_back("refId=person")
        come_back("refId=robot", bot=True)
        assert [row["refId as received"] for row in read_export(manager_client.get(LIST, {"export": "csv"}))] == [
            "person"
        ]

    def test_outcome_repeated_campaign(self, manager_client: Client) -> None:
        campaign = make_campaign()
        link = make_link(flow=campaign.flow, campaign=campaign)
        for query in (f"refId={link.reference_id}", f"refId={link.reference_id}", "refId=un-known", "refId=a/b", ""):
            come_back(query)
        cases = [
            ({"outcome": "unknown"}, ["un-known"]),
            ({"outcome": "odd"}, ["a/b", "un-known"]),
            ({"outcome": "missing"}, [""]),
            ({"repeated": "repeated"}, [link.reference_id]),
            ({"repeated": "first"}, [link.reference_id]),
            ({"campaign": campaign.pk}, [link.reference_id] * 2),
        ]
        for query, expected in cases:
            found = sorted(row.reference_id for row in rows(manager_client.get(LIST, query)))
            assert found == expected, query

    def test_dates_are_the_portals_days(self, manager_client: Client) -> None:
        """A minute before midnight in Los Angeles is the next day in UTC."""
        zone = timezone.get_default_timezone()
        come_back("refId=late-on-the-2nd", at=datetime(2026, 5, 2, 23, 59, tzinfo=zone))
        come_back("refId=early-on-the-3rd", at=datetime(2026, 5, 3, 0, 0, tzinfo=zone))

        def found(**query: str) -> list[str]:
            return [row.reference_id for row in rows(manager_client.get(LIST, query))]

        assert found(received_before="2026-05-02") == ["late-on-the-2nd"]
        assert found(received_after="2026-05-03") == ["early-on-the-3rd"]
        assert found(received_after="2026-05-02", received_before="2026-05-02") == ["late-on-the-2nd"]
        assert len(found(received_before="9999-12-31", received_after="0001-01-01")) == 2

    @pytest.mark.parametrize("query", [{"q": "a\x00"}, {"q": "x" * 99_999}, {"campaign": "9" * 30}, {"outcome": "?"}])
    def test_nonsense_in_the_address_is_no_error(self, manager_client: Client, query: dict[str, str]) -> None:
        come_back("refId=abc-1")
        assert manager_client.get(LIST, query).status_code == 200


def read_export(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestExport:
    def test_columns(self, manager_client: Client) -> None:
        link = make_link(customer=make_customer(external_id="A-1"))
        come_back(f"authorizationId=a81c&refId={link.reference_id}")
        (row,) = read_export(manager_client.get(LIST, {"export": "csv"}))
        assert (row["Claim"], row["External ID"], row["authorizationId (unproven)"]) == ("matched", "A-1", "a81c")
        assert row["IP address, shortened"] == "203.0.113.0/24"

    def test_formulas_and_odd_characters_do_nothing(self, manager_client: Client) -> None:
        come_back(f"refId={quote('=cmd()')}&authorizationId={quote('a' + chr(10) + chr(0x202E))}")
        (row,) = read_export(manager_client.get(LIST, {"export": "csv"}))
        assert row["refId as received"] == "'=cmd()"
        assert row["authorizationId (unproven)"] == "a[U+000A][U+202E]"
