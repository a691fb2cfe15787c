from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from portal.accounts.models import User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People, by Django's own screens. Roles are given on the portal's screen “People”."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "last_login")
    readonly_fields = ("is_superuser", "user_permissions", "groups", "last_login", "date_joined")
