"""How a person's printer is corrected, remembered for each stock."""

from typing import Any

from django.db import transaction

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, PrinterSettings
from portal.authorizations.services.audit import record
from portal.printing.stocks import Stock


def get_printer(*, user: User | None, stock: Stock) -> PrinterSettings:
    """Return what this person has set for this stock, or what holds without: nothing moved, the stock's own margins."""
    found = PrinterSettings.objects.filter(user=user, stock=stock.name).first() if user else None
    return found or PrinterSettings(user=user, stock=stock.name)


def save_printer(*, user: User, stock: Stock, **correction: Any) -> PrinterSettings:
    """Remember a correction. Raises PrintRefusedError, in words, if a label would then not lie on its page."""
    stock.placed(**correction)
    with transaction.atomic():
        saved, _ = PrinterSettings.objects.update_or_create(user=user, stock=stock.name, defaults=correction)
        record(action=AuditAction.CHANGED, noun="printer settings", row=saved.pk, by=user)
    return saved
