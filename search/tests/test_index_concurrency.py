"""Totals are those of one moment, whatever is written and folded meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from django.db import connection, connections, transaction

from images import editing
from images.models import Image
from search.executor import counts, pages
from search.index import building, locking, maintenance, merging, project_terms
from search.index.thresholds import Thresholds
from search.index.verification import verify
from search.models import MergeLog, Rebuild
from search.query import Query
from search.tests.answers import path_of
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_image, make_tag
from tags import statistics, tagging
from tags.models import Tag
from tags.statistics_models import TagStatistics

pytestmark = [pytest.mark.django_db(transaction=True)]

READINGS = 40


def merge_small() -> int:
    return merging.merge(thresholds=SMALL)


IMAGES, MOVING = 12, 3


@pytest.fixture
def moved() -> list[Image]:
    """Images for everybody, of which three have a tag that will move among them."""
    images = [make_image("still") for _ in range(IMAGES)]
    tagging.tag_each(images[:MOVING], [make_tag("moving")], TESTS)
    return images


@pytest.fixture
def turned() -> list[Image]:
    """Images of which one of two is private, by turns."""
    return [make_image("turning", "still", private=bool(n % 2)) for n in range(6)]


def move(images: list[Image]) -> Callable[[], None]:
    """Take a tag off one image and put it on another, in one transaction."""
    tag = Tag.objects.get(name="moving")
    places = cycle(range(IMAGES))

    def run() -> None:
        place = next(places)
        with transaction.atomic():
            tagging.untag(images[place], [tag.pk], TESTS)
            tagging.link(images[(place + MOVING) % IMAGES], tag, TESTS)

    return run


def turn(images: list[Image]) -> Callable[[], None]:
    """Hide one image of a pair and show the other, in one transaction."""
    pairs = cycle(zip(images[::2], images[1::2], strict=True))
    states = cycle([True] * 3 + [False] * 3)

    def run() -> None:
        one, other = next(pairs)
        private = next(states)
        with transaction.atomic():
            editing.edit(one, {"visibility": 2 if private else 0})
            editing.edit(other, {"visibility": 0 if private else 2})

    return run


def meanwhile(*writers: Callable[[], Any], reader: Callable[[], Any], readers: int = 2) -> None:
    """Writers go on until all readers have read their fill. Raises what any of them raises."""
    done = threading.Event()

    def write(writer: Callable[[], Any]) -> None:
        try:
            writer()
            while not done.is_set():
                writer()
        finally:
            connections.close_all()

    def read(_: int) -> None:
        try:
            for _ in range(READINGS):
                reader()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(writers) + readers) as threads:
        writing = [threads.submit(write, writer) for writer in writers]
        try:
            list(threads.map(read, range(readers)))
        finally:
            done.set()
        for writer in writing:
            writer.result()


def total_and_page(query: Query, thresholds: Thresholds = SMALL) -> tuple[int, int]:
    """How many are counted, and how many are on a page that has room for all."""
    path = path_of(query, thresholds=thresholds)
    counted = counts.count(path)
    return counted.images, len(pages.positions(path, counted, 100))


@pytest.mark.parametrize("few_links", [0, 1000], ids=["by bitmaps", "by rows"])
def test_readers_see_the_one_true_total_whatever_is_written_and_merged(moved, turned, few_links):
    thresholds = replace(SMALL, links_counted_by_rows_max=few_links)
    shown = IMAGES + len(turned) // 2
    truths = {
        Query(): shown,
        Query(exact_tags=("moving",)): MOVING,
        Query(exact_tags=("turning",)): len(turned) // 2,
        Query(exact_tags=("still",)): shown,
        Query(exact_tags=("still", "moving")): MOVING,
        Query(untagged=True): 0,
    }

    def read() -> None:
        for query, truth in truths.items():
            assert total_and_page(query, thresholds) == (truth, truth), query

    merge_all(SMALL)
    meanwhile(move(moved), turn(turned), merge_small, reader=read)
    assert verify().right
    read()


def test_readers_see_the_one_true_total_while_a_rebuild_runs(moved):
    def read() -> None:
        assert total_and_page(Query(exact_tags=("moving",))) == (MOVING, MOVING)

    meanwhile(move(moved), lambda: building.rebuild(SMALL), reader=read)
    assert verify().right


def test_of_two_merges_at_once_one_leaves_it_to_the_other(moved, turned):
    def read() -> None:
        assert total_and_page(Query(exact_tags=("moving",))) == (MOVING, MOVING)

    meanwhile(move(moved), *[merge_small] * 3, reader=read, readers=1)
    assert verify().right


def in_another_process() -> tuple[int, bool]:
    """A round of maintenance over a connection of its own: what it merged, and whether projects
    are still due."""
    try:
        return maintenance.run_once(SMALL), project_terms.are_due()
    finally:
        connections.close_all()


def merge_log() -> list[int]:
    """The numbers of the merges that are logged, over a connection of its own."""
    try:
        return list(MergeLog.objects.values_list("pk", flat=True))
    finally:
        connections.close_all()


def test_maintenance_leaves_to_another_worker_what_that_is_at(moved):
    with ThreadPoolExecutor(1) as other:
        with locking.index_transaction():
            assert other.submit(in_another_process).result() == (0, True)
        merged, due = other.submit(in_another_process).result()
    assert merged
    assert not due


def test_a_due_rebuild_that_another_worker_is_at_is_not_waited_for(moved):
    Rebuild.objects.create()
    with ThreadPoolExecutor(1) as other, locking.index_transaction() as cursor:
        building.rebuild_within(cursor, SMALL)
        # Were it to wait for the lock, it would wait for this very transaction.
        assert other.submit(in_another_process).result(timeout=30) == (0, True)
    assert not Rebuild.objects.exists()
    assert verify().right


def test_a_due_rebuild_that_another_worker_has_ended_is_not_done_again(moved):
    """Two workers see that it is due; the second gets hold of the index when the first is done."""
    Rebuild.objects.create()
    project_terms.adopt()

    logged: list[list[int]] = []

    def rebuild_before_the_lock(execute, statement, *asked):
        if statement.startswith(locking.LOCK) and not logged:
            with ThreadPoolExecutor(1) as first:
                first.submit(in_another_process).result()
                logged.append(first.submit(merge_log).result())
        return execute(statement, *asked)

    with connection.execute_wrapper(rebuild_before_the_lock):
        maintenance.run_once(SMALL)
    assert not Rebuild.objects.exists()
    # A rebuild leaves one line in the log, of its own: it is still the first worker's.
    assert len(logged[0]) == 1
    assert merge_log() == logged[0]
    assert verify().right


def keep_statistics() -> None:
    """What a worker's round does besides, over a connection of its own."""
    try:
        statistics.keep()
    finally:
        connections.close_all()


@pytest.mark.parametrize("doing", [maintenance.run_once, building.rebuild, merging.merge])
def test_statistics_of_tags_may_be_written_meanwhile(moved, doing):
    """What the index does sees one state of the database, in which it cannot write what others
    have written since."""
    while statistics.keep():
        pass
    # Of the very tags of which the number of links is told afterwards.
    tagging.tag_each(moved, [Tag.objects.get(name="moving")], TESTS)
    kept: list[None] = []

    def keep_within(execute, statement, *asked):
        answer = execute(statement, *asked)
        if connection.in_atomic_block and "search_unindexed" in str(statement) and not kept:
            with ThreadPoolExecutor(1) as worker:
                kept.append(worker.submit(keep_statistics).result())
        return answer

    with connection.execute_wrapper(keep_within):
        doing()
    assert kept
    while statistics.keep():
        pass
    assert TagStatistics.objects.get(tag__name="moving").links == IMAGES
    assert verify().right
