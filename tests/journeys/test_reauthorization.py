"""A lost authorization from Leap's word to Leap's word: lost, a task, a new link, authorized again, closed."""

import pytest
from django.db.models import Min
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import Meter, Reauthorization
from portal.sandbox.cases import Case
from tests.factories import make_link
from tests.journeys.rehearsal import pass_time, run_case, sync

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_authorization_is_given_again_by_the_new_link(rehearsal: str, manager: User) -> None:
    link = make_link()
    run_case(link, Case.REAUTHORIZE)
    sync()
    assert not Reauthorization.objects.exists()
    pass_time(days=30)
    sync()
    task = Reauthorization.objects.get()
    assert (task.closed_at, task.code) == (None, "AUTH_0001")
    actions = Meter.objects.get().required_actions.filter(action_code="AUTH_0001")
    assert task.deadline_at == actions.aggregate(first=Min("deadline_at"))["first"]

    client = Client()
    client.force_login(manager)
    shown = client.post(f"/reauthorizations/{task.pk}/link/", follow=True)
    task.refresh_from_db()
    assert task.link is not None
    assert task.link.short_url in shown.text
    # The old code, where it is printed, leads to the new link, too.
    run_case(link, Case.WRONG_PASSWORD)
    sync()
    task.refresh_from_db()
    assert task.closed_at is None
    # The same customer's accounts: the meter that the first refId has already.
    run_case(task.link, Case.SHARED_METER)
    sync()
    task.refresh_from_db()
    assert (task.closed_as, task.closed_by) == ("authorized", None)
    for row in (link, task.link):
        row.refresh_from_db()
    assert (link.status, task.link.status) == ("enrolled", "enrolled")
    assert not Meter.objects.get().needs_authorization
    assert "authorized again" in client.get("/reauthorizations/?state=authorized").text
