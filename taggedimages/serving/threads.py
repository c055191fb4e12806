"""The threads that run the application: few, kept (each holds a database connection), in lanes."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread, get_ident

from taggedimages.serving.lanes import Lane, all_but_one

logger = logging.getLogger(__name__)


def _nothing() -> None:
    pass


class Job:
    """Something to be run by one of the threads, unless it has waited for too long.

    What is under way already, and has no `expired`, waits for as long as it takes.
    """

    def __init__(
        self, run: Callable[[], None], expired: Callable[[], None] | None, lane: Lane | None
    ):
        self.run = run
        self.expired = expired
        self.lane = lane
        self.since = time.monotonic()
        self._claimed = Lock()

    def claim(self) -> bool:
        """Whether the caller may run or refuse it: once, by one thread."""
        return self._claimed.acquire(blocking=False)

    def start(self) -> None:
        """Run it, and keep nothing of it: the queue may hold what has been claimed for a while."""
        run, self.run, self.expired = self.run, _nothing, _nothing
        run()

    @property
    def is_claimed(self) -> bool:
        """Whether somebody runs it, has run it or has refused it."""
        return self._claimed.locked()


class Threads:
    """So many threads, and the jobs that wait for one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._ready: SimpleQueue[Job] = SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._lock = Lock()
        # Jobs of lanes that run, or are next to run; and those that wait for another of theirs.
        self._running: Counter[str] = Counter()
        self._held: deque[Job] = deque()
        # When each thread that is busy began its present job, by the thread.
        self._busy_since: dict[int, float] = {}
        for number in range(count):
            Thread(target=self._work, name=f"request-{number}", daemon=True).start()

    def submit(self, job: Job) -> None:
        """Run a job as soon as there is a thread for it. From the event loop."""
        if job.expired is not None:
            self._waiting.append(job)
        if job.lane is not None:
            with self._lock:
                if not self._takes(job.lane):
                    self._held.append(job)
                    return
                self._running[job.lane.name] += 1
        self._ready.put(job)

    def expire(self, seconds: float) -> None:
        """Refuse what has waited for longer. From the event loop, now and then."""
        until = time.monotonic() - seconds
        while self._waiting and (self._waiting[0].is_claimed or self._waiting[0].since < until):
            job = self._waiting.popleft()
            if job.claim() and job.expired is not None:
                job.expired()

    def stuck_seconds(self) -> float:
        """For how long every thread has been at one job; 0 while there is one that is free."""
        since = list(self._busy_since.values())
        return time.monotonic() - max(since) if len(since) == self.count else 0

    def _work(self) -> None:
        while True:
            job = self._ready.get()
            try:
                if job.claim():
                    self._busy_since[get_ident()] = time.monotonic()
                    job.start()
            except BaseException:
                logger.exception("A thread of the web front failed")
            finally:
                self._busy_since.pop(get_ident(), None)
            if job.lane is not None:
                self._leave(job.lane)
            # Waiting for the next, the thread would keep the last one's request and answer.
            del job

    def _takes(self, lane: Lane) -> bool:
        return self._running[lane.name] < lane.most(self.count) and (
            self._running.total() < all_but_one(self.count)
        )

    def _leave(self, lane: Lane) -> None:
        """Make room for those who have waited longest."""
        with self._lock:
            self._running[lane.name] -= 1
            still_held: deque[Job] = deque()
            for job in self._held:
                if job.is_claimed:
                    continue
                if job.lane is not None and self._takes(job.lane):
                    self._running[job.lane.name] += 1
                    self._ready.put(job)
                else:
                    still_held.append(job)
            self._held = still_held
