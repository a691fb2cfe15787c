"""People who sign in: add them, change them, let them in and keep them out."""

from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Q
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import assign_role

_FIELDS = ("username", "first_name", "last_name", "email", "phone")


class PersonRefused(Exception):  # noqa: N818
    """A person cannot be changed so; `str()` says why, `field` names the input that is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


@transaction.atomic
def create_person(*, role: Role, **values: Any) -> User:
    """Add a person with one role and no password: `make_invitation` lets them set their own.

    `values` are username, first_name, last_name, email, phone.
    """
    user = User(**values)
    user.set_unusable_password()
    user.save()
    assign_role(user=user, role=role)
    return user


@transaction.atomic
def update_person(*, user: User, role: Role, by: User, **values: Any) -> User:
    """Change a person's names, addresses and role. Raises PersonRefused if nobody would be left to administer."""
    before = _lock(user)
    if before.role is not role and before.role is Role.ADMIN:
        _check_may_lose_admin(before, by=by, doing="take the role of admin from", field="role")
    for name, value in values.items():
        setattr(user, name, value)
    fields = [name for name in _FIELDS if name in values]
    if user.is_superuser and role is not Role.ADMIN:
        # A superuser passes every check of permissions, whatever the role says.
        user.is_superuser = False
        fields.append("is_superuser")
    user.save(update_fields=fields)
    if before.role is not role or not before.groups.exists():
        assign_role(user=user, role=role)
    return user


@transaction.atomic
def disable_person(*, user: User, by: User) -> User:
    """Keep a person out: the next request of every browser they are signed in with ends there. Raises PersonRefused."""
    before = _lock(user)
    if before.role is Role.ADMIN or before.pk == by.pk:
        _check_may_lose_admin(before, by=by, doing="disable", field="")
    user.is_active = False
    user.save(update_fields=["is_active"])
    return user


def enable_person(*, user: User) -> User:
    """Let a disabled person in again, with the password they had."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    return user


def make_invitation(user: User) -> tuple[str, str]:
    """Return (uid, token) of a link with which the person sets a password, once, within PASSWORD_RESET_TIMEOUT.

    So no admin ever knows a password. Raises PersonRefused for a disabled person.
    """
    if not user.is_active:
        raise PersonRefused(f"{user} is disabled: enable the person first.")
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def _lock(user: User) -> User:
    """Return the person as the database has them, and let nobody else take an admin away meanwhile."""
    admins = User.objects.filter(Q(groups__name=Role.ADMIN.value) | Q(is_superuser=True) | Q(pk=user.pk))
    list(User.objects.select_for_update().filter(pk__in=admins.values("pk")).order_by("pk").values_list("pk"))
    return User.objects.get(pk=user.pk)


def _check_may_lose_admin(user: User, *, by: User, doing: str, field: str) -> None:
    if user.pk == by.pk:
        raise PersonRefused(f"You cannot {doing} yourself: ask another admin.", field)
    others = User.objects.filter(Q(groups__name=Role.ADMIN.value) | Q(is_superuser=True), is_active=True)
    if user.is_active and not others.exclude(pk=user.pk).exists():
        raise PersonRefused(
            f"You cannot {doing} {user}: that is the last active admin, and nobody could configure the portal.", field
        )
