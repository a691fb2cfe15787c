"""Bring what waits in the spool into the database."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import DataError, IntegrityError

from portal.authorizations.models import AuditEntry, Confirmation, Visit
from portal.authorizations.services.audit import record_spooled
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.spool import read_spool, set_aside
from portal.authorizations.services.visits import record_visit

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ReplayResult:
    """How many records came into the database, had been there already, or were set aside."""

    replayed: int = 0
    known: int = 0
    refused: int = 0


def replay_spool() -> ReplayResult:
    """Write every spooled record to the database, once, and remove its file.

    Raises OperationalError (django.db) when the database still cannot be written: the files stay.
    """
    result = ReplayResult()
    for file, receipt, kind, record in read_spool():
        try:
            at = datetime.fromisoformat(record.pop("at"))
            record.pop("is_first", None)  # in files of a release before the database set milestones
            if kind == "visit":
                record_visit(**record, at=at, receipt=receipt)
            elif kind == "confirmation":
                record_confirmation(**record, at=at, receipt=receipt)
            elif kind == "audit":
                record_spooled(**record, at=at, receipt=receipt)
            else:
                raise KeyError(kind)
            result.replayed += 1
        except IntegrityError:
            # An earlier replay died before it removed the file; anything else is no record of ours.
            if not _is_known(receipt):
                _set_aside(file, result)
                continue
            result.known += 1
        except (DataError, KeyError, TypeError, ValueError):
            _set_aside(file, result)
            continue
        file.unlink(missing_ok=True)
    return result


def _is_known(receipt: uuid.UUID) -> bool:
    return any(model.objects.filter(receipt=receipt).exists() for model in (Visit, Confirmation, AuditEntry))


def _set_aside(file: Path, result: ReplayResult) -> None:
    logger.error("The spooled file %s is nothing that the portal keeps: set aside as .bad", file.name)
    set_aside(file)
    result.refused += 1
