"""Scans of signed forms: checked by what they are, not by what they are called, and kept out of everybody's way.

A scan is personal data. It lies below MEDIA_ROOT/scans, which no address serves, under a random name that only the
portal's user may read.
"""

import re
import uuid
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.base import File
from django.core.files.storage import default_storage
from PIL import Image

from portal.authorizations.models import PaperAuthorization

MAX_BYTES = 20 * 1024**2
#: An A4 page at 600 dpi has 35 million. More would take memory from everybody else while it is opened.
MAX_PIXELS = 50_000_000
PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
#: Content type → the end of the file's name on the disk and in a download.
EXTENSIONS = {PDF: "pdf", JPEG: "jpg", PNG: "png"}

_MAGIC = ((b"%PDF-", PDF), (b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG))
_PILLOW = {JPEG: "JPEG", PNG: "PNG"}
#: What a person may well hand over instead: (where, which bytes, what it is).
_OTHERS = (
    (4, (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"), "a HEIC photo, as iPhones take them: share it as JPEG"),
    (0, (b"II*\x00", b"MM\x00*"), "a TIFF image: save it as PDF"),
    (0, (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), "a document or archive: print it to PDF"),
)
# PDF 1.7, 7.5.5: the last lines are startxref, an offset, and %%EOF; readers look for them in the last 1,024 bytes.
_TRAILER = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")
_TRAILER_BYTES = 1024
_COMPARED = 64 * 1024
_NAME_LENGTH = 200


class ScanRefused(Exception):  # noqa: N818
    """A file cannot be kept as a scan; `str()` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A file that has passed the checks, with the type that its content has."""

    file: File[bytes]
    content_type: str
    name: str
    """As it was called, fit to be shown."""


def check_scan(file: File[bytes]) -> Scan:
    """Return the file with its type, found by its first bytes and by opening it. Raises ScanRefused."""
    size = file.size or 0
    if not size:
        raise ScanRefused("The file is empty: scan or photograph the form again.")
    if size > MAX_BYTES:
        raise ScanRefused(
            f"The file has {size / 1024**2:.0f} MB; a scan may have {MAX_BYTES // 1024**2} MB at most. "
            "Scan it in grey at 200 or 300 dpi."
        )
    file.seek(0)
    content_type = _recognise(file.read(16))
    if content_type == PDF:
        _check_pdf(file, size)
    else:
        _check_image(file, content_type)
    file.seek(0)
    return Scan(file, content_type, clean_name(file.name or ""))


def clean_name(name: str) -> str:
    """Return a file's name as it may be shown: without folders and what cannot be seen, 200 characters at most."""
    plain = "".join(c for c in name.replace("\\", "/") if c.isprintable())
    path = PurePath(plain)
    stem, suffix = path.stem, path.suffix[:10]
    return f"{stem[: _NAME_LENGTH - len(suffix)].strip()}{suffix}".strip() or "scan"


def store_scan(scan: Scan) -> str:
    """Write a scan to the disk under a random name; return where, as the field keeps it."""
    scan.file.seek(0)
    name = f"scans/{uuid.uuid4().hex}.{EXTENSIONS[scan.content_type]}"
    try:
        return default_storage.save(name, scan.file)
    except BaseException:
        # The disk is full, say: what it took must not stay.
        drop_stored(name)
        raise


def drop_stored(name: str) -> None:
    """Remove a stored scan that no row will name; an empty name is none."""
    if name:
        default_storage.delete(name)


def has_scan(paper: PaperAuthorization) -> bool:
    """Whether the scan is still there: erasure removes it, and a disk may lose it."""
    return bool(paper.scan) and default_storage.exists(paper.scan.name or "")


def is_same_scan(paper: PaperAuthorization, scan: Scan) -> bool:
    """Whether the authorization's scan has the same bytes."""
    if not has_scan(paper) or paper.scan.size != scan.file.size:
        return False
    scan.file.seek(0)
    with default_storage.open(paper.scan.name or "") as stored:
        while block := stored.read(_COMPARED):
            if block != scan.file.read(len(block)):
                return False
    return True


def _recognise(beginning: bytes) -> str:
    for magic, content_type in _MAGIC:
        if beginning.startswith(magic):
            return content_type
    for start, magics, what in _OTHERS:
        if beginning[start:].startswith(magics):
            raise ScanRefused(f"By its content this is {what}. A scan is a PDF, JPEG or PNG file.")
    raise ScanRefused(
        "By its content this is no PDF, JPEG or PNG, whatever its name says. Scan or photograph the form again."
    )


def _check_pdf(file: File[bytes], size: int) -> None:
    file.seek(max(0, size - _TRAILER_BYTES))
    trailers = _TRAILER.findall(file.read())
    if not trailers or int(trailers[-1]) >= size:
        raise ScanRefused("This PDF is cut off or damaged: its end is missing. Save or scan it again.")


def _check_image(file: File[bytes], content_type: str) -> None:
    file.seek(0)
    try:
        with Image.open(file, formats=(_PILLOW[content_type],)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            # A JPEG is read to its end all the same, at an eighth of its size and so of the memory.
            image.draft(None, (1, 1))
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ScanRefused(
            f"This image has more than {MAX_PIXELS // 1_000_000} million pixels. Scan it at 200 or 300 dpi."
        ) from error
    except Exception as error:  # a damaged image makes Pillow raise nearly anything
        raise ScanRefused("This image cannot be opened: it is cut off or damaged. Save or scan it again.") from error
