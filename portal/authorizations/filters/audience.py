"""Whom a campaign asks: a filter of the list of customers, an import or ticked customers; as rows and in words."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.authorizations.filters.customers import CustomerFilterSet
from portal.authorizations.models import AudienceKind, Campaign, Customer, CustomerImport

#: Ticked customers that a draft keeps: a list's page has 200 at most.
MOST_TICKED = 1000
_SEARCH = "q"


@dataclass(frozen=True)
class Audience:
    """The customers of an audience that the person may see, and how they were chosen; `problem`: why there are none."""

    customers: "QuerySet[Customer]"
    words: str
    problem: str = ""
    filterset: CustomerFilterSet | None = None


def find_audience(*, campaign: Campaign, request: HttpRequest) -> Audience:
    """Return whom a campaign asks, of the customers that this person may see now."""
    return read_audience(audience=campaign.audience, request=request)


def read_audience(*, audience: dict[str, Any], request: HttpRequest) -> Audience:
    """Return whom an audience means, saved or not."""
    user = request.user
    assert isinstance(user, User)
    customers = Customer.objects.visible_to(user)
    kind = audience.get("kind", "")
    if kind == AudienceKind.FILTER:
        return _of_filter(QueryDict(audience.get("query", "")), customers, request, searched="searched" in audience)
    if kind == AudienceKind.IMPORT:
        return _of_import(audience.get("import"), customers)
    if kind == AudienceKind.SELECTION:
        ids = audience.get("ids", [])
        return Audience(customers.filter(pk__in=ids), f"{len(ids):,} ticked customer{'' if len(ids) == 1 else 's'}")
    return Audience(customers.none(), "Nobody yet: links are issued one by one, or hang on a poster or a web page")


def keep_query(data: QueryDict) -> str:
    """Return the customer list's filters in posted data or in an address, as an audience keeps them."""
    kept = QueryDict(mutable=True)
    for name in CustomerFilterSet.base_filters:
        if value := data.get(name, "").replace("\x00", "").strip():
            kept[name] = value[:200]
    return kept.urlencode()


def list_imports() -> "QuerySet[CustomerImport]":
    """The imports whose customers are known, newest first."""
    through = CustomerImport.customers.through.objects
    return CustomerImport.objects.filter(Exists(through.filter(customerimport=OuterRef("pk"))))


def _of_filter(query: QueryDict, customers: "QuerySet[Customer]", request: HttpRequest, *, searched: bool) -> Audience:
    filterset = CustomerFilterSet(query, queryset=customers, request=request)
    if not filterset.is_valid():
        problem = "The filter chooses something that is no longer there: choose the audience anew."
        return Audience(customers.none(), "A filter", problem, filterset)
    said = list(_say(filterset))
    if searched:
        # Its words may have been somebody's name: they went at the launch.
        said.append("a search")
    return Audience(filterset.qs, ", ".join(said) or "Every customer", "", filterset)


def _say(filterset: CustomerFilterSet) -> "list[str]":
    said = []
    for name, value in filterset.form.cleaned_data.items():
        if value in (None, ""):
            continue
        field = filterset.form.fields[name]
        choices = {str(key): words for key, words in getattr(field, "choices", [])} if isinstance(value, str) else {}
        label = str(field.label or name).lower() if name != _SEARCH else "search"
        said.append(f"{label} “{choices.get(value, value)}”")
    return said


def _of_import(pk: Any, customers: "QuerySet[Customer]") -> Audience:
    imported = CustomerImport.objects.filter(pk=pk).first() if isinstance(pk, int) else None
    if imported is None:
        gone = "The import is no longer there: choose another audience." if pk else "Choose the import."
        return Audience(customers.none(), "An import", gone)
    through = CustomerImport.customers.through.objects.filter(customerimport=imported, customer=OuterRef("pk"))
    return Audience(
        customers.filter(Exists(through)),
        f"The list {imported.file_name}, imported {date_format(timezone.localtime(imported.created_at))}",
    )
