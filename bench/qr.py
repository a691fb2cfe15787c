"""One QR code as SVG: ours beside the `qrcode` library's own SvgPathImage, made the way its documentation says.

Both sides get the same texts at the same level and do the whole job, from text to bytes. No text comes twice in a turn,
and ours keeps no finished code, so a second round finds nothing ready.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from xml.etree import ElementTree

from PIL import Image
from qrcode import QRCode
from qrcode.image.svg import SvgPathImage

from bench.harness import MIN_ROUNDS, DifferentWorkError, Result, compare, compare_costs, require_peer
from portal.printing.qr import ERROR_CORRECTIONS, qr_svg
from tests.printing.reading import decode, paint_svg

SPEED_GOAL = 1.5
BYTES_GOAL = 2.0  # half the bytes at most
CODES_A_TURN = 40


def _codes() -> Iterator[str]:
    """Link codes as the portal makes them: 12 characters of its alphabet without look-alikes; always the same ones."""
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 1
    while True:
        number = number * 6364136223846793005 % 2**64 + 1442695040888963407
        rest, letters = number % 2**64, ""
        for _ in range(12):
            rest, index = divmod(rest, len(alphabet))
            letters += alphabet[index]
        yield letters


def cases(codes_a_turn: int = CODES_A_TURN) -> list[tuple[str, str, list[str]]]:
    """Name, error correction and texts: what the portal prints, a short link in capitals or Leap's own URL."""
    codes = _codes()
    short = [f"HTTPS://P.ACME.COM/GO/{next(codes)}" for _ in range(codes_a_turn)]
    direct = [
        "https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities=pge,sce&refId=" + next(codes).lower()
        for _ in range(codes_a_turn)
    ]
    return [
        ("short link, M", "M", short),
        ("short link, H", "H", short),
        ("direct URL, M", "M", direct),
        ("direct URL, Q", "Q", direct),
    ]


def _library_svg(text: str, *, error_correction: str) -> bytes:
    code: Any = QRCode(error_correction=ERROR_CORRECTIONS[error_correction])
    code.add_data(text)
    return bytes(code.make_image(image_factory=SvgPathImage).to_string())


def _each(draw: Callable[[str], bytes], texts: Sequence[str]) -> Callable[[], int]:
    return lambda: sum(len(draw(text)) for text in texts)


def check_same_work(texts: Sequence[str], level: str) -> None:
    """Decode both sides' files with zxing, which neither uses: each text has to come back at the level asked for."""
    for text in texts:
        ours = paint_svg(qr_svg(text, error_correction=level))
        peer = _paint_library_svg(_library_svg(text, error_correction=level))
        read = {(found.text, found.ec_level) for found in (decode(ours), decode(peer))}
        if read != {(text, level)}:
            raise DifferentWorkError(f"The QR codes of {text} at level {level} say {sorted(read)}.")


def _paint_library_svg(svg: bytes, pixels_per_module: int = 6) -> Image.Image:
    """Paint the library's path, a square for each dark module: M4,4H5V5H4z."""
    root = ElementTree.fromstring(svg)
    width = int(root.attrib["viewBox"].split()[2])
    image = Image.new("L", (width, width), 255)
    for column, row in re.findall(rb"M(\d+),(\d+)H", svg):
        image.putpixel((int(column), int(row)), 0)
    return image.resize((width * pixels_per_module,) * 2, Image.Resampling.NEAREST)


def run(rounds: int = MIN_ROUNDS, *, quick: bool = False) -> list[Result]:
    """Two results for each case: speed, and bytes."""
    peer_name = f"{require_peer('qrcode.image.svg', 'qrcode')} SvgPathImage"
    results = []
    for name, level, texts in cases(CODES_A_TURN // 4 if quick else CODES_A_TURN):
        check_same_work(texts, level)
        ours = _each(partial(qr_svg, error_correction=level), texts)
        peer = _each(partial(_library_svg, error_correction=level), texts)
        results.append(compare(f"QR as SVG, {name}: speed", ours, peer, rounds, SPEED_GOAL, peer_name=peer_name))
        results.append(compare_costs(f"QR as SVG, {name}: bytes", ours, peer, rounds, BYTES_GOAL, peer_name=peer_name))
    return results
