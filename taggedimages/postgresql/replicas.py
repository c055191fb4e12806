"""Which server a request may read from, so that whoever was told of a write finds it.

Two rules, with one bound (settings.REPLICA_LAG_SECONDS) that all processes share:

- A process reads from a replica only while, within the bound, it has seen the replica replay all
  that the primary had when it began to ask: `Replica.is_fresh`.
- The answer to a write is held until each replica has replayed it, or has lacked something for
  longer than the bound, so that no process reads from it any more: `settle`.

So no process needs to know of another, and no two clocks are compared. While the primary does not
answer, the first rule rests: old records are better than none.
"""

import random
import time
from collections.abc import Callable, Container
from contextlib import suppress
from threading import Lock, Thread
from typing import TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.backends.utils import CursorWrapper

from taggedimages.postgresql.base import answers_within

R = TypeVar("R")

LAG_SECONDS = settings.REPLICA_LAG_SECONDS
# How long a server may take to answer, and between questions to one that did not: by the time that
# a first write has been held for late replicas, everybody knows that the primary is back.
ANSWER_SECONDS, AWAY_SECONDS = 1.0, max(0.05, LAG_SECONDS / 2)
# How long a replica that lags stays out of use before it is looked at again.
LATE_SECONDS = 1.0
REPLAY_POLL_SECONDS = 0.0005, 0.01
# How many commits have waited for long for a synchronous replica, which is gone: whoever asked for
# them was told 503 meanwhile, and each keeps its connection.
COMMITS_HELD = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'SyncRep'
AND state_change < clock_timestamp() - interval '3 seconds'
"""


class Away(Exception):
    """The server does not answer."""


class Server:
    """A PostgreSQL server, and how far its write-ahead log reaches: an LSN, in bytes.

    The primary's: what it has flushed, which every commit that was answered is in. Unlike what it
    has inserted, that is sent to replicas at once.
    """

    lsn_function = "pg_current_wal_flush_lsn()"

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.away = False

    def lsn(self, anyway: bool = False) -> int:
        """Its LSN now, in bytes. Raises Away, without asking unless `anyway` if it was."""

        def ask(cursor: CursorWrapper) -> int:
            cursor.execute(f"SELECT coalesce({self.lsn_function} - '0/0'::pg_lsn, 0)")
            return int(cursor.fetchone()[0])

        return self._asked(ask, anyway)

    def answers(self) -> bool:
        """Whether there is a connection to it. The first statement need not look again."""
        try:
            self._asked(lambda cursor: None)
        except Away:
            return False
        return True

    def _asked(self, question: Callable[[CursorWrapper], R], anyway: bool = False) -> R:
        if self.away and not anyway:
            raise Away(self.alias)
        try:
            answer = self._ask(question)
        except Away:
            if not self.away:
                self.away = True
                # No request waits for it again until it has come back.
                Thread(target=self._wait_for, name=f"waits for {self.alias}", daemon=True).start()
            raise
        self.away = False
        return answer

    def _ask(self, question: Callable[[CursorWrapper], R]) -> R:
        with answers_within(ANSWER_SECONDS):
            # A kept connection may have been ended; the server is away when a new one fails.
            for _ in range(2):
                try:
                    with connections[self.alias].cursor() as cursor:
                        return question(cursor)
                except (DatabaseError, InterfaceError):
                    connections[self.alias].close()
        raise Away(self.alias)

    def _wait_for(self) -> None:
        while self.away:
            time.sleep(AWAY_SECONDS)
            with suppress(Away):
                self._ask(lambda cursor: None)
                self.away = False
        connections[self.alias].close()


class Replica(Server):
    """A server that replays the primary's log, some time after it."""

    lsn_function = "pg_last_wal_replay_lsn()"

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.fresh_until = self.late_until = 0.0
        # An LSN that it had not replayed yet, and an instant by which the primary had reached it.
        self.lacking = 0, 0.0
        self.asking = Lock()

    def answers(self) -> bool:
        """Whether there is a connection to it. After a crash it shows older records at first."""
        kept = connections[self.alias].connection
        answers = super().answers()
        if connections[self.alias].connection is not kept:
            self.fresh_until = 0.0
        return answers

    def is_fresh(self) -> bool:
        """Whether it has all that anybody was told of (the first rule)."""
        left = self.fresh_until - time.monotonic()
        # One thread asks ahead of time; others wait for it only once time is up.
        if left < LAG_SECONDS / 2 and self.asking.acquire(blocking=left <= 0):
            try:
                self._look()
            finally:
                self.asking.release()
        return time.monotonic() < self.fresh_until

    def settle(self, lsn: int, at: float) -> None:
        """Wait for an LSN that the primary had reached by `at` (the second rule). Raises Away."""
        pause = Pause()
        while 0 < self.behind(lsn, at) <= LAG_SECONDS:
            pause()

    def behind(self, lsn: int, at: float) -> float:
        """For how many seconds it has lacked something; 0 where it has all up to this LSN.

        The primary had reached it by `at`, on the monotonic clock. Raises Away.
        """
        replayed = self.lsn()
        if replayed >= lsn:
            return 0
        lacked, since = self.lacking
        # A primary that was put back to an earlier state has not reached yet what was lacking.
        if replayed >= lacked or lsn < lacked:
            lacked, since = self.lacking = lsn, at
        return time.monotonic() - since

    def _look(self) -> None:
        now = time.monotonic()
        if now < self.late_until or self.fresh_until - now >= LAG_SECONDS / 2:
            return
        with suppress(Away):
            if fresh_at := self._fresh_at(now + LAG_SECONDS / 2):
                self.fresh_until = fresh_at + LAG_SECONDS
            else:
                self.late_until = time.monotonic() + LATE_SECONDS

    def _fresh_at(self, until: float) -> float | None:
        """When the primary had no more than is replayed now; None where that takes too long.

        Asked twice: a replica that was late may, between the two questions of the first round,
        catch up with just what the primary had, and not with a write of that instant which did
        not wait for it because it was late.
        """
        for _ in range(2):
            asked_at = time.monotonic()
            lsn, at = PRIMARY.lsn(), time.monotonic()
            pause = Pause()
            while behind := self.behind(lsn, at):
                if behind > LAG_SECONDS or time.monotonic() > until:
                    return None
                pause()
        return asked_at


