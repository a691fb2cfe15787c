"""How a person's printer is corrected, remembered for each stock."""

from typing import Any

from portal.accounts.models import User
from portal.authorizations.models import PrinterSettings
from portal.printing.stocks import Stock


def get_printer(*, user: User | None, stock: Stock) -> PrinterSettings:
    """Return what this person has set for this stock, or what holds without: nothing moved, the stock's own margins."""
    found = PrinterSettings.objects.filter(user=user, stock=stock.name).first() if user else None
    return found or PrinterSettings(user=user, stock=stock.name)


def save_printer(*, user: User, stock: Stock, **correction: Any) -> PrinterSettings:
    """Remember a correction. Raises PrintRefusedError, in words, if a label would then not lie on its page."""
    stock.placed(**correction)
    saved, _ = PrinterSettings.objects.update_or_create(user=user, stock=stock.name, defaults=correction)
    return saved
