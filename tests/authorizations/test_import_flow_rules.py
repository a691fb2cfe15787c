"""A list with links beside customers who are there already: the flow is asked about what they will be, not cells."""

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, ImportState, Link
from portal.authorizations.services import imports
from portal.authorizations.services.flows import retire
from tests.factories import make_customer, make_flow, make_import, make_legacy_flow

pytestmark = pytest.mark.django_db

NO_UTILITY = "external_id,name\nA-1,Ann\nA-2,Bob\n"
BLANK_UTILITY = "external_id,name,utility\nA-1,Ann,\nA-2,Bob,sce\n"


@pytest.mark.parametrize("text", [NO_UTILITY, BLANK_UTILITY])
def test_utility_that_the_customer_has_already_is_refused_with_its_line(manager: User, text: str) -> None:
    make_customer(external_id="A-1", utility="pge")
    imported = make_import(text=text, uploaded_by=manager, flow=make_flow(utilities=["sce"]))
    assert (imported.new_count, imported.refused_count) == (1, 1)
    [fault] = imports.staging_of(imported).read_faults()
    assert fault.line == 2
    assert "does not offer" in fault.reason or "offers SCE" in fault.reason


@pytest.mark.parametrize("text", [NO_UTILITY.replace("A-2,Bob\n", ""), "external_id,name,utility\nA-1,Ann,\n"])
def test_legacy_link_of_the_utility_that_the_customer_has_already(manager_client: Client, text: str) -> None:
    make_customer(external_id="A-1", utility="sce")
    imported = make_import(text=text, flow=make_legacy_flow())
    assert imported.refused_count == 0
    manager_client.post(f"/customers/import/{imported.pk}/apply/")
    link = Link.objects.get()
    assert link.utility is not None
    assert link.utility.utility_id == "sce"
    response = manager_client.get(f"/customers/import/{imported.pk}/links.csv")
    assert link.url in b"".join(response).decode()  # type: ignore[arg-type, call-overload]


def test_customer_whom_the_flow_no_longer_takes_stops_the_import_with_words(
    manager_client: Client, manager: User
) -> None:
    """Changed behind the check's back: nothing is written, and no page fails."""
    imported = make_import(text=NO_UTILITY, uploaded_by=manager, flow=make_flow(utilities=["sce"]))
    there = make_customer(external_id="A-1", utility="pge", name="Before")
    Customer.objects.filter(pk=there.pk).update(updated_at=timezone.now().replace(year=2020))
    assert manager_client.post(f"/customers/import/{imported.pk}/apply/").status_code == 302
    imported.refresh_from_db()
    assert imported.state == ImportState.FAILED
    assert "offers SCE" in imported.error
    assert Customer.objects.get().name == "Before"
    assert not Link.objects.exists()
    assert manager_client.get(f"/customers/import/{imported.pk}/").status_code == 200


def test_links_of_a_list_are_there_when_the_flow_is_retired_before_the_file_is_written(
    manager_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the transaction and the file, and then a retired flow: the page writes the file all the same."""
    flow = make_flow()
    imported = make_import(text=NO_UTILITY, flow=flow)
    with monkeypatch.context() as patch:
        patch.setattr(imports.Staging, "forget_rows", lambda self: None)
        imports.start_apply(imported=imported, partial=False)
        imports.run_apply(imported)
    imports.staging_of(imported).links.unlink()
    retire(flow=flow)
    assert manager_client.get(f"/customers/import/{imported.pk}/").status_code == 200
    written = imports.staging_of(imported).links.read_text(encoding="utf-8")
    assert all(link.url in written for link in Link.objects.all())


def test_refused_rows_run_as_no_formula_in_any_cell() -> None:
    """Also where the file repeats the list's own words: the column's name and the value."""
    imported = make_import(text='external_id,name,"=email"\nA-1,Ann,=cmd|calc\n', until=ImportState.UPLOADED)
    columns = {0: "external_id", 1: "name", 2: "email"}
    imports.start_check(imported=imported, columns=columns, flow=None, campaign=None)
    imports.run_check(imported)
    _, row = imports.staging_of(imported).refused.read_text(encoding="utf-8-sig").splitlines()
    assert row.startswith("A-1,Ann,'=cmd|calc,2,'=email,'=cmd|calc,")
