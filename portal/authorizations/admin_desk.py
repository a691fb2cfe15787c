"""Django's own admin of the manager's desk: mails, outages, tasks, figures, audit, jobs. All read-only."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.accounts.admin import ReadOnlyAdmin
from portal.authorizations.models import (
    AuditEntry,
    Customer,
    ErasedIdentity,
    Erasure,
    Figures,
    Job,
    JobRow,
    Mail,
    MailStop,
    Message,
    Outage,
    OutageFeed,
    Reauthorization,
    ReminderCursor,
)


class ErasableAdmin(admin.ModelAdmin[Any]):
    """Customers: erased on the portal's own screen, and left alone after that."""

    @admin.action(description="Erase…", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse | None:
        """One at a time, on the page that says what goes."""
        chosen = list(queryset.values_list("pk", flat=True)[:2])
        if len(chosen) == 1:
            return redirect("customer_erase", chosen[0])
        messages.warning(request, "Choose one customer: each is erased on a page that says what goes and what stays.")
        return None

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authorizations.erase_customer")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An erased customer stays as it is."""
        return (obj is None or obj.erased_at is None) and super().has_change_permission(request, obj)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("kind", "campaign", "subject", "updated_at")
    list_select_related = ("campaign",)
    list_filter = ("kind",)


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "message", "customer", "step", "due_at", "sent_at", "reason")
    list_select_related = ("message", "customer")
    list_filter = ("state",)


@admin.register(MailStop)
class MailStopAdmin(ReadOnlyAdmin):
    list_display = ("reason", "at", "recorded_by")
    list_select_related = ("recorded_by",)
    list_filter = ("reason",)


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = ("utility", "began_at", "ended_at", "note", "is_from_feed", "marked_by")
    list_select_related = ("utility", "marked_by")


@admin.register(OutageFeed)
class OutageFeedAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "read_at", "problem", "problem_at")


@admin.register(ReminderCursor)
class ReminderCursorAdmin(ReadOnlyAdmin):
    list_display = ("source", "last_id", "last_at")


@admin.register(Reauthorization)
class ReauthorizationAdmin(ReadOnlyAdmin):
    list_display = ("meter", "code", "deadline_at", "opened_at", "link", "closed_as")
    list_select_related = ("meter", "link__customer")
    list_filter = ("closed_as",)


@admin.register(Figures)
class FiguresAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "issued", "visited", "returned", "authorized", "metered", "enrolled", "counted_at")
    list_select_related = ("campaign",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "by", "action", "noun", "row", "count")
    list_select_related = ("by",)
    list_filter = ("action",)
    show_full_result_count = False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("kind", "state", "done", "total", "created_by", "created_at", "finished_at")
    list_filter = ("kind", "state")
    list_select_related = ("created_by",)


@admin.register(JobRow)
class JobRowAdmin(ReadOnlyAdmin):
    list_display = ("job", "row")
    list_select_related = ("job",)
    show_full_result_count = False


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("at", "customer", "reason", "by", "finished_at", "lifted_at")
    list_select_related = ("customer", "by")
    list_filter = ("reason",)


@admin.register(ErasedIdentity)
class ErasedIdentityAdmin(ReadOnlyAdmin):
    list_display = ("erasure",)
    list_select_related = ("erasure",)
