"""Django's own admin: it shows everything, changes through the services, and lets nobody but admins in."""

import pytest
from django.contrib import admin as django_admin
from django.test import Client
from django.urls import reverse

from portal.authorizations.models import Link
from tests.factories import make_customer, make_flow, make_link

pytestmark = pytest.mark.django_db


def test_every_model_is_there() -> None:
    from django.apps import apps

    missing = [
        model
        for label in ("accounts", "authorizations")
        for model in apps.get_app_config(label).get_models()
        if not django_admin.site.is_registered(model)
    ]
    assert missing == []


def test_every_list_and_page_opens(admin_client: Client) -> None:
    link = make_link()
    for model in django_admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        assert admin_client.get(reverse(name)).status_code == 200 or model._meta.app_label in {
            "auth",
            "django_tasks_database",
        }
    page = admin_client.get(reverse("admin:authorizations_link_change", args=[link.pk]))
    assert link.url.replace("&", "&amp;") in page.text
    assert link.short_url in page.text
    assert reverse("link_qr", args=[link.pk, "svg"]) in page.text
    assert "what Leap says" in page.text.replace("What Leap says", "what Leap says")


def test_action_issues_links_by_the_same_service(admin_client: Client) -> None:
    customer, flow = make_customer(), make_flow()
    address = reverse("admin:authorizations_customer_changelist")
    chosen = {"action": "issue_links", "_selected_action": [customer.pk]}
    assert "Issue links for 1 customer" in admin_client.post(address, chosen).text
    admin_client.post(address, {**chosen, "flow": flow.pk})
    assert Link.objects.get().customer == customer
    admin_client.post(address, {**chosen, "flow": flow.pk})
    assert Link.objects.count() == 1


def test_action_voids_links_with_a_reason(admin_client: Client) -> None:
    link = make_link()
    address = reverse("admin:authorizations_link_changelist")
    chosen = {"action": "void", "_selected_action": [link.pk]}
    assert "Void 1 link" in admin_client.post(address, chosen).text
    admin_client.post(address, {**chosen, "reason": ""})
    assert not Link.objects.filter(voided_at__isnull=False).exists()
    admin_client.post(address, {**chosen, "reason": "wrong house"})
    link.refresh_from_db()
    assert (link.status, link.void_reason) == ("void", "wrong house")


def test_links_cannot_be_changed_or_deleted_there(admin_client: Client) -> None:
    link = make_link()
    change = reverse("admin:authorizations_link_change", args=[link.pk])
    assert admin_client.post(change, {"url": "https://evil.example/"}).status_code == 403
    assert admin_client.post(reverse("admin:authorizations_link_delete", args=[link.pk])).status_code == 403


def test_nobody_else_gets_in(manager_client: Client, rep_client: Client) -> None:
    for client in (manager_client, rep_client):
        assert client.get(reverse("admin:index")).status_code == 302
