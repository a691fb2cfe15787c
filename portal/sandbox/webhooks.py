"""What the sandbox tells its subscribers."""

from typing import Any


def emit(event_type: str, payload: dict[str, Any]) -> None:
    """Tell every subscriber of the event type; `payload` is without `webhook_event_type`."""
