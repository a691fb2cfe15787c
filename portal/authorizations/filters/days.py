"""Days of a filter as moments: bounds that the index on a moment serves."""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone


def after_midnight(day: date) -> datetime:
    """Return the start of a day where the portal stands. The first day of all has no earlier moment to convert to."""
    return _midnight(max(day, date(1, 1, 2)))


def before_midnight(day: date) -> datetime:
    """Return the end of a day: the start of the next. After the last two days of all there is nothing."""
    if day >= date.max - timedelta(days=1):
        return datetime.max.replace(tzinfo=UTC)
    return _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
