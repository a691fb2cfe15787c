"""What kind of file this is, and its text: files that only pretend to be a list are named, encodings told apart."""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 18
_HEAD = 1 << 16

# Control characters that no cell may hold: all but tab, LF and CR. Those from 0x80 on are what a text turns into when
# its encoding was mistaken once before.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_OR_LOST = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_CONTROL_BYTES = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")
_CONTROL_IN_UTF_8 = re.compile(rb"\xc2[\x80-\x9f]")
_UNDEFINED_IN_1252 = b"\x81\x8d\x8f\x90\x9d"

_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "windows-1252": "Windows-1252",
}

_SAVE = "Open it in Excel, choose Save As, “CSV UTF-8 (Comma delimited)”, and import that file."
_ASK = "Ask for the list as a spreadsheet or as CSV."
_UNPACK = "Unpack it, and import the CSV file inside."
_EXPORT = "Export the list as CSV again, signed in, and import that file."
# First bytes, what they tell, what to do.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", _ASK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", _SAVE),
    (b"PK\x05\x06", "a ZIP archive", _UNPACK),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)", _ASK),
    (b"\xff\xd8\xff", "an image (JPEG)", _ASK),
    (b"GIF87a", "an image (GIF)", _ASK),
    (b"GIF89a", "an image (GIF)", _ASK),
    (b"II*\x00", "an image (TIFF)", _ASK),
    (b"MM\x00*", "an image (TIFF)", _ASK),
    (b"RIFF", "an image or a sound", _ASK),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"SQLite format 3\x00", "a database (SQLite)", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", _ASK),
    (b"BEGIN:VCARD", "a file of contacts (vCard)", _EXPORT),
    (b"<!doctype html", "a web page (HTML), perhaps a sign-in page", _EXPORT),
    (b"<html", "a web page (HTML), perhaps a sign-in page", _EXPORT),
    (b"<table", "a web page (HTML) made for Excel", _SAVE),
    (b"<?xml", "an XML file", _SAVE),
    (b"#!", "a program", _ASK),
    (b"\x7fELF", "a program", _ASK),
    (b"MZ\x90\x00", "a program", _ASK),
)
_IN_ZIP: tuple[tuple[bytes, str, str], ...] = (
    (b"xl/", "an Excel workbook (.xlsx)", _SAVE),
    (b"opendocument.spreadsheet", "a LibreOffice spreadsheet (.ods)", _SAVE.replace("Excel", "LibreOffice or Excel")),
    (b"word/", "a Word document (.docx)", _ASK),
    (b"Index/", "a Numbers spreadsheet", "Open it in Numbers, choose Export To, CSV, and import that file."),
    (b"[Content_Types].xml", "an Excel workbook (.xlsx)", _SAVE),
)


class CustomerFileError(Exception):
    """The whole file cannot serve; the message says why and what to do, in words for the person who chose it."""


class Bytes:
    """The bytes of a path or of a seekable file object, from the start, as often as wanted."""

    def __init__(self, source: BinaryIO | Path) -> None:
        self._source = source

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if isinstance(self._source, Path):
            try:
                file = self._source.open("rb")
            except OSError as error:
                raise CustomerFileError(f"The file cannot be opened: {error.strerror}.") from error
            with file:
                yield file
        else:
            self._source.seek(0)
            yield self._source

    def head(self) -> bytes:
        """The first 64 KB."""
        with self._open() as file:
            return file.read(_HEAD)

    def chunks(self) -> Iterator[bytes]:
        with self._open() as file:
            while chunk := file.read(_CHUNK):
                yield chunk


@dataclass
class TextFile:
    """A file whose encoding is known. ``suspect`` finds what no cell may hold; None: the file has none of it."""

    source: Bytes
    encoding: str
    size: int
    suspect: re.Pattern[str] | None
    _done: int = 0

    @property
    def encoding_name(self) -> str:
        return _NAMES[self.encoding]

    @property
    def fraction_read(self) -> float:
        return self._done / self.size

    def texts(self) -> Iterator[str]:
        """Yield the text in pieces, without the byte order mark; what cannot be read is U+FFFD."""
        self._done = 0
        # The codec utf-8-sig would do, but the UTF-16 ones leave the mark in: here it goes for all alike.
        decoder = codecs.getincrementaldecoder(self.encoding.removesuffix("-sig"))("replace")
        started = False
        for chunk in self.source.chunks():
            self._done += len(chunk)
            text = decoder.decode(chunk)
            if not started:
                text = text.lstrip("\ufeff")
                started = bool(text)
            yield text
        yield decoder.decode(b"", True)


