"""People who sign in."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from portal.accounts.roles import Role


class PersonManager(UserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Sign-in names are not case-sensitive: “Maya” and “maya” are one person."""
        return self.get(username__iexact=username)


class User(AbstractUser):
    """A program manager, field rep or admin of the partner."""

    phone = models.CharField(max_length=40, blank=True)

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(models.functions.Lower("username"), name="unique_username_any_case"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def role(self) -> Role | None:
        """The highest role among the user's groups; superusers are admins."""
        if self.is_superuser:
            return Role.ADMIN
        names = self.group_names
        return next((role for role in Role if role.value in names), None)

    @property
    def group_names(self) -> set[str]:
        """Names of the user's groups, read once per request."""
        if not hasattr(self, "_group_names"):
            self._group_names = {group.name for group in self.groups.all()}
        return self._group_names

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.pop("_group_names", None)
        super().refresh_from_db(*args, **kwargs)
