"""The proof finds every code that is wrong, and only those."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from reportlab.lib.units import mm

from portal.printing import sheets
from portal.printing.drawing import code_box
from portal.printing.proof import MOST_FAULTS_KEPT, Fault, FaultKind, Proof, proof_pdf
from portal.printing.qr import draw_matrix, qr_matrix
from portal.printing.sheets import Label, SheetOptions
from portal.printing.stocks import STOCKS, PrintRefusedError, Stock, find_stock
from portal.printing.streamed_pdf import StreamedCanvas
from tests.printing.sheet_reading import labels, pdf_of

pytestmark = pytest.mark.pure

LABELS_5164 = find_stock("avery-5164")


def proof_of(printed: list[Label], expected: list[str], stock: Stock = LABELS_5164, start_at: int = 1) -> Proof:
    options = SheetOptions(stock=stock, partner="Acme", start_at=start_at)
    return proof_pdf(pdf_of(printed, options)[0], expected, stock=options.placed, start_at=start_at)


def texts(printed: list[Label]) -> list[str]:
    return [label.url_text for label in printed]


@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_every_stock_passes_with_offset_and_a_used_sheet(stock: Stock, tmp_path: Path) -> None:
    printed = labels(stock.labels_per_page + 1)
    options = SheetOptions(stock=stock, start_at=stock.labels_per_page, offset_x_mm=-2, offset_y_mm=3)
    path = tmp_path / "sheets.pdf"
    path.write_bytes(pdf_of(printed, options)[0])
    looked_at: list[int] = []
    proof = proof_pdf(
        path, iter(texts(printed)), stock=options.placed, start_at=options.start_at, progress=looked_at.append
    )
    assert proof == Proof(pages=2, codes=len(printed), right=len(printed), faults=(), fault_count=0)
    assert proof.passed
    assert looked_at == [1, len(printed)]


def test_one_wrong_code_is_a_failed_proof() -> None:
    printed = labels(8)
    expected = texts(printed)
    expected[6] = expected[6] + "X"
    proof = proof_of(printed, expected)
    assert not proof.passed
    assert (proof.codes, proof.right, proof.fault_count) == (8, 7, 1)
    assert proof.faults == (Fault(FaultKind.WRONG, 2, 1, expected[6], printed[6].url_text),)


def test_right_codes_at_each_others_place_are_wrong() -> None:
    printed = labels(3)
    first, second, third = texts(printed)
    proof = proof_of(printed, [second, first, third])
    assert [(fault.label, fault.kind) for fault in proof.faults] == [(1, FaultKind.WRONG), (2, FaultKind.WRONG)]


def test_a_code_painted_over_is_unreadable() -> None:
    printed = labels(2)
    options = SheetOptions(stock=LABELS_5164)
    file = io.BytesIO()
    canvas = StreamedCanvas(file, page=(LABELS_5164.page[0] * mm, LABELS_5164.page[1] * mm), title="Damaged")
    for box, label in zip(LABELS_5164.boxes(), printed, strict=False):
        place = code_box(LABELS_5164, box)
        bottom = (LABELS_5164.page[1] - place.bottom) * mm
        matrix = qr_matrix(label.url_text, error_correction="Q")
        draw_matrix(canvas, matrix, x=place.left * mm, y=bottom, side=place.width * mm)
        if label is printed[1]:
            canvas.setFillGray(0)
            canvas.rect(place.left * mm, bottom, place.width * mm, place.width / 2 * mm, stroke=0, fill=1)
    canvas.showPage()
    canvas.save()
    proof = proof_pdf(file.getvalue(), texts(printed), stock=options.placed)
    assert (proof.right, proof.faults) == (1, (Fault(FaultKind.UNREADABLE, 1, 2, printed[1].url_text, ""),))


def test_a_code_too_few_and_a_code_too_many_are_found() -> None:
    printed = labels(7)
    more = proof_of(printed, [*texts(printed), "HTTPS://P.ACME.COM/GO/MORE"])
    assert [fault.kind for fault in more.faults] == [FaultKind.UNREADABLE]
    assert (more.codes, more.right) == (8, 7)
    fewer = proof_of(printed, texts(printed)[:5])
    found = [(fault.kind, fault.page, fault.label, fault.found) for fault in fewer.faults]
    assert found == [
        (FaultKind.UNEXPECTED, 1, 0, printed[5].url_text),
        (FaultKind.UNEXPECTED, 2, 0, "a page more than expected"),
        (FaultKind.UNEXPECTED, 2, 0, printed[6].url_text),
    ]
    assert (fewer.codes, fewer.right, fewer.passed) == (5, 5, False)


def test_a_missing_page_is_found() -> None:
    printed = labels(13)
    proof = proof_of(printed[:6], texts(printed))
    assert (proof.pages, proof.codes, proof.right, proof.fault_count) == (1, 13, 6, 7)
    assert {fault.kind for fault in proof.faults} == {FaultKind.NO_PAGE}
    assert [(fault.page, fault.label) for fault in proof.faults] == [(2, n) for n in range(1, 7)] + [(3, 1)]


def test_a_sheet_started_elsewhere_is_found() -> None:
    printed = labels(2)
    options = SheetOptions(stock=LABELS_5164, start_at=3)
    proof = proof_pdf(pdf_of(printed, options)[0], texts(printed), stock=options.placed, start_at=1)
    assert [fault.kind for fault in proof.faults] == [FaultKind.UNREADABLE] * 2 + [FaultKind.UNEXPECTED] * 2


def test_faults_are_counted_beyond_those_that_are_kept() -> None:
    printed = labels(2)
    expected = [f"HTTPS://P.ACME.COM/GO/OTHER{number}" for number in range(MOST_FAULTS_KEPT + 50)]
    proof = proof_of(printed, expected)
    assert len(proof.faults) == MOST_FAULTS_KEPT
    assert proof.fault_count == len(expected) == proof.codes
    assert proof.right == 0


def test_nothing_to_compare_is_no_passed_proof() -> None:
    assert not Proof(pages=0, codes=0, right=0, faults=(), fault_count=0).passed


@pytest.mark.parametrize("pdf", [b"", b"no PDF at all", Path("/nowhere/sheets.pdf")])
def test_what_is_no_pdf_is_refused_in_words(pdf: bytes | Path) -> None:
    with pytest.raises(PrintRefusedError, match=r"cannot be opened as a PDF .* Print them again\."):
        proof_pdf(pdf, ["x"], stock=LABELS_5164)


def test_what_is_drawn_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof reads paper, not what the drawing meant: a fault in between is seen."""
    drawn = sheets.draw_label

    def swap(canvas: object, stock: Stock, box: object, label: Label, matrix: object, **said: object) -> None:
        if label.url_text.endswith("0003"):
            matrix = qr_matrix(label.url_text.replace("0003", "0004"), error_correction="Q")
        drawn(canvas, stock, box, label, matrix, **said)  # type: ignore[arg-type]

    monkeypatch.setattr(sheets, "draw_label", swap)
    printed = labels(6)
    proof = proof_of(printed, texts(printed))
    assert [fault.label for fault in proof.faults] == [4]
    assert not proof.passed
    assert replace(proof, faults=()).fault_count == 1
