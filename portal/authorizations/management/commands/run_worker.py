import logging
import os
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from django.core.management.base import CommandError
from django.db import Error, OperationalError, connections
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, run_with_reloader
from django_tasks_db.management.commands import db_worker
from django_tasks_db.management.commands.db_worker import Worker

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.meter_sync import SyncStopped, is_sync_due, is_sync_wanted, run_sync
from portal.authorizations.services.replay import replay_spool
from portal.authorizations.services.spool import is_spool_empty
from portal.authorizations.tasks import run_interpretation

logger = logging.getLogger(__name__)

REPLAY_EVERY = 30.0
"""Seconds between two looks into the spool and for events."""
SYNC_EVERY = 15 * 60.0
"""Seconds between two syncs of meters."""
ASKED_EVERY = 20.0
"""Seconds between two looks whether an event asks for a sync: those that come meanwhile ask for the same one."""


class PatientWorker(Worker):
    """A worker that outlives a database that is locked for long or away for a while."""

    PAUSE = 5.0

    def run(self) -> None:
        while self.running:
            try:
                super().run()
            except OperationalError as error:
                logger.warning("The worker waits for the database: %s", str(error).strip())
                connections.close_all()
                time.sleep(self.PAUSE)
            else:
                return


class RegularLook(threading.Thread):
    """Looks for something, beside the tasks, again and again, and outlives whatever it meets."""

    what: ClassVar[str]
    """What waits when a look fails, for the log."""

    def __init__(self, every: float) -> None:
        super().__init__(name=self.what, daemon=True)
        self.every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self.every):
            self.look()

    def look(self) -> None:
        """One look; what still cannot be written stays for the next."""
        with self._outliving():
            self.act()

    @contextmanager
    def _outliving(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            logger.warning("The %s waits for the database: %s", self.what, str(error).strip())
        except Exception:
            # Whatever it is, the next look may succeed; a thread that died would let things pile up unseen.
            logger.exception("The look for the %s failed", self.what)
        finally:
            connections.close_all()

    def act(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """End it, after the look that is under way."""
        self._stopped.set()
        if self.is_alive():
            self.join()


class SpoolReplayer(RegularLook):
    """Replays the spool whenever there is something in it."""

    what = "spool"

    def act(self) -> None:
        if is_spool_empty():
            return
        result = replay_spool()
        logger.info("Spool: %d replayed, %d known, %d set aside", result.replayed, result.known, result.refused)


class EventInterpreter(RegularLook):
    """Interprets Leap's events that were stored, but whose task was lost."""

    what = "events"

    def act(self) -> None:
        # A task that has not begun yet is no loss: whoever comes first interprets, the other finds nothing.
        run_interpretation()


class MeterSyncer(RegularLook):
    """Syncs meters with Leap: at once, then whenever none has begun for `every` seconds, and when an event asks."""

    what = "sync of meters"

    def run(self) -> None:
        # One at the start whatever the last one's age; of several workers, the others find it not due.
        due_after = 0.0
        while True:
            self.sync(due_after)
            due_after = self.every
            until = time.monotonic() + self.every
            while (left := until - time.monotonic()) > 0:
                if self._stopped.wait(min(left, ASKED_EVERY)):
                    return
                self.look()

    def act(self) -> None:
        """Between two of its own: one that an event asks for."""
        if is_sync_wanted():
            self._sync()

    def sync(self, due_after: float) -> None:
        """One sync, if one is due; whatever stops it, the next one carries on."""
        with self._outliving():
            if is_sync_due(timedelta(seconds=due_after)):
                self._sync()

    def _sync(self) -> None:
        try:
            run_sync(full=False, check=self._check, pause=self._pause)
        except SyncStopped:
            logger.info("Meters: stopped midway, the next sync carries on")

    def _check(self) -> None:
        if self._stopped.is_set():
            raise SyncStopped

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise SyncStopped


class Command(PortalCommand, db_worker.Command):
    help = (
        "Do background work: the queue of tasks, the visits and confirmations that wait in SPOOL_DIR, Leap's events "
        "that wait, and a sync of meters with Leap now and then."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--replay-every",
            type=float,
            default=REPLAY_EVERY,
            help="Seconds between two looks into the spool and for events.",
        )
        parser.add_argument(
            "--sync-every",
            type=float,
            default=SYNC_EVERY,
            help="Seconds between two syncs of meters, 0 for none. With --batch there is none.",
        )

    def handle(
        self,
        *,
        verbosity: int,
        queue_name: str,
        exclude_queues: str,
        interval: float,
        batch: bool,
        backend_name: str,
        startup_delay: bool,
        reload: bool,
        max_tasks: int | None,
        worker_id: str,
        **options: Any,
    ) -> None:
        if exclude_queues and "*" not in queue_name.split(","):
            raise CommandError("--exclude-queues can only be used with --queue-name=*")
        self.configure_logging(verbosity)
        worker = PatientWorker(
            queue_names=queue_name.split(","),
            excluded_queue_names=exclude_queues.split(",") if exclude_queues else [],
            interval=interval,
            batch=batch,
            backend_name=backend_name,
            startup_delay=startup_delay,
            max_tasks=max_tasks,
            worker_id=worker_id,
        )
        looks: list[RegularLook] = [SpoolReplayer(options["replay_every"]), EventInterpreter(options["replay_every"])]
        if options["sync_every"] > 0 and not batch:
            looks.append(MeterSyncer(options["sync_every"]))
        # With DEBUG the worker runs in a child process, started anew whenever the code changes; a batch ends by itself.
        if reload and not batch:
            if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
                worker.configure_signals()
            run_with_reloader(_work, worker, looks)
        else:
            worker.configure_signals()
            _work(worker, looks)


def _work(worker: Worker, looks: Sequence[RegularLook]) -> None:
    for look in looks:
        look.start()
    try:
        # A stop signal ends the worker with SystemExit, at once or after the task that it is at.
        worker.run()
    finally:
        for look in looks:
            look.stop()
