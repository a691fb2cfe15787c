"""`import_customers` and `issue_links`: the importer without a browser."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.authorizations.management import customer_lists
from portal.authorizations.models import Customer, DoorOutcome, Link, PrintJob
from portal.authorizations.services import printing
from portal.authorizations.services.door_calls import record_door_call
from portal.leap import reference_ids
from portal.printing.proof import read_codes
from portal.printing.rendering import page_images
from tests.factories import make_campaign, make_customer, make_flow, make_legacy_flow, make_user

GOOD = "external_id,name,email,utility\nA-1,Ann,ann@example.com,pge\nA-2,Bob,bob@example.com,sce\n"
BAD = GOOD + "A-3,Cy,no-email,pge\nA-1,Ann again,,pge\n"


def run(command: str, *arguments: Any, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.django_db
class TestImportCustomers:
    def test_new_changed_same_and_twice(self, write: Any) -> None:
        make_customer(external_id="A-1", name="Ann", email="old@example.com", utility="pge")
        out, _ = run("import_customers", write(GOOD))
        assert "1 new, 1 changed, 0 same, 0 refused" in out
        out, _ = run("import_customers", write(GOOD))
        assert "0 new, 0 changed, 2 same, 0 refused" in out
        assert dict(Customer.objects.values_list("external_id", "email")) == {
            "A-1": "ann@example.com",
            "A-2": "bob@example.com",
        }

    def test_says_what_each_column_became(self, write: Any) -> None:
        out, _ = run("import_customers", write("Record ID,First Name,E-mail\n7,Ann,ann@example.com\n"))
        assert "Record ID → External ID" in out
        assert "E-mail → Email" in out

    def test_dry_run_writes_nothing(self, write: Any) -> None:
        out, _ = run("import_customers", write(GOOD), dry_run=True)
        assert "2 new" in out
        assert Customer.objects.count() == 0

    def test_one_refused_row_refuses_all_and_says_each(self, write: Any) -> None:
        err = io.StringIO()
        with pytest.raises(CommandError, match="2 rows are refused, so nothing is written") as caught:
            call_command("import_customers", str(write(BAD)), stdout=io.StringIO(), stderr=err)
        assert caught.value.returncode == 1
        assert "line 4, email “no-email”: Not an email address" in err.getvalue()
        assert "line 5, external_id “A-1”: Already on line 2 of this file" in err.getvalue()
        assert Customer.objects.count() == 0

    def test_partial_takes_the_good_rows_and_writes_the_refused_ones(self, write: Any, tmp_path: Path) -> None:
        refused = tmp_path / "refused.csv"
        out, _ = run("import_customers", write(BAD), partial=refused)
        assert "2 new, 0 changed, 0 same, 2 refused" in out
        assert [(row["external_id"], row["Line"], row["Column"]) for row in read(refused)] == [
            ("A-3", "4", "email"),
            ("A-1", "5", "external_id"),
        ]

    def test_columns_corrected(self, write: Any) -> None:
        path = write("Nr,Wer,Alt\n7,Ann,x\n")
        with pytest.raises(CommandError, match="No column is chosen as Name or Company"):
            run("import_customers", path)
        run("import_customers", path, column=["Nr=external_id", "wer=name"])
        assert list(Customer.objects.values_list("external_id", "name")) == [("7", "Ann")]
        with pytest.raises(CommandError, match="Headers of this list: Nr, Wer, Alt"):
            run("import_customers", path, column=["Name=name"])

    @pytest.mark.parametrize(
        ("content", "said"),
        [(b"", "empty"), (b"%PDF-1.7 xx", "PDF document"), (b"a,A\n1,2\n", "stands twice")],
    )
    def test_file_that_cannot_serve(self, tmp_path: Path, content: bytes, said: str) -> None:
        path = tmp_path / "list.csv"
        path.write_bytes(content)
        with pytest.raises(CommandError, match=said):
            run("import_customers", path)

    def test_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"nowhere\.csv: The file cannot be opened: No such file"):
            run("import_customers", tmp_path / "nowhere.csv")

    def test_place_that_cannot_be_written_is_said_before_anything_is(self, write: Any, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot be written"):
            run("import_customers", write(BAD), partial=tmp_path / "missing" / "refused.csv")
        assert Customer.objects.count() == 0


@pytest.mark.django_db
class TestIssueLinks:
    def test_r2_one_output_row_for_each_input_row(self, write: Any, tmp_path: Path) -> None:
        """R6: the URL is exactly as Leap's page has it; R12: ids are generated and valid."""
        make_flow(name="Summer")
        out_path = tmp_path / "links.csv"
        out, _ = run("issue_links", write(GOOD), flow="summer", out=out_path)
        assert "2 links issued, 0 there already" in out
        rows = read(out_path)
        assert [(row["external_id"], row["name"], row["utility"]) for row in rows] == [
            ("A-1", "Ann", "pge"),
            ("A-2", "Bob", "sce"),
        ]
        for row in rows:
            reference_id, utility = row["reference_id"], row["utility"]
            assert reference_ids.is_valid(reference_id)
            assert row["url"] == (
                f"https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities={utility}&refId={reference_id}"
            )
            assert row["short_url"] == f"http://p.acme.example/go/{reference_id.lower()}"

    def test_r4_legacy(self, write: Any, tmp_path: Path) -> None:
        make_legacy_flow(name="California")
        run("issue_links", write(GOOD), flow="California", out=tmp_path / "out.csv")
        row = read(tmp_path / "out.csv")[1]
        assert row["url"] == f"https://www.addleap.com/acme-energy/sce/getting-started?refId={row['reference_id']}"

    def test_r4_legacy_refuses_a_utility_of_new_york(self, write: Any) -> None:
        make_legacy_flow(name="California")
        text = "external_id,name,utility\nA-1,Ann,cecony-utilityapi\n"
        err = io.StringIO()
        with pytest.raises(CommandError, match="1 row is refused, so nothing is written"):
            call_command("issue_links", str(write(text)), flow="California", stdout=io.StringIO(), stderr=err)
        assert "the flow “California” offers PG&E, SCE, SDG&E" in err.getvalue()
        assert Customer.objects.count() == 0

    def test_twice_hands_back_the_same_links(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        run("issue_links", write(GOOD), flow="Summer", out=tmp_path / "one.csv")
        out, _ = run("issue_links", write(GOOD), flow="Summer", out=tmp_path / "two.csv")
        assert "0 links issued, 2 there already" in out
        assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()

    def test_other_cells_of_the_list_come_along(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        path = write("external_id,name,Salutation,reference_id,url\nA-1,Ann,Dear Ann,,http://x\n")
        run("issue_links", path, flow="Summer", out=tmp_path / "out.csv")
        row = read(tmp_path / "out.csv")[0]
        assert (row["Salutation"], row["file: url"]) == ("Dear Ann", "http://x")
        assert row["url"].startswith("https://onboarding.leap.energy/")

    def test_own_reference_ids(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        path = write("external_id,name,reference_id\nA-1,Ann,Site_7.a~b\n")
        run("issue_links", path, flow="Summer", out=tmp_path / "out.csv")
        assert read(tmp_path / "out.csv")[0]["reference_id"] == "Site_7.a~b"
        assert Link.objects.get().code not in {"Site_7.a~b", "SITE_7.A~B"}

    def test_legacy_link_of_the_utility_that_the_customer_has_now(self, write: Any, tmp_path: Path) -> None:
        """A customer who changed utility and changed back has two live Legacy links: the row gets the right one."""
        make_legacy_flow(name="California")
        pge, sce = (f"external_id,name,utility\nA-1,Ann,{utility}\n" for utility in ("pge", "sce"))
        for text in (pge, sce, pge):
            run("issue_links", write(text), flow="California", out=tmp_path / "out.csv")
        assert Link.objects.count() == 2
        assert "/pge/" in read(tmp_path / "out.csv")[0]["url"]

    def test_campaign_counts_them(self, write: Any) -> None:
        campaign = make_campaign(name="Doors")
        run("issue_links", write(GOOD), flow=campaign.flow.name, campaign="doors")
        assert Link.objects.filter(campaign=campaign).count() == 2

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"flow": "Winter"}, "There is no flow “Winter”. Live flows: “Summer”"),
            ({"flow": "Summer", "campaign": "Doors"}, "There is no campaign “Doors”"),
            ({"flow": "Pilot"}, "is requested, not live: links come only from a live flow"),
        ],
    )
    def test_r7_what_issues_no_links_is_said(self, write: Any, options: dict[str, str], said: str) -> None:
        make_flow(name="Summer")
        make_flow(name="Pilot", state="requested")
        with pytest.raises(CommandError, match=said):
            run("issue_links", write(GOOD), **options)
        assert (Customer.objects.count(), Link.objects.count()) == (0, 0)

    def test_crash_while_writing_the_output_leaves_no_half_file(
        self, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_flow(name="Summer")
        out = tmp_path / "out.csv"
        out.write_text("yesterday’s")
        monkeypatch.setattr(customer_lists.Path, "replace", lambda self, target: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("issue_links", write(GOOD), flow="Summer", out=out)
        assert {path.name for path in tmp_path.iterdir()} == {"list.csv", "out.csv"}
        assert out.read_text() == "yesterday’s"

    def test_partial(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        run("issue_links", write(BAD), flow="Summer", partial=tmp_path / "refused.csv", out=tmp_path / "out.csv")
        assert [row["external_id"] for row in read(tmp_path / "out.csv")] == ["A-1", "A-2"]
        assert [row["external_id"] for row in read(tmp_path / "refused.csv")] == ["A-3", "A-1"]


@pytest.mark.django_db
class TestLabels:
    def test_prints_the_links_of_the_list_and_reads_them_back(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        pdf = tmp_path / "labels.pdf"
        for printed in (1, 2):  # asked twice, the same links are printed once more
            out, _ = run("issue_links", write(GOOD), flow="Summer", labels=pdf, stock="avery-5163")
            assert f"2 of 2 codes read back, 1 page in {pdf}" in out
            assert PrintJob.objects.filter(state="done", stock="avery-5163").count() == printed
        [image] = page_images(pdf, 300)
        assert sorted(read_codes(image)) == sorted(link.short_url_for_codes for link in Link.objects.all())

    def test_whoever_refused_at_the_door_is_left_out_and_marked(self, write: Any, tmp_path: Path) -> None:
        make_flow(name="Summer")
        run("import_customers", write(GOOD))
        no = Customer.objects.get(external_id="A-1")
        call = record_door_call(customer=no, outcome=DoorOutcome.REFUSED, by=make_user(), at=timezone.now())
        pdf, csv = tmp_path / "labels.pdf", tmp_path / "out.csv"
        out, _ = run("issue_links", write(GOOD), flow="Summer", labels=pdf, out=csv)
        said = out.index("1 left out of the labels: 1 refused at the door")
        assert said < out.index("1 of 1 codes read back")
        [image] = page_images(pdf, 300)
        assert read_codes(image) == [Link.objects.get(customer__external_id="A-2").short_url_for_codes]
        day = timezone.localdate(call.at).isoformat()
        assert [row["refused_at_the_door"] for row in read(csv)] == [day, ""]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (
                {"labels": "labels.pdf", "stock": "avery-9999"},
                "There is no stock “avery-9999”. Choose one of avery-5160",
            ),
            ({"stock": "avery-5160"}, "say where they go with --labels"),
            ({"labels": "no/such/folder/labels.pdf"}, "cannot be written"),
        ],
    )
    def test_what_cannot_be_printed_is_refused_before_anything_is_written(
        self, write: Any, tmp_path: Path, options: dict[str, str], words: str
    ) -> None:
        make_flow(name="Summer")
        if "labels" in options:
            options = {**options, "labels": str(tmp_path / options["labels"])}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with pytest.raises(CommandError, match=words):
            run("issue_links", write(GOOD), "--flow", "Summer", *arguments)
        assert not Customer.objects.exists()
        assert not (tmp_path / "labels.pdf").exists()

    def test_one_wrong_code_leaves_no_pdf(self, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_flow(name="Summer")
        monkeypatch.setattr(printing, "text_of", lambda link, target: "X")
        pdf = tmp_path / "labels.pdf"
        with pytest.raises(CommandError, match=r"The links are issued; .* is not written"):
            run("issue_links", write(GOOD), flow="Summer", labels=pdf)
        assert Link.objects.count() == 2
        assert not pdf.exists()
