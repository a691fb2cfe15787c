"""Sign-ins, failed ones and sign-outs, as django.contrib.auth tells of them: the only signals that the portal hears.

A failed one names nobody: people type their password into the wrong field. The account that was meant is its row.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from portal.accounts.models import User
from portal.authorizations.models import AuditAction
from portal.authorizations.services.audit import record_sight


def connect() -> None:
    """Listen, once."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_kept_out, dispatch_uid="audit")


def _signed_in(user: User, **others: Any) -> None:
    record_sight(action=AuditAction.SIGNED_IN, noun="person", row=user.pk, by=user)


def _signed_out(user: User | None, **others: Any) -> None:
    if user is not None:
        record_sight(action=AuditAction.SIGNED_OUT, noun="person", row=user.pk, by=user)


def _kept_out(credentials: dict[str, Any], **others: Any) -> None:
    meant = User.objects.filter(username=str(credentials.get("username", "")).replace("\x00", "")).first()
    record_sight(action=AuditAction.KEPT_OUT, noun="person", row=meant.pk if meant else None)
