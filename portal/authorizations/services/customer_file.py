"""Customer lists as they come: CSV of any spreadsheet, opened with every fault in words.

Pure Python, no Django. A file is read twice: once to tell its encoding (over the whole of it: the first umlaut may
stand on line 90,000), then for its rows, in chunks, so that memory does not grow with the file.
"""

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import BinaryIO

from portal.authorizations.services.file_encoding import (
    CONTROL,
    Bytes,
    CustomerFileError,
    TextFile,
    open_text,
)

__all__ = ["CustomerFile", "CustomerFileError", "Fault", "Row", "open_customer_file", "shorten"]

# One record may span this many lines and characters. Beyond, a quotation mark was opened and never closed: the rest
# of the file must not vanish into that cell.
MAX_RECORD_LINES = 200
MAX_RECORD_LENGTH = 200_000

# So much is handed on of a record that cannot be taken apart.
_MAX_KEPT = 2_000

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SAMPLE_LINES = 40
_SEP_LINE = re.compile(r'\s*"?sep=([^\w\s"\'\x00-\x1f]|\t)"?[,;\s]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
# What surrounds a name without being seen: spaces of all widths, zero-width characters, direction marks.
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
BLANKS = " \t\r\n\x0b\x0c\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
BLANKS += "\u2028\u2029" + _UNSEEN
_NOTHING = BLANKS + '"' + "".join(_DELIMITERS)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row: the line, the column's header ("" when it is the row), the cell as shown, why."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Row:
    """One record: ``line`` is where it starts, counted as an editor counts.

    With a fault there may be too few cells or too many; of what cannot be taken apart one holds the text as it came.
    """

    line: int
    cells: list[str]
    fault: Fault | None = None


class _RecordTooLongError(Exception):
    """A record passed the bounds while the csv module was still asking for lines."""


def shorten(value: str, limit: int = 60) -> str:
    """Return ``value`` as it may be shown: on one line, control characters as pictures, at most ``limit`` long."""
    shown = CONTROL.sub(lambda found: _picture(found.group()), value[: limit + 1].replace("\r\n", "\n"))
    shown = shown.replace("\n", " ⏎ ").replace("\r", " ⏎ ").replace("\t", " ")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _picture(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"


class _Lines:
    """Physical lines for csv.reader: keeps those of the record in work, bounds it, and takes lines back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._lines = lines
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        taken = self.taken
        taken.append(line)
        if len(line) > MAX_RECORD_LENGTH or (len(taken) > 1 and self._is_too_long()):
            raise _RecordTooLongError
        return line

    def _is_too_long(self) -> bool:
        return len(self.taken) > MAX_RECORD_LINES or sum(map(len, self.taken)) > MAX_RECORD_LENGTH

    def give_up(self, keep: int) -> None:
        """End the record in work after its first ``keep`` lines; the others are read again.

        This stays linear: what the others hold of quotation marks, a cell took for pairs, so none of them (but the
        last) opens a cell that goes on beyond its line.
        """
        self._again.extendleft(reversed(self.taken[keep:]))
        self.taken.clear()


class CustomerFile:
    """An opened customer list. Iterate ``rows()`` as often as needed, one iteration at a time.

    ``encoding``: utf-8, utf-8-sig (with a BOM), utf-16-le, utf-16-be or windows-1252. ``header``: the columns' names,
    trimmed; "" where a column has none. ``empty_rows``: empty rows skipped by the last iteration.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self.encoding = text.encoding
        self.empty_rows = 0
        self._read_header()
        if next(self.rows(), None) is None:
            raise CustomerFileError("The file has a header but no rows. Add at least one customer below the header.")

    @property
    def fraction_read(self) -> float:
        """How much of the file the iteration in work has read, from 0 to 1."""
        return self._text.fraction_read

    def column_name(self, index: int) -> str:
        """The header of a column as people know it; “column C” where it has none."""
        name = self.header[index] if index < len(self.header) else ""
        return name or f"column {_letters(index)}"

    def rows(self) -> Iterator[Row]:
        """Yield the records below the header, each with its cells (as many as the header has) or a fault."""
        lines = _Lines(_split_lines(self._text.texts()))
        for _ in itertools.islice(lines, self._header_end):
            lines.taken.clear()
        reader = self._reader(lines)
        taken, width, suspect = lines.taken, len(self.header), self._text.suspect
        line = self._header_end + 1
        self.empty_rows = 0
        while True:
            try:
                for cells in reader:
                    start = line
                    line += len(taken)
                    taken.clear()
                    # The first cell tells for most rows; only without one is the row looked through.
                    if (not cells or not cells[0] or cells[0].isspace()) and not "".join(cells).strip(BLANKS):
                        self.empty_rows += 1
                        continue
                    if len(cells) > width:
                        _drop_empty_tail(cells, width)
                    if len(cells) != width:
                        yield Row(start, cells, self._count_fault(start, cells))
                    elif suspect is not None and suspect.search("".join(cells)):
                        yield Row(start, cells, self._character_fault(start, cells, suspect))
                    else:
                        yield Row(start, cells)
                return
            except (csv.Error, _RecordTooLongError) as error:
                fault, keep = self._quote_fault(line, taken, error)
                yield Row(line, ["".join(taken[:keep]).rstrip("\r\n")[:_MAX_KEPT]], fault)
                line += keep
                lines.give_up(keep)

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=self._skip_spaces)

    def _read_header(self) -> None:
        """Find the header, its delimiter and the line after it; refuse a header that cannot serve."""
        lines = _split_lines(self._text.texts())
        named, first, number = "", "", 0
        for line in lines:
            number += 1
            said = _SEP_LINE.fullmatch(line) if not named else None
            if said:
                named = said[1]
            elif line.strip(_NOTHING + named):
                first = line
                break
        if not first:
            raise CustomerFileError("The file is empty: it needs a header line and a line for each customer.")
        record = [first]
        while sum(text.count('"') for text in record) % 2:
            following = next(lines, None)
            record.append(following or "")
            if following is None or len(record) > MAX_RECORD_LINES or sum(map(len, record)) > MAX_RECORD_LENGTH:
                raise CustomerFileError(
                    f"A quotation mark in the header, on line {number}, is not closed. Close it, or remove it."
                )
        if sum(map(len, record)) > MAX_RECORD_LENGTH:
            raise CustomerFileError(
                f"Line {number} should be the header, but has more than {MAX_RECORD_LENGTH:,} characters. "
                "Put the names of the columns on a line of their own."
            )
        self._header_end = number + len(record) - 1
        sample = list(itertools.islice(lines, _SAMPLE_LINES))
        self.delimiter = named or _choose_delimiter(record, sample)
        # Hand-written lists put a space after the comma, and csv takes a quotation mark for text behind it.
        bare = _QUOTED.sub('""', "".join(record + sample))
        self._skip_spaces = re.search(re.escape(self.delimiter) + ' +"', bare) is not None
        self.header = self._check_header(record, number)

    def _check_header(self, record: list[str], line: int) -> tuple[str, ...]:
        try:
            cells = next(self._reader(record))
        except csv.Error:
            raise CustomerFileError(
                f"The header on line {line} cannot be read: write a quotation mark inside a name twice, or remove it."
            ) from None
        if CONTROL.search("".join(cells)):
            raise CustomerFileError(
                "This is not a text file: its header holds control characters. "
                "Open it in the program that it comes from and save it as “CSV UTF-8 (Comma delimited)”."
            )
        names = [" ".join(cell.strip(BLANKS).split()) for cell in cells]
        _drop_empty_tail(names, 1)
        for index, name in enumerate(names):
            if _EMAIL.fullmatch(name):
                raise CustomerFileError(
                    f"Line {line} should be the header, but column {_letters(index)} holds an email address, "
                    f"{shorten(name)}. Put a line with the names of the columns above the first customer."
                )
        seen: dict[str, int] = {}
        for index, name in enumerate(names):
            before = seen.setdefault(name.casefold(), index) if name else index
            if before != index:
                raise CustomerFileError(
                    f"The header “{shorten(name)}” stands twice: column {_letters(before)} (number {before + 1}) and "
                    f"column {_letters(index)} (number {index + 1}). Rename or delete one of them."
                )
        return tuple(names)

    def _count_fault(self, line: int, cells: list[str]) -> Fault:
        count, width = len(cells), len(self.header)
        said = f"{count} {'cell' if count == 1 else 'cells'} where the header has {width}: "
        if count < width:
            said += "add the missing cells, even when they are empty."
        else:
            name = _DELIMITERS.get(self.delimiter, f"“{self.delimiter}”")
            said += f"remove what is too much, or put quotation marks around a cell that holds a {name}."
        return Fault(line, "", shorten(self.delimiter.join(cells)), said)

    def _character_fault(self, line: int, cells: list[str], suspect: re.Pattern[str]) -> Fault:
        index, cell, character = next(
            (index, cell, found.group()) for index, cell in enumerate(cells) if (found := suspect.search(cell))
        )
        if character == "\ufffd":
            reason = (
                f"A character cannot be read as {self._text.encoding_name}. "
                "Type it again and save the file as “CSV UTF-8 (Comma delimited)”."
            )
        else:
            name = "A NUL byte" if character == "\0" else f"A control character (code {ord(character)})"
            reason = f"{name} stands in the cell. Remove it, or type the cell again."
        return Fault(line, self.column_name(index), shorten(cell), reason)

    def _quote_fault(self, line: int, taken: list[str], error: Exception) -> tuple[Fault, int]:
        """Return the fault of a record that csv could not finish, and how many of its lines it is charged with."""
        if isinstance(error, _RecordTooLongError) and len(taken) == 1:
            return Fault(line, "", shorten(taken[0]), _TOO_LONG.format("The line", MAX_RECORD_LENGTH)), 1
        offset, index, text = _find_open_quote(taken, self.delimiter)
        if "field larger" in str(error):
            reason = _TOO_LONG.format("The cell", csv.field_size_limit())
        elif len(taken) == 1 and "unexpected end" not in str(error):
            reason = (
                "Text follows the closing quotation mark. Write a quotation mark inside a cell twice, or remove it."
            )
        else:
            reason = (
                f"The quotation mark that opens this cell on line {line + offset} is not closed, "
                "or one inside the cell is not written twice. Close it, or remove it."
            )
        return Fault(line + offset, self.column_name(index), shorten(text), reason), offset + 1


_TOO_LONG = "{} has more than {:,} characters. Shorten it, or look for a quotation mark that is not closed."


def open_customer_file(source: BinaryIO | Path) -> CustomerFile:
    """Open a customer list and read its header; a file object must be seekable and stays the caller's to close.

    Raises CustomerFileError, in words, if the file cannot serve at all: empty, without rows, not a text, an unusable
    header. Faults of single rows come with ``rows()``.
    """
    return CustomerFile(open_text(Bytes(source)))


def _split_lines(texts: Iterable[str]) -> Iterator[str]:
    r"""Yield lines with their ends: \n, \r\n or \r. Of an overlong line only the beginning is kept."""
    pending = ""
    for text in texts:
        text = pending + text
        # A CR at the very end may be the first half of a CRLF.
        end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
        if end:
            yield from StringIO(text[:end], newline="")
        pending = text[end:]
        if len(pending) > MAX_RECORD_LENGTH:
            pending = pending[: MAX_RECORD_LENGTH + 1] + ("\r" if pending[-1] == "\r" else "")
    yield from StringIO(pending, newline="")


def _choose_delimiter(record: list[str], sample: list[str]) -> str:
    """Return the delimiter that the header has outside quotation marks; of several, the one that the rows agree on."""
    bare = _QUOTED.sub("", "".join(record))
    counts = {delimiter: bare.count(delimiter) for delimiter in _DELIMITERS if delimiter in bare}
    if len(counts) < 2:
        return next(iter(counts), ",")

    def score(delimiter: str) -> tuple[int, int]:
        try:
            header, *rows = csv.reader([*record, *sample], delimiter=delimiter)
        except csv.Error:
            return 0, counts[delimiter]
        return sum(len(row) == len(header) for row in rows if row), counts[delimiter]

    return max(counts, key=score)


def _find_open_quote(taken: list[str], delimiter: str) -> tuple[int, int, str]:
    """Return where the last quoted cell of a record opens: the line (0 is its first), the cell, the text from there."""
    index = 0
    found = (0, 0, taken[0] if taken else "")
    state = "start"
    for offset, line in enumerate(taken):
        for position, character in enumerate(line):
            if state == "quoted":
                state = "closing" if character == '"' else state
            elif state == "closing" and character == '"':
                state = "quoted"
            elif character == delimiter:
                index += 1
                state = "start"
            elif character == '"' and state == "start":
                state = "quoted"
                found = (offset, index, line[position + 1 :])
            elif state == "closing" and character not in "\r\n":
                return found  # text behind the closing mark: here csv stopped
            elif not (character == " " and state == "start"):
                state = "plain"
    return found


def _drop_empty_tail(cells: list[str], width: int) -> None:
    """Drop empty cells at the end beyond ``width``: spreadsheets write them for columns that were used once."""
    while len(cells) > width and not cells[-1].strip(BLANKS):
        cells.pop()


def _letters(index: int) -> str:
    """Return a column as spreadsheets name it: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
