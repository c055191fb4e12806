"""The worker's look through the vocabulary, each night or when somebody asks for it.

One worker at a time holds it, by a lease. Pairs are found in one part of the vocabulary after the
other (`tags.cleanup.parts`), which a worker has in memory and begins anew if it is killed; the
steps after that go by id, and move on in the transaction that writes what they found. What the last
sweep found stays until this one has ended.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from taggedimages.transactions import QUERY_CANCELED, retried, sqlstate
from tags import counters
from tags.cleanup import asking, projects, singles, writing
from tags.cleanup.judging import judged
from tags.cleanup.models import TWINS, CleanupSweep
from tags.cleanup.parts import Part, parts_of
from tags.models import Tag

logger = logging.getLogger(__name__)

T = TypeVar("T")

LEASE, HELD_SECONDS = timedelta(seconds=60), 10
# Of one round of the worker, and between two looks at whether a sweep is due.
ROUND_SECONDS, LOOK_SECONDS = 0.5, 2.0
# No statement takes longer; what would is done with fewer at once, and left out if it is one.
STATEMENT_MS = 20_000
# Names, pairs, tags and rows that are dealt with at once.
NAMES, PAIRS, TAGS, ROWS = 5_000, 500, 2_000, 50

MAKE = """
INSERT INTO tags_cleanupsweep (id, number, parts, step, position, counted, found)
VALUES (1, 0, 1, 0, 0, '{}', '{}') ON CONFLICT DO NOTHING
"""
CLAIM = """
UPDATE tags_cleanupsweep SET lease_owner = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s
WHERE id = 1
AND (lease_owner = %(worker)s OR lease_until IS NULL OR lease_until < clock_timestamp())
AND (ended_at IS NULL OR asked_at > began_at OR %(seconds)s > 0
     AND began_at < clock_timestamp() - %(seconds)s * interval '1 second')
AND (began_at IS NOT NULL OR asked_at IS NOT NULL OR %(seconds)s > 0)
RETURNING began_at IS NULL OR ended_at IS NOT NULL
"""
BEGIN = """
UPDATE tags_cleanupsweep SET number = number + 1, began_at = clock_timestamp(), ended_at = NULL,
    step = 0, position = 0, counted = '{}', parts = %(parts)s
