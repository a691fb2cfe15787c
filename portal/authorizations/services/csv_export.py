"""CSV that a spreadsheet opens without running anything: rows in, text out, as they come."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def make_safe(value: Any) -> str:
    """Return a cell as text; one that a spreadsheet would run as a formula gets an apostrophe in front (OWASP)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_RUNS_AS_FORMULA) else text


class _Echo:
    """A file for csv.writer that hands back what it is told to write."""

    def write(self, text: str) -> str:
        return text


#: Lines that go out together: for each alone, the server would speak to the network a million times.
LINES = 100


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield a CSV file (UTF-8, CRLF, with a BOM so that Excel reads it): its header, then LINES lines at a time."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([make_safe(cell) for cell in header])
    lines = []
    for row in rows:
        lines.append(writer.writerow([make_safe(cell) for cell in row]))
        if len(lines) == LINES:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)


class RowCounter:
    """Counts the rows below the header of a CSV file as it goes by, however it is cut into chunks of whole rows."""

    def __init__(self) -> None:
        self._ends = 0
        self._quoted = False

    @property
    def rows(self) -> int:
        return max(0, self._ends - 1)

    def feed(self, chunk: bytes) -> None:
        """Look at the next chunk: a row ends with a line break that stands in no quotes."""
        for number, part in enumerate(chunk.split(b'"')):
            if number:
                self._quoted = not self._quoted
            if not self._quoted:
                self._ends += part.count(b"\r\n")
