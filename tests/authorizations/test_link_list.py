"""The list of links, page by page."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Outcome
from portal.authorizations.services.bulk_links import issue_links
from portal.authorizations.views import attention
from tests.factories import make_campaign, make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sort", ["", "title", "flow", "saw", "claims", "leap", "issued_by", "issued_at", "-issued_at"])
def test_every_link_of_one_bulk_action_is_on_one_page(manager_client: Client, sort: str) -> None:
    """They were issued in the same moment, by the same flow, to customers of the same name."""
    customers = [make_customer(name="Rosa") for _ in range(120)]
    issue_links(customers=customers, flow=make_flow(), issued_by=None)
    seen: list[str] = []
    page = ""
    for _ in range(3):
        response = manager_client.get("/links/", {"page": page, "sort": sort})
        seen += re.findall(r'name="select" value="(\d+)"', response.text)
        page = response.context["table"].page.next_cursor
    assert len(set(seen)) == len(seen) == 120


def test_rows_are_found_once_and_without_counting_each_links_visits(manager_client: Client) -> None:
    make_link()
    with CaptureQueriesContext(connection) as queries:
        manager_client.get("/links/", {"q": "rosa"})
    [finding] = [query["sql"] for query in queries if "10001" in query["sql"]]
    assert "visit" not in finding
    assert sum("authorizations_linkwords" in query["sql"] for query in queries) == 1, "the page is read from the keys"


def test_todo_of_odd_returns_leads_to_just_these(manager_client: Client, manager: User) -> None:
    for outcome in (Outcome.UNKNOWN, Outcome.MALFORMED, Outcome.MISSING):
        Confirmation.objects.create(at=timezone.now(), outcome=outcome, reference_id=f"id-{outcome}")
    [todo] = [todo for todo in attention.list_todos(manager) if "match no live link" in todo.text]
    assert todo.text.startswith("2 returns")
    assert len(manager_client.get(todo.url).context["table"].page.object_list) == 2


def test_a_filters_choices_are_escaped_and_the_chosen_one_is_marked(manager_client: Client) -> None:
    """The portal draws a select's options itself (templates/django/forms/widgets/select.html)."""
    flow = make_flow()
    first = make_campaign(flow=flow, name='<b>"Doors" & more</b>')
    other = make_campaign(flow=flow, name="Plain")
    text = manager_client.get("/links/", {"campaign": first.pk}).text
    assert f'<option value="{first.pk}" selected>&lt;b&gt;&quot;Doors&quot; &amp; more&lt;/b&gt;</option>' in text
    assert f'<option value="{other.pk}">Plain</option>' in text
    assert '<option value="">All campaigns</option>' in text
    assert "<b>" not in text