class Pause:
    """Sleeps for longer each time that it is called."""

    def __init__(self) -> None:
        self.seconds, self.longest = REPLAY_POLL_SECONDS

    def __call__(self) -> None:
        time.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, self.longest)


PRIMARY = Server(DEFAULT_DB_ALIAS)
REPLICA_SERVERS = [Replica(alias) for alias in settings.REPLICAS]


def choose(tried: Container[Server] = ()) -> Server:
    """Whom to read from, but for those that were tried already, if there is another.

    A fresh replica; else the primary; else, since that is away, the replica that is furthest.
    """
    replicas = [replica for replica in REPLICA_SERVERS if replica not in tried]
    random.shuffle(replicas)
    for replica in replicas:
        if replica.answers() and replica.is_fresh():
            return replica
    if PRIMARY not in tried and PRIMARY.answers():
        return PRIMARY
    reached: dict[Server, int] = {}
    for replica in replicas:
        with suppress(Away):
            reached[replica] = replica.lsn()
    return max(reached, key=reached.__getitem__, default=PRIMARY)


def settle() -> None:
    """Return once whatever was committed by now is found by everybody who reads.

    A replica that does not answer this process is taken for dead.
    """
    with suppress(Away):
        # A write that got through counts for more than a failure of some moments ago.
        lsn, at = PRIMARY.lsn(anyway=True), time.monotonic()
        for replica in REPLICA_SERVERS:
            with suppress(Away):
                replica.settle(lsn, at)
