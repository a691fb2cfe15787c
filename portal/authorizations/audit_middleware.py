"""Note what each answer shows or hands out, before it leaves. views/audited.py says which; services/audit.py writes."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse

from portal.accounts.models import User
from portal.authorizations.models import AuditAction
from portal.authorizations.services.audit import AuditLost, acting, record_sight
from portal.authorizations.services.csv_export import RowCounter
from portal.authorizations.views.audited import Audited, find_audited, row_of

_LOST = (
    "This page shows customers, and nobody could note that you saw it: the database does not answer, and SPOOL_DIR "
    "cannot be written. Try again in a moment.\n"
)


class AuditMiddleware:
    """Whatever happens inside, happens by the request's user; and what is shown is noted, or not shown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting(request=request):
            response = self.get_response(request)
            match = request.resolver_match
            audited = find_audited(match.view_name, request) if match else None
            if audited is None or request.method not in {"GET", "POST"} or not _fits(response, audited):
                return response
            try:
                return _note(request, response, audited)
            except AuditLost:
                response.close()
                return HttpResponse(_LOST, status=503, content_type="text/plain; charset=utf-8")


def _fits(response: HttpResponseBase, audited: Audited) -> bool:
    if audited.when_done:
        return response.status_code == 302
    # 422: a form shown once more, with what stands in the row.
    return response.status_code in {200, 422}


def _note(request: HttpRequest, response: HttpResponseBase, audited: Audited) -> HttpResponseBase:
    assert request.resolver_match is not None
    row = row_of(request.resolver_match.kwargs)
    if row is None and audited.parameter:
        row = row_of({"pk": request.GET.get(audited.parameter) or request.POST.get(audited.parameter) or ""})
    is_csv = isinstance(response, StreamingHttpResponse) and response.headers["Content-Type"].startswith("text/csv")
    streamed = is_csv and audited.count is None
    action = AuditAction.EXPORTED if streamed else audited.action
    count = _count(request, response, audited, row)
    if count == 0 and not streamed:
        return response
    details: dict[str, Any] = {"fields": audited.fields, "filters": _filters(request), "chosen": _chosen(request)}
    if streamed:
        # How many rows they will be is not known before they have gone out: a second entry says so.
        at = record_sight(action=action, noun=audited.noun, row=row, count=0, **details)
        response.streaming_content = _watched(  # type: ignore[attr-defined]
            response.streaming_content,  # type: ignore[attr-defined]
            audited.noun,
            at,
            request.user,
        )
    else:
        record_sight(action=action, noun=audited.noun, row=row, count=count, **details)
    return response


def _count(request: HttpRequest, response: HttpResponseBase, audited: Audited, row: int | None) -> int:
    """How many rows are shown: told by the view, of the page's table or list, else one."""
    told = getattr(request, "shown_count", None)
    if told is not None:
        return int(told)
    if audited.count is not None and row is not None:
        return audited.count(row)
    context = getattr(response, "context_data", None) or {}
    if "table" in context:
        return len(context["table"].paginated_rows)
    if "cl" in context:
        return len(context["cl"].result_list)
    if audited.context:
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type") == "application/json":
            context = json.loads(response.content)
        return len(context.get(audited.context) or ())
    return 1


def _watched(content: Iterator[bytes], noun: str, at: datetime, user: Any) -> Iterator[bytes]:
    """Hand on what is streamed, and note in the end how many rows went out, and whether that was all of them."""
    counter, ended = RowCounter(), False
    try:
        for chunk in content:
            counter.feed(chunk)
            yield chunk
        ended = True
    finally:
        record_sight(
            action=AuditAction.EXPORTED,
            noun=noun,
            count=counter.rows,
            by=user if isinstance(user, User) else None,
            ended=ended,
            of=at.strftime("%Y-%m-%d.%H:%M:%S.%f"),
        )


def _filters(request: HttpRequest) -> list[str]:
    """The names of the list's filters that are in force. Other names in an address may say anything."""
    assert request.resolver_match is not None
    view = getattr(request.resolver_match.func, "view_class", None)
    known = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    asked = request.GET if request.method == "GET" else QueryDict(request.POST.get("query", ""))
    return sorted(name for name in known if asked.get(name))


def _chosen(request: HttpRequest) -> int | None:
    return len(request.POST.getlist("select")) or None if request.method == "POST" else None
