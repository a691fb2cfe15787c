"""What printers and cameras do to a code, done to the picture of a printed label: Pillow alone, the same each time."""

import random
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageFilter

from portal.printing.drawing import code_box
from portal.printing.proof import read_codes
from portal.printing.stocks import Box, Stock

DPI: Final = 300
# A Gaussian of 0.17 mm: ink that spreads, a camera a little out of focus.
_BLUR_PX = 2.0
_TILT_DEGREES = 5.0
_NOISE_SHARE = 0.15
_CONTRAST = 0.4
_COARSE_DPI = 150


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(_BLUR_PX))


def tilted(image: Image.Image) -> Image.Image:
    """Turned by 5° in the plane, and leaned back by about as much: the upper edge is shorter than the lower one."""
    turned = image.rotate(_TILT_DEGREES, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    width, height = turned.size
    lean = 0.04 * width
    corners = (-lean, 0, 0, height, width, height, width + lean, 0)
    return turned.transform(turned.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=255)


def noisy(image: Image.Image) -> Image.Image:
    """Salt and pepper on 15 % of the pixels: each of these is black or white by chance, whatever it was."""
    chance = random.Random(f"{image.size} {image.tobytes()[::997].hex()}")
    hit = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
    hit = hit.point(lambda value: 255 if value < 256 * _NOISE_SHARE else 0)
    grains = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
    return Image.composite(grains.point(lambda value: 255 if value < 128 else 0), image, hit)


def greyed(image: Image.Image) -> Image.Image:
    """40 % of the contrast: dark grey on light grey, 77 to 179 of 255."""
    return image.point(lambda value: round(255 * (1 - _CONTRAST) / 2 + _CONTRAST * value))


def coarse(image: Image.Image) -> Image.Image:
    """As a printer or a scanner of 150 dpi has it."""
    size = (round(image.width * _COARSE_DPI / DPI), round(image.height * _COARSE_DPI / DPI))
    return image.resize(size, Image.Resampling.BOX)


def everything(image: Image.Image) -> Image.Image:
    """All five, one upon the other: dirt on faded paper, before a camera that is coarse, askew and out of focus."""
    return coarse(blurred(tilted(greyed(noisy(image)))))


DAMAGES: Final[dict[str, Callable[[Image.Image], Image.Image]]] = {
    "none": lambda image: image,
    "blur": blurred,
    "tilt 5°": tilted,
    "noise 15 %": noisy,
    "grey 40 %": greyed,
    "150 dpi": coarse,
    "all five": everything,
}


def seen(stock: Stock, box: Box) -> Box:
    """What a camera has of a label: the code with a centimetre of what is around it on the same label."""
    code = code_box(stock, box).inset(-10)
    left, top = max(code.left, box.left), max(code.top, box.top)
    return Box(left, top, min(code.right, box.right) - left, min(code.bottom, box.bottom) - top)


def is_read(image: Image.Image, text: str) -> bool:
    """Whether the code is read from here, or from twice or three times as far.

    A phone tries every picture of its viewfinder while the hand comes nearer; one of them is enough.
    """
    for further in (1, 2, 3):
        size = (image.width // further, image.height // further)
        if read_codes(image.resize(size, Image.Resampling.BOX)) == [text]:
            return True
    return False
