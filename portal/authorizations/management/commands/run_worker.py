import logging
import math
import os
import threading
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import Error, OperationalError, connections
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, run_with_reloader
from django_tasks_db.management.commands import db_worker
from django_tasks_db.management.commands.db_worker import Worker

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.services.imports import forget_old_imports
from portal.authorizations.services.meter_sync import SyncStopped, is_sync_due, run_sync
from portal.authorizations.services.replay import replay_spool
from portal.authorizations.services.spool import is_spool_empty

logger = logging.getLogger(__name__)

REPLAY_EVERY = 30.0
"""Seconds between two looks into the spool."""
TIDY_EVERY = 3600.0
"""Seconds between two looks for imports whose time is over."""
SYNC_EVERY = 15 * 60.0
"""Seconds between two syncs of meters."""


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


class Housekeeper(threading.Thread):
    """Beside the tasks: replays the spool whenever there is something in it, and removes old imports' files."""

    def __init__(self, every: float) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self.every = every
        self._tidied_at = -math.inf
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self.every):
            self.replay()
            self.tidy()

    def replay(self) -> None:
        """One look; what still cannot be written stays for the next."""
        if is_spool_empty():
            return
        try:
            result = replay_spool()
            logger.info("Spool: %d replayed, %d known, %d set aside", result.replayed, result.known, result.refused)
        except Error as error:
            logger.warning("The spool waits for the database: %s", str(error).strip())
        except Exception:
            # Whatever it is, the next look may succeed; a thread that died would let the spool grow unseen.
            logger.exception("The spool could not be replayed")
        finally:
            connections.close_all()

    def tidy(self) -> None:
        """Remove the files of old imports, which hold personal data; at most once in TIDY_EVERY."""
        if time.monotonic() - self._tidied_at < TIDY_EVERY:
            return
        self._tidied_at = time.monotonic()
        try:
            forget_old_imports()
        except Exception:
            logger.exception("Old imports could not be removed")
        finally:
            connections.close_all()

    def stop(self) -> None:
        """End it, after the replay that is under way."""
        self._stopped.set()
        if self.is_alive():
            self.join()


class MeterSyncer(threading.Thread):
    """Syncs meters with Leap, beside the tasks: at once, and then whenever none has begun for `every` seconds."""

    def __init__(self, every: float) -> None:
        super().__init__(name="meters", daemon=True)
        self.every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        # One at the start whatever the last one's age; of several workers, the others find it not due.
        due_after = 0.0
        while True:
            self.sync(due_after)
            due_after = self.every
            if self._stopped.wait(self.every):
                return

    def sync(self, due_after: float) -> None:
        """One sync, if one is due; whatever stops it, the next one carries on."""
        try:
            if is_sync_due(timedelta(seconds=due_after)):
                run_sync(full=False, check=self._check, pause=self._pause)
        except SyncStopped:
            logger.info("Meters: stopped midway, the next sync carries on")
        except Error as error:
            logger.warning("The sync of meters waits for the database: %s", str(error).strip())
        except Exception:
            logger.exception("Meters could not be synced")
        finally:
            connections.close_all()

    def stop(self) -> None:
        """End it, after the page that is under way."""
        self._stopped.set()
        if self.is_alive():
            self.join()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise SyncStopped

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise SyncStopped


class Command(PortalCommand, db_worker.Command):
    help = (
        "Do background work: the queue of tasks, the visits and confirmations that wait in SPOOL_DIR, "
        "and a sync of meters with Leap now and then."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--replay-every", type=float, default=REPLAY_EVERY, help="Seconds between two looks into the spool."
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
        housekeeper = Housekeeper(options["replay_every"])
        beside: list[SpoolReplayer | MeterSyncer] = [SpoolReplayer(options["replay_every"])]
        if options["sync_every"] > 0 and not batch:
            beside.append(MeterSyncer(options["sync_every"]))
        # With DEBUG the worker runs in a child process, started anew whenever the code changes; a batch ends by itself.
        if reload and not batch:
            if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
                worker.configure_signals()
            run_with_reloader(_work, worker, housekeeper)
        else:
            worker.configure_signals()
            _work(worker, housekeeper)


def _work(worker: Worker, housekeeper: Housekeeper) -> None:
    housekeeper.start()
            run_with_reloader(_work, worker, beside)
        else:
            worker.configure_signals()
            _work(worker, beside)


def _work(worker: Worker, beside: Sequence[SpoolReplayer | MeterSyncer]) -> None:
    for thread in beside:
        thread.start()
    try:
        # A stop signal ends the worker with SystemExit, at once or after the task that it is at.
        worker.run()
    finally:
        housekeeper.stop()
        for thread in beside:
            thread.stop()
