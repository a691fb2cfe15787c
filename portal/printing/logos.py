"""A partner's logo, for the middle of a code: bytes from a person in, a small picture out."""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, UnidentifiedImageError
from reportlab.lib.utils import ImageReader

from portal.printing.stocks import PrintRefusedError

MOST_BYTES: Final = 2 * 1024 * 1024
MOST_PIXELS: Final = 25_000_000
# Of the code's side, the white around the picture included: a quarter across covers 6 % of the modules, well under the
# 30 % of the codewords that level H restores; what is left is for scratches.
LARGEST_SHARE: Final = 0.25
_SIDE_PX = 400  # on a poster a logo is 30 mm wide: 340 dpi
# What Pillow lets through of a broken file's parts: a colour profile without an end is an IndexError.
_BROKEN = (OSError, EOFError, SyntaxError, ValueError, IndexError, KeyError, TypeError, struct.error)


class LogoError(PrintRefusedError):
    """This picture cannot be printed in a code."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture ready to be drawn: RGB, on white, small."""

    image: Any  # a ReportLab ImageReader


def read_logo(data: bytes) -> Logo:
    """A PNG or JPEG file of up to 2 MB as a logo; LogoError, in words, for anything else."""
    if len(data) > MOST_BYTES:
        raise LogoError(
            f"The logo has {len(data) / 1024 / 1024:.1f} MB, and 2 MB is the most. "
            "Save it smaller: 400 pixels are enough for a code."
        )
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as picture:
            # The size is known before a pixel is unpacked.
            if picture.width * picture.height > MOST_PIXELS:
                raise LogoError(
                    f"The logo has {picture.width} × {picture.height} pixels, too many to be opened. "
                    "Save it smaller: 400 pixels are enough for a code."
                )
            picture.draft("RGB", (_SIDE_PX, _SIDE_PX))
            coloured = picture.convert("RGBA")
    except LogoError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, *_BROKEN):
        raise LogoError("The logo is not a picture that can be read. Upload a PNG or JPEG file.") from None
    coloured.thumbnail((_SIDE_PX, _SIDE_PX))
    on_white = Image.new("RGB", coloured.size, "white")
    on_white.paste(coloured, mask=coloured.getchannel("A"))
    return Logo(ImageReader(on_white))
