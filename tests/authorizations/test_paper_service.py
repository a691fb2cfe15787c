"""Paper authorizations (R1): what is recorded, what is refused, and that a failure leaves no file behind."""

import io
import stat
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image

from portal.accounts.models import User
from portal.authorizations.models import Installation, PaperAuthorization, PaperForm, PaperStatus
from portal.authorizations.services import paper as papers
from portal.authorizations.services import scans
from portal.authorizations.services.customers import find_who_has_reference_id
from portal.authorizations.services.leap_requests import compose_paper_message
from portal.authorizations.services.links import IssueRefused
from portal.authorizations.services.paper import PaperRefused, mark_sent, withdraw_paper_authorization
from portal.authorizations.services.scans import ScanRefused, check_scan, clean_name
from portal.leap import reference_ids
from tests.factories import make_customer, make_import, make_link, make_paper, make_scan

pytestmark = pytest.mark.django_db


def stored_files() -> list[Path]:
    folder = Path(settings.MEDIA_ROOT) / "scans"
    return sorted(folder.iterdir()) if folder.exists() else []


def upload(content: bytes, name: str = "form.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is as large as that, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class TestRecording:
    def test_r1_a_signed_form_is_kept_with_its_scan_and_a_reference_id(self, rep: User) -> None:
        content = make_scan().read()
        paper = make_paper(recorded_by=rep, scan=upload(content))
        assert paper.status == PaperStatus.SIGNED
        assert reference_ids.has_valid_check(paper.reference_id)
        assert (paper.recorded_by, paper.scan_name, paper.scan_type) == (rep, "form.pdf", "application/pdf")
        [file] = stored_files()
        assert file.read_bytes() == content

    def test_the_file_is_the_portals_alone_under_a_name_that_says_nothing(self) -> None:
        make_paper(scan=make_scan("png", name="Rosa Núñez.png"))
        [file] = stored_files()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert len(file.stem) == 32
        assert file.suffix == ".png"

    @pytest.mark.parametrize(
        ("kind", "content_type"), [("pdf", "application/pdf"), ("jpeg", "image/jpeg"), ("png", "image/png")]
    )
    def test_the_type_is_the_contents_not_the_names(self, kind: str, content_type: str) -> None:
        paper = make_paper(scan=make_scan(kind, name="form.exe"))
        assert paper.scan_type == content_type
        assert paper.scan.name.endswith(scans.EXTENSIONS[content_type])

    def test_the_same_twice_hands_back_the_first(self) -> None:
        customer, scan = make_customer(), make_scan().read()
        first = make_paper(customer=customer, scan=upload(scan))
        again = papers.record_paper_authorization(
            customer=customer,
            utility=first.utility,
            form=PaperForm.CISR_DRP,
            signed_on=first.signed_on,
            scan=upload(scan, "another name.pdf"),
            recorded_by=None,
        )
        assert (again.paper, again.created) == (first, False)
        assert len(stored_files()) == 1

    def test_another_scan_day_or_customer_is_another_authorization(self) -> None:
        customer = make_customer()
        first = make_paper(customer=customer, scan=make_scan("png", text="one"))
        make_paper(customer=customer, scan=make_scan("png", text="two words"))
        make_paper(customer=customer, scan=make_scan("png", text="one"), signed_on=first.signed_on - timedelta(1))
        make_paper(scan=make_scan("png", text="one"))
        assert PaperAuthorization.objects.count() == len(stored_files()) == 4

    def test_one_different_byte_is_another_scan(self) -> None:
        customer, content = make_customer(), make_scan().read()
        first = make_paper(customer=customer, scan=upload(content + b"\n\n"))
        assert make_paper(customer=customer, scan=upload(content + b"\n ")) != first

    def test_a_withdrawn_one_may_be_recorded_anew(self) -> None:
        customer, scan = make_customer(), make_scan().read()
        first = make_paper(customer=customer, scan=upload(scan))
        withdraw_paper_authorization(paper=first, reason="Wrong form")
        assert make_paper(customer=customer, scan=upload(scan)) != first


class TestRefusals:
    @pytest.mark.parametrize("form", list(PaperForm))
    def test_r1_paper_is_for_california(self, form: PaperForm) -> None:
        with pytest.raises(PaperRefused, match=r"California only.*is in NYISO.*Leap Connect") as refusal:
            make_paper(customer=make_customer(utility="cecony-utilityapi"), form=form)
        assert refusal.value.field == "utility"
        assert stored_files() == []

    @pytest.mark.parametrize("utility", ["pge", "sce", "sdge"])
    def test_r1_the_three_california_utilities_take_it(self, utility: str) -> None:
        assert make_paper(customer=make_customer(utility=utility)).utility.utility_id == utility

    def test_a_day_to_come_and_a_slip_in_the_year(self) -> None:
        today = timezone.localdate()
        make_paper(signed_on=today)
        with pytest.raises(PaperRefused, match="still to come"):
            make_paper(signed_on=today + timedelta(1))
        with pytest.raises(PaperRefused, match="before 2000"):
            make_paper(signed_on=today.replace(year=202, month=1, day=1))
        assert len(stored_files()) == 1

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"MZ\x90\x00 this is a program", "no PDF, JPEG or PNG"),
            (b"<html><script>alert(1)</script>%PDF-1.7", "no PDF, JPEG or PNG"),
            (b"GIF89a\x01\x00\x01\x00", "no PDF, JPEG or PNG"),
            (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1", "HEIC"),
            (b"II*\x00 tiff", "TIFF"),
            (b"PK\x03\x04 word", "print it to PDF"),
            (b"%PDF-1.7\nand then nothing", "end is missing"),
            (b"%PDF-1.7\nstartxref\n99999\n%%EOF\n", "end is missing"),
            (b"%PDF-1.7\nstartxref\n9\n%%EOF\n" + b" " * 2000, "end is missing"),
            (b"\xff\xd8\xff\xe0 no picture", "cannot be opened"),
            (b"\x89PNG\r\n\x1a\n no picture", "cannot be opened"),
            (png_header(10, 10), "cannot be opened"),
            (png_header(7072, 7072), "million pixels"),
            (png_header(12_000, 9_000), "million pixels"),  # where Pillow warns
            (png_header(60_000, 60_000), "million pixels"),  # where Pillow refuses
        ],
    )
    def test_what_is_no_scan_is_refused_with_the_reason_and_leaves_nothing(self, content: bytes, words: str) -> None:
        with pytest.raises(PaperRefused, match=words) as refusal:
            make_paper(scan=upload(content))
        assert refusal.value.field == "scan"
        assert stored_files() == []
        assert not PaperAuthorization.objects.exists()

    @pytest.mark.parametrize("kind", ["jpeg", "png"])
    def test_an_image_that_is_cut_off(self, kind: str) -> None:
        buffer = io.BytesIO()
        Image.effect_noise((200, 200), 90).save(buffer, kind)
        with pytest.raises(ScanRefused, match="cannot be opened"):
            check_scan(upload(buffer.getvalue()[:-2000]))

    def test_more_than_20_mb(self) -> None:
        whole = make_scan().read()
        check_scan(upload(whole.replace(b"%%EOF", b"%%EOF\n", 1)))
        with pytest.raises(ScanRefused, match="21 MB; a scan may have 20 MB at most"):
            check_scan(upload(b"%PDF-1.7\n" + b"\0" * (21 * 1024**2) + whole))

    @pytest.mark.parametrize("which", ["malformed", "link", "own", "customer", "paper"])
    def test_r12_a_partners_own_reference_id_is_valid_and_nobodys(self, which: str) -> None:
        customer = make_customer(reference_id="own-1")
        wanted = {
            "malformed": "no spaces, please",
            "link": make_link().reference_id,
            "own": "own-1",
            "customer": make_customer(reference_id="theirs-1").reference_id,
            "paper": make_paper().reference_id,
        }[which]
        before = len(stored_files())
        with pytest.raises(PaperRefused) as refusal:
            make_paper(customer=customer, reference_id=wanted)
        assert refusal.value.field == "reference_id"
        assert len(stored_files()) == before

    def test_r12_a_free_one_is_taken_and_is_nobody_elses_from_then_on(self) -> None:
        customer = make_customer()
        paper = make_paper(customer=customer, reference_id="SITE-0042")
        assert paper.reference_id == "SITE-0042"
        with pytest.raises(IssueRefused, match="paper authorization"):
            make_link(customer=customer, reference_id="SITE-0042")
        assert find_who_has_reference_id(reference_id="SITE-0042", besides=customer) == paper

    def test_r12_no_import_hands_a_papers_id_to_a_customer(self) -> None:
        make_paper(customer=make_customer(external_id="A-1"), reference_id="SITE-0042")
        text = "external_id,name,reference_id\nA-1,Ann,SITE-0042\nA-2,Bob,SITE-0042x\nA-3,Cy,SITE-0042\n"
        imported = make_import(text=text)
        assert (imported.refused_count, imported.new_count) == (2, 1)


