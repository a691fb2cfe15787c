import logging
import os
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, connections
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, run_with_reloader
from django_tasks_db.management.commands import db_worker
from django_tasks_db.management.commands.db_worker import Worker

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.management.looks import (
    ErasureFinisher,
    EventInterpreter,
    FiguresCounter,
    LinkRequestAnswerer,
    MailSender,
    MeterSyncer,
    OutageFeedReader,
    RegularLook,
    ReminderPlanner,
    SpoolReplayer,
    Tidier,
)

logger = logging.getLogger(__name__)

REPLAY_EVERY = 30.0
"""Seconds between two looks into the spool and for events."""
MAIL_EVERY = 10.0
"""Seconds between two looks for mails that are due; one connection to the mail server serves a look."""
PLAN_EVERY = 30.0
"""Seconds between two looks for whom to remind."""
FEED_EVERY = 5 * 60.0
"""Seconds between two readings of the outage feed."""
TIDY_EVERY = 24 * 3600.0
"""Seconds between two looks for what is too old (services/retention.py)."""
COUNT_EVERY = 300.0
"""Seconds between two counts of the figures."""
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


class Command(PortalCommand, db_worker.Command):
    acts_as = "worker"
    help = (
        "Do background work: the queue of tasks, visits and confirmations that wait in SPOOL_DIR, events and requests "
        "for a link that wait, invitations and reminders that are due, the outage feed, a sync of meters with Leap "
        "now and then, and once a day what is too old goes."
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
        every = options["replay_every"]
        looks: list[RegularLook] = [SpoolReplayer(every), EventInterpreter(every), LinkRequestAnswerer(every)]
        looks.append(ErasureFinisher(every))
        if not batch:
            looks += [MailSender(MAIL_EVERY), ReminderPlanner(PLAN_EVERY), OutageFeedReader(FEED_EVERY)]
            looks += [Tidier(TIDY_EVERY), FiguresCounter(COUNT_EVERY)]
        if not batch and options["sync_every"] > 0:
            looks.append(MeterSyncer(options["sync_every"]))
        # With DEBUG the worker runs in a child process, started anew whenever the code changes; a batch ends by itself.
        if reload and not batch:
            if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
                worker.configure_signals()
            run_with_reloader(_work, worker, looks)
        else:
            worker.configure_signals()
            _work(worker, looks)


def _work(worker: Worker, looks: list[RegularLook]) -> None:
    for look in looks:
        look.start()
    try:
        # A stop signal ends the worker with SystemExit, at once or after the task that it is at.
        worker.run()
    finally:
        for look in looks:
            look.stop()
