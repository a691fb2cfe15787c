"""Write the roles' permissions to the database."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from portal.accounts.models import User
from portal.accounts.roles import PERMISSIONS, Role


@transaction.atomic
def sync_roles() -> dict[Role, int]:
    """Make the three groups hold exactly the permissions of `roles.py`; return how many each holds.

    Raises LookupError naming a permission that the database does not have (migrate first).
    """
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    counts: dict[Role, int] = {}
    for role, names in PERMISSIONS.items():
        missing = sorted(names - known.keys())
        if missing:
            raise LookupError(f"Unknown permission {missing[0]}: run migrate first")
        group, _ = Group.objects.get_or_create(name=role.value)
        group.permissions.set([known[name] for name in names])
        counts[role] = len(names)
    return counts


@transaction.atomic
def assign_role(*, user: User, role: Role) -> None:
    """Give a person one role, instead of any they had; only admins may open Django's own admin."""
    user.groups.set([Group.objects.get(name=role.value)])
    user.is_staff = role is Role.ADMIN
    user.save(update_fields=["is_staff"])
    user.__dict__.pop("_group_names", None)
