"""Importing a customer list in the browser: upload, columns, check, done; and all that can go wrong on the way."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, CustomerImport, ImportState, Link
from portal.authorizations.services import customer_import, imports
from tests.factories import make_campaign, make_customer, make_flow

HUBSPOT = """Record ID,First Name,Last Name,Email,Street Address,City,State/Region,Postal Code,Utility,Customer Type
HS-1,Rosa,Núñez,rosa@example.com,112 Maple St,Fresno,CA,93722,pge,Residential
HS-2,Frank,O’Brien,not-an-email,124 Maple St,Fresno,CA,93722,pge,Residential
HS-3,Ines,Duarte,ines@example.com,130 Maple St,Fresno,CA,93722,coned,Residential
HS-4,Hal,Ito,hal@example.com,1 Main St,Monroe,NY,10903,oru-utilityapi,Commercial
"""
GOOD = "external_id,name,email,utility\nA-1,Ann,ann@example.com,pge\nA-2,Bob,bob@example.com,sce\n"


def upload(client: Client, text: str | bytes, name: str = "list.csv") -> HttpResponse:
    content = text.encode() if isinstance(text, str) else text
    return client.post("/customers/import/", {"file": SimpleUploadedFile(name, content)})


def newest() -> CustomerImport:
    return CustomerImport.objects.order_by("-pk")[0]


def check(client: Client, imported: CustomerImport, **values: Any) -> HttpResponse:
    """Send the columns as guessed, with changes."""
    columns = {f"column_{index}": field for index, field in imported.columns.items()}
    return client.post(f"/customers/import/{imported.pk}/columns/", {**columns, **values})


def check_list(client: Client, text: str | bytes, **values: Any) -> CustomerImport:
    assert upload(client, text).status_code == 302
    assert check(client, newest(), **values).status_code == 302
    return newest()


def apply(client: Client, imported: CustomerImport, **values: Any) -> CustomerImport:
    client.post(f"/customers/import/{imported.pk}/apply/", values)
    return newest()


def words(response: HttpResponse) -> str:
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(text.replace("&#x27;", "'").split())


def counts(imported: CustomerImport) -> tuple[int, int, int, int]:
    return imported.new_count, imported.changed_count, imported.same_count, imported.refused_count


class TestStory:
    def test_columns_are_guessed_and_shown_with_values(self, manager_client: Client) -> None:
        response = upload(manager_client, HUBSPOT)
        page = manager_client.get(response.headers["Location"])
        assert newest().columns["0"] == "external_id"
        assert newest().columns["8"] == "utility"
        assert "HS-1 · HS-2 · HS-3" in words(page)
        assert '<option value="postal_code" selected>' in page.content.decode()

    def test_preview_names_line_cell_and_reason_and_saves_nothing(self, manager_client: Client) -> None:
        imported = check_list(manager_client, HUBSPOT)
        page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
        assert counts(imported) == (2, 0, 0, 2)
        assert "3 Email not-an-email Not an email address" in page
        assert "4 Utility coned Not a utility of the catalogue. Did you mean cecony-utilityapi" in page
        assert "Import 2 good rows" in page
        assert Customer.objects.count() == 0

    def test_good_rows_are_applied_and_refused_ones_downloaded(self, manager_client: Client, manager: User) -> None:
        imported = apply(manager_client, check_list(manager_client, HUBSPOT), partial="1")
        assert imported.state == ImportState.APPLIED
        assert set(Customer.objects.values_list("external_id", "name", "added_by")) == {
            ("HS-1", "Rosa Núñez", manager.pk),
            ("HS-4", "Hal Ito", manager.pk),
        }
        response = manager_client.get(f"/customers/import/{imported.pk}/refused.csv")
        rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
        assert [(row["Record ID"], row["Line"], row["Column"], row["Value"]) for row in rows] == [
            ("HS-2", "3", "Email", "not-an-email"),
            ("HS-3", "4", "Utility", "coned"),
        ]
        assert "Not an email address" in rows[0]["Reason"]

    def test_with_refused_rows_all_or_nothing_writes_nothing(self, manager_client: Client) -> None:
        imported = apply(manager_client, check_list(manager_client, HUBSPOT))
        assert imported.state == ImportState.CHECKED
        assert Customer.objects.count() == 0

    def test_mended_refusals_come_in_as_they_were_downloaded(self, manager_client: Client) -> None:
        """The refused rows' own file can be mended and imported: its extra columns do no harm."""
        imported = apply(manager_client, check_list(manager_client, HUBSPOT), partial="1")
        response = manager_client.get(f"/customers/import/{imported.pk}/refused.csv")
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        mended = text.replace("not-an-email", "frank@example.com").replace("coned,", "cecony-utilityapi,")
        again = apply(manager_client, check_list(manager_client, mended))
        assert counts(again) == (2, 0, 0, 0)
        assert Customer.objects.count() == 4

    def test_links_in_the_same_go(self, manager_client: Client) -> None:
        flow = make_flow(name="Summer")
        campaign = make_campaign(flow=flow)
        imported = check_list(manager_client, GOOD, flow=flow.pk, campaign=campaign.pk)
        imported = apply(manager_client, imported)
        assert imported.issued_count == 2
        assert set(Link.objects.values_list("flow", "campaign")) == {(flow.pk, campaign.pk)}
        response = manager_client.get(f"/customers/import/{imported.pk}/links.csv")
        rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
        assert {row["url"] for row in rows} == set(Link.objects.values_list("url", flat=True))
        page = manager_client.get(f"/customers/import/{imported.pk}/")
        assert "2 links issued from Summer" in words(page)
        assert f'href="/links/?batch={imported.batch_id}"' in page.text

    def test_campaign_alone_says_the_flow(self, manager_client: Client) -> None:
        campaign = make_campaign()
        imported = check_list(manager_client, GOOD, campaign=campaign.pk)
        assert imported.flow == campaign.flow

    def test_campaign_of_another_flow_is_said(self, manager_client: Client) -> None:
        flow, campaign = make_flow(name="One"), make_campaign(name="Doors", flow=make_flow(name="Other"))
        upload(manager_client, GOOD)
        page = check(manager_client, newest(), flow=flow.pk, campaign=campaign.pk)
        assert page.status_code == 422
        assert "The campaign “Doors” belongs to the flow “Other”" in words(page)

    def test_same_list_twice_adds_nothing_and_says_so(self, manager_client: Client) -> None:
        before = "adds no customer and changes none"
        imported = check_list(manager_client, GOOD)
        assert before not in words(manager_client.get(f"/customers/import/{imported.pk}/"))
        apply(manager_client, imported)
        imported = check_list(manager_client, GOOD)
        assert before in words(manager_client.get(f"/customers/import/{imported.pk}/"))
        imported = apply(manager_client, imported)
        assert counts(imported) == (0, 0, 2, 0)
        assert Customer.objects.count() == 2
        assert "Same as before 2" in words(manager_client.get(f"/customers/import/{imported.pk}/"))

    def test_same_list_twice_says_that_links_were_kept(self, manager_client: Client) -> None:
        flow = make_flow(name="Summer")
        apply(manager_client, check_list(manager_client, GOOD, flow=flow.pk))
        imported = apply(manager_client, check_list(manager_client, GOOD, flow=flow.pk))
        page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
        assert "0 links issued from Summer; 2 had their link already." in page

    def test_changed_row_shows_what_would_change(self, manager_client: Client) -> None:
        make_customer(external_id="A-1", name="Ann", email="ann@example.com", utility="sce", phone="555")
        imported = check_list(manager_client, GOOD)
        page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
        assert counts(imported) == (1, 1, 0, 0)
        assert "A-1 Utility SCE PG&amp;E" in page
        apply(manager_client, imported)
        ann = Customer.objects.get(external_id="A-1")
        # A column that the list does not have is left as it is.
        assert (ann.utility and ann.utility.utility_id, ann.phone) == ("pge", "555")

    def test_columns_can_be_chosen_otherwise(self, manager_client: Client) -> None:
        upload(manager_client, "Nr,Wer\n7,Ann\n8,Bob\n")
        imported = check_list(manager_client, "Nr,Wer\n7,Ann\n8,Bob\n", column_0="external_id", column_1="name")
        apply(manager_client, imported)
        assert set(Customer.objects.values_list("external_id", "name")) == {("7", "Ann"), ("8", "Bob")}

    def test_one_field_twice_or_no_name_is_said(self, manager_client: Client) -> None:
        upload(manager_client, GOOD)
        page = check(manager_client, newest(), column_2="name", column_3="")
        assert page.status_code == 422
        assert "“name” and “email” are both chosen as Name" in words(page)
        page = check(manager_client, newest(), column_1="")
        assert "No column is chosen as Name or Company" in words(page)
        assert newest().state == ImportState.UPLOADED

    def test_file_and_rows_are_removed_once_applied(self, manager_client: Client, settings: Any) -> None:
        apply(manager_client, check_list(manager_client, HUBSPOT), partial="1")
        left = {path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
        assert left == {"refused.csv", "faults.jsonl"}

    def test_cancel_removes_the_files_and_saves_nothing(self, manager_client: Client, settings: Any) -> None:
        imported = check_list(manager_client, GOOD)
        response = manager_client.post(f"/customers/import/{imported.pk}/cancel/", follow=True)
        assert "nothing was saved" in words(response)
        assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
        assert Customer.objects.count() == 0
        assert apply(manager_client, imported).state == ImportState.CANCELLED
        assert manager_client.get(f"/customers/import/{imported.pk}/refused.csv").status_code == 404


class TestBadInput:
    """Each names what is wrong and what to do, keeps nothing, and answers on the same page."""

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "The file is empty"),
            (b"\n\n  \n", "The file is empty"),
            (b"name,email\n", "has a header but no rows"),
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF document"),
            (b"PK\x03\x04\x14\x00\x06\x00" + b"\x00" * 18 + b"[Content_Types].xmlxl/workbook.xml", "Excel workbook"),
            (b"name,Email,email\nAnn,a@example.com,b@example.com\n", "stands twice"),
        ],
    )
    def test_file_that_cannot_serve(self, manager_client: Client, content: bytes, said: str) -> None:
        page = upload(manager_client, content)
        assert page.status_code == 422
        assert said in words(page)
        assert CustomerImport.objects.count() == 0

    def test_no_file(self, manager_client: Client) -> None:
        page = manager_client.post("/customers/import/", {})
        assert "Choose a file" in words(page)

    def test_too_large_a_file_is_not_kept(self, manager_client: Client, settings: Any) -> None:
        settings.MAX_UPLOAD_BYTES = 100_000
        page = upload(manager_client, GOOD + "x" * 200_000)
        assert page.status_code == 422
        assert "so it was not kept. Split it" in words(page)
        assert not Path(settings.MEDIA_ROOT).exists()

    def test_every_kind_of_row_is_refused_with_its_reason(self, manager_client: Client) -> None:
        text = (
            "external_id,name,email,utility,reference id\n"
            "A-1,Ann,ann@example.com,pge,\n"
            "A-1,Ann again,,pge,\n"
            "A-2,,,pge,\n"
            f"A-3,Cy,,sce,{'x' * 51}\n"
            "A-4,Di,,sce,acct/77\n"
            "A-5,Flo\x00,,sce,\n"
            "A-6,Gus\n"
        )
        imported = check_list(manager_client, text)
        page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
        assert counts(imported) == (1, 0, 0, 6)
        for said in (
            "3 external_id A-1 Already on line 2 of this file",
            "4 name A customer needs a name or a company",
            "5 reference id",
            "6 reference id acct/77",
            "7 name Flo␀ A NUL byte stands in the cell",
            "8 the whole row A-6,Gus 2 cells where the header has 5",
        ):
            assert said in page

    def test_flow_that_does_not_offer_the_utility_refuses_the_row(self, manager_client: Client) -> None:
        flow = make_flow(name="California", utilities=("pge",))
        imported = check_list(manager_client, GOOD, flow=flow.pk)
        page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
        assert "the flow “California” offers PG&amp;E" in page
        assert counts(imported) == (1, 0, 0, 1)

    def test_flow_retired_meanwhile_writes_nothing(self, manager_client: Client) -> None:
        flow = make_flow(name="Summer")
        imported = check_list(manager_client, GOOD, flow=flow.pk)
        flow.state = "retired"
        flow.save(update_fields=["state"])
        imported = apply(manager_client, imported)
        assert imported.state == ImportState.FAILED
        assert "links come only from a live flow" in imported.error
        assert (Customer.objects.count(), Link.objects.count()) == (0, 0)

    def test_formula_in_a_refused_cell_does_not_run(self, manager_client: Client) -> None:
        imported = check_list(manager_client, 'external_id,name,email\nA-1,"=HYPERLINK(""http://x"")",no-email\n')
        response = manager_client.get(f"/customers/import/{imported.pk}/refused.csv")
        assert b"'=HYPERLINK" in b"".join(response.streaming_content)

    def test_markup_in_a_cell_is_shown_as_text(self, manager_client: Client) -> None:
        imported = check_list(manager_client, "external_id,name,email\nA-1,Ann,<script>alert(1)</script>\n")
        page = manager_client.get(f"/customers/import/{imported.pk}/").content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


