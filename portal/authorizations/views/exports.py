"""CSV answers: a list's rows as they come, however many there are."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from portal.authorizations.services.csv_export import write_csv
from portal.authorizations.services.row_chunks import read_rows

#: Header and how to get the cell.
Columns = Sequence[tuple[str, Callable[[Any], Any]]]


def stream_csv(
    *, name: str, columns: Columns, found: "QuerySet[Any]", shown: "QuerySet[Any]", few: Sequence[str] = ()
) -> StreamingHttpResponse:
    """Answer with these rows as a file called after the list and the day; see `read_rows`.

    Nothing is read before the first line goes out. When the other side goes away, reading ends with the next chunk.
    """
    getters = [getter for _, getter in columns]
    rows = ([get(row) for get in getters] for row in read_rows(found=found, shown=shown, few=few))
    response = StreamingHttpResponse(
        write_csv([header for header, _ in columns], rows), content_type="text/csv; charset=utf-8"
    )
    file_name = f"{name}-{timezone.localdate():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    # A proxy that gathered it would keep whoever waits for it in the dark (nginx).
    response.headers["X-Accel-Buffering"] = "no"
    return response
