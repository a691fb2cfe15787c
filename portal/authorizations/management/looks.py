"""What the worker looks after beside its tasks, each in a thread of its own."""

import logging
import math
import threading
from datetime import timedelta
from typing import ClassVar

from django.db import Error, connections
from django.utils import timezone

from portal.authorizations.models import Installation
from portal.authorizations.services.audit import acting
from portal.authorizations.services.erasure import finish_erasures
from portal.authorizations.services.figures import refresh_figures
from portal.authorizations.services.link_requests import answer_link_requests
from portal.authorizations.services.mailings import send_due_mails
from portal.authorizations.services.meter_sync import SyncStopped, is_sync_due, is_sync_wanted, run_sync
from portal.authorizations.services.outages import read_outage_feed
from portal.authorizations.services.plan import settle_deadlines
from portal.authorizations.services.reminders import plan_reminders
from portal.authorizations.services.replay import replay_spool
from portal.authorizations.services.spool import is_spool_empty
from portal.authorizations.services.tidying import tidy
from portal.authorizations.tasks import run_interpretation

logger = logging.getLogger(__name__)

ASKED_EVERY = 5.0
"""Seconds between two looks whether an event asks for a sync of meters."""


class RegularLook(threading.Thread):
    """Looks for something again and again, every so many seconds, and outlives whatever it meets."""

    what: ClassVar[str]
    """What waits when a look fails, for the log."""
    looks_at_once: ClassVar[bool] = False

    def __init__(self, every: float) -> None:
        super().__init__(name=self.what, daemon=True)
        self.every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        if self.looks_at_once:
            self.look()
        while not self._stopped.wait(self.every):
            self.look()

    def look(self) -> None:
        """One look; what cannot be done stays for the next."""
        try:
            with acting(name="worker"):
                self.act()
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


class LinkRequestAnswerer(RegularLook):
    """Makes and mails the links that web visitors asked for, but whose task was lost or met no mail server."""

    what = "requests for a link"

    def act(self) -> None:
        answer_link_requests()


class MailSender(RegularLook):
    """Sends invitations and reminders that are due: at each look its share of the mails that a minute may see."""

    what = "mails"
    looks_at_once = True

    def act(self) -> None:
        installation = Installation.objects.first()
        if installation is not None:
            share = math.ceil(installation.mails_per_minute * self.every / 60)
            sent = send_due_mails(now=timezone.now(), most=share, is_over=self._stopped.is_set)
            if sent:
                logger.info("Mails: %d sent", sent)


class ReminderPlanner(RegularLook):
    """Plans reminders from what came since its last look: visits, returns, events, mails sent, meters matched."""

    what = "reminders"

    def act(self) -> None:
        plan_reminders(timezone.now())


class OutageFeedReader(RegularLook):
    """Reads which utilities are down, where an address for it is set."""

    what = "outage feed"
    looks_at_once = True

    def act(self) -> None:
        read_outage_feed(now=timezone.now())


class Tidier(RegularLook):
    """Removes what is too old, and what killed processes have left: much of it holds personal data."""

    what = "tidying"
    looks_at_once = True

    def act(self) -> None:
        gone = ", ".join(f"{count} {what}" for what, count in tidy().items() if count)
        if gone:
            logger.info("Tidied: %s", gone)


class FiguresCounter(RegularLook):
    """Counts what home, the plan and the list of campaigns show where there is much; before, moves deadlines on."""

    what = "figures"
    looks_at_once = True

    def act(self) -> None:
        settle_deadlines(now=timezone.now())
        refresh_figures()


class ErasureFinisher(RegularLook):
    """Removes what the erasure of a customer has left to do: files, and what came in late through the spool."""

    what = "erasures"
    looks_at_once = True

    def act(self) -> None:
        finish_erasures()


class MeterSyncer(RegularLook):
    """Syncs meters with Leap: at once, then whenever none has begun for `every` seconds, and when an event asks."""

    what = "meters"
    looks_at_once = True

    def __init__(self, every: float) -> None:
        super().__init__(min(every, ASKED_EVERY))
        self.sync_every = every
        # One at the start whatever the last one's age; of several workers, the others find it not due.
        self.due_after = 0.0

    def act(self) -> None:
        due_after, self.due_after = self.due_after, self.sync_every
        try:
            if is_sync_wanted() or is_sync_due(timedelta(seconds=due_after)):
                run_sync(full=False, check=self._check, pause=self._pause)
        except SyncStopped:
            logger.info("Meters: stopped midway, the next sync carries on")

    def _check(self) -> None:
        if self._stopped.is_set():
            raise SyncStopped

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise SyncStopped
