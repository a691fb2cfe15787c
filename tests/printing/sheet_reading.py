"""What the sheets' tests share: labels to print, and a printed page as pictures and texts by place."""

import io
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

import pypdfium2
from PIL import Image

from portal.printing.sheets import Label, SheetOptions, SheetResult, write_pdf
from portal.printing.stocks import Box

DPI = 300
PX = DPI / 25.4  # pixels per mm


def labels(count: int, **said: object) -> list[Label]:
    """Labels whose codes and names differ."""
    return [
        Label(
            url_text=f"HTTPS://P.ACME.COM/GO/7F3K9X2M{number:04d}",
            code=f"7F3K-9X2M-{number:04d}",
            **(
                {
                    "lines": (f"Rosa Núñez {number}", "112 Maple Street, Santa Barbara", "Summer Savings"),
                    "call_to_action": "Scan to authorize your utility data",
                    "address": (f"Rosa Núñez {number}", "112 Maple Street", "Santa Barbara, CA 93101"),
                }
                | said  # type: ignore[arg-type]
            ),
        )
        for number in range(count)
    ]


def pdf_of(printed: Iterable[Label], options: SheetOptions) -> tuple[bytes, SheetResult]:
    file = io.BytesIO()
    result = write_pdf(file, printed, options)
    return file.getvalue(), result


@dataclass
class Page:
    """One page, rendered by PDFium."""

    image: Image.Image
    height_mm: float
    pdf: bytes
    number: int

    def crop(self, box: Box) -> Image.Image:
        return self.image.crop(pixels(box))

    def said_in(self, box: Box) -> str:
        """The text that lies in a box, line by line."""
        points, height = 72 / 25.4, self.height_mm
        left, bottom, right, top = box.left, height - box.bottom, box.right, height - box.top
        with closing(pypdfium2.PdfDocument(self.pdf)) as document, closing(document[self.number]) as page:
            text = page.get_textpage()
            said = text.get_text_bounded(left * points, bottom * points, right * points, top * points)
            text.close()
        return "\n".join(line.strip() for line in said.splitlines() if line.strip())

    def dark_outside(self, boxes: Iterable[Box]) -> Box | None:
        """Where there is ink outside of the boxes, in mm."""
        image = self.image.copy()
        for box in boxes:
            image.paste(255, pixels(box.inset(-0.1)))
        found = image.point(lambda value: 255 if value < 128 else 0).getbbox()
        if not found:
            return None
        left, top, right, bottom = (number / PX for number in found)
        return Box(left, top, right - left, bottom - top)


def pixels(box: Box) -> tuple[int, int, int, int]:
    return round(box.left * PX), round(box.top * PX), round(box.right * PX), round(box.bottom * PX)


def pages_of(pdf: bytes) -> list[Page]:
    pages = []
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        for number in range(len(document)):
            with closing(document[number]) as page:
                image = page.render(scale=DPI / 72, grayscale=True).to_pil().convert("L").copy()
                pages.append(Page(image, page.get_height() / 72 * 25.4, pdf, number))
    return pages
