"""How the tests read what was written: each file is painted by something else than its writer; zxing decodes it."""

import io
import re
from xml.etree import ElementTree

import pypdfium2
import zxingcpp
from PIL import Image

SHORT_LINK = "HTTPS://P.ACME.COM/GO/7F3K9X2M4QAB"
DIRECT_URL = (
    "https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities=pge,sce&refId=7f3k9x2m4qab"  # R6's shape
)
UMLAUTS = "Grüße aus Ångström, señora Núñez: 日本 €"

SVG = "{http://www.w3.org/2000/svg}"


def decode(image: Image.Image) -> zxingcpp.Barcode:
    """The one QR code in the image; none or several is a failure."""
    found = zxingcpp.read_barcodes(image.convert("L"))
    assert [code.format for code in found] == [zxingcpp.BarcodeFormat.QRCode]
    return found[0]


def paint_svg(svg: bytes, pixels_per_module: int = 6) -> Image.Image:
    """Paint the one path by the even-odd rule: a point is dark when a line from its left crosses the outline odd times.

    Understands the commands m, h, v and z with whole numbers; anything else in the path is a failure.
    """
    root = ElementTree.fromstring(svg)
    left, top, width, height = map(int, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    path = root.find(f"{SVG}path")
    assert path is not None
    assert path.attrib["fill-rule"] == "evenodd"
    crossings = [[0] * (width + 1) for _ in range(height)]

    def edge(column: int, row: int, to_row: int) -> None:
        for crossed in range(min(row, to_row), max(row, to_row)):
            crossings[crossed][column] ^= 1

    column = row = start_column = start_row = 0
    read_up_to = 0
    for command in re.finditer(r"m(-?\d+) (-?\d+)|h(-?\d+)|v(-?\d+)|z", path.attrib["d"]):
        assert command.start() == read_up_to, f"not understood: {path.attrib['d'][read_up_to:][:20]}"
        read_up_to = command.end()
        if command[1]:
            column, row = start_column, start_row = column + int(command[1]), row + int(command[2])
        elif command[3]:
            column += int(command[3])
        elif command[4]:
            edge(column, row, row + int(command[4]))
            row += int(command[4])
        else:
            edge(column, row, start_row)
            assert column == start_column, "z would close with a slanted line"
            column, row = start_column, start_row
    assert read_up_to == len(path.attrib["d"])

    image = Image.new("L", (width, height), 255)
    for y, line in enumerate(crossings):
        inside = 0
        for x in range(width):
            inside ^= line[x]
            if inside:
                image.putpixel((x, y), 0)
    return image.resize((width * pixels_per_module, height * pixels_per_module), Image.Resampling.NEAREST)


def paint_png(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def paint_pdf(pdf: bytes, dpi: int = 300) -> Image.Image:
    """The one page, rendered by PDFium."""
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    image: Image.Image = document[0].render(scale=dpi / 72).to_pil().convert("L")
    document.close()
    return image


def dark_box(image: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all that is dark, in pixels."""
    box = image.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box is not None
    return box
