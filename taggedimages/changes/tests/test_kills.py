"""A worker that is killed, or stopped for longer than its lease, repeats nothing and skips nothing.

CHANGE_KILLS says how often a worker is killed on the way of each change.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from images.models import Image
from search.index.verification import verify
from taggedimages.changes import batches, lifecycle, outcomes
from taggedimages.changes.models import Change, Kind, RecordState, State
from taggedimages.changes.tests import ending_worker
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    make_change,
    present,
    record_states,
    refs,
    replayed,
)
from taggedimages.factories import TESTS, make_image
from tags import tagging
from tags.models import TagChange

pytestmark = [pytest.mark.django_db(transaction=True)]
KILLS = int(os.environ.get("CHANGE_KILLS", "3"))
# Statements of a batch, and of what comes before and between batches, are some twenty. Within so
# many no worker does more than three batches of three images.
MOST_STATEMENTS = 45
IMAGES = 9 * KILLS + 3
WAIT_SECONDS = 30


@pytest.fixture
def images() -> list[Image]:
    images = [make_image("old", "knee") for _ in range(IMAGES)]
    for image in images[::3]:
        tagging.set_values(image, {"old": "value", "side": "left"}, TESTS)
    return images


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LEASE", ending_worker.LEASE)


def started(name: str, number: int) -> subprocess.Popen[bytes]:
    """A worker that ends so before the statement of this number."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    command = [sys.executable, "-m", ending_worker.__name__, name, str(number)]
    return subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url}, cwd=settings.BASE_DIR)


def assert_halfway_right(change: Change) -> None:
    """What is done so far is done whole: links are the ledger's, and outcomes say what was done."""
    change.refresh_from_db()
    assert replayed() == present()
    counts = outcomes.by_bitmap(change.pk)
    counts.pop(0)
    assert sum(counts.values()) == change.done <= change.images
    lines = TagChange.objects.filter(bulk=change.pk).values("image_id").distinct()
    states = RecordState.objects.filter(change=change)
    assert lines.count() + states.count() == change.outcomes.get("changed", 0)
    if change.state == State.APPLIED:
        assert change.done == change.images


def killed_on_the_way(change: Change, drawn: random.Random) -> Change:
    """The change, applied by workers of which many are killed."""
    for _ in range(KILLS):
        worker = started("KILL", drawn.randint(2, MOST_STATEMENTS))
        assert worker.wait(WAIT_SECONDS) == -signal.SIGKILL
        assert_halfway_right(change)
        time.sleep(ending_worker.LEASE.total_seconds())
    return finished(change)


def finished(change: Change) -> Change:
    """The change, once its worker is thought dead and another has done the rest."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while applied(change).state == State.APPLYING:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert change.state == State.APPLIED, change.problem
    assert_adds_up(change)
    assert verify().right
    return change


def retag(images: list[Image]) -> Change:
    (side,) = refs("side")
    values = [{**side, "value": "right"}]
    return make_change({"add": refs("new"), "remove": refs("old"), "values": values}, images)


def merge(images: list[Image]) -> Change:
    operation = {"merge": {"from": refs("old"), "into": refs("knee")[0]}}
    return make_change(operation, images, kind=Kind.MERGE)


def trash(images: list[Image]) -> Change:
    return make_change({"images": "trash"}, images, kind=Kind.RECORDS)


@pytest.mark.parametrize("make", [retag, merge, trash])
def test_killed_workers_repeat_nothing_and_skip_nothing_there_and_back(images, make):
    drawn = random.Random(f"{make.__name__} {KILLS}")
    before, records = identities(), record_states()
    change = killed_on_the_way(make(images), drawn)
    assert change.outcomes == {"changed": IMAGES}
    assert (record_states() == records) is (make is not trash)
    undo = lifecycle.undo(change, TESTS)
    undo = killed_on_the_way(lifecycle.apply(undo.pk, undo.digest, TESTS), drawn)
    assert undo.outcomes == {"changed": IMAGES}
    assert (identities(), record_states()) == (before, records)


@pytest.mark.parametrize("number", [12, 19, 26, 33])
def test_one_that_stalls_past_its_lease_is_taken_over_and_then_does_nothing(images, number):
    change = retag(images)
    stalled = started("STOP", number)
    try:
        wait_until(lambda: state_of(stalled) == "T")
        finished(change)
        links, lines = identities(), TagChange.objects.count()
        stalled.send_signal(signal.SIGCONT)
        assert stalled.wait(WAIT_SECONDS) == 0
    finally:
        stalled.kill()
        stalled.wait()
    assert identities() == links
    assert TagChange.objects.count() == lines
    assert_adds_up(change)


def state_of(process: subprocess.Popen[Any]) -> str:
    with open(f"/proc/{process.pid}/stat") as status:
        return status.read().rpartition(")")[2].split()[0]


def wait_until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