class TestInterruptions:
    def test_error_in_the_middle_leaves_everything_as_it_was(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flow = make_flow()
        imported = check_list(manager_client, GOOD, flow=flow.pk)

        def broken(**arguments: Any) -> None:
            assert Customer.objects.count() == 2
            raise RuntimeError("the disk is full")

        monkeypatch.setattr(customer_import, "issue_links", broken)
        with pytest.raises(RuntimeError, match="disk is full"):
            apply(manager_client, imported)
        imported.refresh_from_db()
        assert imported.state == ImportState.FAILED
        assert "nothing was written" in imported.error
        assert Customer.objects.count() == 0
        # The way back: the same list, once the error is mended.
        monkeypatch.undo()
        check(manager_client, imported, flow=flow.pk)
        assert apply(manager_client, newest()).state == ImportState.APPLIED

    def test_customers_changed_since_the_check_are_not_overwritten_unseen(self, manager_client: Client) -> None:
        ann = make_customer(external_id="A-1", name="Ann", email="ann@example.com", utility="pge", phone="1")
        imported = check_list(manager_client, GOOD + "A-3,Cy,,pge\n")
        assert counts(imported) == (2, 0, 1, 0)
        ann.email = "ann@new.example"
        ann.save(update_fields=["email", "updated_at"])
        imported = apply(manager_client, imported)
        assert imported.state == ImportState.CHECKED
        assert counts(imported) == (2, 1, 0, 0)
        assert "Customers were changed since" in imported.error
        ann.refresh_from_db()
        assert ann.email == "ann@new.example"
        assert apply(manager_client, imported).state == ImportState.APPLIED

    def test_change_beside_the_list_survives(self, manager_client: Client) -> None:
        """The list has no phone: a phone that was typed in after the check is still there after it."""
        ann = make_customer(external_id="A-1", name="Ann", email="old@example.com", utility="pge")
        imported = check_list(manager_client, GOOD)
        ann.phone = "555 0101"
        ann.save(update_fields=["phone", "updated_at"])
        assert apply(manager_client, imported).state == ImportState.APPLIED
        ann.refresh_from_db()
        assert (ann.email, ann.phone) == ("ann@example.com", "555 0101")

    def test_two_clicks_apply_once(self, manager_client: Client) -> None:
        flow = make_flow()
        imported = check_list(manager_client, GOOD, flow=flow.pk)
        assert imports.start_apply(imported=imported, partial=False)
        assert not imports.start_apply(imported=imported, partial=False)

    def test_step_that_died_can_be_taken_back(self, manager_client: Client) -> None:
        imported = check_list(manager_client, GOOD)
        began = timezone.now()
        imports.start_apply(imported=imported, partial=False)
        assert not imports.restart_import(imported)
        with time_machine.travel(began + timedelta(minutes=6)):
            page = words(manager_client.get(f"/customers/import/{imported.pk}/"))
            assert "Nothing has moved for five minutes" in page
            manager_client.post(f"/customers/import/{imported.pk}/restart/")
        assert newest().state == ImportState.CHECKED
        # The one that was thought dead finds that its step was taken back, and writes nothing.
        imports.run_apply(imported)
        assert newest().state == ImportState.CHECKED
        assert Customer.objects.count() == 0

    def test_large_list_goes_to_the_worker_and_shows_its_progress(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(imports, "AT_ONCE", 0)
        queued: list[int] = []
        task = "portal.authorizations.views.imports.check_import_task"
        monkeypatch.setattr(task, type("Task", (), {"enqueue": staticmethod(queued.append)}))
        imported = check_list(manager_client, GOOD)
        assert queued == [imported.pk]
        page = manager_client.get(f"/customers/import/{imported.pk}/")
        assert imported.state == ImportState.CHECKING
        assert "Waiting for the worker" in words(page)
        assert 'hx-trigger="every 1s"' in page.content.decode()

    def test_progress_stands_outside_the_transaction(
        self, manager_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[int, int, str]] = []
        imported = check_list(manager_client, GOOD)
        real = imports.report_progress

        def report(key: str, **values: Any) -> None:
            real(key, **values)
            progress = imports.progress_of(imported)
            seen.append((progress.done, progress.total, progress.doing))

        monkeypatch.setattr(imports, "report_progress", report)
        apply(manager_client, imported)
        assert (2, 2, "Writing customers") in seen

    @pytest.mark.parametrize("state", ["uploaded", "checked", "failed"])
    def test_file_that_is_gone_from_the_disk_is_said(self, manager_client: Client, state: str) -> None:
        upload(manager_client, GOOD)
        imported = newest()
        if state != "uploaded":
            check(manager_client, imported)
        CustomerImport.objects.update(state=state)
        imported = newest()
        Path(imported.file.path).unlink()
        for address in ("columns/", ""):
            page = manager_client.get(f"/customers/import/{imported.pk}/{address}", follow=True)
            assert "The uploaded file is no longer there" in words(page)
        assert check(manager_client, imported).status_code == 302
        manager_client.post(f"/customers/import/{imported.pk}/cancel/")
        assert newest().state == ImportState.CANCELLED


class TestPermissions:
    def test_rep_imports_nothing(self, rep_client: Client) -> None:
        assert rep_client.get("/customers/import/").status_code == 403
        assert upload(rep_client, GOOD).status_code == 403
        assert CustomerImport.objects.count() == 0

    def test_files_of_an_import_need_the_permission(self, manager_client: Client, rep_client: Client) -> None:
        imported = check_list(manager_client, HUBSPOT)
        address = f"/customers/import/{imported.pk}/refused.csv"
        assert b"not-an-email" in b"".join(manager_client.get(address).streaming_content)
        assert rep_client.get(address).status_code == 403
        assert Client().get(address).status_code == 302

    def test_states_lead_to_the_right_screen(self, manager_client: Client) -> None:
        upload(manager_client, GOOD)
        imported = newest()
        detail, columns = f"/customers/import/{imported.pk}/", f"/customers/import/{imported.pk}/columns/"
        assert manager_client.get(detail).headers["Location"] == columns
        check(manager_client, imported)
        assert manager_client.get(columns).status_code == 200
        apply(manager_client, imported)
        assert manager_client.get(columns).headers["Location"] == detail
        assert check(manager_client, imported).status_code == 302
        assert newest().state == ImportState.APPLIED
