"""What belongs to the work at the door, in Django's own admin: to be looked at."""

from django.contrib import admin

from portal.accounts.admin import ReadOnlyAdmin
from portal.authorizations.models import DoorAction, DoorCall, DoorDevice, DoorKit, ReservedLink


@admin.register(DoorCall)
class DoorCallAdmin(ReadOnlyAdmin):
    list_display = ("at", "customer", "outcome", "come_back_on", "by")
    list_filter = ("outcome",)
    list_select_related = ("customer", "by")
    date_hierarchy = "at"


@admin.register(DoorKit)
class DoorKitAdmin(ReadOnlyAdmin):
    list_display = ("rep", "flow", "reserve", "chosen_by", "chosen_at")
    list_select_related = ("rep", "flow", "chosen_by")


@admin.register(DoorDevice)
class DoorDeviceAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "rep", "created_at", "seen_at", "ended_at")
    list_select_related = ("rep",)


@admin.register(ReservedLink)
class ReservedLinkAdmin(ReadOnlyAdmin):
    list_display = ("link", "device", "reserved_at")
    list_select_related = ("link__customer", "device")


@admin.register(DoorAction)
class DoorActionAdmin(ReadOnlyAdmin):
    list_display = ("key", "by", "device", "received_at")
    list_select_related = ("by", "device")
