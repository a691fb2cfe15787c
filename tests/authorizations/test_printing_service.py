"""Print jobs: what is printed of the chosen links, in which order, and that nothing wrong is ever handed out."""

import io
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from portal.accounts.models import User
from portal.authorizations.models import DoorOutcome, Link, PrinterSettings, PrintJob, PrintState
from portal.authorizations.services import print_labels, printing
from portal.authorizations.services.door_calls import record_door_call
from portal.authorizations.services.door_order import make_door_order
from portal.authorizations.services.links import replace_link, void_links
from portal.authorizations.services.printers import save_printer
from portal.authorizations.services.printing import PrintRequest, create_print_job, print_again, run_print_job
from portal.authorizations.services.retention import FILES_KEPT
from portal.printing.rendering import page_images
from portal.printing.sheets import Label, NothingToPrintError
from portal.printing.stocks import OffPageError, PrintRefusedError, StartLabelError, UnknownStockError
from tests.factories import (
    make_customer,
    make_flow,
    make_link,
    make_print_job,
    make_shared_link,
    make_user,
)

pytestmark = pytest.mark.django_db


def links_of(*links: Link) -> Any:
    return Link.objects.filter(pk__in=[link.pk for link in links])


def create(*links: Link, created_by: User | None = None, **options: Any) -> PrintJob:
    request = PrintRequest(**{"stock": "avery-5160", **options})
    return create_print_job(links=links_of(*links), chosen="ticked", request=request, created_by=created_by)


def sheets(job: PrintJob) -> bytes:
    with job.file.open("rb") as file:
        return bytes(file.read())


