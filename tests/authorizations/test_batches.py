"""What a bulk action handed out is found again: the list narrowed to it, and the links that ask for something else."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.accounts.models import User
from portal.authorizations.models import Batch, Customer, CustomerImport, Flow, Job, Link
from portal.authorizations.services import bulk_links, imports
from portal.authorizations.services.links import issue_link
from tests.factories import get_utilities, make_campaign, make_customer, make_flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> Flow:
    return make_flow(utilities=["pge", "sce"])


def rows(client: Client, **query: object) -> set[str]:
    response = client.get("/links/", query)
    return {row.record.customer.name for row in response.context["table"].rows}


def bulk(client: Client, flow: Flow, *, utilities: list[int]) -> Job:
    chosen = list(Customer.objects.exclude(name="elsewhere").values_list("pk", flat=True))
    response = client.post("/links/issue/selection/", {"select": chosen, "flow": flow.pk, "utilities": utilities})
    assert response.status_code == 302
    return Job.objects.latest("pk")


def test_a_bulk_issue_leads_to_its_links_and_names_those_that_differ(
    manager_client: Client, manager: User, flow: Flow
) -> None:
    (sce,) = get_utilities("sce")
    has_other = make_customer(name="has another", utility="pge")
    has_same = make_customer(name="has the same", utility="sce")
    make_customer(name="new", utility="pge")
    for customer in (has_other, has_same, make_customer(name="elsewhere", utility="pge")):
        issue_link(customer=customer, flow=flow, issued_by=manager)
    job = bulk(manager_client, flow, utilities=[sce.pk])
    batch = job.result["batch"]

    page = manager_client.get(f"/jobs/{job.pk}/").text
    assert f'href="/links/?batch={batch}"' in page
    assert "has another" in page
    assert "has the same" not in page
    assert 'aria-current="page">Links' in page
    assert rows(manager_client, batch=batch) == {"has another", "has the same", "new"}
    assert rows(manager_client, batch=batch, batch_part="new") == {"new"}
    assert rows(manager_client, batch=batch, batch_part="kept") == {"has another", "has the same"}
    assert rows(manager_client, batch=batch, batch_part="differing") == {"has another"}
    listed = manager_client.get("/links/", {"batch": batch}).text
    assert f'<input type="hidden" name="batch" value="{batch}"' in listed
    assert "One batch only" in listed

    anew = f"/links/batches/{batch}/anew/"
    assert "has another" in manager_client.get(anew).text
    assert Link.objects.count() == 4
    response = manager_client.post(anew, follow=True)
    assert "1 link anew" in response.text
    newest = has_other.links.live().get()
    assert [utility.utility_id for utility in newest.requested_utilities.all()] == ["sce"]
    assert has_other.links.exclude(pk=newest.pk).get().replaced_by == newest
    assert rows(manager_client, batch=Job.objects.latest("pk").result["batch"]) == {"has another"}
    # Asked again, there is nothing left to do.
    assert manager_client.get(anew).status_code == 302
    assert manager_client.post(anew, follow=True).status_code == 200
    assert Link.objects.count() == 5


def test_what_a_job_keeps_has_no_names(manager_client: Client, flow: Flow) -> None:
    commercial_only = make_flow(name="Shops", customer_types="commercial", utilities=["pge"])
    make_customer(name="Ann Example", customer_type="residential", utility="pge")
    job = bulk(manager_client, commercial_only, utilities=[])
    assert job.result["refused_count"] == 1
    assert "Ann" not in str(job.result)
    assert "Ann Example" in manager_client.get(f"/jobs/{job.pk}/").text


def test_a_rep_sees_and_replaces_only_what_is_theirs(rep_client: Client, rep: User, manager: User, flow: Flow) -> None:
    (sce,) = get_utilities("sce")
    own, other = make_customer(name="own", assigned_rep=rep, utility="pge"), make_customer(name="other", utility="pge")
    for customer in (own, other):
        issue_link(customer=customer, flow=flow, issued_by=manager)
    result = bulk_links.issue_links(customers=[own, other], flow=flow, issued_by=manager, utilities=[sce])
    assert isinstance(result.batch, Batch)
    assert (result.existing, result.differing) == (2, 2)
    assert rows(rep_client, batch=result.batch.pk) == {"own"}
    page = rep_client.get(f"/links/batches/{result.batch.pk}/anew/").text
    assert "own" in page
    assert "other</li>" not in page
    rep_client.post(f"/links/batches/{result.batch.pk}/anew/")
    assert other.links.count() == 1
    assert own.links.count() == 2


@pytest.mark.parametrize("batch", ["0", "abc", "9" * 30, "-1"])
def test_nonsense_in_the_address_is_no_error(manager_client: Client, batch: str) -> None:
    assert manager_client.get("/links/", {"batch": batch, "batch_part": "all"}).status_code == 200


class TestFlowsUtilities:
    """The forms offer the utilities of the flow that is chosen in them."""

    def test_only_the_flows_are_offered_and_ticks_stay(self, manager_client: Client, flow: Flow) -> None:
        pge, sdge = get_utilities("pge", "sdge")
        query = {"flow": flow.pk, "field": "requested_utilities", "requested_utilities": [pge.pk, sdge.pk]}
        part = manager_client.get("/flows/utilities/", query).text
        assert part.count("<input") == 2
        assert part.count("checked") == 1
        assert 'id="id_requested_utilities"' in part
        assert "SDG" not in part

    @pytest.mark.parametrize("value", ["", "abc", "9" * 30, "0"])
    def test_no_flow_says_so(self, rep_client: Client, value: str) -> None:
        assert "Choose the flow first" in rep_client.get("/flows/utilities/", {"flow": value}).text

    def test_a_campaigns_flow_step_asks_for_them(self, manager_client: Client, flow: Flow) -> None:
        draft = make_campaign(state="draft", flow=flow)
        assert 'hx-get="/flows/utilities/?field=' in manager_client.get(f"/campaigns/{draft.pk}/flow/").text

    def test_a_regional_flow_takes_none(self, rep_client: Client) -> None:
        regional = make_flow(
            utilities=["pge"], address="regional", title="", region="CAISO", customer_types="residential"
        )
        assert "no utilities can be requested" in rep_client.get("/flows/utilities/", {"flow": regional.pk}).text

    @pytest.mark.parametrize("address", ["/links/issue/?customer={}", "/links/issue/shared/"])
    def test_the_forms_ask_for_them(self, manager_client: Client, flow: Flow, address: str) -> None:
        customer = make_customer(utility="pge")
        assert 'hx-get="/flows/utilities/?field=' in manager_client.get(address.format(customer.pk)).text


def test_an_import_leads_to_its_links_and_names_those_that_differ(
    manager_client: Client, manager: User, flow: Flow
) -> None:
    customer = make_customer(name="has another", utility="pge", external_id="a")
    issue_link(customer=customer, flow=flow, issued_by=manager, utilities=get_utilities("sce"))
    issue_link(customer=make_customer(name="elsewhere"), flow=flow, issued_by=manager)
    file = SimpleUploadedFile("list.csv", b"External ID,Name,Utility\na,has another,PG&E\nb,new,PG&E\n")
    manager_client.post("/customers/import/", {"file": file})
    imported = CustomerImport.objects.get()
    imports.start_check(
        imported=imported, columns={0: "external_id", 1: "name", 2: "utility"}, flow=flow, campaign=None
    )
    imports.run_check(imported)
    imports.start_apply(imported=imported, partial=False)
    imports.run_apply(imported)
    page = manager_client.get(f"/customers/import/{imported.pk}/").text
    assert f'href="/links/?batch={imported.batch_id}"' in page
    assert "1 had a link that asks for other utilities" in page
    assert rows(manager_client, batch=imported.batch_id) == {"has another", "new"}
    manager_client.post(f"/links/batches/{imported.batch_id}/anew/")
    newest = customer.links.live().get()
    assert [utility.utility_id for utility in newest.requested_utilities.all()] == ["pge"]
