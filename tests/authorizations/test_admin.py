"""Django's own admin: it shows everything, changes through the services, and lets nobody but admins in."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.authorizations.models import Customer, Flow, Job, Link, Utility
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_shared_link,
    make_user,
)

pytestmark = pytest.mark.django_db
CUSTOMERS = "/admin/authorizations/customer/"
LINKS = "/admin/authorizations/link/"


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def customer_values(**changes: Any) -> dict[str, Any]:
    return {"name": "Rosa Núñez", "language": "es", "external_id": "A-77", **changes}


def form_errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {name: list(messages) for name, messages in response.context["adminform"].form.errors.items()}


def test_every_model_is_there() -> None:
    missing = [
        model
        for label in ("accounts", "authorizations")
        for model in apps.get_app_config(label).get_models()
        # The index of words is the database's own.
        if model._meta.managed and not django_admin.site.is_registered(model)
    ]
    assert missing == []


def test_groups_are_not(admin_client: Client) -> None:
    """They are written by sync_roles: what somebody changed there would be gone after the next update."""
    assert not django_admin.site.is_registered(Group)
    assert admin_client.get("/admin/auth/group/").status_code == 404


def test_every_list_and_page_opens(admin_client: Client) -> None:
    make_shared_link()
    campaign = make_campaign()
    rows = [
        make_link(flow=campaign.flow, campaign=campaign),
        campaign,
        make_customer(),
        campaign.flow,
        get_utilities("pge")[0],
        campaign.owner,
    ]
    for model in django_admin.site._registry:
        if model._meta.app_label in {"accounts", "authorizations"}:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            assert admin_client.get(reverse(name), {"q": "a"}).status_code == 200, name
    for row in rows:
        page = admin_client.get(change(row))
        assert page.status_code == 200, row
        # The button that leads to the row's own screen.
        site = django_admin.site._registry[type(row)].get_view_on_site_url(row)
        assert site is not None
        assert f'href="{site}"' in page.text
        assert admin_client.get(site).status_code == 200, row


@pytest.mark.parametrize("path", ["/admin/", CUSTOMERS, LINKS, "/admin/accounts/user/"])
def test_nobody_else_gets_in(manager_client: Client, rep_client: Client, client: Client, path: str) -> None:
    for visitor in (manager_client, rep_client, client):
        assert visitor.get(path).headers["Location"].startswith(("/admin/login/", "/login/"))


class TestIssueAction:
    def post(self, client: Client, customers: list[Customer], **values: Any) -> Any:
        chosen = {"action": "issue_links", "_selected_action": [customer.pk for customer in customers]}
        return client.post(CUSTOMERS, {**chosen, **values})

    def test_issues_by_the_same_service_and_twice_is_once(self, admin_client: Client, admin: User) -> None:
        customer, flow = make_customer(utility="sce"), make_flow()
        page = self.post(admin_client, [customer])
        assert "Issue links for 1 customer" in page.text
        assert not Link.objects.exists()
        response = self.post(admin_client, [customer], flow=flow.pk)
        job = Job.objects.get()
        assert response.headers["Location"] == reverse("job_detail", args=[job.pk])
        link = Link.objects.get()
        assert (link.customer, link.flow, link.issued_by) == (customer, flow, admin)
        assert "requestedUtilities=sce&" in link.url
        self.post(admin_client, [customer], flow=flow.pk)
        assert Link.objects.count() == 1

    def test_campaign_and_utilities(self, admin_client: Client) -> None:
        flow, (pge, sce) = make_flow(), get_utilities("pge", "sce")
        campaign = make_campaign(flow=flow)
        self.post(admin_client, [make_customer()], flow=flow.pk, campaign=campaign.pk, utilities=[pge.pk, sce.pk])
        link = Link.objects.get()
        assert link.campaign == campaign
        assert "requestedUtilities=pge,sce&" in link.url

    def test_r4_customers_whom_the_flow_does_not_take_are_refused_by_name(self, admin_client: Client) -> None:
        good, bad = make_customer(utility="pge"), make_customer(name="Bronx Bakery", utility="cecony-utilityapi")
        response = self.post(admin_client, [good, bad], flow=make_legacy_flow().pk)
        page = admin_client.get(response.headers["Location"]).text
        assert [link.customer for link in Link.objects.all()] == [good]
        assert "Bronx Bakery" in page
        assert "Consolidated Edison" in page

    @pytest.mark.parametrize("state", ["requested", "retired", None])
    def test_r7_a_wrong_flow_is_a_form_error_and_issues_nothing(self, admin_client: Client, state: str | None) -> None:
        make_flow()
        pk = make_flow(state=state).pk if state else 9999
        response = self.post(admin_client, [make_customer()], flow=pk)
        assert "This choice cannot be used: it is not live" in response.text
        assert not Link.objects.exists()
        assert not Job.objects.exists()

    def test_a_campaign_of_another_flow(self, admin_client: Client) -> None:
        campaign, flow = make_campaign(name="Doors"), make_flow()
        response = self.post(admin_client, [make_customer()], flow=flow.pk, campaign=campaign.pk)
        assert "The campaign “Doors” belongs to the flow" in response.text
        assert not Link.objects.exists()

    def test_all_of_the_list_follows_its_filter(self, admin_client: Client) -> None:
        flow, rosa = make_flow(), make_customer(name="Rosa")
        others = [make_customer(name="Hal") for _ in range(3)]
        values = {"action": "issue_links", "_selected_action": [rosa.pk], "select_across": "1"}
        page = admin_client.post(f"{CUSTOMERS}?q=Hal", values)
        assert "Issue links for 3 customers" in page.text
        # Not row by row: a hundred thousand hidden fields would be refused.
        fields = dict(
            re.findall(r'<input type="hidden" name="(_selected_action|action|select_across)" value="(\w+)">', page.text)
        )
        assert page.text.count('name="_selected_action"') == 1
        admin_client.post(f"{CUSTOMERS}?q=Hal", {**fields, "flow": flow.pk})
        assert {link.customer for link in Link.objects.all()} == set(others)

    def test_large_selections_go_to_the_worker(self, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.authorizations.services.jobs.AT_ONCE", 1)
        self.post(admin_client, [make_customer(), make_customer()], flow=make_flow().pk)
        assert Link.objects.count() == 2
        assert Job.objects.get().state == "done"

    def test_without_the_permission_there_is_no_action(self) -> None:
        """A superuser's colleague who may look at customers only."""
        person = make_user(role=Role.ADMIN)
        person.groups.clear()
        person.user_permissions.set([_permission("view_customer")])
        client = Client()
        client.force_login(person)
        customer, flow = make_customer(), make_flow()
        assert "Issue links" not in client.get(CUSTOMERS).text
        self.post(client, [customer], flow=flow.pk)
        assert not Link.objects.exists()


