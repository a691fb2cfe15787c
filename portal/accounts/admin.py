"""People in Django's own admin, to be looked at: they change on the portal's screen “People”."""

from typing import Any

import django.contrib.auth.admin  # noqa: F401 (registers Group, so that it can be taken out below)
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from portal.accounts.models import User

# The three groups are written by `sync_roles` from roles.py: a change made here would be gone after the next update.
admin.site.unregister(Group)


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that are append-only, or that change on a screen of the portal which knows their rules."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(ReadOnlyAdmin):
    """Django's own screens would let an admin lock the last admin out, or know somebody's password."""

    list_display = ("username", "first_name", "last_name", "email", "role", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    fields = (
        "username",
        "first_name",
        "last_name",
        "email",
        "phone",
        "role",
        "is_active",
        "is_superuser",
        "last_login",
        "date_joined",
    )
    readonly_fields = ("role",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def view_on_site(self, person: User) -> str:
        return reverse("user_update", args=[person.pk])

    @admin.display(description="role")
    def role(self, person: User) -> str:
        return str(person.role or "none: may do nothing")
