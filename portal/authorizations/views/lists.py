"""What every list shares: filters in the URL, sorting, pages, CSV export, and bulk actions over chosen rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.core.paginator import EmptyPage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django_filters import FilterSet
from django_filters.views import FilterView
from django_tables2 import LazyPaginator, SingleTableMixin

from portal.accounts.models import User
from portal.authorizations.views.exports import stream_csv

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: A list says "more than 10,000" instead of counting a million rows to show fifty.
COUNTED_UP_TO = 10_000


@dataclass(frozen=True)
class BulkAction:
    """A button over the chosen rows: its form posts `select` (ids), or `all` and `query` (the list's filters)."""

    label: str
    url: "str | _StrPromise"
    permission: str = ""


#: Rows of a page, and the most that `per_page` in the address may ask for.
ROWS, MOST_ROWS = 50, 200


class PageByPage(LazyPaginator):
    """Previous and next, without counting. A page number that no database could skip to is no page."""

    FURTHEST = 10**9

    def __init__(self, object_list: Any, per_page: int, **kwargs: Any) -> None:
        super().__init__(object_list, per_page if 0 < per_page <= MOST_ROWS else ROWS, **kwargs)

    def validate_number(self, number: Any) -> int:
        valid: int = super().validate_number(number)
        if valid > self.FURTHEST:
            raise EmptyPage("That page contains no results")
        return valid


class PortalListView(PermissionRequiredMixin, SingleTableMixin, FilterView):
    """A list is four names: queryset, table_class, filterset_class, template_name; and what it exports.

    Context for the template (which extends authorizations/_list.html): table, filter, count, more (whether there are
    more than counted), is_filtered, query (the filters, for bulk actions over all that match),
    bulk_actions, export_url.
    """

    # The table pages; with `paginate_by` Django's ListView would read every page a second time.
    table_pagination = {"per_page": ROWS, "paginator_class": PageByPage}
    strict = False
    export_permission: ClassVar[str] = ""
    #: Header and how to get the cell, for each column of the CSV.
    export_columns: ClassVar[Sequence[tuple[str, Callable[[Any], Any]]]] = ()
    export_name: ClassVar[str] = "export"
    #: Foreign keys to rows that many have in common: the export reads each once.
    export_few: ClassVar[Sequence[str]] = ()
    bulk_actions: ClassVar[Sequence[BulkAction]] = ()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.GET.get("export") == "csv":
            return self.export()
        return cast(HttpResponse, super().get(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # The keys alone: what a row shows besides (its visits, counted) is not worth computing ten thousand times.
        counted = self.object_list.order_by().values("pk")[: COUNTED_UP_TO + 1].count()
        query = self.request.GET.copy()
        for name in ("page", "export"):
            query.pop(name, None)
        filters = query.copy()
        filters.pop("sort", None)
        return {
            **context,
            "count": min(counted, COUNTED_UP_TO),
            "more": counted > COUNTED_UP_TO,
            "is_filtered": any(filters.values()),
            "query": filters.urlencode(),
            "bulk_actions": [
                a for a in self.bulk_actions if not a.permission or self.request.user.has_perm(a.permission)
            ],
            "export_url": self._export_url(query),
        }

    def _export_url(self, query: QueryDict) -> str:
        if not self.export_columns or (
            self.export_permission and not self.request.user.has_perm(self.export_permission)
        ):
            return ""
        query = query.copy()
        query["export"] = "csv"
        return f"?{query.urlencode()}"

    def export(self) -> StreamingHttpResponse:
        """Stream what the list shows, all pages of it: newest first, or few rows as they are sorted."""
        if not self.export_columns or (
            self.export_permission and not self.request.user.has_perm(self.export_permission)
        ):
            raise PermissionDenied
        self.filterset = self.get_filterset(self.get_filterset_class())
        # The table sorts, and is not drawn: no page is read and nothing counted.
        table = self.get_table_class()(data=self.filterset.qs)
        if sorts := self.request.GET.getlist(table.prefixed_order_by_field):
            table.order_by = sorts
        found = cast("QuerySet[Any]", table.data.data)
        return stream_csv(
            name=self.export_name,
            columns=self.export_columns,
            found=found,
            shown=self.get_export_queryset(),
            few=self.export_few,
        )

    def get_export_queryset(self) -> "QuerySet[Any]":
        """What of a row the export reads; which rows it reads is found apart."""
        return self.get_queryset()


def chosen_rows(
    request: HttpRequest, *, queryset: "QuerySet[Any]", filterset_class: type[FilterSet]
) -> "QuerySet[Any]":
    """Return the rows that a bulk action was asked for: the ticked ones, or with `all` every row of the filters.

    `queryset` holds what the user may see; nothing else can be chosen. A filter that is not valid chooses nothing.
    """
    if request.POST.get("all"):
        filterset = filterset_class(QueryDict(request.POST.get("query", "")), queryset=queryset, request=request)
        if not filterset.is_valid():
            return queryset.none()
        chosen = cast("QuerySet[Any]", filterset.qs)
        # What came since the person was asked is not meant.
        up_to = request.POST.get("up_to", "")
        return chosen.filter(pk__lte=int(up_to)) if up_to.isdecimal() and len(up_to) < 19 else chosen
    ids = [int(value) for value in request.POST.getlist("select") if value.isdecimal() and len(value) < 19]
    return queryset.filter(pk__in=ids)


def user_of(request: HttpRequest) -> User:
    """The signed-in user: LoginRequiredMiddleware has seen to it."""
    return cast(User, request.user)
