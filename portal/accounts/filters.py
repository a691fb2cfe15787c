"""Filters of the list of people. All stand in the URL."""

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.accounts.roles import Role


class UserFilterSet(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, sign-in name or email"}),
    )
    role = filters.ChoiceFilter(
        choices=[(role.value, role.value) for role in Role], method="by_role", empty_label="All roles", label="Role"
    )
    state = filters.ChoiceFilter(
        choices=[("active", "active"), ("disabled", "disabled")],
        method="by_state",
        empty_label="Active and disabled",
        label="State",
    )

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        for word in value.split()[:8]:
            queryset = queryset.filter(
                Q(username__icontains=word)
                | Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(email__icontains=word)
            )
        return queryset

    def by_role(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        """By the highest role, as the list shows it."""
        admin = Q(is_superuser=True) | Q(pk__in=User.objects.filter(groups__name=Role.ADMIN.value).values("pk"))
        if value == Role.ADMIN:
            return queryset.filter(admin)
        return queryset.filter(pk__in=User.objects.filter(groups__name=value).values("pk")).exclude(admin)

    def by_state(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(is_active=value == "active")
