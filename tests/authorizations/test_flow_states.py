"""Requested, live, retired (R7): who may move a flow, what each state allows, and what the list shows."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.authorizations.models import Flow, Link
from portal.authorizations.services.bulk_links import issue_links
from portal.authorizations.services.flows import FlowRefused, set_live
from portal.authorizations.services.links import IssueRefused, issue_shared_link
from tests.factories import make_customer, make_flow, make_legacy_flow, make_link

pytestmark = pytest.mark.django_db
LIST = "/flows/"


def go(client: Client, name: str, flow: Flow) -> Any:
    return client.post(reverse(name, args=[flow.pk]), follow=True)


class TestStates:
    def test_r7_requested_then_live_then_retired_then_live_again(self, admin_client: Client) -> None:
        flow = make_flow(name="Summer DR", state="requested")
        assert go(admin_client, "flow_request", flow).status_code == 200
        flow.refresh_from_db()
        assert (flow.state, bool(flow.requested_at), flow.live_at, flow.retired_at) == ("requested", True, None, None)

        assert "The flow “Summer DR” is live: links can be issued from it." in go(admin_client, "flow_live", flow).text
        flow.refresh_from_db()
        assert (flow.state, bool(flow.live_at), flow.retired_at) == ("live", True, None)

        assert "is retired: no new links come from it." in go(admin_client, "flow_retire", flow).text
        flow.refresh_from_db()
        assert (flow.state, bool(flow.live_at), bool(flow.retired_at)) == ("retired", True, True)

        go(admin_client, "flow_live", flow)
        flow.refresh_from_db()
        assert (flow.state, flow.retired_at) == ("live", None)

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_r7_links_come_only_from_a_live_flow(self, state: str) -> None:
        flow = make_flow(name="Summer DR", state=state)
        words = f"The flow “Summer DR” is {state}, not live: links come only from a live flow."
        with pytest.raises(IssueRefused, match=words):
            make_link(flow=flow)
        with pytest.raises(IssueRefused, match=words):
            issue_shared_link(flow=flow, label="poster", issued_by=None)
        with pytest.raises(IssueRefused, match=words):
            issue_links(customers=[make_customer()], flow=flow, issued_by=None)
        assert not Link.objects.exists()

    @pytest.mark.parametrize("state", ["requested", "retired"])
    def test_r7_a_flow_that_is_not_live_is_not_offered(self, manager_client: Client, state: str) -> None:
        customer = make_customer()
        make_flow(name="Live one")
        make_flow(name="Not this one", state=state)
        text = manager_client.get(reverse("link_issue"), {"customer": customer.pk}).text
        assert "Live one" in text
        assert "Not this one" not in text

    def test_r7_links_of_a_retired_flow_keep_working(self, admin_client: Client, client: Client) -> None:
        link = make_link()
        text = " ".join(admin_client.get(reverse("flow_retire", args=[link.flow_id])).text.split())
        assert "The 1 live link handed out keeps working" in text
        go(admin_client, "flow_retire", link.flow)
        assert client.get(f"/go/{link.code}").headers["Location"] == link.url

    def test_asking_changes_nothing(self, admin_client: Client) -> None:
        flow = make_flow(state="requested")
        assert admin_client.get(reverse("flow_live", args=[flow.pk])).status_code == 200
        assert admin_client.get(reverse("flow_retire", args=[flow.pk])).status_code == 200
        flow.refresh_from_db()
        assert flow.state == "requested"

    @pytest.mark.parametrize(("name", "state"), [("flow_live", "live"), ("flow_retire", "retired")])
    def test_nobody_is_asked_about_what_is_so_already(self, admin_client: Client, name: str, state: str) -> None:
        flow = make_flow(name="Summer DR", state=state)
        response = admin_client.get(reverse(name, args=[flow.pk]), follow=True)
        assert response.redirect_chain == [(reverse("flow_update", args=[flow.pk]), 302)]
        assert f"The flow “Summer DR” is {state} already." in response.text

    def test_asked_twice_is_once(self, admin_client: Client) -> None:
        flow = make_flow(state="requested")
        go(admin_client, "flow_live", flow)
        flow.refresh_from_db()
        first = flow.live_at
        go(admin_client, "flow_live", flow)
        flow.refresh_from_db()
        assert flow.live_at == first

    def test_r7_not_sent_to_leap_yet_is_said_but_not_refused(self, admin_client: Client) -> None:
        flow = make_flow(state="requested")
        assert "Nobody noted yet" in admin_client.get(reverse("flow_live", args=[flow.pk])).text

    def test_r9_an_incomplete_flow_cannot_go_live(self, admin_client: Client) -> None:
        """Made by a program, not by the form: Connect without any utility."""
        flow = make_flow(name="Empty", state="requested")
        flow.utilities.clear()
        page = admin_client.get(reverse("flow_live", args=[flow.pk])).text
        assert "It cannot go live yet." in page
        assert "Choose at least one utility" in page
        assert "Set it live</button>" not in page
        assert "The flow “Empty” cannot go live yet. Choose at least one" in go(admin_client, "flow_live", flow).text
        flow.refresh_from_db()
        assert flow.state == "requested"
        with pytest.raises(FlowRefused) as refusal:
            set_live(flow=flow)
        assert refusal.value.field == "utilities"


def names(response: Any) -> list[str]:
    return [row.record.name for row in response.context["table"].paginated_rows]


class TestList:
    def test_shows_what_each_flow_is(self, admin_client: Client) -> None:
        link = make_link(flow=make_flow(name="Connect, both regions"))
        make_legacy_flow(name="Legacy, California", state="requested")
        text = " ".join(admin_client.get(LIST).text.split())
        assert "CAISO, NYISO" in text
        assert "no title: Legacy" in text
        assert f"/links/?flow={link.flow_id}&amp;mark=live" in text
        assert ">ask Leap</a>" in text

    def test_r10_filters(self, admin_client: Client) -> None:
        make_legacy_flow(name="Legacy")
        make_flow(name="New York", utilities=["cecony-utilityapi"], customer_types="commercial", state="requested")
        make_flow(name="Both", title="winter-dr")
        pge = make_flow(name="PG&E", utilities=["pge"], state="retired").utilities.get()
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"journey": "legacy"}, ["Legacy"]),
            ({"region": "NYISO"}, ["Both", "New York"]),
            ({"region": "CAISO"}, ["Both", "Legacy", "PG&E"]),
            ({"customer_type": "residential"}, ["Both", "Legacy", "PG&E"]),
            ({"state": "requested"}, ["New York"]),
            ({"state": "retired"}, ["PG&E"]),
            ({"utility": pge.pk}, ["Both", "Legacy", "PG&E"]),
            ({"q": "winter both"}, ["Both"]),
            ({"q": "cecony"}, ["Both", "New York"]),
            ({"q": "winter legacy"}, []),
            (
                {"q": "", "sort": "nonsense"},
                ["Both", "Legacy", "New York", "PG&E"],
            ),
            ({"q": "\x00", "region": "x", "utility": "9" * 30}, []),
        ]
        for query, expected in cases:
            assert sorted(names(admin_client.get(LIST, query))) == expected, query

    def test_sorts(self, admin_client: Client) -> None:
        one, two = make_flow(name="A"), make_flow(name="B")
        make_link(flow=two)
        assert names(admin_client.get(LIST)) == ["A", "B"]
        assert names(admin_client.get(LIST, {"sort": "-live_link_count"})) == ["B", "A"]
        assert one.pk < two.pk

    def test_live_links_are_counted_to_a_limit(self, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.authorizations.models.flow.COUNTED_UP_TO", 2)
        few, many = make_flow(name="few"), make_flow(name="many")
        for flow, number in ((few, 2), (many, 4)):
            for _ in range(number):
                make_link(flow=flow)
        Link.objects.filter(pk=make_link(flow=few).pk).update(voided_at=timezone.now(), void_reason="moved")
        counts = {flow.name: flow.live_link_count for flow in Flow.objects.with_live_link_counts()}
        assert counts == {"few": 2, "many": 3}
        page = admin_client.get(LIST).text
        assert f'<a href="/links/?flow={many.pk}&amp;mark=live">2+</a>' in page
        assert f'<a href="/links/?flow={few.pk}&amp;mark=live">2</a>' in page

    def test_export_is_safe(self, manager_client: Client) -> None:
        make_flow(name="=HYPERLINK(1)", terms="Agreement\nTerms", utilities=["pge", "oru-utilityapi"])
        response = manager_client.get(LIST, {"export": "csv"})
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert row["Flow"] == "'=HYPERLINK(1)"
        assert (row["Regions"], row["Utilities"], row["Terms"]) == (
            "CAISO NYISO",
            "pge oru-utilityapi",
            "Agreement; Terms",
        )

    def test_queries_do_not_grow_with_rows(self, admin_client: Client) -> None:
        admin_client.get(LIST)
        counts = []
        for many in (3, 20):
            for _ in range(many):
                make_flow()
            with CaptureQueriesContext(connection) as queries:
                assert len(names(admin_client.get(LIST))) == Flow.objects.count()
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_empty_list_says_what_to_do_next(self, admin_client: Client, manager_client: Client) -> None:
        assert "No flows yet" in admin_client.get(LIST).text
        assert 'href="/flows/new/"' in admin_client.get(LIST).text
        assert 'href="/flows/new/"' not in manager_client.get(LIST).text

    def test_managers_look_reps_do_not(self, manager_client: Client, rep_client: Client) -> None:
        flow = make_flow()
        text = manager_client.get(LIST).text
        assert flow.name in text
        assert f'href="{reverse("flow_update", args=[flow.pk])}"' not in text
        assert rep_client.get(LIST).status_code == 403
        assert Client().get(LIST).status_code == 302
