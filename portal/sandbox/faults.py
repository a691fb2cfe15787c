"""Faults on demand: what can go wrong between the portal and Leap, for the next calls or until it is cleared."""

import errno
import time
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpResponse, StreamingHttpResponse

from portal.sandbox.models import Fault, FaultKind

#: Longest pause that can be asked for: a web process waits for so long.
LONGEST = 120.0
_AT_ONCE = (
    FaultKind.UNAUTHORIZED,
    FaultKind.FORBIDDEN,
    FaultKind.SERVER_ERROR,
    FaultKind.TOO_MANY,
    FaultKind.TOO_MANY_RETRY_AFTER,
    FaultKind.SLOW,
    FaultKind.DROPPED,
)


def add_fault(*, kind: str, path: str = "/", calls: int | None = None, seconds: float = 2) -> Fault:
    """Ask for a fault at the addresses that begin with `path`, such as /v2/meters, for the next `calls`.

    None: until it is cleared. `seconds` is how slow, or what Retry-After says. ValueError: no such kind or number.
    """
    if calls is not None and calls < 1:
        raise ValueError("A fault is for 1 call at least.")
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"The pause is between 0 and {LONGEST:g} seconds.")
    return Fault.objects.create(kind=FaultKind(kind), path=path, calls_left=calls, seconds=seconds)


def clear_faults() -> int:
    """End every fault, and return how many there were."""
    return Fault.objects.all().delete()[0]


def begin(path: str) -> dict[str, float]:
    """Take the faults that a call meets whatever it asks, pause if it shall be slow; return kind → seconds."""
    found = {}
    waiting = set(Fault.objects.values_list("kind", flat=True))
    for kind in _AT_ONCE:
        fault = take(kind, path) if kind in waiting else None
        if fault is not None:
            found[str(kind)] = fault.seconds
    if FaultKind.SLOW in found:
        time.sleep(found[FaultKind.SLOW])
    return found


def take(kind: FaultKind, path: str) -> Fault | None:
    """Return the oldest fault of a kind that this path meets, with one call fewer left; None: there is none."""
    for fault in Fault.objects.filter(kind=kind):
        if not path.startswith(fault.path):
            continue
        if fault.calls_left is None:
            return fault
        # Two calls at once: each takes its own.
        if Fault.objects.filter(pk=fault.pk, calls_left__gt=0).update(calls_left=F("calls_left") - 1):
            Fault.objects.filter(pk=fault.pk, calls_left=0).delete()
            return fault
    return None


def alter(answer: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the answer with what Leap may add one day, if that was asked for: enum values, fields.

    Leap calls both non-breaking. [docs/sync-meter-updates]
    """
    if "/meters" not in path:
        return answer
    if take(FaultKind.UNKNOWN_ENUM, path):
        answer = _with_unknown_values(answer)
    if take(FaultKind.EXTRA_FIELDS, path):
        answer = _with_extra_fields(answer)
    return answer


def dropped(response: HttpResponse) -> StreamingHttpResponse:
    """Return a response whose connection ends in the middle of its body."""
    content = response.content
    half = StreamingHttpResponse(_half(content), status=response.status_code, headers=dict(response.headers))
    half.headers["Content-Length"] = str(len(content))
    return half


def _half(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    # gunicorn takes this for the other side's doing: it closes the connection and logs no error.
    raise ConnectionResetError(errno.ECONNRESET, "the sandbox drops this connection")


_ENUMS = {
    "transmission_region": "REGION_OF_TOMORROW",
    "customer_classification": "CLASS_OF_TOMORROW",
    "meter_type": "TYPE_OF_TOMORROW",
    "utility_name": "UTILITY_OF_TOMORROW",
    "global_enrollment_status": "STATUS_OF_TOMORROW",
    "enrollment_status": "STATUS_OF_TOMORROW",
    "program_identifier": "PROGRAM-OF-TOMORROW",
    "action_type": "ACTION_OF_TOMORROW",
    "participation_preference": "PREFERENCE_OF_TOMORROW",
    "created_by": "SOMEBODY_OF_TOMORROW",
}


def _with_unknown_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ENUMS[key] if key in _ENUMS else _with_unknown_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_unknown_values(inner) for inner in value]
    return value


def _with_extra_fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: _with_extra_fields(inner) for key, inner in value.items()}, "of_tomorrow": {"is_new": True}}
    if isinstance(value, list):
        return [_with_extra_fields(inner) for inner in value]
    return value
