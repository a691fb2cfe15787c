"""A ReportLab canvas that writes each page to the file as soon as it is drawn.

ReportLab keeps every page, uncompressed, until the document is saved, and then the whole file twice. Here a finished
page leaves nothing behind but its place in the file, so that ten thousand labels take as much memory as one sheet.
"""

from typing import Any, BinaryIO

from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

from portal.printing import fonts

_VERSION = (1, 4)


class StreamedCanvas(Canvas):  # type: ignore[misc]  # ReportLab has no types
    """A canvas whose pages go to the file one by one; the same drawing gives the same bytes."""

    def __init__(self, file: BinaryIO, *, page: tuple[float, float], title: str) -> None:
        # The initial font is one of ours: without it every page would name Helvetica, which is not embedded.
        super().__init__(
            file, pagesize=page, pageCompression=1, invariant=1, pdfVersion=_VERSION, initialFontName=fonts.font_name()
        )
        self._doc = _StreamedDocument(file)
        self.setTitle(title)
        self.setCreator("Partner portal")

    def showPage(self) -> None:  # noqa: N802  # ReportLab's name
        super().showPage()
        self._doc.write_last_page()

    def save(self) -> None:
        """Write what the pages share (fonts, images) and the index of the file; the canvas is done then."""
        with fonts.EMBEDDING:
            super().save()


class _StreamedDocument(pdfdoc.PDFDocument):  # type: ignore[misc]
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(compression=1, invariant=1, pdfVersion=_VERSION)
        self._file = file
        self._position = 0
        # The second line has four bytes above 127: a mark for programs that ask whether this is text (PDF, §7.5.2).
        self._put(f"%PDF-{_VERSION[0]}.{_VERSION[1]}\n".encode() + b"%\xe2\xe3\xcf\xd3\n")

    def write_last_page(self) -> None:
        page = self.Pages.pages[-1]
        self._put_object(page.__InternalName__)
        # Formatting the page has registered its stream of drawing operators.
        self._put_object(page.Contents.__InternalName__)
        self.Pages.pages[-1] = pdfdoc.PDFObjectReference(page.__InternalName__)

    def format(self) -> bytes:
        """Write what is not yet in the file; called by ReportLab's own `SaveToFile`, to which nothing is left."""
        root, info = self.Reference(self.Catalog), self.Reference(self.info)
        # Formatting an object may register further ones, at the end.
        number = 1
        while name := self.numberToId.get(number):
            if name not in self.idToOffset:
                self._put_object(name)
            number += 1
        index = pdfdoc.PDFCrossReferenceTable()
        index.addsection(0, list(self.numberToId.values()))
        start_of_index = self._position
        self._put(index.format(self))
        trailer = pdfdoc.PDFTrailer(startxref=start_of_index, Size=number, Root=root, Info=info, ID=self.ID())
        self._put(trailer.format(self))
        return b""

    def _put_object(self, name: str) -> None:
        self.idToOffset[name] = self._position
        self._put(pdfdoc.PDFIndirectObject(name, self.idToObject[name]).format(self))
        self.idToObject[name] = None

    def _put(self, data: Any) -> None:
        data = pdfdoc.pdfdocEnc(data)
        self._position += len(data)
        self._file.write(data)