WHERE id = 1 AND lease_owner = %(worker)s
"""


class LeaseLost(Exception):
    """Another worker goes on with the sweep."""


class Sweep:
    """Goes on with the sweep where one is due, for a worker that calls it in each of its rounds."""

    def __init__(self) -> None:
        self.worker = uuid.uuid4()
        self.due_at = time.monotonic()
        self.state: CleanupSweep | None = None
        # What is left of the part that is in memory.
        self.part: Iterator[None] | None = None

    def __call__(self) -> int:
        """Half a second's work; returns how many pieces were done, 0 where nothing is due."""
        if time.monotonic() < self.due_at:
            return 0
        until, done = time.monotonic() + ROUND_SECONDS, 0
        for _ in self.pieces():
            done += 1
            if time.monotonic() > until:
                return done
        self.due_at = time.monotonic() + LOOK_SECONDS
        return done

    def pieces(self) -> Iterator[None]:
        """What there is to do of a sweep, piece by piece; nothing where none is due, or another
        worker has it."""
        state, held_at = self._claimed(), time.monotonic()
        try:
            while state and state.ended_at is None:
                self._piece(state)
                yield
                if state.ended_at is None and time.monotonic() > held_at + HELD_SECONDS:
                    self._move(state)
                    held_at = time.monotonic()
        except LeaseLost as lost:
            logger.info("%s", lost)
            self.state = self.part = None

    def _claimed(self) -> CleanupSweep | None:
        asked = {"worker": self.worker, "lease": LEASE, "seconds": settings.CLEANUP_SECONDS}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(MAKE)
            cursor.execute(CLAIM, asked)
            if not (claimed := cursor.fetchone()):
                return None
            if claimed[0]:
                parts = parts_of(counters.count_tags())
                cursor.execute(BEGIN, {"worker": self.worker, "parts": parts})
        held = CleanupSweep.objects.get()
        if self.state is None or (held.number, held.step) != (self.state.number, self.state.step):
            self.state, self.part = held, None
        return self.state

    def _piece(self, state: CleanupSweep) -> None:
        if state.step < state.parts:
            if self.part is None:
                self.part = self._walked(state)
            part, self.part = self.part, None
            # Where this fails, the part is begun anew.
            if next(part, StopIteration) is StopIteration:
                self._move(state, step=state.step + 1)
            else:
                self.part = part
            return
        steps = (self._settle, self._look, self._tell_projects, self._end)
        steps[state.step - state.parts](state)

    def _walked(self, state: CleanupSweep) -> Iterator[None]:
        """Find the pairs of a part, piece by piece."""
        part, last = Part(state.step, state.parts), 0
        named = Tag.objects.filter(alias_of=None).order_by("pk").values_list("pk", "name")
        while some := list(named.filter(pk__gt=last)[:NAMES]):
            part.add(some)
            last = some[-1][0]
            yield
        pairs = part.pairs()
        while batch := list(islice(pairs, PAIRS)):
            self._judge(state, batch)
            yield

    def _judge(self, state: CleanupSweep, pairs: Sequence[tuple[int, int]]) -> None:
        def judge(some: Sequence[tuple[int, int]]) -> None:
            self._write(state, judged(some))

        _halved(judge, pairs)

    def _settle(self, state: CleanupSweep) -> None:
        writing.settle_twins(state.number)
        self._move(state, step=state.step + 1, position=0)

    def _look(self, state: CleanupSweep) -> None:
        twins = [kind.value for kind in TWINS]
        looked = singles.look(state.position, TAGS, state.number, twins)
        if looked.last is None:
            self._move(state, step=state.step + 1, position=0)
        else:
            self._write(state, looked.drafts, position=looked.last)

    def _tell_projects(self, state: CleanupSweep) -> None:
        rows = projects.next_rows(state.position, ROWS, state.number)
        _halved(projects.tell, rows)
        if rows:
            self._move(state, position=rows[-1])
        else:
            self._move(state, step=state.step + 1, position=0)

    @retried
    def _end(self, state: CleanupSweep) -> None:
        writing.forget_others(state.number)
        news = {"ended_at": Now(), "found": state.counted}
        self._move(state, **news, lease_owner=None, lease_until=None)
        state.refresh_from_db()

    @retried
    def _write(self, state: CleanupSweep, drafts: list[writing.Draft], **news: int) -> None:
        counted = writing.write(drafts, state.number, state.counted) if drafts else state.counted
        self._move(state, counted=counted, **news)

    def _move(self, state: CleanupSweep, **news: object) -> None:
        """Write how far the sweep is. Raises LeaseLost."""
        until = Now() + LEASE
        held = CleanupSweep.objects.filter(number=state.number, lease_owner=self.worker)
        if not held.update(**{"lease_until": until} | news):
            raise LeaseLost("Another worker goes on with the look through the vocabulary.")
        for name, value in news.items():
            setattr(state, name, value)


def run() -> bool:
    """Look through the vocabulary as it is now; False where a worker is at it already."""
    asking.ask()
    sweep = Sweep()
    # What a killed worker left half done is ended first, and tells nothing of what came since.
    for _ in range(2):
        for _ in sweep.pieces():
            pass
    state = CleanupSweep.objects.get()
    return state.ended_at is not None and not asking.is_waiting(state)


def _halved(do: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
    """Do something with some items; with fewer at once where that takes too long, and with none of
    those that alone take too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
            do(items)
    except DatabaseError as error:
        if sqlstate(error) != QUERY_CANCELED:
            raise
        if len(items) < 2:
            logger.warning("%s takes too long to look at, and is left out.", items)
            return
        half = len(items) // 2
        _halved(do, items[:half])
        _halved(do, items[half:])
