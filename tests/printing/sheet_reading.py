"""What the sheets' tests share: labels to print, and a printed page as pictures and texts by place."""

import io
from collections.abc import Iterable
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
    text: pypdfium2.PdfTextPage
    height_mm: float

    def crop(self, box: Box) -> Image.Image:
        return self.image.crop(pixels(box))

    def said_in(self, box: Box) -> str:
        """The text that lies in a box, line by line."""
        height = self.height_mm
        points = 72 / 25.4
        said = self.text.get_text_bounded(
            box.left * points, (height - box.bottom) * points, box.right * points, (height - box.top) * points
        )
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
    document = pypdfium2.PdfDocument(pdf)
    return [
        Page(
            page.render(scale=DPI / 72, grayscale=True).to_pil().convert("L"),
            page.get_textpage(),
            page.get_height() / 72 * 25.4,
        )
        for page in document
    ]