def _permission(codename: str) -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.get(codename=codename)


class TestLinks:
    def test_r2_url_short_link_qr_code_and_the_three_sources(self, admin_client: Client, client: Client) -> None:
        link = make_link(customer=make_customer(utility="pge"))
        phone = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148 Safari/604.1"}
        client.get(f"/go/{link.code}", headers=phone)
        client.get("/leap/thanks", {"refId": link.reference_id, "authorizationId": "a81c"}, headers=phone)
        text = admin_client.get(change(link)).text
        assert link.url.replace("&", "&amp;") in text
        assert link.short_url in text
        code = reverse("link_qr", args=[link.pk, "svg"])
        assert f'<img src="{code}"' in text
        assert admin_client.get(code).headers["Content-Type"] == "image/svg+xml"
        saw, claims, leap = (
            text.index(words) for words in ("What we saw:", "What a browser claims:", "What Leap says:")
        )
        assert saw < text.index("Visited from a phone") < claims
        assert claims < text.index("Came back to the confirmation page") < leap
        assert "a81c, unproven" in text

    def test_void_with_a_reason_by_the_same_service(self, admin_client: Client, admin: User, client: Client) -> None:
        link = make_link()
        chosen = {"action": "void", "_selected_action": [link.pk]}
        assert "Void 1 link" in admin_client.post(LINKS, chosen).text
        for reason in ("", "   "):
            assert "Say why the link is void." in admin_client.post(LINKS, {**chosen, "reason": reason}).text
        assert not Link.objects.filter(voided_at__isnull=False).exists()
        assert "1 link voided." in admin_client.post(LINKS, {**chosen, "reason": "wrong house"}, follow=True).text
        link.refresh_from_db()
        assert (link.status, link.void_reason, link.voided_by) == ("void", "wrong house", admin)
        assert client.get(f"/go/{link.code}").status_code == 404

    def test_a_links_page_leads_to_its_void(self, admin_client: Client) -> None:
        link = make_link()
        assert f'href="{reverse("link_void", args=[link.pk])}"' in admin_client.get(change(link)).text
        Link.objects.filter(pk=link.pk).update(voided_at=link.issued_at, void_reason="moved")
        assert "It is void already." in admin_client.get(change(link)).text

    def test_a_link_without_customer_or_reference_id_opens(self, admin_client: Client) -> None:
        assert admin_client.get(change(make_shared_link(traceable=False))).status_code == 200