def read(job: PrintJob) -> list[str]:
    """Every code of the PDF, page by page, from top to bottom and left to right."""
    texts = []
    for image in page_images(sheets(job), 300):
        found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
        row = 50  # pixels that two codes of one row may differ by
        found.sort(key=lambda code: (code.position.top_left.y // row, code.position.top_left.x))
        texts += [code.text for code in found]
    return texts


def void(link: Link) -> None:
    void_links(links=links_of(link), voided_by=make_user(), reason="moved away")


def door(street: str) -> Link:
    key = make_door_order(city="Fresno", postal_code="93722", street=street)
    return make_link(customer=make_customer(street=street, door_order=key), flow=None)


def test_printed_in_walking_order_and_noted_on_each_link() -> None:
    ninety, nine, ash = door("90 Maple St"), door("9 Maple St"), door("100 Ash St")
    poster = make_shared_link()
    job = run_print_job(create(ninety, poster, nine, ash))
    assert (job.state, job.error) == (PrintState.DONE, "")
    assert read(job) == [link.short_url_for_codes for link in (ash, nine, ninety, poster)]
    assert (job.label_count, job.page_count) == (4, 1)
    assert {key: job.proof[key] for key in ("codes", "right", "fault_count")} == {
        "codes": 4,
        "right": 4,
        "fault_count": 0,
    }
    assert set(Link.objects.values_list("printed_at", flat=True)) == {job.finished_at}
    progress = printing.progress_of(job)
    assert (progress.done, progress.total, progress.doing) == (4, 4, "Reading every code back")


def test_void_replaced_and_anonymous_links_are_left_out_and_counted() -> None:
    good, gone, old = make_link(), make_link(), make_link()
    void(gone)
    successor = replace_link(link=old, issued_by=None)
    anonymous = make_shared_link(traceable=False)
    job = run_print_job(create(good, gone, old, anonymous))
    assert (job.void_count, job.replaced_count, job.anonymous_count, job.label_count) == (1, 1, 1, 1)
    assert read(job) == [good.short_url_for_codes]
    for link in (gone, old, successor, anonymous):
        link.refresh_from_db()
        assert link.printed_at is None


def test_link_that_becomes_void_while_the_job_waits_is_left_out() -> None:
    stays, goes = make_link(), make_link()
    job = create(stays, goes)
    void(goes)
    run_print_job(job)
    assert (job.void_count, job.label_count) == (1, 1)
    assert read(job) == [stays.short_url_for_codes]


def test_nothing_left_while_the_job_waits_is_said_and_leaves_no_file() -> None:
    job = create(link := make_link())
    void(link)
    run_print_job(job)
    assert job.state == PrintState.FAILED
    assert "Nothing is selected" in job.error
    assert not job.file


@pytest.mark.parametrize("voided", [True, False])
def test_nothing_to_print_is_refused(voided: bool) -> None:
    links = []
    if voided:
        links = [make_link()]
        void(links[0])
    with pytest.raises(NothingToPrintError, match="Nothing is left to print"):
        create(*links)
    assert not PrintJob.objects.exists()


@pytest.mark.parametrize(
    ("options", "refusal", "words"),
    [
        ({"stock": "avery-9999"}, UnknownStockError, "no stock “avery-9999”"),
        ({"start_at": 31}, StartLabelError, "cannot start at 31"),
        ({"start_at": 0}, StartLabelError, "cannot start at 0"),
        ({"logo": b"not a picture", "level": "H"}, PrintRefusedError, "not a picture"),
        ({"logo": b"\x89PNG" + bytes(2 * 1024 * 1024), "level": "H"}, PrintRefusedError, "2 MB is the most"),
        ({"logo": b"any"}, PrintRefusedError, "Choose H"),
    ],
)
def test_bad_input_is_refused_before_there_is_a_job(options: Any, refusal: type[Exception], words: str) -> None:
    link = make_link()
    with pytest.raises(refusal, match=words):
        create(link, **options)
    assert not PrintJob.objects.exists()


def test_direct_url_that_would_be_too_fine_is_refused() -> None:
    flow = make_flow(org_name="a" * 60, title="b" * 60)
    link = make_link(flow=flow)
    with pytest.raises(PrintRefusedError, match="What helps"):
        create(link, target="direct", level="H")
    job = run_print_job(create(link, target="direct", stock="avery-5164"))
    assert read(job) == [link.url]


def test_one_wrong_code_stops_the_job_and_leaves_no_sheets(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def wrong(job: PrintJob) -> Iterator[Label]:
        *right, last = print_labels.labels_of(job)
        yield from right
        yield replace(last, url_text=last.url_text[:-1] + "?")

    monkeypatch.setattr(printing, "labels_of", wrong)
    job = run_print_job(create(make_link(), make_link()))
    assert job.state == PrintState.FAILED
    assert "1 of 2 codes" in job.error
    assert (job.proof["right"], job.proof["fault_count"]) == (1, 1)
    assert not job.file
    assert not list((Path(settings.MEDIA_ROOT) / "prints").iterdir())
    assert not Link.objects.filter(printed_at__isnull=False).exists()


def test_unexpected_error_leaves_no_sheets_and_is_not_hidden(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(printing, "proof_pdf", fails)
    job = create(make_link())
    with pytest.raises(OSError, match="disk"):
        run_print_job(job)
    job.refresh_from_db()
    assert (job.state, bool(job.file)) == (PrintState.FAILED, False)
    assert not list((Path(settings.MEDIA_ROOT) / "prints").iterdir())


def test_sheets_are_the_portals_alone_under_a_random_name() -> None:
    job = make_print_job()
    path = Path(job.file.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.stem) == 32


def test_printed_again_gives_the_same_bytes_and_says_what_is_void_since(manager: User) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (90, 90), "navy").save(picture, "PNG")
    first, second = make_link(), make_link()
    options = {"lines": ["campaign"], "level": "H", "logo": picture.getvalue(), "start_at": 7, "language": "es"}
    job = make_print_job(links=[first, second], created_by=manager, **options)
    assert job.state == PrintState.DONE, job.error
    again = run_print_job(print_again(job=PrintJob.objects.get(pk=job.pk), created_by=manager))
    assert sheets(again) == sheets(job)
    assert again.again == job

    void(second)
    assert printing.count_dead_since(job) == 1
    once_more = run_print_job(print_again(job=job, created_by=manager))
    assert (once_more.void_count, once_more.label_count) == (1, 1)
    void(first)
    with pytest.raises(NothingToPrintError, match="2 void"):
        print_again(job=job, created_by=manager)


def test_rep_prints_again_only_what_is_still_the_reps(rep: User, other_rep: User) -> None:
    customer = make_customer(assigned_rep=rep)
    job = make_print_job(links=[make_link(customer=customer)], created_by=rep)
    customer.assigned_rep = other_rep
    customer.save(update_fields=["assigned_rep"])
    with pytest.raises(PrintRefusedError, match="no longer yours"):
        print_again(job=job, created_by=rep)


def test_a_job_runs_once() -> None:
    job = make_print_job()
    stale = PrintJob.objects.get(pk=job.pk)
    stale.state = PrintState.WAITING
    run_print_job(stale)
    assert PrintJob.objects.get().file == job.file


class TestCancel:
    def cancel_while_it_prints(self, monkeypatch: pytest.MonkeyPatch, *, stuck: bool = False) -> None:
        def cancelling(job: PrintJob) -> Iterator[Label]:
            monkeypatch.setattr(printing, "is_stuck", lambda job: stuck)
            assert printing.cancel_print_job(PrintJob.objects.get(pk=job.pk))
            yield from print_labels.labels_of(job)

        monkeypatch.setattr(printing, "labels_of", cancelling)

    @pytest.mark.parametrize("stuck", [False, True])
    def test_while_it_prints(self, monkeypatch: pytest.MonkeyPatch, settings: Any, stuck: bool) -> None:
        """Whoever believed it dead was wrong, or it ends after its page: either way nothing is handed out."""
        self.cancel_while_it_prints(monkeypatch, stuck=stuck)
        job = run_print_job(create(make_link(), make_link()))
        assert (job.state, job.error, bool(job.file)) == (PrintState.CANCELLED, "", False)
        assert job.finished_at is not None
        assert not list((Path(settings.MEDIA_ROOT) / "prints").iterdir())
        assert not Link.objects.filter(printed_at__isnull=False).exists()
        assert not printing.has_sheets(job)

    def test_while_it_reads_the_last_codes_back(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        right = printing.proof_pdf

        def proof(*args: Any, **kwargs: Any) -> Any:
            found = right(*args, **kwargs)
            assert printing.cancel_print_job(PrintJob.objects.get())
            return found

        monkeypatch.setattr(printing, "proof_pdf", proof)
        job = run_print_job(create(make_link()))
        assert job.state == PrintState.CANCELLED
        assert not Link.objects.filter(printed_at__isnull=False).exists()
        assert not list((Path(settings.MEDIA_ROOT) / "prints").iterdir())

    def test_while_it_waits_and_printed_again_afterwards(self, manager: User) -> None:
        job = create(make_link())
        assert printing.cancel_print_job(job)
        run_print_job(job)
        job.refresh_from_db()
        assert (job.state, bool(job.file)) == (PrintState.CANCELLED, False)
        assert run_print_job(print_again(job=job, created_by=manager)).state == PrintState.DONE

    def test_one_whose_process_died_leaves_no_file(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        job = create(make_link())
        path = Path(settings.MEDIA_ROOT) / "prints" / "half.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%PDF-half")
        PrintJob.objects.filter(pk=job.pk).update(state=PrintState.RUNNING, file="prints/half.pdf")
        job.refresh_from_db()
        monkeypatch.setattr(printing, "is_stuck", lambda job: True)
        assert printing.cancel_print_job(job)
        assert not path.exists()
        assert (PrintJob.objects.get().state, PrintJob.objects.get().file.name) == (PrintState.CANCELLED, "")

    def test_what_has_ended_stays_as_it_is(self) -> None:
        job = make_print_job()
        assert not printing.cancel_print_job(job)
        assert PrintJob.objects.get().state == PrintState.DONE
        assert printing.has_sheets(PrintJob.objects.get())


def test_correction_of_the_printer_is_remembered_by_person_and_stock(manager: User, rep: User) -> None:
    from portal.printing.stocks import find_stock

    save_printer(user=manager, stock=find_stock("avery-5160"), offset_x_mm=0.5, offset_y_mm=-1.0)
    save_printer(user=manager, stock=find_stock("avery-5160"), offset_x_mm=0.75, offset_y_mm=-1.0)
    assert PrinterSettings.objects.get().offset_x_mm == 0.75
    link = make_link()
    assert create(link, created_by=manager).offset_x_mm == 0.75
    assert create(link, created_by=manager, stock="avery-5163").offset_x_mm == 0
    assert create(link, created_by=rep).offset_x_mm == 0
    with pytest.raises(OffPageError, match="off the page"):
        save_printer(user=manager, stock=find_stock("avery-5160"), offset_x_mm=9.0)
    assert PrinterSettings.objects.get().offset_x_mm == 0.75


def test_labels_are_read_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_print_job(links=[make_link() for _ in range(5)], run=False)
    monkeypatch.setattr(print_labels, "CHUNK", 2)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert len(list(print_labels.labels_of(job))) == 5
    assert len(captured) == 4  # 2, 2, 1 and none


@pytest.mark.parametrize(("language", "said"), [("customer", "Escanee"), ("en", "Scan"), ("es", "Escanee")])
def test_call_to_action_and_chosen_lines(language: str, said: str) -> None:
    link = make_link(customer=make_customer(name="Rosa", language="es", street="1 Ash St"))
    label = print_labels.label_of(link, target="short", language=language, lines=["address", "name"])
    assert label.call_to_action.startswith(said)
    assert label.lines == ("Rosa", "1 Ash St, Fresno, CA 93722")
    assert label.code == link.code_in_groups
    assert label.address == ("Rosa", "1 Ash St", "Fresno, CA 93722")


def test_old_sheets_go_and_their_jobs_stay() -> None:
    old, new = make_print_job(), make_print_job()
    PrintJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - FILES_KEPT - timedelta(hours=1))
    path = Path(old.file.path)
    assert printing.forget_old_prints() == 1
    assert not path.exists()
    assert not printing.has_sheets(PrintJob.objects.get(pk=old.pk))
    assert printing.has_sheets(new)
    assert printing.forget_old_prints() == 0


def test_partly_used_sheet_takes_a_page_more() -> None:
    links = [make_link(), make_link()]
    job = run_print_job(create(*links, start_at=30))
    assert (job.page_count, job.proof["pages"], job.proof["right"]) == (2, 2, 2)


def test_more_labels_than_one_job_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "MOST_LABELS", 1)
    with pytest.raises(PrintRefusedError, match="1 at most"):
        create(make_link(), make_link())


class TestRefusedAtTheDoor:
    def refuse(self, link: Link) -> None:
        record_door_call(customer=link.customer, outcome=DoorOutcome.REFUSED, by=make_user(), at=timezone.now())

    def test_not_printed_and_counted(self) -> None:
        good, no, poster, void_and_no = make_link(), make_link(), make_shared_link(), make_link()
        self.refuse(no)
        self.refuse(void_and_no)
        void(void_and_no)
        job = run_print_job(create(good, no, poster, void_and_no))
        assert job.left_out_words == "1 void, 1 refused at the door"
        assert read(job) == [good.short_url_for_codes, poster.short_url_for_codes]

    def test_while_the_job_waits(self) -> None:
        stays, goes = make_link(), make_link()
        job = create(stays, goes)
        self.refuse(goes)
        run_print_job(job)
        assert job.left_out_words == "1 refused at the door"
        assert read(job) == [stays.short_url_for_codes]

    def test_not_printed_again(self) -> None:
        good, no = make_link(), make_link()
        user = make_user()
        job = run_print_job(create(good, no))
        self.refuse(no)
        again = run_print_job(printing.print_again(job=job, created_by=user))
        assert again.left_out_words == "1 refused at the door"
        assert read(again) == [good.short_url_for_codes]

    def test_nobody_else_is_said_to_be_left_out(self) -> None:
        self.refuse(no := make_link())
        with pytest.raises(NothingToPrintError, match="refused at the door"):
            create(no)
