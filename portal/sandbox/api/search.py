"""Both searches: filters, and pages by key, so that a page costs the same wherever it begins."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from portal.sandbox import clock
from portal.sandbox.api.errors import Refusal
from portal.sandbox.api.search_request import MAX_PAGE, clean_search, digest
from portal.sandbox.models import ConnectionReference, Meter

_signer = Signer(salt="portal.sandbox.page_token")


def search_meters(body: Mapping[str, Any], meters: QuerySet[Meter]) -> tuple[list[Meter], str | None]:
    """Return one page of the meters that a search asks for, and the token of the next; None: there is no more.

    Meters come in the order in which they were made, so that a meter made meanwhile comes at the end and moves none.
    A token belongs to its search: Leap does not publish that it carries the filters, so they are to be sent again.
    """
    wanted = clean_search(body)
    after = _read_token(wanted["page_token"], digest(body)) if "page_token" in wanted else 0
    size = wanted.get("page_size", MAX_PAGE)
    found = _filtered(meters.filter(appears_at__lte=clock.now()), wanted).filter(pk__gt=after).order_by("pk")
    page = list(found[: size + 1])
    if len(page) <= size:
        return page, None
    return page[:size], _signer.sign(f"{page[size - 1].pk}.{digest(body)}")


def _read_token(token: str, search: str) -> int:
    try:
        pk, made_for = _signer.unsign(token).split(".")
    except (BadSignature, ValueError) as error:
        raise Refusal(400, "Page token is not valid", {"page_token": token[:200]}) from error
    if made_for != search:
        raise Refusal(400, "Page token belongs to a search with other filters", {"page_token": token[:200]})
    return int(pk)


#: Field of the request → lookup. What has none stands in _filtered.
_LOOKUPS = {
    "transmission_region": "transmission_region",
    "customer_classification": "customer_classification",
    "meter_ids": "meter_id__in",
    "partner_references": "partner_reference__in",
    "global_enrollment_statuses": "global_enrollment_status__in",
    "meter_types": "meter_type__in",
    "customer_groups": "customer_group__in",
    "last_modified_date_time": "updated_at__gt",
    "created_after_date_time": "created_at__gt",
    "created_before_date_time": "created_at__lt",
}


def _filtered(meters: QuerySet[Meter], wanted: Mapping[str, Any]) -> QuerySet[Meter]:
    meters = meters.filter(**{lookup: wanted[name] for name, lookup in _LOOKUPS.items() if name in wanted})
    if "connection_reference_ids" in wanted:
        references = ConnectionReference.objects.filter(reference_id__in=wanted["connection_reference_ids"])
        meters = meters.filter(pk__in=references.values("meter_id"))
    if wanted.get("exclude_archived"):
        meters = meters.filter(is_archived=False)
    if wanted.get("partner_action_required"):
        meters = meters.filter(partner_action_required=True)
    if "action_type" in wanted:
        meters = meters.filter(_any_of("action_types", [f",{action}," for action in wanted["action_type"]]))
    for name in ("load_types", "tags"):
        if name in wanted:
            # SQLite cannot ask whether a JSON list contains something; its text can be searched on both databases.
            meters = meters.alias(**{f"{name}_text": Cast(name, TextField())})
            meters = meters.filter(_any_of(f"{name}_text", [part for one in wanted[name] for part in _in_json(one)]))
    return meters


def _any_of(field: str, parts: Sequence[str]) -> Q:
    matches = Q()
    for part in parts:
        matches |= Q(**{f"{field}__contains": part})
    return matches


def _in_json(text: str) -> list[str]:
    """How a text looks as an item of a JSON list, first or later, with letters escaped (SQLite) or not (PostgreSQL)."""
    forms = {json.dumps(text), json.dumps(text, ensure_ascii=False)}
    return [start + form for form in sorted(forms) for start in ("[", ", ")]