class TestReadOnly:
    @pytest.mark.parametrize(
        "model",
        ["link", "flow", "utility", "visit", "confirmation", "customerimport", "job", "installation"],
    )
    def test_append_only_rows_and_those_with_their_own_screen(self, admin_client: Client, model: str) -> None:
        link = make_link()
        for name in ("link", "flow", "utility", "visit", "confirmation", "customerimport", "job", "installation"):
            assert f"/admin/authorizations/{name}/add/" not in admin_client.get("/admin/").text
        pk = {"link": link.pk, "flow": link.flow_id, "utility": get_utilities("pge")[0].pk}.get(model, 1)
        assert admin_client.get(f"/admin/authorizations/{model}/add/").status_code == 403
        assert admin_client.post(f"/admin/authorizations/{model}/add/", {"name": "x"}).status_code == 403
        assert admin_client.post(f"/admin/authorizations/{model}/{pk}/delete/", {"post": "yes"}).status_code in {
            302,  # there is no such row
            403,
        }
        delete = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        admin_client.post(f"/admin/authorizations/{model}/", delete)
        if pk != 1 or model == "link":
            assert admin_client.post(f"/admin/authorizations/{model}/{pk}/change/", {"name": "x"}).status_code == 403
        assert (Link.objects.count(), Flow.objects.count(), Utility.objects.count()) == (1, 1, 6)

    def test_r4_a_links_url_cannot_be_posted(self, admin_client: Client) -> None:
        link = make_link()
        assert admin_client.post(change(link), {"url": "https://evil.example/"}).status_code == 403
        before = link.url
        link.refresh_from_db()
        assert link.url == before

    @pytest.mark.parametrize("superuser", [False, True])
    def test_people_change_on_their_own_screen(self, superuser: bool) -> None:
        """Else an admin could lock the last admin out, or know somebody's password."""
        boss, client = make_user(role=Role.ADMIN, is_superuser=superuser), Client()
        client.force_login(boss)
        page = client.get(change(boss)).text
        assert "md5" not in page
        assert 'name="is_active"' not in page
        for path in ("change/", "delete/", "password/"):
            response = client.post(f"/admin/accounts/user/{boss.pk}/{path}", {"is_active": "", "post": "yes"})
            assert response.status_code in {302, 403, 404}
        assert client.get("/admin/accounts/user/add/").status_code == 403
        boss.refresh_from_db()
        assert boss.is_active
        assert boss.check_password("correct-horse")


class TestCustomers:
    """The form of the portal's own screen, with its words and its services."""

    def test_added(self, admin_client: Client, admin: User, rep: User) -> None:
        response = admin_client.post(f"{CUSTOMERS}add/", customer_values(assigned_rep=rep.pk, reference_id="own-7"))
        assert response.status_code == 302
        customer = Customer.objects.get()
        assert (customer.name, customer.added_by, customer.assigned_rep) == ("Rosa Núñez", admin, rep)
        assert (customer.language, customer.reference_id) == ("es", "own-7")

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"reference_id": "a/b-1"}, "reference_id", "“/” cannot stand in a reference id"),
            ({"reference_id": "a" * 51}, "reference_id", "at most 50 characters (it has 51)"),
            ({"external_id": "TAKEN"}, "external_id", "“TAKEN” is taken already, by the customer Hal"),
            ({"name": ""}, "name", "A customer needs a name or a company"),
            ({"email": "rosa"}, "email", "“rosa” is not an email address"),
            ({"utility": "9999"}, "utility", "not one of the available choices"),
        ],
    )
    def test_r12_bad_input_is_refused_in_the_same_words(
        self, admin_client: Client, changes: dict[str, str], field: str, words: str
    ) -> None:
        make_customer(name="Hal", external_id="TAKEN")
        found = form_errors(admin_client.post(f"{CUSTOMERS}add/", customer_values(**changes)))
        assert list(found) == [field]
        assert words in found[field][0]
        assert Customer.objects.count() == 1

    def test_changed_only_what_was_changed(self, admin_client: Client) -> None:
        customer = make_customer(name="Old", external_id="A-77", utility="pge")
        form = admin_client.get(change(customer)).context["adminform"].form
        posted = {name: form[name].value() or "" for name in form.fields}
        assert admin_client.post(change(customer), {**posted, "name": "New"}).status_code == 302
        customer.refresh_from_db()
        assert (customer.name, customer.external_id) == ("New", "A-77")
        assert customer.utility == get_utilities("pge")[0]


class TestCampaigns:
    def test_begin_in_the_wizard(self, admin_client: Client) -> None:
        assert admin_client.get("/admin/authorizations/campaign/add/").status_code == 403

    def test_basics_change_and_the_flow_stays(self, admin_client: Client, admin: User) -> None:
        campaign = make_campaign(flow=make_flow(name="First"))
        posted = {"name": "Summer DR", "flow": make_flow().pk, "channel": "email", "owner": admin.pk}
        assert admin_client.post(change(campaign), posted).status_code == 302
        campaign.refresh_from_db()
        assert (campaign.name, campaign.owner) == ("Summer DR", admin)
        assert (campaign.flow.name, campaign.channel) == ("First", "door"), "it was launched: these are settled"

    def test_bad_input_is_a_form_error(self, admin_client: Client, admin: User) -> None:
        campaign = make_campaign()
        posted = {"name": "", "channel": "door", "owner": admin.pk}
        assert "name" in form_errors(admin_client.post(change(campaign), posted))