def open_text(source: Bytes) -> TextFile:
    """Tell the encoding of the whole file. Raises CustomerFileError if it is empty or not a text."""
    head = source.head()
    if not head:
        raise CustomerFileError("The file is empty: it has no bytes at all. Export the list again.")
    _refuse_other_kinds(head)
    encoding = _encoding_by_mark(head) or _utf_16_without_mark(head) or "utf-8"
    if encoding.startswith("utf-16"):
        size, controls, lost = _survey_utf_16(source, encoding)
    else:
        size, controls, lost = _survey_bytes(source)
        if lost and not _is_damaged_utf_8(source, marked=encoding == "utf-8-sig"):
            encoding = "windows-1252"
            lost = any(chunk.translate(None, _UNDEFINED_IN_1252) != chunk for chunk in source.chunks())
    suspect = _CONTROL_OR_LOST if lost else CONTROL if controls else None
    text = TextFile(source, encoding, size, suspect)
    if suspect is not None:
        _refuse_garbage(text)
    return text


def _refuse_other_kinds(head: bytes) -> None:
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    kinds = _KINDS
    if start.startswith(b"PK\x03\x04"):
        kinds = tuple((b"PK", kind, advice) for mark, kind, advice in _IN_ZIP if mark in head)
        kinds += ((b"PK", "a ZIP archive", _UNPACK),)
    for mark, kind, advice in kinds:
        begins = start[: len(mark)]
        if begins == mark or (mark[:1] == b"<" and begins.lower() == mark):
            raise CustomerFileError(f"This is {kind}, whatever its name says; customers come as CSV. {advice}")


def _encoding_by_mark(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    return "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else ""


def _utf_16_without_mark(head: bytes) -> str:
    """Tell UTF-16 by its zero bytes: names and delimiters are mostly below U+0100, so every other byte is zero."""
    even, odd = head[0::2], head[1::2]
    in_even, in_odd = even.count(0), odd.count(0)
    if len(odd) >= 4 and in_odd * 10 > len(odd) * 4 and in_even * 20 < len(even):
        return "utf-16-le"
    if len(even) >= 4 and in_even * 10 > len(even) * 4 and in_odd * 20 < len(odd):
        return "utf-16-be"
    return ""


def _survey_utf_16(source: Bytes, encoding: str) -> tuple[int, bool, bool]:
    """Return the size in bytes, whether control characters occur, and whether anything cannot be read."""
    decoder = codecs.getincrementaldecoder(encoding)()
    size, controls = 0, False
    try:
        for chunk in source.chunks():
            size += len(chunk)
            controls = CONTROL.search(decoder.decode(chunk)) is not None or controls
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return sum(map(len, source.chunks())), True, True
    return size, controls, False


def _survey_bytes(source: Bytes) -> tuple[int, bool, bool]:
    """The same for a file that should be UTF-8; works on bytes where it can, for speed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, controls, lost = 0, False, False
    for chunk in source.chunks():
        size += len(chunk)
        if not controls:
            controls = len(chunk.translate(None, _CONTROL_BYTES)) != len(chunk)
            controls = controls or (not chunk.isascii() and _CONTROL_IN_UTF_8.search(chunk) is not None)
        if not lost:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                lost = True
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        lost = True
    return size, controls, lost


def _is_damaged_utf_8(source: Bytes, *, marked: bool) -> bool:
    """Tell UTF-8 with some broken characters (a line pasted in, a file cut off) from a file in Windows-1252.

    In a Windows-1252 text hardly any letter beyond ASCII happens to be valid UTF-8; in UTF-8 most are.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    lost = beyond_ascii = 0
    for chunk in source.chunks():
        text = decoder.decode(chunk)
        lost += text.count("\ufffd")
        beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
    return marked or beyond_ascii > 2 * lost


def _refuse_garbage(text: TextFile) -> None:
    """Refuse bytes that only by chance were read as a text: one character in twenty is a control character."""
    beginning = next(text.texts(), "")[:_HEAD]
    count = len(CONTROL.findall(beginning))
    if count >= 30 and count * 20 > len(beginning):
        raise CustomerFileError(
            "This is not a text file: it is full of control characters. "
            "Open it in the program that it comes from and save it as “CSV UTF-8 (Comma delimited)”."
        )
