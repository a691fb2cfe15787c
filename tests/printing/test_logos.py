"""A logo in the middle of a code: only at level H, only if it still decodes, and only pictures."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image

from portal.printing import drawing
from portal.printing.drawing import code_box
from portal.printing.logos import MOST_BYTES, LogoError, read_logo
from portal.printing.proof import proof_pdf, read_codes
from portal.printing.sheets import SheetOptions, check_options
from portal.printing.stocks import STOCKS, Stock, find_stock
from tests.printing.sheet_reading import labels, pages_of, pdf_of

pytestmark = pytest.mark.pure


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (120, 120), colour: object = "navy") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_a_code_with_a_logo_decodes_on_every_stock(stock: Stock) -> None:
    options = SheetOptions(stock=stock, error_correction="H", logo=picture(colour="black"))
    printed = labels(2)
    check_options(options, printed[0].url_text)
    pdf, _ = pdf_of(printed, options)
    assert proof_pdf(pdf, [label.url_text for label in printed], stock=options.placed).passed
    # It is there: the middle of the code is black.
    page = pages_of(pdf)[0]
    place = code_box(stock, stock.box(1))
    middle = page.crop(place.inset(0.47 * place.width))
    assert max(middle.tobytes()) < 50


@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (3000, 2000)])
def test_a_logo_keeps_its_shape(shape: tuple[int, int]) -> None:
    stock = find_stock("poster-a4")
    options = SheetOptions(stock=stock, error_correction="H", logo=picture(size=shape, colour="red"))
    page = pages_of(pdf_of(labels(1), options)[0])[0]
    place = code_box(stock, stock.box(1))
    # Red is neither black nor white when grey.
    red = page.crop(place.inset(0.41 * place.width)).point(lambda value: 255 if 60 < value < 120 else 0).getbbox()
    assert red is not None
    width, height = red[2] - red[0], red[3] - red[1]
    assert width / height == pytest.approx(shape[0] / shape[1], rel=0.05)


@pytest.mark.parametrize("level", ["L", "M", "Q"])
def test_a_logo_needs_level_h(level: str) -> None:
    with pytest.raises(LogoError, match=f"only error correction H makes up for, not {level}"):
        SheetOptions(stock=find_stock("avery-5163"), error_correction=level, logo=picture())


def test_a_logo_that_hides_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LARGEST_SHARE", 0.7)
    options = SheetOptions(stock=find_stock("avery-5163"), error_correction="H", logo=picture())
    with pytest.raises(LogoError, match="With this logo the code can no longer be read"):
        check_options(options, labels(1)[0].url_text)


@pytest.mark.parametrize(
    "file",
    [
        picture(mode="RGBA", colour=(0, 0, 0, 0)),
        picture(mode="P", colour=0),
        picture(mode="1", colour=1),
        picture(mode="L", colour=9),
        picture(mode="I;16", colour=9),
        picture("JPEG"),
        picture("JPEG", mode="CMYK", colour=(0, 0, 0, 0)),
        picture(size=(1, 1)),
    ],
)
def test_every_kind_of_png_and_jpeg_is_taken(file: bytes) -> None:
    assert read_logo(file).image.getSize()[0] <= 400


def test_what_is_transparent_is_white() -> None:
    options = SheetOptions(
        stock=find_stock("avery-5163"), error_correction="H", logo=picture(mode="RGBA", colour=(0, 0, 0, 0))
    )
    page = pages_of(pdf_of(labels(1), options)[0])[0]
    place = code_box(options.stock, options.stock.box(1))
    assert min(page.crop(place.inset(0.46 * place.width)).tobytes()) > 250
    assert read_codes(page.image) == [labels(1)[0].url_text]


def png(side: int, *parts: tuple[bytes, bytes]) -> bytes:
    """A PNG that claims so many pixels a side, with these parts after its pixels."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 9)), *parts, (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


#: A PNG of a few hundred bytes that claims 60,000 × 60,000 pixels.
BOMB = png(60_000)
#: One whose colour profile has no end.
TORN = png(4, (b"iCCP", b"\0"))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"GIF89a" + b"\0" * 50, "not a picture that can be read"),
        (b"%PDF-1.4", "not a picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
        (picture("BMP"), "not a picture that can be read. Upload a PNG or JPEG file"),
        (picture()[:60], "not a picture that can be read"),
        (picture("JPEG")[:200], "not a picture that can be read"),
        (random.Random(1).randbytes(5000), "not a picture that can be read"),
        (BOMB, "not a picture|too many to be opened"),
        (TORN, "not a picture that can be read"),
        (picture(size=(5001, 5000)), "5001 × 5000 pixels, too many"),
        (b"\x89PNG" + b"\0" * MOST_BYTES, r"The logo has 2\.0 MB, and 2 MB is the most"),
    ],
)
def test_what_is_no_logo_is_refused_in_words(file: bytes, words: str) -> None:
    with pytest.raises(LogoError, match=words):
        SheetOptions(stock=find_stock("avery-5163"), error_correction="H", logo=file)
