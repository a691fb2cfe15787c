"""Erase a customer (CCPA): the personal data goes, the counts stay, and the audit says so. See docs/privacy.md.

The database is one transaction. Files, the spool and old pages of the database file cannot be part of it: the Erasure
row lists them, and `finish_erasures` removes them, right after the transaction and again by the worker until it is so.
"""

import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    Customer,
    CustomerImport,
    ErasedIdentity,
    Erasure,
    ImportState,
    PrintJob,
    PrintState,
)
from portal.authorizations.services.audit import record
from portal.authorizations.services.erased import digests_of
from portal.authorizations.services.erasure_rows import clear_rows, links_of
from portal.authorizations.services.erasure_words import Words, sweep
from portal.authorizations.services.events import interpret_events
from portal.authorizations.services.imports import is_stuck
from portal.authorizations.services.links import hold_customers
from portal.authorizations.services.replay import replay_spool
from portal.authorizations.services.spool import forget_in_spool

logger = logging.getLogger(__name__)


class EraseRefused(Exception):  # noqa: N818
    """A customer cannot be erased now; `str()` says why in words."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it: done now, or before; and whether files are left for the worker to remove."""

    erasure: Erasure
    created: bool

    @property
    def is_finished(self) -> bool:
        return self.erasure.finished_at is not None


def erase_customer(*, customer: Customer, by: User | None, reason: str) -> Erased:
    """Remove everything that says who a customer is, for good. Twice is once. Raises EraseRefused."""
    # What waits outside the tables is brought in first, so that it is cleared with the rest.
    with suppress(DatabaseError):
        replay_spool()
        interpret_events()
    with transaction.atomic():
        hold_customers([customer.pk])
        customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
        before = Erasure.objects.filter(customer=customer).first()
        if before is not None:
            return Erased(before, created=False)
        _refuse_meanwhile()
        now, words = timezone.now(), Words.of(customer)
        erasure = Erasure.objects.create(customer=customer, at=now, by=by, reason=reason)
        digests = digests_of(external_id=customer.external_id, email=customer.email)
        ErasedIdentity.objects.bulk_create(ErasedIdentity(erasure=erasure, digest=digest) for digest in digests)
        links = links_of(customer).count()
        erasure.files = clear_rows(customer=customer, words=words, by=by, at=now)
        erasure.save(update_fields=["files"])
        sweep(words)
        record(action=AuditAction.ERASED, noun="customer", row=customer.pk, by=by, reason=str(reason), rows=links)
    finish_erasure(erasure)
    return Erased(erasure, created=True)


def finish_erasures() -> int:
    """Remove what unfinished erasures have left; return how many are through now."""
    return sum(finish_erasure(erasure) for erasure in Erasure.objects.unfinished().order_by("pk"))


def finish_erasure(erasure: Erasure) -> bool:
    """Remove an erasure's files, what the spool still holds, and old pages of the database; return whether all is gone.

    What cannot be removed now stays on the row, for the worker.
    """
    links = links_of(erasure.customer)
    left = [name for name in erasure.files if not _remove(name)]
    forget_in_spool(links.values_list("pk", flat=True), links.values_list("reference_id", flat=True))
    # A print that is under way may still write the file that it was told to.
    busy = PrintJob.objects.filter(labels__link__in=links, state=PrintState.RUNNING).exists()
    with suppress(DatabaseError):
        overwrite_old_pages()
        if not left and not busy:
            erasure.files, erasure.finished_at = [], timezone.now()
            erasure.save(update_fields=["files", "finished_at"])
            return True
    if left:
        logger.warning("Erasure %s: %d files could not be removed yet", erasure.pk, len(left))
    return False


def readmit_customer(*, customer: Customer, by: User) -> bool:
    """Let the person be added again; return False if that was so already. Nothing that was erased comes back."""
    with transaction.atomic():
        lifted = Erasure.objects.filter(customer=customer, lifted_at__isnull=True)
        if not lifted.update(lifted_at=timezone.now(), lifted_by=by):
            return False
        ErasedIdentity.objects.filter(erasure__customer=customer).delete()
        record(action=AuditAction.CHANGED, noun="customer", row=customer.pk, by=by, fields=["erasure"], state="lifted")
    return True


def overwrite_old_pages() -> None:
    """On SQLite, bring the write-ahead log into the file and empty it, and let a search index forget deleted words.

    What was overwritten in the file itself is zeroed: PRAGMA secure_delete (settings.py).
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%%USING fts5%%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")  # noqa: S608
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse_meanwhile() -> None:
    applying = CustomerImport.objects.filter(state=ImportState.APPLYING)
    if any(not is_stuck(imported) for imported in applying):
        raise EraseRefused("A list is being applied at this moment, and may hold this customer: try again in a minute.")


def _remove(name: str) -> bool:
    """Remove a file or folder below MEDIA_ROOT; return whether it is gone."""
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / name).resolve()
    if root not in path.parents:
        logger.error("An erasure names a file outside of MEDIA_ROOT")
        return True
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