class TestFailures:
    @pytest.mark.parametrize("where", ["disk", "row"])
    def test_a_failed_save_leaves_neither_row_nor_file(self, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail_after_writing(name: str, content: Any, **_: Any) -> str:
            (Path(settings.MEDIA_ROOT) / "scans").mkdir(parents=True)
            (Path(settings.MEDIA_ROOT) / name).write_bytes(b"half")
            raise OSError("No space left on device")

        if where == "disk":
            monkeypatch.setattr(default_storage, "save", fail_after_writing)
        else:
            monkeypatch.setattr(PaperAuthorization.objects, "create", lambda **_: 1 / 0)
        with pytest.raises((OSError, ZeroDivisionError)), transaction.atomic():
            make_paper()
        assert stored_files() == []
        assert not PaperAuthorization.objects.exists()

    def test_an_id_that_somebody_takes_in_this_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_paper(reference_id="SITE-1")
        monkeypatch.setattr(papers, "_check_own", lambda *_: None)
        with pytest.raises(PaperRefused, match="in this moment"):
            make_paper(reference_id="SITE-1")
        assert len(stored_files()) == 1

    def test_the_database_holds_the_rules_too(self) -> None:
        paper = make_paper()
        with pytest.raises(IntegrityError), transaction.atomic():
            PaperAuthorization.objects.filter(pk=paper.pk).update(reference_id="a b c")


class TestSentAndWithdrawn:
    def test_sent_is_not_before_signed_nor_to_come(self) -> None:
        paper = make_paper()
        with pytest.raises(PaperRefused, match="before it was signed"):
            mark_sent(paper=paper, sent_on=paper.signed_on - timedelta(1))
        with pytest.raises(PaperRefused, match="still to come"):
            mark_sent(paper=paper, sent_on=timezone.localdate() + timedelta(1))
        assert paper.status == PaperStatus.SIGNED
        assert mark_sent(paper=paper, sent_on=paper.signed_on).status == PaperStatus.SENT
        paper.refresh_from_db()
        assert paper.sent_on == paper.signed_on

    def test_withdrawn_once_with_the_first_reason(self) -> None:
        paper = make_paper()
        with pytest.raises(ValueError, match="Say why"):
            withdraw_paper_authorization(paper=paper, reason="  ")
        assert withdraw_paper_authorization(paper=paper, reason="Moved away")
        assert not withdraw_paper_authorization(paper=paper, reason="Other")
        assert (paper.status, paper.withdrawal_reason) == (PaperStatus.WITHDRAWN, "Moved away")
        with pytest.raises(PaperRefused, match="withdrawn"):
            mark_sent(paper=paper, sent_on=timezone.localdate())

    def test_of_two_at_once_the_withdrawal_wins(self) -> None:
        paper = make_paper()
        withdraw_paper_authorization(paper=PaperAuthorization.objects.get(), reason="Moved away")
        with pytest.raises(PaperRefused, match="withdrawn"):
            mark_sent(paper=paper, sent_on=timezone.localdate())

    def test_r16_proof_is_shown_over_a_withdrawal(self) -> None:
        paper = make_paper()
        withdraw_paper_authorization(paper=paper, reason="Moved away")
        paper.metered_at = timezone.now()
        assert (paper.status, paper.own_status) == (PaperStatus.METERED, PaperStatus.WITHDRAWN)
        assert {status for status in PaperStatus if status.source == "leap"} == {"metered", "enrolled"}

    def test_each_row_has_one_status_and_its_filter_finds_it(self) -> None:
        now, day = timezone.now(), timezone.localdate()
        for metered in (None, now):
            for enrolled in (None, now):
                for withdrawn in (None, now):
                    for sent in (None, day):
                        paper = make_paper()
                        PaperAuthorization.objects.filter(pk=paper.pk).update(
                            metered_at=metered, enrolled_at=enrolled, withdrawn_at=withdrawn, sent_on=sent
                        )
        for status in PaperStatus:
            found = set(PaperAuthorization.objects.with_status(status))
            assert found == {paper for paper in PaperAuthorization.objects.all() if paper.status == status}
            assert found


class TestMessageToLeap:
    def test_it_carries_the_reference_id_and_no_personal_data(self, manager: User) -> None:
        customer = make_customer(name="Rosa Núñez", street="112 Maple St")
        paper = make_paper(customer=customer)
        message = compose_paper_message(paper=paper, installation=Installation.objects.current(), by=manager)
        assert f"  {paper.reference_id}" in message.body.splitlines()
        for line in (
            "Form: CISR-DRP (California utilities)",
            "Utility: Pacific Gas & Electric (PG&E), pge (CAISO)",
            "Signed on: 2025-07-01",
        ):
            assert line in message.body.splitlines()
        for personal in ("Rosa", "Maple", customer.email):
            assert personal not in message.body + message.subject + message.mailto


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Rosa\\form.pdf", "form.pdf"),
        ("a" * 300 + ".pdf", "a" * 196 + ".pdf"),
        ("fo\x00rm\u202efdp.exe\n", "formfdp.exe"),
        ("", "scan"),
        ("..", ".."),
        ("Núñez’ Form №1.pdf", "Núñez’ Form №1.pdf"),
    ],
)
def test_a_name_may_say_anything(name: str, shown: str) -> None:
    assert clean_name(name) == shown
