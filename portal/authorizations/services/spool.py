"""What could not be written to the database waits as files in SPOOL_DIR, one a record, until it is replayed.

A record's name is its receipt: a replay that dies between the database and the file repeats it without doubling it.
"""

import contextlib
import json
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

#: What a record says of who sent it.
_SENDERS = {"ip", "user_agent", "query_string", "authorization_id"}


def write_to_spool(*, kind: str, record: dict[str, Any]) -> uuid.UUID | None:
    """Keep a record (JSON values) of a kind; return its receipt, or None when even the disk fails (logged)."""
    receipt = uuid.uuid4()
    folder = Path(settings.SPOOL_DIR)
    part = folder / f"{receipt}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(part, "w", encoding="utf-8", opener=_private) as file:
            json.dump({"kind": kind, "record": record}, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(folder / f"{receipt}.json")
    except OSError:
        logger.exception("A %s could be written neither to the database nor to the spool", kind)
        return None
    return receipt


def is_spool_empty() -> bool:
    """Whether nothing waits."""
    return next(Path(settings.SPOOL_DIR).glob("*.json"), None) is None


def read_spool() -> Iterator[tuple[Path, uuid.UUID, str, dict[str, Any]]]:
    """Yield (file, receipt, kind, record), the oldest first; what cannot be read is set aside as *.bad."""
    folder = Path(settings.SPOOL_DIR)
    for file in sorted(folder.glob("*.json"), key=_age):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            yield file, uuid.UUID(file.stem), str(content["kind"]), dict(content["record"])
        except FileNotFoundError:
            continue  # another replay took it
        except (ValueError, KeyError, TypeError):
            logger.error("The spooled file %s cannot be read: set aside as .bad", file.name)
            set_aside(file)


def set_aside(file: Path) -> None:
    """Rename a file that no replay can use, so that it is kept but not tried again."""
    with contextlib.suppress(FileNotFoundError):  # another replay did
        file.rename(file.with_suffix(".bad"))


def forget_in_spool(link_ids: Iterable[int], reference_ids: Iterable[str | None]) -> int:
    """Take addresses and user agents out of what still waits about these links, and remove what cannot be read.

    Return how many files were about them.
    """
    keys, texts = set(link_ids), {text for text in reference_ids if text}
    count = 0
    folder = Path(settings.SPOOL_DIR)
    for file in [*folder.glob("*.json"), *folder.glob("*.bad"), *folder.glob("*.part")]:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
            try:
                record = dict(json.loads(text)["record"])
            except (ValueError, KeyError, TypeError):
                if any(each in text for each in texts):
                    file.unlink(missing_ok=True)
                    count += 1
                continue
            is_about = record.get("link_id") in keys or record.get("via_id") in keys
            if not is_about and not any(each in text for each in texts):
                continue
            for name in _SENDERS & record.keys():
                record[name] = ""
            whole = {**json.loads(text), "record": record}
            # In place: the name is its receipt, and a crash leaves the old content or the new.
            part = file.with_suffix(".part")
            part.write_text(json.dumps(whole), encoding="utf-8")
            part.replace(file)
            count += 1
        except OSError:
            continue
    return count


def _age(file: Path) -> tuple[int, str]:
    try:
        return file.stat().st_mtime_ns, file.name
    except FileNotFoundError:  # another replay took it
        return 0, file.name


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
