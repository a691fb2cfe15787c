"""What every list shares: filters in the URL, sorting, pages, CSV export, and bulk actions over chosen rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django_filters import FilterSet
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin, Table

from portal.accounts.models import User
from portal.authorizations.models.expressions import COUNTED_UP_TO
from portal.authorizations.views.exports import stream_csv
from portal.authorizations.views.pages import ROWS, KeysetPages

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class BulkAction:
    """A button over the chosen rows: its form posts `select` (ids), or `all` and `query` (the list's filters)."""

    label: str
    url: "str | _StrPromise"
    permission: str = ""


class PortalListView(PermissionRequiredMixin, SingleTableMixin, FilterView):
    """A list is four names: queryset, table_class, filterset_class, template_name; and what it exports.

    Context for the template (which extends authorizations/_list.html): table, filter, count, more (whether there are
    more than counted), is_filtered, query (the filters, for bulk actions over all that match),
    bulk_actions, export_url, unsorted (the order asked for is not to be had among so many).

    Up to COUNTED_UP_TO rows, every column sorts. More are shown only in an order that an index yields: see
    `order_of_many`, and from the table `newest` (its column of the list's own order) and `indexed`.
    """

    #: A filter that makes no sense finds nothing, and says so: all rows would pass for what was asked for.
    strict = True
    export_permission: ClassVar[str] = ""
    #: Header and how to get the cell, for each column of the CSV.
    export_columns: ClassVar[Sequence[tuple[str, Callable[[Any], Any]]]] = ()
    export_name: ClassVar[str] = "export"
    #: Foreign keys to rows that many have in common: the export reads each once.
    export_few: ClassVar[Sequence[str]] = ()
    bulk_actions: ClassVar[Sequence[BulkAction]] = ()
    #: Filters whose index yields another order than the key's: the moment that they are about.
    filter_orders: ClassVar[Mapping[str, str]] = {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.GET.get("export") == "csv":
            return self.export()
        return cast(HttpResponse, super().get(request, *args, **kwargs))

    @cached_property
    def found(self) -> list[int] | None:
        """Keys of the rows that match, in no order; None: there are more than are counted.

        The filters are asked once, for the count and for the page. What a row shows is not computed.
        """
        keys = list(self.object_list.order_by().values_list("pk", flat=True)[: COUNTED_UP_TO + 1])
        return keys if len(keys) <= COUNTED_UP_TO else None

    @property
    def more(self) -> bool:
        return self.found is None

    def get_table(self, **kwargs: Any) -> Table:
        """The table, sorted as asked or as so many rows can be, with its page."""
        table = self.get_table_class()(data=self.object_list, **kwargs)
        table.request = self.request
        self.unsorted = False
        if asked := self.request.GET.getlist(table.prefixed_order_by_field):
            table.order_by = asked
        if self.more:
            self._order_many(table, asked)
        page = self.request.GET.get(table.prefixed_page_field, "")
        per_page = self.request.GET.get(table.prefixed_per_page_field, "")
        table.paginate(
            KeysetPages,
            per_page=int(per_page) if per_page.isdecimal() and len(per_page) < 9 else ROWS,
            page=page,
            shown=self.get_queryset(),
            keys=self.found,
        )
        return table

    def _order_many(self, table: Table, asked: list[str]) -> None:
        """Sort by what an index yields; columns that cannot sort so many rows are no links."""
        newest: str = getattr(table, "newest", "")
        possible = {newest, *(getattr(table, "indexed", ()) if not self.active_filters else ())}
        sorts = [alias for alias in asked if alias.lstrip("-") in possible][:1]
        self.unsorted = bool(asked) and not sorts
        for column in table.columns:
            if column.name not in possible:
                column.column.orderable = False
        usual = [alias for alias in table._meta.order_by or () if alias.lstrip("-") == newest]
        alias = (sorts or usual or [f"-{newest}"])[0]
        if alias.lstrip("-") != newest:
            table.order_by = alias
            return
        if newest:
            table.order_by = alias
        sign = "-" if alias.startswith("-") else ""
        table.data.data = table.data.data.order_by(*(f"{sign}{path}" for path in self.order_of_many(table)))

    def order_of_many(self, table: Table) -> tuple[str, ...]:
        """What more than COUNTED_UP_TO rows are sorted by: what the index that finds them yields.

        A search's own key, the moment that a filter is about, the column `newest` where the filters' indexes know it
        (Table.newest_always) or nothing is filtered; else the key.
        """
        if "found" in self.object_list.query.annotations:
            return ("found",)
        for name in self.active_filters:
            if name in self.filter_orders:
                return (self.filter_orders[name], "pk")
        newest = getattr(table, "newest", "")
        if newest and (not self.active_filters or getattr(table, "newest_always", False)):
            return tuple(path.lstrip("-") for path in table.columns[newest].order_by)
        return ("pk",)

    @cached_property
    def active_filters(self) -> list[str]:
        """Names of the filters that are in force."""
        form = self.filterset.form
        values = form.cleaned_data if self.filterset.is_bound and form.is_valid() else {}
        return [name for name, value in values.items() if value not in (None, "", False, [])]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        query = self.request.GET.copy()
        for name in ("page", "export"):
            query.pop(name, None)
        filters = query.copy()
        filters.pop("sort", None)
        return {
            **context,
            "count": COUNTED_UP_TO if self.found is None else len(self.found),
            "more": self.more,
            "unsorted": self.unsorted,
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

    def export(self) -> HttpResponseBase:
        """Stream what the list shows, all pages of it: newest first, or few rows as they are sorted."""
        if not self.export_columns or (
            self.export_permission and not self.request.user.has_perm(self.export_permission)
        ):
            raise PermissionDenied
        self.filterset = self.get_filterset(self.get_filterset_class())
        if self.filterset.is_bound and not self.filterset.is_valid():
            query = self.request.GET.copy()
            query.pop("export", None)
            return redirect(f"{self.request.path}?{query.urlencode()}")
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
        up_to = read_keys([request.POST.get("up_to", "")])
        return chosen.filter(pk__lte=up_to[0]) if up_to else chosen
    return queryset.filter(pk__in=read_keys(request.POST.getlist("select")))


def read_keys(values: "Iterable[str]") -> list[int]:
    """Return the values that can be a row's key, as numbers."""
    return [int(value) for value in values if value.isdecimal() and len(value) < 19]


def user_of(request: HttpRequest) -> User:
    """The signed-in user: LoginRequiredMiddleware has seen to it."""
    return cast(User, request.user)
