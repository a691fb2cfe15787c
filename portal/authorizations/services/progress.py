"""How far long work is, for the screen that waits. Kept in the cache, outside any transaction: it shows at once."""

import time
from dataclasses import asdict, dataclass

from django.core.cache import cache

_KEPT_SECONDS = 24 * 3600
#: Work reports every few seconds: silent for so long, its process has died or was never there.
STALE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows done of all (0: not known yet), and what is being done in a word or two."""

    done: int = 0
    total: int = 0
    doing: str = ""
    at: float = 0.0
    """When it was reported, in seconds since 1970; 0: never."""

    @property
    def is_stale(self) -> bool:
        return time.time() - self.at > STALE_SECONDS

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


def report_progress(key: str, *, done: int, total: int, doing: str) -> None:
    """Note how far the work named `key` is."""
    cache.set(f"progress:{key}", asdict(Progress(done, total, doing, time.time())), _KEPT_SECONDS)


def read_progress(key: str) -> Progress:
    """Return how far the work named `key` is; nothing done if nobody said so."""
    return Progress(**(cache.get(f"progress:{key}") or {}))
