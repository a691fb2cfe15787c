"""A PDF as pictures, by PDFium: what a printer would put on paper, to be shown and to be proofed."""

from collections.abc import Iterator
from pathlib import Path
from threading import RLock

import pypdfium2
from PIL import Image

from portal.printing.stocks import PrintRefusedError

# PDFium is not made for several threads at once, not even on different documents.
_pdfium = RLock()


def page_images(pdf: bytes | Path, dpi: float, *, grey: bool = True) -> Iterator[Image.Image]:
    """Each page as a picture, one in memory at a time. PrintRefusedError if this is no PDF."""
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except (pypdfium2.PdfiumError, FileNotFoundError) as error:
            raise PrintRefusedError(f"The sheets cannot be opened as a PDF ({error}). Print them again.") from None
        pages = len(document)
    try:
        for number in range(pages):
            yield _page_image(document, number, dpi, grey)
    finally:
        with _pdfium:
            document.close()


def _page_image(document: pypdfium2.PdfDocument, number: int, dpi: float, grey: bool) -> Image.Image:
    with _pdfium:
        page = document[number]
        try:
            bitmap = page.render(scale=dpi / 72, grayscale=grey)
            try:
                # A copy: the bitmap's own memory goes with it.
                image: Image.Image = bitmap.to_pil().copy()
                return image
            finally:
                bitmap.close()
        finally:
            page.close()
