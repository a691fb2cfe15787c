"""Django's own admin of the program manager's desk: mails, outages, re-authorizations, the audit. All read-only."""

from django.contrib import admin

from portal.accounts.admin import ReadOnlyAdmin
from portal.authorizations.models import AuditEntry, Mail, MailStop, Message, Outage, Reauthorization


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


@admin.register(Reauthorization)
class ReauthorizationAdmin(ReadOnlyAdmin):
    list_display = ("meter", "code", "deadline_at", "opened_at", "link", "closed_as")
    list_select_related = ("meter", "link__customer")
    list_filter = ("closed_as",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "by", "action", "noun", "row", "count")
    list_select_related = ("by",)
    list_filter = ("action",)
