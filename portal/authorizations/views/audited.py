"""What each staff screen shows or hands out of customers, for the audit: every route's name stands here.

None: no customer's data leaves by it; what it changes, its service records. AuditMiddleware reads this table, and
tests/test_audited_routes.py fails for a route that is missing. Django's own admin answers by model: see `find_audited`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest

from portal.authorizations.models import AuditAction, CustomerImport, PrintJob


@dataclass(frozen=True, slots=True)
class Audited:
    """An entry for each answer of a route that hands something out."""

    noun: str
    action: AuditAction = AuditAction.SAW
    context: str = ""
    """Which list in the page's context is shown, if it is no table of django-tables2; an empty one is no entry."""
    count: Callable[[int], int] | None = None
    """How many customers a file is about, by the row's key."""
    parameter: str = ""
    """The parameter that names the row, when the address does not."""
    when_done: bool = False
    """Not for what is shown, but for a form that was taken (it leads on)."""
    fields: tuple[str, ...] = ()


def _labels(pk: int) -> int:
    return PrintJob.objects.filter(pk=pk).values_list("label_count", flat=True).first() or 0


def _rows(pk: int) -> int:
    imported = CustomerImport.objects.filter(pk=pk).first()
    return imported.row_count if imported else 0


SAW, EXPORTED = AuditAction.SAW, AuditAction.EXPORTED
_PASSWORD = Audited("person", AuditAction.CHANGED, when_done=True, fields=("password",))

AUDITED: dict[str, Audited | None] = {
    "home": Audited("customer", context="doors"),
    "search": None,
    "guide": None,
    "customer_list": Audited("customer"),
    "customer_create": None,
    "customer_assign": None,
    "customer_export": Audited("customer", EXPORTED),
    "customer_import": None,
    "customer_import_detail": Audited("customer import"),
    "customer_import_columns": Audited("customer import"),
    "customer_import_apply": None,
    "customer_import_cancel": None,
    "customer_import_restart": None,
    "customer_import_file": Audited("customer import", EXPORTED, count=_rows),
    "customer_detail": Audited("customer"),
    "customer_paper": Audited("customer"),
    "customer_call": Audited("customer"),
    "customer_code": None,
    "customer_update": Audited("customer"),
    "customer_erase": Audited("customer"),
    "customer_readmit": None,
    "campaign_list": None,
    "campaign_create": None,
    "campaign_detail": None,
    "campaign_update": None,
    "campaign_compare": None,
    # Examples of whom it asks, by name.
    "campaign_audience": Audited("campaign"),
    "campaign_flow": None,
    "campaign_print": None,
    "campaign_review": Audited("campaign"),
    "campaign_left_out": Audited("campaign", EXPORTED),
    "campaign_launch": None,
    "campaign_pause": None,
    "campaign_resume": None,
    "campaign_close": None,
    "campaign_discard": None,
    "campaign_message": Audited("campaign"),
    "campaign_message_preview": Audited("campaign"),
    "campaign_reminders": None,
    "reminder_list": Audited("mail"),
    "reminder_stop_selection": None,
    "reminder_stop": Audited("mail"),
    "customer_reminders": Audited("customer"),
    "outage_list": None,
    "outage_create": None,
    "outage_end": None,
    "mail_list": Audited("mail"),
    "mail_detail": Audited("mail"),
    "mail_decide": None,
    "mail_stop_list": Audited("mail stop"),
    "mail_stop_create": None,
    "mail_stop_lift": Audited("mail stop"),
    "reauthorization_list": Audited("re-authorization"),
    "reauthorization_link": None,
    "reauthorization_dismiss": Audited("re-authorization"),
    "confirmation_list": Audited("confirmation"),
    "suspicious_list": Audited("link"),
    "event_list": Audited("event"),
    "event_detail": Audited("event"),
    "meter_list": Audited("meter"),
    "meter_sync": None,
    "meter_detail": Audited("meter"),
    "plan_list": Audited("meter"),
    "funnel": None,
    "link_list": Audited("link"),
    "link_export": Audited("link", EXPORTED),
    "link_void_selection": None,
    "link_issue": Audited("customer", parameter="customer"),
    "link_issue_selection": None,
    "link_issue_shared": None,
    "link_detail": Audited("link"),
    "link_code": Audited("link"),
    "link_void": Audited("link"),
    "link_replace": Audited("link"),
    "link_embed": Audited("link"),
    "link_embed_preview": None,
    # A picture of the short link, part of pages that are recorded themselves: it names nobody.
    "link_qr": None,
    "batch_replace": Audited("link"),
    "link_replace_selection": None,
    "job_list": None,
    "job_cancel": None,
    "job_carry_on": None,
    "job_detail": Audited("job"),
    "paper_list": Audited("paper authorization"),
    "paper_detail": Audited("paper authorization"),
    "paper_scan": Audited("paper authorization", EXPORTED),
    "paper_sent": Audited("paper authorization"),
    "paper_withdraw": Audited("paper authorization"),
    "print_list": None,
    "print_create": Audited("link"),
    "print_detail": None,
    "print_file": Audited("print job", EXPORTED, count=_labels),
    "print_again": None,
    "print_cancel": None,
    "printer_settings": None,
    "printer_test_page": None,
    "door_app": None,
    "door_worker": None,
    # A copy of the own list, to be carried about.
    "door_data": Audited("customer", EXPORTED, context="customers"),
    "door_codes": None,
    "door_actions": None,
    "door_customer": None,
    "rep_list": None,
    "rep_kit": None,
    "flow_list": None,
    "flow_create": None,
    "flow_utilities": None,
    "flow_preview": None,
    "confirmation_request": None,
    "flow_update": None,
    "flow_request": None,
    "flow_embed": None,
    "flow_embed_preview": None,
    "flow_qr": None,
    "flow_live": None,
    "flow_retire": None,
    "utility_list": None,
    "utility_create": None,
    "utility_update": None,
    "user_list": None,
    "user_create": None,
    "user_update": None,
    "user_invite": None,
    "user_disable": None,
    "user_enable": None,
    "webhook": None,
    "installation_update": None,
    "audit_list": Audited("audit entry"),
    "logout": None,
    "password_change": _PASSWORD,
    "password_change_done": None,
    "invitation": _PASSWORD,
}

_ADMIN = re.compile(r"admin:([a-z]+)_([a-z]+)_(changelist|add|change|delete|history)\Z")


def find_audited(name: str, request: HttpRequest) -> Audited | None:
    """Return what a route records. Of Django's admin every page about a row, and every list."""
    if not name.startswith("admin:"):
        return AUDITED.get(name)
    if name == "admin:autocomplete":
        return Audited(_noun("authorizations", request.GET.get("model_name", "")), context="results")
    found = _ADMIN.match(name)
    if found and found[1] == "authorizations" and found[3] != "add":
        return Audited(_noun(found[1], found[2]))
    return None


def tell_count(request: HttpRequest, count: int) -> None:
    """Say how many rows a page shows that is neither about one row nor a table. None are no entry."""
    request.shown_count = count  # type: ignore[attr-defined]


def row_of(values: dict[str, Any]) -> int | None:
    """Return the key of the row that an address is about."""
    value = str(values.get("pk", values.get("object_id", "")))
    return int(value) if value.isdecimal() and len(value) < 19 else None


def _noun(app: str, model: str) -> str:
    try:
        return str(apps.get_model(app, model)._meta.verbose_name)[:40]
    except LookupError:
        return "row"
