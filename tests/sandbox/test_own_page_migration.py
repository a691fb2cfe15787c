"""Flows that were configured before name the portal's own confirmation page by its path from now on."""

import importlib

import pytest
from django.apps import apps
from django.utils import timezone

from portal.sandbox.models import Flow

migration = importlib.import_module("portal.sandbox.migrations.0005_own_confirmation_page")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://127.0.0.1:8031/leap/thanks", "/leap/thanks"),
        ("http://localhost/leap/thanks", "/leap/thanks"),
        ("https://partner.example/leap/thanks", "https://partner.example/leap/thanks"),
        ("http://127.0.0.1:9000/other/leap/thanks", "http://127.0.0.1:9000/other/leap/thanks"),
        ("", ""),
    ],
)
def test_a_local_address_becomes_the_portals_own(before: str, after: str) -> None:
    flow = Flow.objects.create(org_name="acme", title="t", final_redirect_url=before, created_at=timezone.now())
    migration.name_own_page(apps, None)
    flow.refresh_from_db()
    assert flow.final_redirect_url == after
